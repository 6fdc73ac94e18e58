// Connections of one loop to servers that no origin of the configuration names: where functions fetch from.
//
// A pool for each scheme, host and port. Its connections go when they have rested; the pool itself when another one
// needs its place, the one that was asked longest ago first. One that somebody uses never goes.

final class FetchPools {
    private struct Row {
        let pool: OriginPool
        var lastUse: UInt64
    }

    private let loop: EventLoop
    private let resolver: Resolver
    private let tls: TLSContext
    private let headLimits: HeadLimits
    private let refusesPrivate: Bool
    private var rows: [OriginServer: Row] = [:]
    private var uses: UInt64 = 0
    private var isRetired = false

    init(
        loop: EventLoop,
        resolver: Resolver,
        tls: TLSContext,
        headLimits: HeadLimits,
        refusesPrivate: Bool
    ) {
        self.loop = loop
        self.resolver = resolver
        self.tls = tls
        self.headLimits = headLimits
        self.refusesPrivate = refusesPrivate
    }

    /// Nil: there are as many as there may be, and all are in use.
    func pool(for server: OriginServer) -> OriginPool? {
        uses += 1
        if let row = rows[server] {
            rows[server]?.lastUse = uses
            return row.pool
        }
        guard rows.count < Limits.fetchPoolsMax || dropOne() else { return nil }
        var settings = OriginSettings(
            name: server.authority,
            index: 0,
            source: .servers([server])
        )
        settings.idleTimeout = Limits.fetchIdleTime
        let pool = OriginPool(
            loop: loop,
            settings: settings,
            server: server,
            connectionsMax: Limits.fetchConnectionsMax,
            headLimits: headLimits,
            tls: server.isTLS ? tls : nil,
            resolver: resolver,
            refusesPrivate: refusesPrivate
        )
        if isRetired { pool.retire() }
        rows[server] = Row(pool: pool, lastUse: uses)
        return pool
    }

    private func dropOne() -> Bool {
        let unused = rows.filter { !$0.value.pool.isInUse }
        guard let oldest = unused.min(by: { $0.value.lastUse < $1.value.lastUse }) else {
            return false
        }
        oldest.value.pool.retire()
        loop.remove(oldest.value.pool)
        rows[oldest.key] = nil
        return true
    }

    /// The generation is over. Exchanges that began with it may ask for more pools, which keep nothing.
    func retire() {
        isRetired = true
        eachPool { $0.retire() }
    }

    func eachPool(_ body: (OriginPool) -> Void) { for row in rows.values { body(row.pool) } }
}
