// What the exchanges of one loop share: the published generation, stocks of exchanges and fetches, clocks and
// counters. One per loop, created once, never replaced.

/// One version of the configuration as one loop serves it. An exchange keeps the one it began with.
final class Generation {
    let number: UInt64
    let configuration: Configuration
    let origins: OriginDirectory
    /// Nil where no behaviour has functions.
    let functions: FunctionRuntime?
    private var spareRuns: [HookRun] = []
    private(set) var background: BackgroundWork?

    init(
        number: UInt64,
        configuration: Configuration,
        origins: OriginDirectory,
        functions: FunctionRuntime? = nil
    ) {
        self.number = number
        self.configuration = configuration
        self.origins = origins
        self.functions = functions
    }

    fileprivate func prepareBackground(_ context: EdgeContext) {
        if functions != nil { background = BackgroundWork(generation: self, context: context) }
    }

    func takeRun(_ context: EdgeContext) -> HookRun {
        if let run = spareRuns.popLast() { return run }
        guard let functions else { preconditionFailure("functions without a machine") }
        return HookRun(runtime: functions, context: context)
    }

    func giveBack(_ run: HookRun) {
        if spareRuns.count < Limits.functionRunsKept { spareRuns.append(run) }
    }
}

final class EdgeContext {
    let loop: EventLoop
    /// The loop's own.
    let chunks: ChunkPool
    /// This edge in `Via` and `CDN-Loop`: a token of its own, so that edges may be chained and loops are seen.
    let name: [UInt8]
    private(set) var metrics: LoopMetrics
    private(set) var accessLog: AccessLog?
    let events: EventLog
    let desk: CacheDesk
    private(set) var generation: Generation
    /// Generations that were replaced and still have exchanges or connections.
    private var retiring: [Generation] = []
    var date = DateCache()
    private var ids: RequestIDSource
    private var spareExchanges = UniqueArray<Exchange>()
    private var spareFetches = UniqueArray<Fetch>()
    private(set) var exchangeCount = 0
    /// Viewers that are connected to this loop.
    var connectionCount = 0
    var isDraining = false
    /// Bodies that functions fetch and have not got yet; see `HookFetch`.
    var fetchedBytes = 0
    /// What responses have left behind and is not done yet.
    var deferredCount = 0

    init(
        loop: EventLoop,
        name: [UInt8],
        generation: Generation,
        metrics: LoopMetrics,
        accessLog: AccessLog?,
        events: EventLog,
        cache: CacheIndex,
        bufferedBytesMax: Int
    ) {
        self.loop = loop
        chunks = loop.chunks
        self.name = name
        self.generation = generation
        self.metrics = metrics
        self.accessLog = accessLog
        self.events = events
        desk = CacheDesk(index: cache, loop: loop)
        loop.chunks.budget = bufferedBytesMax
        ids = RequestIDSource(random: &loop.random)
        generation.prepareBackground(self)
    }

    /// New exchanges begin with `next`; those that run end with what they have.
    func publish(
        _ next: Generation,
        metrics: LoopMetrics,
        bufferedBytesMax: Int,
        accessLog log: AccessLog?
    ) {
        if log !== accessLog {
            accessLog?.close()
            accessLog = log
        }
        let old = generation
        generation = next
        next.prepareBackground(self)
        self.metrics = metrics
        loop.chunks.budget = bufferedBytesMax
        // Those that lie in stock were made ready for the old one.
        for index in 0..<spareExchanges.count { spareExchanges[index].generation = next }
        old.origins.retire()
        old.background?.retire()
        retiring.append(old)
        dropDrained()
    }

    /// Lets go of generations that no exchange holds and whose last connection to an origin is closed.
    func dropDrained() {
        for index in retiring.indices.reversed() {
            guard isKnownUniquelyReferenced(&retiring[index]), retiring[index].origins.isDrained
            else { continue }
            retiring.remove(at: index).origins.close()
        }
    }

    /// Lets go of what holds the context: the last word of the worker that made it.
    func dissolve() {
        spareExchanges.removeAll()
        spareFetches.removeAll()
    }

    /// With those of generations that end.
    func forEachServerSet(_ body: (ServerSet) -> Void) {
        for directory in [generation.origins] + retiring.map(\.origins) {
            for case .servers(let set) in directory.stations { body(set) }
        }
    }

    /// Whether new work would push buffered bodies past their bound.
    var isOverBuffered: Bool { chunks.leasedBytes > chunks.budget }

    func takeExchange() -> Exchange {
        exchangeCount += 1
        return spareExchanges.isEmpty ? Exchange(context: self) : spareExchanges.takeLast()
    }

    func giveBack(_ exchange: consuming Exchange) {
        exchangeCount -= 1
        exchange.reset()
        if spareExchanges.count < Limits.exchangesKept { spareExchanges.append(exchange) }
    }

    func takeFetch() -> Fetch {
        spareFetches.isEmpty ? Fetch(context: self) : spareFetches.takeLast()
    }

    func giveBack(_ fetch: consuming Fetch) {
        fetch.reset()
        if spareFetches.count < Limits.exchangesKept { spareFetches.append(fetch) }
    }

    @inline(__always)
    func touch(_ member: Token) { loop.touch(member) }

    func nextRequestID() -> RequestID { ids.next() }
}
