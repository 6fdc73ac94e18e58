// Opens one connection: runs `ConnectMachine`, a race over the addresses of a server.
//
// Each attempt is a loop member of its own, because each has a socket to listen to. The pool is told once: with the
// socket that won, or with why none did.

final class Connector: LoopMember {
    private final class Attempt: LoopMember {
        unowned let connector: Connector
        let index: Int
        let handle: SocketHandle

        init(connector: Connector, index: Int, handle: SocketHandle) {
            self.connector = connector
            self.index = index
            self.handle = handle
            super.init(loop: connector.loop)
            loop.add(self)
            loop.reactor.watch(handle, token)
        }

        override func ready(_ readiness: Readiness) {
            guard readiness.contains(.writable) else { return }
            connector.attemptReady(self)
        }

        /// Forgets the socket without closing it.
        func release() { loop.remove(self) }

        func close() {
            loop.reactor.close(handle)
            loop.remove(self)
        }
    }

    private unowned let pool: OriginPool
    let id: PoolMachine.ConnectionID
    private let addresses: [SocketAddress]
    private var machine: ConnectMachine
    private var attempts: [Attempt] = []
    private var lastError: EdgeError = .originUnreachable
    private var isOver = false

    init(
        pool: OriginPool,
        id: PoolMachine.ConnectionID,
        addresses: [SocketAddress],
        deadline: Nanoseconds
    ) {
        precondition(!addresses.isEmpty, "a name without an address does not resolve")
        self.pool = pool
        self.id = id
        self.addresses = addresses
        let families = addresses.map { address -> ConnectMachine.Family in
            guard let ip = address.ip else { return .local }
            return ip.isIPv4 ? .v4 : .v6
        }
        machine = ConnectMachine(families: families.span, deadline: deadline)
        super.init(loop: pool.loop)
        loop.add(self)
    }

    func start() { apply(.start) }

    /// Nobody waits any more.
    func cancel() {
        for attempt in attempts { attempt.close() }
        attempts = []
        isOver = true
        loop.remove(self)
    }

    override func expired() { apply(.timer) }

    private func attemptReady(_ attempt: Attempt) {
        if let error = loop.reactor.connectError(attempt.handle) {
            attemptFailed(attempt.index, error)
        } else {
            apply(.attemptSucceeded(attempt.index))
        }
    }

    private func attemptFailed(_ index: Int, _ error: SystemError) {
        lastError = Self.word(for: error)
        close(index)
        apply(.attemptFailed(index))
    }

    private func apply(_ event: ConnectMachine.Event) {
        guard !isOver else { return }
        switch machine.apply(event, now: loop.now) {
        case .connect(let index, let wakeAt):
            loop.setDeadline(self, at: wakeAt)
            do throws(SystemError) {
                let handle = try loop.reactor.connect(addresses[index])
                attempts.append(Attempt(connector: self, index: index, handle: handle))
            } catch {
                attemptFailed(index, error)
            }
        case .wait(let deadline): loop.setDeadline(self, at: deadline)
        case .succeed(let index, let closing):
            closeAll(closing)
            guard let place = attempts.firstIndex(where: { $0.index == index }) else {
                preconditionFailure("the winner ran")
            }
            let winner = attempts.remove(at: place)
            winner.release()
            end()
            pool.connected(self, handle: winner.handle)
        case .fail(let failure, let closing):
            closeAll(closing)
            end()
            pool.connectFailed(
                self,
                failure == .timedOut ? .originConnectTimeout : lastError
            )
        }
    }

    private func end() {
        isOver = true
        loop.remove(self)
    }

    private func closeAll(_ indices: ConnectMachine.IndexSet) {
        var rest = indices
        while let index = rest.popFirst() { close(index) }
    }

    private func close(_ index: Int) {
        guard let place = attempts.firstIndex(where: { $0.index == index }) else { return }
        attempts.remove(at: place).close()
    }

    private static func word(for error: SystemError) -> EdgeError {
        switch error.code {
        case 111: .originRefused
        case 110: .originConnectTimeout
        default: .originUnreachable
        }
    }
}
