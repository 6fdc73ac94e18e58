// A scripted end of a connection that is not the edge's: a viewer or an origin.
//
// It lives on the edge's own loop and uses the same reactor calls, so one seed decides everything both sides do. Its
// script is a list of acts that are worked off in order; what arrives is handed to the subclass.

import CLinux

@testable import EdgeRuntime

enum Act {
    case send([UInt8])
    case wait(Nanoseconds)
    /// Goes on once the subclass says that it has come to that.
    case until(Condition)
    /// Ends our half once everything is out.
    case end
    /// Closes once everything is out.
    case close
    case reset
    /// The subclass takes note of where the script is.
    case reached(Int)
}

enum Condition: Equatable {
    case requestRead
    /// So many responses have come, on this connection.
    case responses(Int)
    /// The word to go on, or a final head, or the end of this much patience.
    case goAhead(patience: Nanoseconds)
    case never
}

class Peer: LoopMember {
    unowned let world: World
    let name: String
    let handle: SocketHandle
    private(set) var acts: [Act] = []
    private var nextAct = 0
    private var outbox: [UInt8] = []
    private var sent = 0
    private var mayRead = false
    private var mayWrite = false
    private var endsAfterOutput = false
    private var closesAfterOutput = false
    private(set) var hasEnded = false
    private(set) var isClosed = false
    private var sleepsUntil: Nanoseconds = 0
    private var readsAgainAt: Nanoseconds = 0
    private(set) var waitingSince: Nanoseconds?
    /// A slow reader takes so many bytes and then pauses.
    var readMost = Int.max
    var readPause: Nanoseconds = 0

    init(world: World, name: String, handle: SocketHandle) {
        self.world = world
        self.name = name
        self.handle = handle
        super.init(loop: world.loop)
        loop.add(self)
        loop.reactor.watch(handle, token)
        loop.touch(self)
    }

    // MARK: For subclasses

    func received(_ bytes: [UInt8]) {}
    /// The other side's clean end.
    func ended() { close() }
    func broken() { close() }
    func holds(_ condition: Condition) -> Bool { false }
    func reached(_ place: Int) {}
    var isBusy: Bool { !outbox.isEmpty || nextAct < acts.count }

    func script(_ more: [Act]) {
        acts += more
        loop.touch(self)
    }

    /// What was planned and has not begun is not done any more.
    func dropScript() { nextAct = acts.count }

    func close(abortively: Bool = false) {
        guard !isClosed else { return }
        isClosed = true
        world.note(name, abortively ? "resets" : "closes", 0)
        loop.reactor.close(handle, abortively: abortively)
        loop.remove(self)
    }

    // MARK: The loop's side

    override func ready(_ readiness: Readiness) {
        if readiness.contains(.readable) { mayRead = true }
        if readiness.contains(.writable) { mayWrite = true }
        loop.touch(self)
    }

    override func expired() { loop.touch(self) }

    override func flush() {
        guard !isClosed else { return }
        play()
        write()
        read()
        guard !isClosed else { return }
        play()
        write()
        guard !isClosed else { return }
        var deadline = Nanoseconds.never
        if loop.now < sleepsUntil { deadline = sleepsUntil }
        if mayRead, loop.now < readsAgainAt { deadline = min(deadline, readsAgainAt) }
        if let patience = patienceEnds { deadline = min(deadline, patience) }
        loop.setDeadline(self, at: deadline)
    }

    private var patienceEnds: Nanoseconds? {
        guard nextAct < acts.count, case .until(.goAhead(let patience)) = acts[nextAct],
            let waitingSince
        else { return nil }
        return waitingSince + patience
    }

    private func play() {
        while !isClosed, loop.now >= sleepsUntil, nextAct < acts.count {
            switch acts[nextAct] {
            case .send(let bytes): outbox += bytes
            case .wait(let time): sleepsUntil = loop.now + time
            case .until(let condition):
                if waitingSince == nil { waitingSince = loop.now }
                let isOver = patienceEnds.map { loop.now >= $0 } ?? false
                guard holds(condition) || isOver else { return }
                waitingSince = nil
            case .end: endsAfterOutput = true
            case .close: closesAfterOutput = true
            case .reset: close(abortively: true)
            case .reached(let place): reached(place)
            }
            nextAct += 1
        }
    }

    private func write() {
        while !isClosed, mayWrite, sent < outbox.count {
            let result = outbox.withUnsafeBytes { bytes in
                var vector = iovec(
                    iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress! + sent),
                    iov_len: bytes.count - sent
                )
                return loop.reactor.write(handle, &vector, 1)
            }
            switch result {
            case .bytes(let count):
                world.note(name, "writes", count)
                sent += count
                if sent < outbox.count { mayWrite = false }
            case .wouldBlock: mayWrite = false
            case .failed:
                world.note(name, "cannot write", 0)
                outbox = []
                sent = 0
                dropScript()
                mayWrite = false
                // What has arrived is still read; the read then says how the connection ended.
                mayRead = true
                return
            }
        }
        guard !isClosed, sent == outbox.count else { return }
        outbox.removeAll(keepingCapacity: true)
        sent = 0
        if closesAfterOutput {
            close()
        } else if endsAfterOutput, !hasEnded {
            hasEnded = true
            loop.reactor.shutdownWrite(handle)
        }
    }

    private func read() {
        var budget = readMost
        while !isClosed, mayRead, loop.now >= readsAgainAt {
            var bytes = [UInt8](repeating: 0, count: min(16 << 10, budget))
            let result = bytes.withUnsafeMutableBufferPointer {
                loop.reactor.read(handle, into: $0.baseAddress!, $0.count)
            }
            switch result {
            case .bytes(0):
                mayRead = false
                world.note(name, "sees the end", 0)
                ended()
            case .bytes(let count):
                world.note(name, "reads", count)
                bytes.removeLast(bytes.count - count)
                received(bytes)
                budget -= count
                guard budget <= 0 else { continue }
                budget = readMost
                readsAgainAt = loop.now + readPause
            case .wouldBlock: mayRead = false
            case .failed:
                mayRead = false
                world.note(name, "sees a reset", 0)
                broken()
            }
        }
    }
}
