// Accepts viewers on one address for one loop. The kernel spreads connections over the loops' listeners.

import Glibc

/// What a listener's connections share; replaced as a whole when certificates or settings change.
final class ListenerBinding: Sendable {
    let settings: ListenSettings
    let tls: TLSContext?

    init(settings: ListenSettings, tls: TLSContext?) {
        self.settings = settings
        self.tls = tls
    }

    /// One that begins each connection with who the viewer is.
    func isProxy(_ peer: SocketAddress) -> Bool {
        guard let ip = peer.ip else { return false }
        return settings.proxyProtocolFrom.contains { $0.contains(ip) }
    }
}

final class Listener: LoopMember {
    private let context: EdgeContext
    private let admission: Admission
    let handle: SocketHandle
    private(set) var binding: ListenerBinding
    private var isClosed = false
    /// There was no descriptor for the next one: they wait in the kernel's queue for a moment.
    private var isPaused = false

    init(
        context: EdgeContext,
        admission: Admission,
        binding: ListenerBinding,
        handle: SocketHandle
    ) {
        self.context = context
        self.admission = admission
        self.binding = binding
        self.handle = handle
        super.init(loop: context.loop)
        loop.add(self)
        loop.reactor.watchLevel(handle, token)
    }

    /// New connections use `binding`; those that stand keep theirs.
    func replace(_ binding: ListenerBinding) { self.binding = binding }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        loop.reactor.close(handle)
        loop.remove(self)
    }

    /// Nobody may connect here any more. Who did already is served, then let go.
    func retire() {
        while acceptNext() {}
        close()
        let address = binding.settings.address
        loop.forEachMember { member in
            guard let viewer = member as? ViewerConnection, viewer.listener == address else {
                return
            }
            viewer.retire()
        }
    }

    private func pause() {
        isPaused = true
        loop.reactor.watchNothing(handle, token)
        loop.setDeadline(self, at: loop.now + Limits.acceptRest)
    }

    override func expired() {
        guard isPaused, !isClosed else { return }
        isPaused = false
        loop.reactor.watchLevel(handle, token)
    }

    override func ready(_ readiness: Readiness) {
        guard !isPaused else { return }
        for _ in 0..<Limits.acceptsPerTick where !acceptNext() { return }
    }

    /// False if nobody waits, or nobody can be let in.
    private func acceptNext() -> Bool {
        switch loop.reactor.accept(handle) {
        case .accepted(let socket, let peer):
            accept(socket, peer)
            return true
        case .wouldBlock: return false
        case .failed(let code):
            if code == EMFILE || code == ENFILE {
                context.metrics.countShed(.descriptors)
                pause()
            }
            context.events.error(
                "accept_failed",
                EventField("address", .address(binding.settings.address)),
                EventField("reason", .failure(SystemError("accept", code)))
            )
            return false
        }
    }

    private func accept(_ socket: SocketHandle, _ peer: SocketAddress) {
        let limits = context.generation.configuration.settings.limits
        context.metrics.add(.viewerConnectionsAccepted)
        switch admission.admit(peer, limits: limits, isProxy: binding.isProxy(peer)) {
        case .success(let pass):
            _ = ViewerConnection(
                context: context,
                binding: binding,
                admission: pass,
                handle: socket,
                peer: peer
            )
        case .failure(let refusal): shed(socket, refusal.reason)
        }
    }

    /// One small write into an empty socket buffer, then the end: a shed connection costs nothing more.
    private func shed(_ socket: SocketHandle, _ reason: Admission.Refusal) {
        context.metrics.add(.viewerConnectionsClosed, Int(CloseReason.shed.rawValue))
        context.metrics.countShed(
            reason == .connectionLimit ? .connections : .connectionsPerAddress
        )
        if binding.tls == nil {
            var queue = WriteQueue(pool: loop.chunks)
            reason.write(to: &queue)
            let reactor = loop.reactor
            _ = queue.flush { vectors, count in
                guard case .bytes(let sent) = reactor.write(socket, vectors, count) else {
                    return 0
                }
                return sent
            }
            queue.clear()
        }
        loop.reactor.close(socket)
    }
}

extension Admission.Refusal {
    /// In clear and at once.
    func write(to queue: inout WriteQueue) {
        queue.append("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n")
        queue.append("Content-Length: 0\r\nConnection: close\r\nX-Cache: ")
        queue.append(self == .connectionLimit ? "CapacityExceeded" : "LimitExceeded")
        queue.append(" from edge\r\n\r\n")
    }
}
