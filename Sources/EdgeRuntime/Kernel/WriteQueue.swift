// What a connection still has to send: ranges of chunks, in order.
//
// Bytes of our own making (heads, chunk framing) are copied into the queue's tail chunk; bodies are queued as the
// ranges they came in. A partial write leaves the rest where it was. Pure but for the closure that writes.

import CLinux

struct WriteQueue: ~Copyable {
    /// Vectors handed to one `writev`. With 64 KiB chunks this is far beyond what a socket buffer takes.
    static let vectorsMax = 32

    private let pool: ChunkPool
    private var ranges = UniqueArray<ChunkRange>()
    private var first = 0
    /// Capacity of the chunks of the ranges before `first`.
    private var finishedBytes = 0
    private var tail: Chunk?
    private(set) var pendingBytes = 0

    init(pool: ChunkPool) { self.pool = pool }

    var isEmpty: Bool { pendingBytes == 0 }

    /// Copies `bytes` to the end of the queue.
    @inline(__always)
    mutating func append(_ bytes: Span<UInt8>) {
        guard room >= bytes.count, let target = tail.take() else { return appendAcross(bytes) }
        let start = target.filled
        target.append(bytes)
        extend(target, from: start, by: bytes.count)
        tail = consume target
    }

    @inline(__always)
    mutating func append(_ text: StaticString) {
        append(Span(_unsafeStart: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func append(byte: UInt8) {
        let one: InlineArray<1, UInt8> = [byte]
        append(one.span)
    }

    /// Lends room for `count` bytes in one piece, of which `fill` writes as many as it needs: one check for a whole
    /// head instead of one for each of its parts.
    @inline(__always)
    mutating func append(upTo count: Int, _ fill: (inout ByteFiller) -> Void) {
        let target = takeTail(for: count)
        let start = target.filled
        var filler = ByteFiller(target.base + start, capacity: count)
        fill(&filler)
        target.didFill(filler.count)
        extend(target, from: start, by: filler.count)
        tail = consume target
    }

    /// Room in the tail: none where there is no tail.
    private var room: Int { tail?.room ?? 0 }

    /// The tail is moved out and put back, since a second reference would be counted.
    private mutating func takeTail(for count: Int) -> Chunk {
        if room >= count, let target = tail.take() { return target }
        return switch count {
        case ...Limits.chunkSmallBytes: pool.leaseSmall()
        case ...Limits.chunkLargeBytes: pool.leaseLarge()
        default: Chunk(capacity: count, ledger: pool.ledger)
        }
    }

    /// Queues a shared range without copying it, unless it is so short that a copy next to the head, in the same
    /// vector of the same write, costs less than a vector of its own.
    mutating func append(_ range: consuming ChunkRange) {
        var range = range
        guard range.count > 0 else { return }
        if range.count <= Limits.copiedPieceBytes, room >= range.count {
            append(range.bytes)
            pool.stockIfLast(&range.chunk)
            return
        }
        ranges.append(range)
        pendingBytes &+= range.count
    }

    /// Offers what is pending to `write`, which answers how many bytes it took, until all is gone or it took less
    /// than it was offered. A negative answer stops at once and is passed on.
    mutating func flush(_ write: (UnsafePointer<iovec>, Int) -> Int) -> Int {
        var sent = 0
        while pendingBytes > 0 {
            let (offered, taken) = withUnsafeTemporaryAllocation(
                of: iovec.self,
                capacity: Self.vectorsMax
            ) { vectors in
                let count = min(ranges.count - first, Self.vectorsMax)
                var offered = 0
                for index in 0..<count {
                    let vector = ranges[first &+ index].vector
                    vectors[index] = vector
                    offered &+= vector.iov_len
                }
                guard let base = vectors.baseAddress else { return (0, 0) }
                return (offered, write(UnsafePointer(base), count))
            }
            guard taken >= 0 else { return taken }
            didSend(taken)
            sent &+= taken
            guard taken == offered else { break }
        }
        return sent
    }

    /// Copies up to `limit` pending bytes to `target` without taking them.
    func copyFront(to target: UnsafeMutablePointer<UInt8>, _ limit: Int) -> Int {
        var copied = 0
        var index = first
        while index < ranges.count, copied < limit {
            let range = ranges[index]
            let count = min(range.count, limit - copied)
            (target + copied).update(from: range.chunk.base + Int(range.start), count: count)
            copied += count
            index += 1
        }
        return copied
    }

    /// For writers that are not a socket: the first pending range.
    var front: ChunkRange? { first < ranges.count ? ranges[first] : nil }

    /// The first `count` pending bytes are gone.
    mutating func didSend(_ count: Int) {
        precondition(count <= pendingBytes, "more than was pending")
        pendingBytes &-= count
        if pendingBytes == 0 {
            clear()
            return
        }
        var left = count
        while left > 0 {
            let size = ranges[first].count
            guard left >= size else {
                ranges[first].dropFirst(left)
                break
            }
            left &-= size
            finishedBytes &+= ranges[first].chunk.capacity
            first &+= 1
        }
        if first >= Self.vectorsMax || finishedBytes >= Limits.finishedBytes { dropFinished() }
    }

    /// Finished ranges hold their chunks until here, a batch at a time.
    private mutating func dropFinished() {
        for index in 0..<first where ranges[index].chunk !== tail {
            pool.stockIfLast(&ranges[index].chunk)
        }
        ranges.removeFirst(first)
        first = 0
        finishedBytes = 0
    }

    /// Drops everything, sent or not.
    mutating func clear() {
        pendingBytes = 0
        first = 0
        finishedBytes = 0
        while !ranges.isEmpty {
            var range = ranges.takeLast()
            // The tail's own reference is the last one.
            if range.chunk !== tail { pool.stockIfLast(&range.chunk) }
        }
        pool.recycle(&tail)
    }

    @inline(__always)
    private mutating func extend(_ chunk: Chunk, from start: Int, by count: Int) {
        pendingBytes &+= count
        let last = ranges.count &- 1
        if last >= 0, ranges[last].chunk === chunk, Int(ranges[last].end) == start {
            ranges[last].end &+= UInt32(truncatingIfNeeded: count)
        } else if count > 0 {
            ranges.append(ChunkRange(chunk: chunk, start: start, end: start &+ count))
        }
    }

    @inline(never)
    private mutating func appendAcross(_ bytes: Span<UInt8>) {
        var rest = bytes
        while rest.count > 0 {
            var target: Chunk
            if let tail, tail.room > 0 {
                target = tail
            } else {
                target =
                    rest.count > Limits.chunkSmallBytes ? pool.leaseLarge() : pool.leaseSmall()
                tail = target
            }
            let count = min(rest.count, target.room)
            let start = target.filled
            target.append(rest.extracting(first: count))
            extend(target, from: start, by: count)
            rest = rest.extracting(droppingFirst: count)
        }
    }
}
