// Lines on their way from a loop to the writer: a bounded ring of bytes with one producer and one consumer.
//
//            head            tail                  capacity
//   ┌────────┬───────────────┬─────────────────────┐
//   │  free  │ whole lines   │  free               │   positions only grow; an offset is a position modulo
//   └────────┴───────────────┴─────────────────────┘   the capacity
//
// A line is rendered in place and never wraps: if less than the longest line is left before the end, it begins at
// the start instead and `skip` remembers where the reader has to jump. One such mark is enough: the producer can
// set the next one only a whole lap later, when the reader has passed this one.
//
// A loop never waits here. If there is no room for the longest line the line is dropped and counted. There is no
// system call per line: the writer comes by itself, and only the line that crosses half of the ring wakes it.

import Synchronization

final class LogRing: @unchecked Sendable {
    // Guard: the bytes between `head` and `tail` belong to the consumer, all others to the producer; each side
    // publishes its position with release and reads the other's with acquire. `cachedHead` is the producer's own.
    private let base: UnsafeMutablePointer<UInt8>
    private let capacity: Int
    private let head = Atomic<Int>(0)
    private let tail = Atomic<Int>(0)
    private let skip = Atomic<Int>(-1)
    private let written = Atomic<Int>(0)
    private let dropped = Atomic<Int>(0)
    private let closed = Atomic<Bool>(false)
    private var cachedHead = 0
    private let signal: LogSignal

    init(signal: LogSignal, capacity: Int = Limits.logRingBytes) {
        precondition(capacity & (capacity - 1) == 0, "a power of two")
        precondition(capacity >= 2 * Limits.logLineBytesMax, "room for more than one line")
        self.capacity = capacity
        self.signal = signal
        base = .allocate(capacity: capacity)
    }

    deinit { base.deallocate() }

    /// Lines that were handed over, and lines that found no room.
    var writtenLines: Int { written.load(ordering: .relaxed) }
    var droppedLines: Int { dropped.load(ordering: .relaxed) }

    // MARK: The loop's side

    /// A line to render into, or nil, and a dropped line more, if there is no room.
    @inline(__always)
    func begin() -> LogLine? {
        let start = nextStart
        if start &+ Limits.logLineBytesMax &- cachedHead > capacity {
            cachedHead = head.load(ordering: .acquiring)
            guard start &+ Limits.logLineBytesMax &- cachedHead <= capacity else {
                countDrop()
                return nil
            }
        }
        return LogLine(base: base + start & (capacity &- 1), limit: Limits.logLineBytesMax)
    }

    @inline(__always)
    func commit(_ line: consuming LogLine) {
        guard !line.isBroken else { return countDrop() }
        let start = nextStart
        let before = tail.load(ordering: .relaxed)
        if start != before { skip.store(before, ordering: .relaxed) }
        let after = start &+ line.count
        tail.store(after, ordering: .releasing)
        written.store(written.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
        let half = capacity / 2
        if after &- cachedHead >= half, before &- cachedHead < half { wakeIfHalfFull(after) }
    }

    /// Where the next line begins: here, or at the start of the next lap.
    private var nextStart: Int {
        @inline(__always) get {
            let position = tail.load(ordering: .relaxed)
            let left = capacity &- position & (capacity &- 1)
            return left >= Limits.logLineBytesMax ? position : position &+ left
        }
    }

    /// The head as last seen may be old; only a ring that is half full now is worth a system call.
    @inline(never)
    private func wakeIfHalfFull(_ position: Int) {
        cachedHead = head.load(ordering: .acquiring)
        if position &- cachedHead >= capacity / 2 { signal.wake() }
    }

    /// The loop logs elsewhere from now on.
    func close() {
        closed.store(true, ordering: .releasing)
        signal.wake()
    }

    private func countDrop() {
        dropped.store(dropped.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    }

    // MARK: The writer's side

    /// Whole lines that lie together; empty only if nothing waits.
    var pending: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            var from = head.load(ordering: .relaxed)
            let to = tail.load(ordering: .acquiring)
            var end = to
            let mark = skip.load(ordering: .relaxed)
            if mark >= from, mark < to {
                if mark == from {
                    from = (from / capacity + 1) * capacity
                    head.store(from, ordering: .releasing)
                } else {
                    end = mark
                }
            }
            let span = Span(_unsafeStart: base + from & (capacity - 1), count: end - from)
            return _overrideLifetime(span, borrowing: self)
        }
    }

    /// The first `count` bytes of `pending` are written.
    func consume(_ count: Int) {
        head.store(head.load(ordering: .relaxed) + count, ordering: .releasing)
    }

    /// What is pending now is all there will ever be.
    var isClosed: Bool { closed.load(ordering: .acquiring) }

    var isHalfFull: Bool {
        tail.load(ordering: .relaxed) - head.load(ordering: .relaxed) >= capacity / 2
    }
}

/// How loops and other threads talk to the log writer.
final class LogSignal: Sendable {
    struct State {
        var isWoken = false
        var isReopening = false
        var isStopping = false
        var isFinished = false
    }

    private let state = Locked(State())

    func wake() { state.withLockNotifying { $0.isWoken = true } }
    func reopen() { state.withLockNotifying { $0.isReopening = true } }
    func stop() { state.withLockNotifying { $0.isStopping = true } }
    func finish() { state.withLockNotifying { $0.isFinished = true } }

    /// The writer's sleep. What was asked for is answered once, but for stopping, which stays.
    func wait(atMost milliseconds: Int) -> State {
        state.withLock(
            waitingAtMost: milliseconds,
            until: { $0.isWoken || $0.isReopening || $0.isStopping },
            { state in
                let asked = state
                state.isWoken = false
                state.isReopening = false
                return asked
            }
        )
    }

    func waitForFinish(atMost milliseconds: Int) -> Bool {
        state.withLock(waitingAtMost: milliseconds, until: { $0.isFinished }, { $0.isFinished })
    }
}
