// One loop and everything that lives on it: listeners, viewers, origins, counters.
//
// Built by the thread that assembles the server, then run by its own; from then on others reach it by letter. The
// simulator builds one too and ticks it by hand.

final class Worker: @unchecked Sendable {
    // Guard: after `start` everything here belongs to the worker's thread; `mailbox` and the metrics are safe.
    let index: Int
    let loop: EventLoop
    let context: EdgeContext
    let mailbox: Mailbox
    private let admission: Admission
    private let resolver: Resolver
    private let allMetrics: Metrics
    private let loopCount: Int
    /// The loop's clock when it last looked at itself; see `Gauges`.
    let pulse = SharedWord()
    private var listeners: [Listener] = []
    private var thread: Thread?
    private var drainer: Drain?
    private var prober: HealthProber?

    init(
        index: Int,
        loopCount: Int,
        loop: EventLoop,
        published: Published,
        shared: SharedParts,
        accessLog: AccessLog?,
        lookup: @escaping NameLookup = Resolver.askSystem
    ) {
        self.index = index
        self.loopCount = loopCount
        self.loop = loop
        mailbox = loop.mailbox
        admission = shared.admission
        allMetrics = shared.metrics
        resolver = Resolver(loop: loop, lookup: lookup)
        context = EdgeContext(
            loop: loop,
            name: shared.name,
            generation: Self.generation(published, loop, loopCount, resolver),
            metrics: shared.metrics.all[index],
            accessLog: accessLog,
            events: shared.events,
            cache: shared.cache,
            bufferedBytesMax: published.configuration.settings.limits.bufferedBytes / loopCount
        )
    }

    deinit {
        loop.dissolve()
        context.dissolve()
    }

    private static func generation(
        _ published: Published,
        _ loop: EventLoop,
        _ loopCount: Int,
        _ resolver: Resolver
    ) -> Generation {
        Generation(
            number: published.number,
            configuration: published.configuration,
            origins: OriginDirectory(
                configuration: published.configuration,
                assets: published.origins,
                loop: loop,
                loopCount: loopCount,
                resolver: resolver,
                vocabulary: published.vocabulary
            ),
            functions: published.functions.take()
        )
    }

    /// Takes over a socket that listens.
    func listen(on handle: SocketHandle, _ binding: ListenerBinding) {
        listeners.append(
            Listener(context: context, admission: admission, binding: binding, handle: handle)
        )
    }

    // MARK: Running

    /// `ended` is called on the worker's thread when its loop has ended.
    func start(
        _ published: Published,
        ended: @escaping @Sendable () -> Void
    ) throws(Thread.StartFailure) {
        thread = try Thread.start(name: "edged-loop-\(index)") { [self] in
            beginChores(published)
            loop.run()
            ended()
        }
    }

    /// What a loop does unasked: its gauges, and on one of them the health of origins. On the worker's thread.
    func beginChores(_ published: Published) {
        _ = Gauges(context: context, index: index, pulse: pulse)
        if index == 0 {
            let cache = context.desk.index
            _ = CacheSweep(cache, loop: loop)
            if let disk = cache.disk { _ = DiskFeeder(cache, disk, loop: loop) }
        }
        probe(published)
        beginBackground()
    }

    /// What the functions of the generation do unasked.
    func beginBackground() { context.generation.background?.begin(isFirstLoop: index == 0) }

    private func probe(_ published: Published) {
        guard index == 0 else { return }
        prober?.retire()
        prober = HealthProber(
            loop: loop,
            configuration: published.configuration,
            assets: published.origins,
            resolver: resolver,
            events: context.events
        )
    }

    func join() { thread?.join() }

    /// New exchanges begin with `published` and are logged to `accessLog`; `added` are sockets of addresses that the
    /// worker does not listen on yet. On the worker's thread.
    func publish(
        _ published: Published,
        accessLog: AccessLog?,
        added: [ListenerSockets.Row] = []
    ) {
        var metrics = context.metrics
        if metrics.layout.vocabulary.isNarrower(than: published.vocabulary) {
            metrics = metrics.carryOver(to: published.vocabulary)
            allMetrics.replace(index, with: metrics)
        }
        context.publish(
            Self.generation(published, loop, loopCount, resolver),
            metrics: metrics,
            bufferedBytesMax: published.configuration.settings.limits.bufferedBytes / loopCount,
            accessLog: accessLog
        )
        beginBackground()
        listeners.removeAll { listener in
            guard let binding = published.bindings[listener.binding.settings.address] else {
                listener.retire()
                return true
            }
            listener.replace(binding)
            return false
        }
        for row in added {
            if let binding = published.bindings[row.address] { listen(on: row.handle, binding) }
        }
        if prober != nil { probe(published) }
    }

    /// Stops accepting, finishes what runs, and ends the loop at the latest at `deadline`. On the worker's thread.
    func drain(until deadline: Nanoseconds) {
        for listener in listeners { listener.close() }
        listeners = []
        context.isDraining = true
        loop.forEachMember { ($0 as? ViewerConnection)?.drain() }
        let drain = drainer ?? Drain(worker: self)
        drainer = drain
        drain.watch(until: deadline)
    }
}

/// Ends a loop when its last viewer has left, or when time is up.
final class Drain: LoopMember {
    private unowned let worker: Worker
    private var limit = Nanoseconds.never

    init(worker: Worker) {
        self.worker = worker
        super.init(loop: worker.loop)
        loop.add(self)
    }

    func watch(until deadline: Nanoseconds) {
        limit = min(limit, deadline)
        check()
    }

    override func expired() { check() }

    private func check() {
        let viewers = worker.context.connectionCount
        let isBusy = viewers > 0 || worker.context.deferredCount > 0
        guard isBusy, loop.now < limit else {
            if viewers > 0 {
                worker.context.events.warn(
                    "drain_cut_short",
                    EventField("connections", .number(Int64(viewers)))
                )
            }
            loop.stop()
            return
        }
        loop.setDeadline(self, at: min(limit, loop.now + Limits.drainPoll))
    }
}
