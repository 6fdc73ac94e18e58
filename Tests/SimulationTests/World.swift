// The whole server on one loop in a simulated network, with its scripted neighbours; what it must keep is checked
// while it runs and when it is over.

@testable import EdgeRuntime

/// What a storm does to the network and to those on it.
struct Weather {
    var name: String
    var network = NetworkWeather.calm
    /// Origins break off, fall silent, answer nonsense.
    var hasFaults = false
    /// Viewers leave in the middle.
    var hasQuitters = false

    static let all: [Weather] = [
        Weather(name: "calm"),
        // Sockets that take a whole queue at once say nothing of room, for there always was some.
        Weather(name: "wide", network: NetworkWeather(window: 4 << 20)),
        Weather(name: "delays", network: NetworkWeather(delay: 1_000...40_000_000)),
        Weather(
            name: "short",
            network: NetworkWeather(delay: 0...1_000_000, shortRead: 500, shortWrite: 500)
        ),
        Weather(name: "narrow", network: NetworkWeather(delay: 0...2_000_000, window: 1500)),
        Weather(
            name: "stalls",
            network: NetworkWeather(
                delay: 0...5_000_000,
                stallChance: 20,
                stall: .milliseconds(1700)
            )
        ),
        Weather(name: "resets", network: NetworkWeather(delay: 0...5_000_000, reset: 12)),
        Weather(name: "faults", network: NetworkWeather(delay: 0...5_000_000), hasFaults: true),
        Weather(
            name: "everything",
            network: NetworkWeather(
                delay: 0...20_000_000,
                shortRead: 300,
                shortWrite: 300,
                reset: 3,
                stallChance: 10,
                stall: .milliseconds(900),
                window: 9000
            ),
            hasFaults: true,
            hasQuitters: true
        ),
    ]
}

final class World {
    let seed: UInt64
    let weather: Weather
    let reactor: SimulatedReactor
    let loop: EventLoop
    let worker: Worker
    private(set) var published: Published
    /// Those that were replaced.
    private var generations: [WeakGeneration] = []
    /// A storm turns to a new generation after so many ticks.
    var reloadsEvery: Int?
    private let ring = LogRing(signal: LogSignal())
    let metrics: LoopMetrics
    let tickets = TicketKeys(now: 1_700_000_000)
    private(set) var origins: [ScriptedOrigin] = []
    var plans: [Plan] = []
    private var attempts: [Int] = []
    private var memberBase = 0
    private var viewers = 0
    private var viewersMade = 0
    private var random: Random
    private(set) var failures: [String] = []
    private(set) var trace: UInt64 = 0xcbf2_9ce4_8422_2325
    private let isVerbose: Bool

    private(set) var completions = 0
    private(set) var fromOrigins = 0
    private(set) var truncations = 0
    /// What viewers were shown, by the edge's id for it.
    private var shown: [String: Int] = [:]
    private var logLines: [LogFacts] = []

    static let edge = SocketAddress("10.0.0.1:80")!

    static let config = """
        return {
          listen = { { address = "10.0.0.1:80" } },
          log = { access = "off", events = "off" },
          limits = { requests_per_connection = 7 },
          origins = {
            a = { url = "http://10.1.0.1:80", connections = 6 },
            b = { urls = { "http://10.1.0.2:80", "http://10.1.0.3:80" }, weights = { 3, 1 } },
            slow = { url = "http://10.1.0.4:80" },
          },
          distributions = { sim = { domains = { "*" }, behaviors = {
            { path = "/b/*", origin = "b", cache = "off" },
            { path = "/slow/*", origin = "slow", cache = "off" },
            { path = "*", origin = "a", cache = "off" },
          } } },
        }
        """

    init(
        seed: UInt64,
        weather: Weather,
        config: String = World.config,
        isVerbose: Bool = false
    )
        throws
    {
        self.seed = seed
        self.weather = weather
        self.isVerbose = isVerbose
        random = Random(seed: seed)
        reactor = SimulatedReactor(seed: random.next(), weather: weather.network)
        loop = EventLoop(
            reactor: .simulated(reactor),
            blocking: try BlockingPool(threads: 0),
            random: Random(seed: random.next())
        )
        published = try Self.published(config, tickets, replacing: nil, now: loop.now)
        let all = Metrics(vocabulary: published.vocabulary)
        metrics = all.all[0]
        worker = Worker(
            index: 0,
            loopCount: 1,
            loop: loop,
            published: published,
            shared: SharedParts(
                name: Array("edge-sim".utf8),
                events: EventLog(),
                metrics: all,
                cache: CacheIndex(
                    budget: 8 << 20,
                    secret: CacheSecret([UInt8](repeating: 7, count: 16).span)
                ),
                connectionsMax: .max
            ),
            accessLog: AccessLog(ring: ring, format: .standard, location: "sim"),
            lookup: { _, _ in nil }
        )
        for (address, binding) in published.bindings {
            let handle = try loop.reactor.listen(address, options: ListenOptions())
            worker.listen(on: handle, binding)
        }
    }

    private static func published(
        _ config: String,
        _ tickets: TicketKeys,
        replacing previous: Published?,
        now: Nanoseconds
    ) throws -> Published {
        let loaded = ConfigCheck.load(text: config, environment: { _ in nil })
        guard let configuration = loaded.configuration else {
            throw StartFailure(reasons: loaded.diagnostics)
        }
        return try Published(
            number: (previous?.number ?? 0) + 1,
            configuration: configuration,
            tickets: tickets,
            vocabulary: previous?.vocabulary
                ?? MetricVocabulary(origins: [], loops: 1, verdicts: CacheVerdict.words),
            replacing: previous,
            now: now
        )
    }

    /// The next generation, for the whole of the world at once.
    func reload(_ config: String = World.config) throws {
        published = try Self.published(config, tickets, replacing: published, now: loop.now)
        generations.append(WeakGeneration(worker.context.generation))
        worker.publish(published, accessLog: worker.context.accessLog)
    }

    struct WeakGeneration {
        weak var generation: Generation?

        init(_ generation: Generation) { self.generation = generation }
    }

    func addOrigin(_ name: String, at address: String) throws {
        origins.append(
            try ScriptedOrigin(world: self, name: name, address: SocketAddress(address)!)
        )
    }

    /// Nothing is checked against a network that loses connections but that what arrives is right.
    var isLossy: Bool { weather.network.reset > 0 }

    /// Ends with the neighbours in place and nothing in motion.
    func ready() { memberBase = loop.memberCount }

    // MARK: Said by the neighbours

    func note(_ who: String, _ what: String, _ values: Int...) {
        func mix(_ byte: UInt8) { trace = (trace ^ UInt64(byte)) &* 0x100_0000_01b3 }
        for byte in who.utf8 { mix(byte) }
        for byte in what.utf8 { mix(byte) }
        for value in values + [Int(loop.now)] {
            trace = (trace ^ UInt64(bitPattern: Int64(value))) &* 0x100_0000_01b3
        }
        guard isVerbose else { return }
        let at = Double(loop.now - 1_000_000_000) / 1e9
        print("\(at) \(who) \(what) \(values.map(String.init).joined(separator: " "))")
    }

    func fail(_ what: String) {
        note("FAILURE", what)
        if failures.count < 10 { failures.append(what) }
    }

    func begins(_ id: Int) -> Int {
        attempts[id] += 1
        return attempts[id]
    }

    func isStruck(_ plan: Plan?, _ attempt: Int) -> Bool {
        guard let plan, plan.fault != .none else { return false }
        return attempt <= plan.faultAttempts
    }

    /// Whether the last answer to it broke off.
    func isBroken(_ plan: Plan) -> Bool {
        plan.fault.breaksBody && plan.hasBodyInResponse && isStruck(plan, attempts[plan.id])
    }

    /// Whether the answer may be the edge's own, or incomplete.
    func mayFail(_ plan: Plan) -> Bool {
        if isLossy || plan.mayFail { return true }
        // A body that met a connection which the origin was just closing is not sent again.
        return weather.hasFaults && plan.requestBytes != nil
    }

    func completed(_ plan: Plan, _ status: Int, _ requestID: String, isOrigins: Bool) {
        completions += 1
        if isOrigins { fromOrigins += 1 }
        if shown.updateValue(status, forKey: requestID) != nil {
            fail("two answers have the id \(requestID)")
        }
    }

    func truncated(_ plan: Plan) {
        truncations += 1
        note("viewer", "truncated", plan.id)
    }

    // MARK: Viewers

    func open(_ plans: [Plan], _ manners: Manners) {
        viewersMade += 1
        viewers += 1
        do throws(SystemError) {
            _ = ViewerPeer(
                world: self,
                name: "v\(viewersMade)",
                handle: try loop.reactor.connect(Self.edge),
                plans: plans,
                manners: manners
            )
        } catch {
            fail("a viewer cannot connect: \(error)")
        }
    }

    func viewerLeft(_ rest: [Plan]) {
        viewers -= 1
        if !rest.isEmpty { open(rest, Manners()) }
    }

    // MARK: Running

    /// A storm of `viewers` with `exchanges` in all.
    func storm(viewers count: Int, exchanges: Int) throws {
        try addOrigin("a", at: "10.1.0.1:80")
        try addOrigin("b1", at: "10.1.0.2:80")
        try addOrigin("b2", at: "10.1.0.3:80")
        try addOrigin("slow", at: "10.1.0.4:80")
        ready()
        for id in 0..<exchanges { plan { Plan.draw(id: id, faults: weather.hasFaults, &$0) } }
        var shares = [[Plan]](repeating: [], count: count)
        for plan in plans { shares[Int(random.next(below: UInt64(count)))].append(plan) }
        for share in shares where !share.isEmpty {
            open(share, Manners.draw(quits: weather.hasQuitters, &random))
        }
        try runUntilViewersLeft()
        settle()
        end()
    }

    func plan(_ draw: (inout Random) -> Plan) {
        plans.append(draw(&random))
        attempts.append(0)
    }

    private func runUntilViewersLeft() throws {
        let limit = loop.now + .seconds(1800)
        var ticks = 0
        while viewers > 0, failures.isEmpty {
            loop.tick(until: limit)
            ticks += 1
            if ticks % 64 == 0 { readLog() }
            if let reloadsEvery, ticks % reloadsEvery == 0 { try reload() }
            if loop.now >= limit { return fail("\(viewers) viewers are still waiting") }
            if ticks > 1_000_000 { return fail("the loop turns without end") }
        }
    }

    func run(for time: Nanoseconds) {
        let limit = loop.now + time
        var ticks = 0
        while loop.now < limit, failures.isEmpty {
            loop.tick(until: limit)
            ticks += 1
            if ticks > 1_000_000 { return fail("the loop turns without end") }
        }
        readLog()
    }

    /// Waits until idle connections are closed, then nothing may be left of the storm.
    func settle() {
        run(for: .seconds(200))
        guard failures.isEmpty else { return }
        // What the gauges do once a second, which the world does without.
        worker.context.dropDrained()
        expectZero("viewer connections", worker.context.connectionCount)
        expectZero("viewer connections by the gauge", Int(metrics.value(.viewerConnections)))
        expectZero("old generations", generations.count { $0.generation != nil })
        expectZero("exchanges", worker.context.exchangeCount)
        expectZero("bytes of chunks", loop.chunks.leasedBytes)
        expectZero("members of the loop", loop.memberCount - memberBase)
        expectZero("sockets", reactor.openSockets - 1 - origins.count)
        checkLog()
    }

    func end() {
        guard failures.isEmpty else { return }
        worker.drain(until: loop.now + .seconds(30))
        for origin in origins { origin.close() }
        origins = []
        run(for: .seconds(1))
        expectZero("sockets after the end", reactor.openSockets)
    }

    private func expectZero(_ what: String, _ count: Int) {
        if count != 0 { fail("\(count) \(what) are left") }
    }

    // MARK: The log

    private struct LogFacts {
        var id: String
        var status: Int
    }

    private func readLog() {
        while true {
            let ring = self.ring
            let count = ring.pending.count
            guard count > 0 else { return }
            for line in ring.pending.text.split(separator: "\n") {
                let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
                logLines.append(LogFacts(id: String(fields[14]), status: Int(fields[8]) ?? -1))
            }
            ring.consume(count)
        }
    }

    /// Every exchange has one line, and the line says what the viewer saw.
    private func checkLog() {
        readLog()
        if ring.droppedLines > 0 { fail("\(ring.droppedLines) lines of the log are lost") }
        var statuses: [String: Int] = [:]
        for line in logLines where statuses.updateValue(line.status, forKey: line.id) != nil {
            fail("two lines of the log have the id \(line.id)")
        }
        for (id, status) in shown where statuses[id] != status {
            fail("\(id) was answered \(status) and logged \(statuses[id] ?? -1)")
        }
        var counted = 0
        for first in StatusClass.allCases {
            for second in RequestResult.allCases {
                counted += Int(
                    metrics.value(.requests, Int(first.rawValue), Int(second.rawValue))
                )
            }
        }
        if counted != logLines.count { fail("\(counted) counted, \(logLines.count) logged") }
    }
}
