// Sockets of the kernel, edge-triggered epoll, and an eventfd to be woken by other threads.
//
// Connections are registered once for both directions and never changed again: a request on a kept connection costs
// one read, one write and its share of one wait. Listeners are level-triggered, so that a full tick may leave
// connections in the backlog.

import CLinux
import Glibc

struct ListenOptions: Equatable {
    /// Several loops share one address and the kernel spreads connections over them.
    var sharesPort = true
    var backlog: Int32 = 4096
    /// Permission bits of a Unix socket.
    var socketMode: UInt32 = 0o666
}

final class EpollReactor {
    private let epoll: Descriptor
    private let waker: WakeDescriptor
    private var raw: UnsafeMutablePointer<epoll_event>

    init() throws(SystemError) {
        epoll = Descriptor(
            owning: CInt(
                try Syscall.value("epoll_create1") { Int(epoll_create1(CInt(EPOLL_CLOEXEC))) }
            )
        )
        waker = try WakeDescriptor()
        raw = .allocate(capacity: Limits.eventsPerTick)
        add(waker.raw, Self.wakeToken, EPOLLIN.rawValue)
    }

    deinit { raw.deallocate() }

    private static let wakeToken = Token(slot: .max, generation: .max)

    /// What another thread calls to end a wait.
    var wake: WakeDescriptor { waker }

    // MARK: Sockets

    func listen(
        _ address: SocketAddress,
        options: ListenOptions
    ) throws(SystemError)
        -> SocketHandle
    {
        let handle = try socket(for: address)
        do throws(SystemError) {
            if let path = address.unixPath {
                try removeStaleSocket(path, address)
            } else {
                try set(handle, SOL_SOCKET, SO_REUSEADDR, 1)
                if options.sharesPort { try set(handle, SOL_SOCKET, SO_REUSEPORT, 1) }
                if address.family == AF_INET6 {
                    // The wildcard address serves both families; any other one only its own.
                    let only: Int32 = address.ip == .anyIPv6 ? 0 : 1
                    try set(handle, Int32(IPPROTO_IPV6), IPV6_V6ONLY, only)
                }
                try set(handle, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
            }
            _ = try Syscall.value("bind") {
                Int(address.withSockaddr { CLinux.bind(handle, $0, $1) })
            }
            if let path = address.unixPath { _ = chmod(path, options.socketMode) }
            _ = try Syscall.value("listen") { Int(CLinux.listen(handle, options.backlog)) }
        } catch {
            _ = Glibc.close(handle)
            throw error
        }
        return handle
    }

    func connect(_ address: SocketAddress) throws(SystemError) -> SocketHandle {
        let handle = try socket(for: address)
        if address.ip != nil { try? set(handle, Int32(IPPROTO_TCP), TCP_NODELAY, 1) }
        let result = Syscall.retrying {
            Int(address.withSockaddr { CLinux.connect(handle, $0, $1) })
        }
        guard result >= 0 || result == -Int(EINPROGRESS) else {
            _ = Glibc.close(handle)
            throw SystemError("connect", Int32(-result))
        }
        return handle
    }

    func connectError(_ handle: SocketHandle) -> SystemError? {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        let result = Syscall.retrying {
            Int(getsockopt(handle, SOL_SOCKET, SO_ERROR, &code, &length))
        }
        if result < 0 { return SystemError("getsockopt", Int32(-result)) }
        return code == 0 ? nil : SystemError("connect", code)
    }

    func accept(_ handle: SocketHandle) -> AcceptResult {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutableBytes(of: &storage) { bytes in
            guard let base = bytes.baseAddress else { return -Int(EINVAL) }
            return Syscall.retrying {
                Int(
                    accept4(
                        handle,
                        base.assumingMemoryBound(to: sockaddr.self),
                        &length,
                        CInt(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
                    )
                )
            }
        }
        guard result >= 0 else {
            let code = Int32(-result)
            return code == EAGAIN ? .wouldBlock : .failed(code)
        }
        guard let peer = SocketAddress(storage, length: length) else {
            _ = Glibc.close(CInt(result))
            return .failed(EAFNOSUPPORT)
        }
        return .accepted(SocketHandle(result), peer)
    }

    @inline(__always)
    static func write(
        _ handle: SocketHandle,
        _ vectors: UnsafePointer<iovec>,
        _ count: Int
    )
        -> IOResult
    {
        if count == 1 {
            Syscall.io { edge_send(handle, vectors[0].iov_base, vectors[0].iov_len) }
        } else {
            Syscall.io { edge_writev(handle, vectors, Int32(count)) }
        }
    }

    func shutdownWrite(_ handle: SocketHandle) { _ = CLinux.shutdown(handle, CInt(SHUT_WR)) }

    func close(_ handle: SocketHandle, abortively: Bool) {
        if abortively {
            var linger = linger(l_onoff: 1, l_linger: 0)
            _ = setsockopt(
                handle,
                SOL_SOCKET,
                SO_LINGER,
                &linger,
                socklen_t(MemoryLayout.size(ofValue: linger))
            )
        }
        _ = Glibc.close(handle)
    }

    // MARK: Readiness

    func watch(_ handle: SocketHandle, _ token: Token) {
        add(
            handle,
            token,
            EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue
        )
    }

    /// For listeners and descriptors that are not sockets: reported as long as there is something to read.
    func watchLevel(_ handle: SocketHandle, _ token: Token) {
        add(handle, token, EPOLLIN.rawValue)
    }

    /// Until it is watched again.
    func watchNothing(_ handle: SocketHandle, _ token: Token) { add(handle, token, 0) }

    func wait(
        until deadline: Nanoseconds,
        _ clock: inout Clock,
        into events: inout [ReactorEvent]
    ) {
        var timeout: CInt = 0
        if deadline > clock.now {
            let left = min(deadline &- clock.now, Limits.sleepMax)
            timeout = CInt((left &+ 999_999) / 1_000_000)
        }
        let count = Syscall.retrying {
            Int(epoll_wait(epoll.raw, raw, CInt(Limits.eventsPerTick), timeout))
        }
        clock.readSystem()
        events.removeAll(keepingCapacity: true)
        for index in 0..<max(0, count) {
            let token = Token(packed: raw[index].data.u64)
            if token == Self.wakeToken {
                waker.drain()
                continue
            }
            events.append(
                ReactorEvent(token: token, readiness: Self.readiness(raw[index].events))
            )
        }
    }

    private static func readiness(_ flags: UInt32) -> Readiness {
        var readiness: Readiness = []
        if flags & EPOLLIN.rawValue != 0 { readiness.insert(.readable) }
        if flags & EPOLLRDHUP.rawValue != 0 { readiness.formUnion([.readable, .ending]) }
        if flags & EPOLLOUT.rawValue != 0 { readiness.insert(.writable) }
        if flags & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 {
            readiness.formUnion([.readable, .writable, .hungUp, .ending])
        }
        return readiness
    }

    private func add(_ handle: CInt, _ token: Token, _ flags: UInt32) {
        var event = epoll_event(events: flags, data: epoll_data_t(u64: token.packed))
        var result = epoll_ctl(epoll.raw, EPOLL_CTL_ADD, handle, &event)
        if result < 0, edge_errno() == EEXIST {
            // The socket passes from one member to another: from a connect attempt to its connection.
            result = epoll_ctl(epoll.raw, EPOLL_CTL_MOD, handle, &event)
        }
        // ENOMEM and ENOSPC (max_user_watches) are the only ways left; without the watch the socket stays silent
        // and its deadline closes it.
        assert(result == 0)
    }

    /// A socket file that nobody answers on was left by a process that died. Anything else is somebody's.
    private func removeStaleSocket(
        _ path: String,
        _ address: SocketAddress
    ) throws(SystemError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw SystemError("bind", ENOTSOCK) }
        guard let probe = try? socket(for: address) else { return }
        defer { _ = Glibc.close(probe) }
        let result = Syscall.retrying {
            Int(address.withSockaddr { CLinux.connect(probe, $0, $1) })
        }
        if result == -Int(ECONNREFUSED) { _ = unlink(path) }
        if result == -Int(EACCES) { throw SystemError("bind", EACCES) }
    }

    private func socket(for address: SocketAddress) throws(SystemError) -> SocketHandle {
        SocketHandle(
            try Syscall.value("socket") {
                Int(
                    CLinux.socket(
                        address.family,
                        CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue),
                        0
                    )
                )
            }
        )
    }

    private func set(
        _ handle: SocketHandle,
        _ level: Int32,
        _ option: Int32,
        _ value: Int32
    )
        throws(SystemError)
    {
        var value = value
        _ = try Syscall.value("setsockopt") {
            Int(setsockopt(handle, level, option, &value, socklen_t(MemoryLayout<Int32>.size)))
        }
    }
}

/// An eventfd: any thread may signal it.
final class WakeDescriptor: Sendable {
    private let descriptor: Descriptor

    init() throws(SystemError) {
        descriptor = Descriptor(
            owning: CInt(
                try Syscall.value("eventfd") {
                    Int(eventfd(0, CInt(EFD_CLOEXEC | EFD_NONBLOCK)))
                }
            )
        )
    }

    var raw: CInt { descriptor.raw }

    func signal() {
        var one: UInt64 = 1
        // A full counter (EAGAIN) is a signal that nobody has read yet.
        _ = Syscall.retrying { Glibc.write(descriptor.raw, &one, 8) }
    }

    func drain() {
        var count: UInt64 = 0
        _ = Syscall.retrying { Glibc.read(descriptor.raw, &count, 8) }
    }
}
