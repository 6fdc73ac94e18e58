// A seeded network and a virtual clock behind the same calls as the kernel's.
//
// Everything that a real network does to a server happens here in one thread, and the same seed does it again:
// delay, readiness in any order, short reads and short writes, full socket buffers, resets, half-closes, refused
// and black-holed connections. Time moves only in `wait`, straight to the next thing that happens.
//
//   write ─▶ in flight (delay) ─▶ arrived ─▶ read
//              └ counted against the receiver's window until it is read
//
// What differs from Linux on purpose: an edge is reported again after an artificial short read or write, because
// to the caller a short answer means "nothing left", as it does with real sockets.

import CLinux

/// What the network does to its users. All chances are in 1024ths.
struct NetworkWeather: Sendable {
    var delay: ClosedRange<Nanoseconds> = 0...0
    var shortRead: UInt64 = 0
    var shortWrite: UInt64 = 0
    /// A reset of both ends, decided at each write.
    var reset: UInt64 = 0
    /// A write is held up for `stall` longer than its delay.
    var stallChance: UInt64 = 0
    var stall: Nanoseconds = 0
    var window = 64 << 10

    static let calm = Self()
}

final class SimulatedReactor {
    /// One end of a connection, or a listener.
    private struct Socket {
        var isOpen = false
        var token: Token?
        var reported: Readiness = []
        var pending: Readiness = []
        var peer: SocketHandle = -1
        var address = SocketAddress(.anyIPv4, port: 0)
        // Receiving side.
        var arrived: [UInt8] = []
        var arrivedStart = 0
        var inFlight = 0
        var lastArrival: Nanoseconds = 0
        var peerEnded = false
        var isReset = false
        // Sending side.
        var wroteEnd = false
        var isConnecting = false
        var connectFailure: Int32 = 0
        var wantsRoom = false
        // Listener.
        var isListening = false
        var backlog: [SocketHandle] = []

        var unread: Int { arrived.count - arrivedStart }
    }

    private enum Happening {
        case bytes(SocketHandle, [UInt8])
        case end(SocketHandle)
        case reset(SocketHandle)
        case connected(SocketHandle, listener: SocketHandle)
        case refused(SocketHandle, Int32)
        case room(SocketHandle)
        case again(SocketHandle, Readiness)
    }

    private struct Scheduled {
        var at: Nanoseconds
        var order: UInt64
        var happening: Happening
    }

    private var sockets: [Socket] = []
    private var listeners: [SocketAddress: SocketHandle] = [:]
    private var scheduled: [Scheduled] = []
    private var order: UInt64 = 0
    private var random: Random
    private var readyHandles: [SocketHandle] = []
    private var nextPort: UInt16 = 20_000
    private(set) var now: Nanoseconds = 1_000_000_000
    private let epochSeconds: Int64
    var weather: NetworkWeather
    /// Addresses to which connections are started but never answered.
    var blackHoles: Set<SocketAddress> = []

    init(seed: UInt64, weather: NetworkWeather = .calm, epochSeconds: Int64 = 1_700_000_000) {
        random = Random(seed: seed)
        self.weather = weather
        self.epochSeconds = epochSeconds
    }

    /// Sockets that somebody has not closed; none at the end of a test that leaked nothing.
    var openSockets: Int { sockets.count(where: \.isOpen) }
    /// Whether anything will ever happen without a timer.
    var isQuiet: Bool { scheduled.isEmpty && readyHandles.isEmpty }

    // MARK: Sockets

    func listen(_ address: SocketAddress) throws(SystemError) -> SocketHandle {
        guard listeners[address] == nil else { throw SystemError("bind", EADDRINUSE) }
        let handle = open(address)
        sockets[Int(handle)].isListening = true
        listeners[address] = handle
        return handle
    }

    func connect(_ address: SocketAddress) throws(SystemError) -> SocketHandle {
        nextPort = nextPort == .max ? 20_000 : nextPort + 1
        let handle = open(SocketAddress(IPAddress(ipv4: 0x7f00_0001), port: nextPort))
        sockets[Int(handle)].isConnecting = true
        guard !blackHoles.contains(address) else { return handle }
        if let listener = listeners[address] {
            schedule(.connected(handle, listener: listener), after: drawDelay())
        } else {
            schedule(.refused(handle, ECONNREFUSED), after: drawDelay())
        }
        return handle
    }

    func connectError(_ handle: SocketHandle) -> SystemError? {
        let code = sockets[Int(handle)].connectFailure
        return code == 0 ? nil : SystemError("connect", code)
    }

    func accept(_ handle: SocketHandle) -> AcceptResult {
        while !sockets[Int(handle)].backlog.isEmpty {
            let accepted = sockets[Int(handle)].backlog.removeFirst()
            if !sockets[Int(handle)].backlog.isEmpty {
                schedule(.again(handle, .readable), after: 0)
            }
            guard sockets[Int(accepted)].isOpen else { continue }
            return .accepted(accepted, sockets[Int(sockets[Int(accepted)].peer)].address)
        }
        return .wouldBlock
    }

    func watch(_ handle: SocketHandle, _ token: Token) {
        sockets[Int(handle)].token = token
        var readiness: Readiness = []
        let socket = sockets[Int(handle)]
        if socket.unread > 0 || socket.peerEnded || socket.isReset || !socket.backlog.isEmpty {
            readiness.insert(.readable)
        }
        if !socket.isConnecting, !socket.isListening { readiness.insert(.writable) }
        report(handle, readiness)
    }

    func read(
        _ handle: SocketHandle,
        into base: UnsafeMutablePointer<UInt8>,
        _ count: Int
    )
        -> IOResult
    {
        let index = Int(handle)
        precondition(sockets[index].isOpen, "a read on a closed socket")
        if sockets[index].isReset { return .failed(ECONNRESET) }
        let unread = sockets[index].unread
        guard unread > 0 else { return sockets[index].peerEnded ? .bytes(0) : .wouldBlock }
        var take = min(unread, count)
        if take > 1, random.next(below: 1024) < weather.shortRead {
            take = 1 + Int(random.next(below: UInt64(take)))
        }
        let start = sockets[index].arrivedStart
        sockets[index].arrived.withUnsafeBufferPointer { bytes in
            guard let from = bytes.baseAddress else { return }
            base.update(from: from + start, count: take)
        }
        sockets[index].arrivedStart += take
        if sockets[index].unread == 0 {
            sockets[index].arrived.removeAll(keepingCapacity: true)
            sockets[index].arrivedStart = 0
        }
        if take < count, sockets[index].unread > 0 || sockets[index].peerEnded {
            schedule(.again(handle, .readable), after: 0)
        }
        let peer = sockets[index].peer
        if sockets[Int(peer)].wantsRoom {
            sockets[Int(peer)].wantsRoom = false
            schedule(.room(peer), after: drawDelay())
        }
        return .bytes(take)
    }

    func write(_ handle: SocketHandle, _ vectors: UnsafePointer<iovec>, _ count: Int) -> IOResult {
        let index = Int(handle)
        precondition(sockets[index].isOpen, "a write on a closed socket")
        precondition(!sockets[index].wroteEnd, "a write after the end")
        if sockets[index].isReset { return .failed(EPIPE) }
        guard !sockets[index].isConnecting else { return .wouldBlock }
        let peer = sockets[index].peer
        guard sockets[Int(peer)].isOpen, sockets[Int(peer)].peer == handle else {
            schedule(.reset(handle), after: 0)
            return .failed(EPIPE)
        }
        if random.next(below: 1024) < weather.reset {
            schedule(.reset(handle), after: drawDelay())
            schedule(.reset(peer), after: drawDelay())
        }
        let used = sockets[Int(peer)].unread + sockets[Int(peer)].inFlight
        var room = weather.window - used
        guard room > 0 else {
            sockets[index].wantsRoom = true
            return .wouldBlock
        }
        if room > 1, random.next(below: 1024) < weather.shortWrite {
            room = 1 + Int(random.next(below: UInt64(room)))
        }
        var bytes: [UInt8] = []
        var offered = 0
        for vector in UnsafeBufferPointer(start: vectors, count: count) {
            offered += vector.iov_len
            let take = min(vector.iov_len, room - bytes.count)
            if take > 0 {
                bytes.append(
                    contentsOf: UnsafeRawBufferPointer(start: vector.iov_base, count: take)
                )
            }
        }
        let taken = bytes.count
        if taken < offered { sockets[index].wantsRoom = true }
        if taken < offered, used + taken < weather.window {
            sockets[index].wantsRoom = false
            schedule(.room(handle), after: drawDelay())
        }
        sockets[Int(peer)].inFlight += taken
        scheduleInOrder(.bytes(peer, bytes), to: peer)
        return .bytes(taken)
    }

    func shutdownWrite(_ handle: SocketHandle) {
        guard !sockets[Int(handle)].wroteEnd, !sockets[Int(handle)].isConnecting else { return }
        sockets[Int(handle)].wroteEnd = true
        let peer = sockets[Int(handle)].peer
        // A connection that was reset has nothing more to say; a clean end would hide what it lost.
        guard !sockets[Int(handle)].isReset, isConnected(peer, to: handle) else { return }
        scheduleInOrder(.end(peer), to: peer)
    }

    func close(_ handle: SocketHandle, abortively: Bool) {
        let index = Int(handle)
        precondition(sockets[index].isOpen, "a socket is closed once")
        if sockets[index].isListening {
            listeners = listeners.filter { $0.value != handle }
            for waiting in sockets[index].backlog where sockets[Int(waiting)].isOpen {
                close(waiting, abortively: true)
            }
        } else if !sockets[index].isReset, isConnected(sockets[index].peer, to: handle) {
            let peer = sockets[index].peer
            // Closing with unread bytes resets, as the kernel does, and after a reset nothing ends cleanly.
            if abortively || sockets[index].unread > 0 || sockets[index].isReset {
                schedule(.reset(peer), after: drawDelay())
            } else if !sockets[index].wroteEnd {
                scheduleInOrder(.end(peer), to: peer)
            }
        }
        sockets[index].isOpen = false
        sockets[index].token = nil
        sockets[index].arrived = []
        // The number is not reused: a late event for it must find a closed socket.
    }

    // MARK: Time

    func readClock(_ clock: inout Clock) {
        clock.set(
            now: now,
            wall: WallTime(
                seconds: epochSeconds + now / 1_000_000_000,
                nanoseconds: Int32(now % 1_000_000_000)
            )
        )
    }

    func wait(
        until deadline: Nanoseconds,
        _ clock: inout Clock,
        into events: inout [ReactorEvent]
    ) {
        events.removeAll(keepingCapacity: true)
        if readyHandles.isEmpty {
            let next = scheduled.min { $0.at < $1.at }?.at ?? .never
            let target = min(next, deadline)
            if target != .never, target > now { now = target }
        }
        while let index = earliest(), scheduled[index].at <= now {
            let happening = scheduled.remove(at: index).happening
            happen(happening)
        }
        readyHandles.shuffle(using: &random)
        for handle in readyHandles {
            let index = Int(handle)
            guard let token = sockets[index].token else { continue }
            events.append(ReactorEvent(token: token, readiness: sockets[index].pending))
            sockets[index].pending = []
        }
        readyHandles.removeAll(keepingCapacity: true)
        readClock(&clock)
    }

    // MARK: What happens

    private func earliest() -> Int? {
        scheduled.indices.min {
            (scheduled[$0].at, scheduled[$0].order) < (scheduled[$1].at, scheduled[$1].order)
        }
    }

    private func happen(_ happening: Happening) {
        switch happening {
        case .bytes(let handle, let bytes):
            sockets[Int(handle)].inFlight -= bytes.count
            guard sockets[Int(handle)].isOpen else {
                resetPeer(of: handle)
                return
            }
            sockets[Int(handle)].arrived.append(contentsOf: bytes)
            report(handle, .readable)
        case .end(let handle):
            sockets[Int(handle)].peerEnded = true
            report(handle, [.readable, .ending])
        case .reset(let handle):
            sockets[Int(handle)].isReset = true
            report(handle, [.readable, .writable, .hungUp, .ending])
        case .connected(let handle, let listener): connected(handle, to: listener)
        case .refused(let handle, let code):
            sockets[Int(handle)].isConnecting = false
            sockets[Int(handle)].connectFailure = code
            sockets[Int(handle)].isReset = true
            report(handle, [.readable, .writable, .hungUp, .ending])
        case .room(let handle): report(handle, .writable)
        case .again(let handle, let readiness): report(handle, readiness)
        }
    }

    private func connected(_ handle: SocketHandle, to listener: SocketHandle) {
        guard sockets[Int(handle)].isOpen else { return }
        guard sockets[Int(listener)].isOpen else {
            happen(.refused(handle, ECONNREFUSED))
            return
        }
        let accepted = open(sockets[Int(listener)].address)
        sockets[Int(accepted)].peer = handle
        sockets[Int(handle)].peer = accepted
        sockets[Int(handle)].isConnecting = false
        sockets[Int(listener)].backlog.append(accepted)
        report(listener, .readable)
        report(handle, .writable)
    }

    /// Bytes for a closed socket are answered with a reset.
    private func resetPeer(of handle: SocketHandle) {
        let peer = sockets[Int(handle)].peer
        guard peer >= 0, sockets[Int(peer)].isOpen else { return }
        happen(.reset(peer))
    }

    private func report(_ handle: SocketHandle, _ readiness: Readiness) {
        let index = Int(handle)
        guard sockets[index].isOpen, !readiness.isEmpty else { return }
        guard sockets[index].token != nil else { return }
        if sockets[index].pending.isEmpty { readyHandles.append(handle) }
        sockets[index].pending.formUnion(readiness)
    }

    private func isConnected(_ peer: SocketHandle, to handle: SocketHandle) -> Bool {
        peer >= 0 && sockets[Int(peer)].isOpen && sockets[Int(peer)].peer == handle
    }

    private func open(_ address: SocketAddress) -> SocketHandle {
        let handle = SocketHandle(sockets.count)
        var socket = Socket()
        socket.isOpen = true
        socket.address = address
        sockets.append(socket)
        return handle
    }

    private func drawDelay() -> Nanoseconds {
        let spread = weather.delay.upperBound - weather.delay.lowerBound
        var delay = weather.delay.lowerBound
        if spread > 0 { delay += Nanoseconds(random.next(below: UInt64(spread) + 1)) }
        if weather.stallChance > 0, random.next(below: 1024) < weather.stallChance {
            delay += weather.stall
        }
        return delay
    }

    /// Bytes of one direction arrive in the order in which they were sent.
    private func scheduleInOrder(_ happening: Happening, to handle: SocketHandle) {
        let at = max(now + drawDelay(), sockets[Int(handle)].lastArrival)
        sockets[Int(handle)].lastArrival = at
        schedule(happening, after: at - now)
    }

    private func schedule(_ happening: Happening, after delay: Nanoseconds) {
        order += 1
        scheduled.append(Scheduled(at: now + delay, order: order, happening: happening))
    }
}
