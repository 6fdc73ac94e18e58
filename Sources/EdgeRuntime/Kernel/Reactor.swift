// The seam between the edge and the outside: sockets, readiness and time.
//
// A closed enum, so that the same server runs over the kernel or over a seeded network with a virtual clock: one
// predictable branch per system call, no generics through every type, and no second program that is tested
// instead of the real one.

import CLinux

/// A socket's number: the kernel's, or the simulator's.
typealias SocketHandle = Int32

enum Reactor {
    case epoll(EpollReactor)
    case simulated(SimulatedReactor)
}

struct ReactorEvent {
    var token: Token
    var readiness: Readiness
}

enum AcceptResult {
    case accepted(SocketHandle, SocketAddress)
    case wouldBlock
    /// One connection was lost, or there is no descriptor left; the listener goes on.
    case failed(Int32)
}

extension Reactor {
    func listen(
        _ address: SocketAddress,
        options: ListenOptions
    ) throws(SystemError)
        -> SocketHandle
    {
        switch self {
        case .epoll(let reactor): try reactor.listen(address, options: options)
        case .simulated(let reactor): try reactor.listen(address)
        }
    }

    /// Starts a connection; it is ready to write when it is made or has failed (`connectError`).
    func connect(_ address: SocketAddress) throws(SystemError) -> SocketHandle {
        switch self {
        case .epoll(let reactor): try reactor.connect(address)
        case .simulated(let reactor): try reactor.connect(address)
        }
    }

    func connectError(_ handle: SocketHandle) -> SystemError? {
        switch self {
        case .epoll(let reactor): reactor.connectError(handle)
        case .simulated(let reactor): reactor.connectError(handle)
        }
    }

    func accept(_ handle: SocketHandle) -> AcceptResult {
        switch self {
        case .epoll(let reactor): reactor.accept(handle)
        case .simulated(let reactor): reactor.accept(handle)
        }
    }

    /// Reports edges of the socket's readiness to `token` from now on.
    func watch(_ handle: SocketHandle, _ token: Token) {
        switch self {
        case .epoll(let reactor): reactor.watch(handle, token)
        case .simulated(let reactor): reactor.watch(handle, token)
        }
    }

    /// For listeners and for descriptors that are not sockets: reported as long as there is something to read.
    func watchLevel(_ handle: SocketHandle, _ token: Token) {
        switch self {
        case .epoll(let reactor): reactor.watchLevel(handle, token)
        case .simulated(let reactor): reactor.watch(handle, token)
        }
    }

    /// Reports nothing of a listener until it is watched again.
    func watchNothing(_ handle: SocketHandle, _ token: Token) {
        switch self {
        case .epoll(let reactor): reactor.watchNothing(handle, token)
        case .simulated: break
        }
    }

    @inline(__always)
    func read(
        _ handle: SocketHandle,
        into base: UnsafeMutablePointer<UInt8>,
        _ count: Int
    )
        -> IOResult
    {
        switch self {
        case .epoll: Syscall.io { edge_recv(handle, base, count) }
        case .simulated(let reactor): reactor.read(handle, into: base, count)
        }
    }

    /// One vector is sent, several are gathered. A short answer means that the socket is full.
    @inline(__always)
    func write(_ handle: SocketHandle, _ vectors: UnsafePointer<iovec>, _ count: Int) -> IOResult {
        switch self {
        case .epoll: EpollReactor.write(handle, vectors, count)
        case .simulated(let reactor): reactor.write(handle, vectors, count)
        }
    }

    func shutdownWrite(_ handle: SocketHandle) {
        switch self {
        case .epoll(let reactor): reactor.shutdownWrite(handle)
        case .simulated(let reactor): reactor.shutdownWrite(handle)
        }
    }

    /// Forgets the socket. With `abortively` the peer sees a reset instead of a clean end.
    func close(_ handle: SocketHandle, abortively: Bool = false) {
        switch self {
        case .epoll(let reactor): reactor.close(handle, abortively: abortively)
        case .simulated(let reactor): reactor.close(handle, abortively: abortively)
        }
    }

    /// Waits until something is ready, `wake` was called or `deadline` has come. Reads the clock.
    func wait(
        until deadline: Nanoseconds,
        _ clock: inout Clock,
        into events: inout [ReactorEvent]
    ) {
        switch self {
        case .epoll(let reactor): reactor.wait(until: deadline, &clock, into: &events)
        case .simulated(let reactor): reactor.wait(until: deadline, &clock, into: &events)
        }
    }

    func readClock(_ clock: inout Clock) {
        switch self {
        case .epoll: clock.readSystem()
        case .simulated(let reactor): reactor.readClock(&clock)
        }
    }
}
