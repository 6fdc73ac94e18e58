// The origins of one generation on one loop: for each the thing that answers, ready to be asked.
//
// What all loops share (health, TLS settings, open folders) is built once with the configuration, in
// `OriginAssets`; what belongs to a loop (connections, copies of small files) is built here.

/// Built once for a configuration, and shared by all loops.
struct OriginAssets: Sendable {
    enum Asset: Sendable {
        case servers(health: OriginHealth, tls: TLSContext?)
        case files(FileRoot)
        /// A kind of origin that this version cannot ask; `edged run` has refused it before.
        case none
    }

    let assets: [Asset]
    /// For servers that functions name; nil where there are none.
    var fetchTLS: TLSContext?
}

/// The health of one origin's members as all loops see it.
///
/// The machine is behind a lock; what choosing a member needs is published in two atomics, so a healthy origin
/// costs a request two relaxed loads.
final class OriginHealth: Sendable {
    private let machine: Locked<HealthMachine>
    private let out = SharedWord()
    private let watched = SharedWord()

    init(_ machine: HealthMachine) { self.machine = Locked(machine) }

    var verdict: HealthVerdict { HealthVerdict(out: out.value, watched: watched.value) }

    /// Runs one decision and publishes what it changed.
    func decide<Result>(_ decision: (inout HealthMachine) -> Result) -> Result {
        machine.withLock { machine in
            let result = decision(&machine)
            out.value = machine.verdict.out
            watched.value = machine.verdict.watched
            return result
        }
    }
}

/// The servers of one origin, as one loop asks them.
final class ServerSet {
    let settings: OriginSettings
    let pools: [OriginPool]
    let health: OriginHealth
    /// The index of this origin in the metrics of its loop.
    let metricIndex: Int
    private var choice: MemberChoice

    init(
        settings: OriginSettings,
        pools: [OriginPool],
        health: OriginHealth,
        metricIndex: Int,
        seed: UInt64
    ) {
        self.settings = settings
        self.metricIndex = metricIndex
        self.pools = pools
        self.health = health
        choice = MemberChoice(weights: pools.map { Int32($0.server.weight) }, seed: seed)
    }

    /// Nil when every member that serves was tried.
    func choose(tried: UInt64) -> Int? { choice.choose(verdict: health.verdict, tried: tried) }

    func choosable(tried: UInt64) -> Bool {
        choice.isChoosable(verdict: health.verdict, tried: tried)
    }

    func report(
        _ outcome: HealthMachine.Outcome,
        member: Int,
        _ loop: EventLoop
    )
        -> HealthMachine.Change
    {
        if outcome == .success, !health.verdict.isWatched(member) { return .nothing }
        let jitter = UInt32(truncatingIfNeeded: loop.random.next())
        return health.decide { machine in
            machine.record(outcome, member: member, now: loop.now, jitter: jitter)
        }
    }
}

/// A folder, as one loop serves it.
final class FileOrigin {
    let root: FileRoot
    var cache = FileCache()
    var told = ToldFolders()

    init(root: FileRoot) { self.root = root }
}

final class OriginDirectory {
    enum Station {
        case servers(ServerSet)
        case files(FileOrigin)
        case none
    }

    let stations: [Station]
    let fetchPools: FetchPools?

    init(
        configuration: Configuration,
        assets: OriginAssets,
        loop: EventLoop,
        loopCount: Int,
        resolver: Resolver,
        vocabulary: MetricVocabulary
    ) {
        let limits = configuration.settings.limits
        let headLimits = HeadLimits(
            requestLine: limits.requestLineBytes,
            head: limits.headBytes,
            fields: limits.fields
        )
        fetchPools = assets.fetchTLS.map { tls in
            FetchPools(
                loop: loop,
                resolver: resolver,
                tls: tls,
                headLimits: headLimits,
                refusesPrivate: !configuration.settings.functions.fetchesPrivateAddresses
            )
        }
        stations = configuration.origins.map { settings in
            switch (assets.assets[settings.index], settings.source) {
            case (.servers(let health, let tls), .servers(let servers)):
                let pools = servers.map { server in
                    OriginPool(
                        loop: loop,
                        settings: settings,
                        server: server,
                        connectionsMax: max(1, settings.connections / loopCount),
                        headLimits: headLimits,
                        tls: server.isTLS ? tls : nil,
                        resolver: resolver
                    )
                }
                return .servers(
                    ServerSet(
                        settings: settings,
                        pools: pools,
                        health: health,
                        metricIndex: vocabulary.index(ofOrigin: settings.name) ?? 0,
                        seed: loop.random.next()
                    )
                )
            case (.files(let root), .files): return .files(FileOrigin(root: root))
            case (.servers, _), (.files, _), (.none, _): return .none
            }
        }
    }

    /// Nothing of it is left: its pools leave the loop. Only when `isDrained`.
    func close() { forEachPool { $0.loop.remove($0) } }

    /// The generation was replaced: idle connections close.
    func retire() {
        forEachPool { $0.retire() }
        fetchPools?.retire()
    }

    var isDrained: Bool {
        var isDrained = true
        forEachPool { isDrained = isDrained && $0.isDrained }
        return isDrained
    }

    func forEachPool(_ body: (OriginPool) -> Void) {
        for case .servers(let set) in stations {
            for pool in set.pools { body(pool) }
        }
        fetchPools?.eachPool(body)
    }
}
