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
    private let loopCount: Int
    private var listeners: [Listener] = []
    private var thread: Thread?
    private var drainer: Drain?

    init(
        index: Int,
        loopCount: Int,
        loop: EventLoop,
        published: Published,
        shared: SharedParts,
        accessLog: AccessLog?,
        metrics: LoopMetrics,
        lookup: @escaping NameLookup = Resolver.askSystem
    ) {
        self.index = index
        self.loopCount = loopCount
        self.loop = loop
        mailbox = loop.mailbox
        admission = shared.admission
        resolver = Resolver(loop: loop, lookup: lookup)
        context = EdgeContext(
            loop: loop,
            name: shared.name,
            generation: Self.generation(published, loop, loopCount, resolver),
            metrics: metrics,
            accessLog: accessLog,
            events: shared.events,
            bufferedBytesMax: published.configuration.settings.limits.bufferedBytes / loopCount
        )
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
                resolver: resolver
            )
        )
    }

    /// Takes over a socket that listens.
    func listen(on handle: SocketHandle, _ binding: ListenerBinding) {
        listeners.append(
            Listener(context: context, admission: admission, binding: binding, handle: handle)
        )
    }

    // MARK: Running

    func start() throws(Thread.StartFailure) {
        thread = try Thread.start(name: "edged-loop-\(index)") { [self] in loop.run() }
    }

    func join() { thread?.join() }

    /// New exchanges begin with `published`. On the worker's thread.
    func publish(_ published: Published) {
        context.publish(
            Self.generation(published, loop, loopCount, resolver),
            bufferedBytesMax: published.configuration.settings.limits.bufferedBytes / loopCount
        )
        for listener in listeners {
            if let binding = published.bindings[listener.binding.settings.address] {
                listener.replace(binding)
            }
        }
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
        guard viewers > 0, loop.now < limit else {
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
