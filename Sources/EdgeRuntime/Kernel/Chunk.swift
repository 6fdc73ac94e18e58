// Bytes in motion: what sockets are read into, what bodies are made of, what write queues send.
//
// A chunk is written once, front to back. What lies before `filled` never changes again, so any number of
// holders may share a range of it (`ChunkRange`), also on other threads, while its writer goes on filling the rest.
//
//   ┌──────────────────────┬─────────────┐
//   │ filled, may be shared│    free     │
//   └──────────────────────┴─────────────┘
//   0                      filled        capacity
//
// A loop leases chunks from its `ChunkPool`, which counts what is out: that count is the loop's buffered memory.

import CLinux

final class Chunk: @unchecked Sendable {
    // Guard: only the leasing loop writes, and only at `filled` and behind; readers hold ranges below `filled`
    // that reached them through a mailbox or a lock.
    let base: UnsafeMutablePointer<UInt8>
    let capacity: Int
    private(set) var filled = 0
    /// Where this chunk is counted until its last holder lets go, on whichever thread that happens.
    private let ledger: ChunkLedger?

    init(capacity: Int, ledger: ChunkLedger? = nil) {
        base = .allocate(capacity: capacity)
        self.capacity = capacity
        self.ledger = ledger
        ledger?.add(capacity)
    }

    deinit {
        base.deallocate()
        ledger?.add(-capacity)
    }

    convenience init(_ bytes: Span<UInt8>) {
        self.init(capacity: max(1, bytes.count))
        append(bytes)
    }

    var room: Int {
        @inline(__always) get { capacity &- filled }
    }

    /// What was written so far.
    var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            let span = Span(_unsafeStart: base, count: filled)
            return _overrideLifetime(span, borrowing: self)
        }
    }

    @_lifetime(borrow self)
    func bytes(from start: Int, to end: Int) -> Span<UInt8> {
        precondition(start <= end && end <= filled, "outside of what was written")
        let span = Span(_unsafeStart: base + start, count: end - start)
        return _overrideLifetime(span, borrowing: self)
    }

    @inline(__always)
    func append(_ bytes: Span<UInt8>) {
        let count = bytes.count
        precondition(count <= room, "a chunk does not grow")
        bytes.withUnsafeBufferPointer { source in
            guard let from = source.baseAddress else { return }
            (base + filled).update(from: from, count: count)
        }
        filled &+= count
    }

    /// After a system call wrote `count` bytes at `base + filled`.
    @inline(__always)
    func didFill(_ count: Int) {
        precondition(count <= room, "more than there was room for")
        filled &+= count
    }

    /// Starts over. Only for a chunk that nobody shares: see `ChunkPool.recycle`.
    func empty() { filled = 0 }
}

/// A shared part of a chunk: what body flows and write queues pass on instead of copying.
struct ChunkRange {
    var chunk: Chunk
    var start: UInt32
    var end: UInt32

    init(chunk: Chunk, start: Int, end: Int) {
        self.chunk = chunk
        self.start = UInt32(truncatingIfNeeded: start)
        self.end = UInt32(truncatingIfNeeded: end)
    }

    var count: Int { Int(end &- start) }

    var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            let span = chunk.bytes(from: Int(start), to: Int(end))
            return _overrideLifetime(span, borrowing: self)
        }
    }

    /// As system calls want it.
    var vector: iovec {
        @inline(__always) get { iovec(iov_base: chunk.base + Int(start), iov_len: count) }
    }

    /// Takes the first `count` bytes off.
    mutating func dropFirst(_ count: Int) {
        precondition(count <= self.count, "more than there is")
        start &+= UInt32(truncatingIfNeeded: count)
    }
}
