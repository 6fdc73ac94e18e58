// Asks servers whether they are well: runs what `HealthMachine` says about time, for all origins of one generation.
//
// One loop of the server does this for all. Origins without active checks are here as well, because the end of an
// ejection has to be published by somebody. A probe has connections of its own: it must neither wait behind the
// traffic of a busy origin, nor pass because a connection from yesterday still stands.

final class HealthProber: LoopMember {
    private struct Row {
        let settings: OriginSettings
        let servers: [OriginServer]
        let health: OriginHealth
        /// One for each server; empty without active checks.
        let pools: [OriginPool]
    }

    private let events: EventLog
    private let rows: [Row]
    private var running: [Probe] = []
    private var isRetired = false

    init(
        loop: EventLoop,
        configuration: Configuration,
        assets: OriginAssets,
        resolver: Resolver,
        events: EventLog
    ) {
        self.events = events
        let limits = configuration.settings.limits
        let headLimits = HeadLimits(
            requestLine: limits.requestLineBytes,
            head: limits.headBytes,
            fields: limits.fields
        )
        rows = configuration.origins.compactMap { settings in
            guard case .servers(let health, let tls) = assets.assets[settings.index],
                case .servers(let servers) = settings.source
            else { return nil }
            let pools =
                settings.health == nil
                ? []
                : servers.map { server in
                    OriginPool(
                        loop: loop,
                        settings: settings,
                        server: server,
                        connectionsMax: 1,
                        headLimits: headLimits,
                        tls: server.isTLS ? tls : nil,
                        resolver: resolver
                    )
                }
            return Row(settings: settings, servers: servers, health: health, pools: pools)
        }
        super.init(loop: loop)
        loop.add(self)
        loop.setDeadline(self, at: loop.now)
    }

    /// Another prober takes over. Probes that run still end, since their machines wait for them.
    func retire() {
        isRetired = true
        expired()
    }

    override func expired() {
        cutShort()
        if isRetired {
            leaveWhenDone()
        } else {
            for index in rows.indices { attend(to: index) }
            rearm()
        }
    }

    // MARK: Time

    private func attend(to index: Int) {
        let row = rows[index]
        while true {
            switch row.health.decide({ $0.tick(now: loop.now) }) {
            case .probation(let member): tell(.debug, "origin_probation", row, member)
            default:
                while let member = row.health.decide({ $0.nextProbe(now: loop.now) }) {
                    start(row, index, member)
                }
                return
            }
        }
    }

    /// Other loops eject servers without telling: their ends are found by looking.
    private func rearm() {
        var next = loop.now + Limits.healthPoll
        for row in rows { next = min(next, row.health.decide { $0.nextDeadline } ?? .never) }
        for probe in running { next = min(next, probe.totalDeadline) }
        loop.setDeadline(self, at: next)
    }

    private func leaveWhenDone() {
        var isDone = running.isEmpty
        for row in rows {
            for pool in row.pools {
                if running.isEmpty { pool.retire() }
                isDone = isDone && pool.isDrained
            }
        }
        guard isDone else {
            loop.setDeadline(self, at: loop.now + Limits.healthPoll)
            return
        }
        for row in rows { for pool in row.pools { loop.remove(pool) } }
        loop.remove(self)
    }

    // MARK: Probes

    private func start(_ row: Row, _ index: Int, _ member: Int) {
        guard let active = row.settings.health else { preconditionFailure("nobody asked for it") }
        let probe = Probe(prober: self, row: index, member: member, pool: row.pools[member])
        let patience = row.settings.connectTimeout + row.settings.responseTimeout
        probe.totalDeadline = loop.now + min(active.interval, patience)
        probe.build(row.settings, path: active.path)
        running.append(probe)
        row.pools[member].lease(probe, fresh: true)
    }

    private func cutShort() {
        for probe in running where probe.totalDeadline <= loop.now { probe.timedOut() }
    }

    fileprivate func ended(_ probe: Probe, _ finding: Probe.Finding) {
        guard let place = running.firstIndex(where: { $0 === probe }) else { return }
        running.remove(at: place)
        let row = rows[probe.row]
        let change = row.health.decide { machine in
            machine.probed(member: probe.member, passed: finding == .well, now: loop.now)
        }
        switch change {
        case .markedDown(let member):
            tell(.warn, "origin_down", row, member, EventField("reason", .text(finding.reason)))
        case .markedUp(let member): tell(.info, "origin_up", row, member)
        default: break
        }
        // Its next turn may be earlier than what the timer waits for.
        loop.setDeadline(self, at: min(deadline, loop.now + Limits.healthPoll))
    }

    private func tell(
        _ level: EventLevel,
        _ event: StaticString,
        _ row: Row,
        _ member: Int,
        _ reason: EventField...
    ) {
        let fields = [
            EventField("origin", .text(row.settings.name)),
            EventField("server", .text(row.servers[member].authority)),
        ]
        events.log(level, event, fields + reason)
    }
}

/// One question to one server. It ends with the head of the answer, and its connection with it.
private final class Probe: OriginClient {
    enum Finding: Equatable {
        case well
        case status(UInt16)
        case failed(EdgeError)

        var reason: String {
            switch self {
            case .well: "well"
            case .status(let status): "status \(status)"
            case .failed(let error): "\(error.word)"
            }
        }
    }

    private unowned let prober: HealthProber
    let row: Int
    let member: Int
    /// The pool holds who waits for it; a probe that is cut off with its loop must not hold the pool.
    private unowned let pool: OriginPool

    init(prober: HealthProber, row: Int, member: Int, pool: OriginPool) {
        self.prober = prober
        self.row = row
        self.member = member
        self.pool = pool
        super.init()
    }

    /// What a viewer's request would carry of the edge's own: the origin may ask for it.
    func build(_ settings: OriginSettings, path: String) {
        request.method = .get
        let mark = arena.used
        _ = arena.append(settings.path.span)
        _ = arena.append(path.utf8.span)
        request.path = arena.slice(since: mark)
        let host = settings.host ?? pool.authority
        request.fields.append(.host, value: arena.append(host.span))
        request.fields.append(.userAgent, value: arena.append("edged (health check)"))
        request.fields.append(.accept, value: arena.append("*/*"))
        for header in settings.headers {
            let name = HeaderName.named(header.name.span)
            request.fields.removeAll(name)
            request.fields.append(
                Field(
                    name,
                    name: arena.append(header.name.span),
                    value: arena.append(header.value.value.span)
                )
            )
        }
    }

    func timedOut() { end(.failed(.originResponseTimeout)) }

    override func originHead(framing: BodyFraming) {
        let isWell = (200..<400).contains(response.status)
        end(isWell ? .well : .status(response.status))
    }

    override func originRefused(_ error: EdgeError) { end(.failed(error)) }
    override func originFailed(_ error: EdgeError, _ progress: Progress) { end(.failed(error)) }

    private func end(_ finding: Finding) {
        pool.cancel(self)
        prober.ended(self, finding)
    }
}
