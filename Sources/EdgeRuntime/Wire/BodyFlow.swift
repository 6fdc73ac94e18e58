// A body on its way from who reads it off a socket to who writes it to another: a bounded queue of chunk ranges.
//
// The producer pushes while there `isRoom`; the consumer takes as fast as its own socket allows. Neither calls the
// other: whoever changed something touches the other's loop member, which looks at the flow in its own turn. Pure.

struct BodyFlow: ~Copyable {
    enum Pull {
        case bytes(ChunkRange)
        /// Nothing now; there will be more.
        case pending
        case ended
        case failed(EdgeError)
    }

    private enum Ending: Equatable {
        case open
        case ended
        case failed(EdgeError)
    }

    private struct Gathering {
        var bytesMax: Int
        var pool: ChunkPool
        /// Where small pieces are put together.
        var chunk: Chunk?
    }

    private var ranges = UniqueArray<ChunkRange>()
    private var first = 0
    /// Capacity of the chunks of the ranges before `first`.
    private var takenBytes = 0
    private var ending = Ending.open
    private(set) var bufferedBytes = 0
    /// All that was ever pushed.
    private(set) var totalBytes: Int64 = 0
    /// Whether anybody has asked for this body yet.
    private(set) var isWanted = false
    private var gathering: Gathering?

    init() {}

    /// `allowance` is what one body may hold now (`ChunkPool.allowance`): less, the more all others hold.
    func isRoom(_ allowance: Int) -> Bool {
        if let gathering {
            return bufferedBytes <= gathering.bytesMax
                && (bufferedBytes < allowance || allowance > Limits.flowBytesMin)
        }
        return bufferedBytes < allowance && ranges.count - first < Limits.flowRanges
    }

    /// A pull would answer `pending`: neither bytes nor the end is there.
    var isEmptyForNow: Bool { bufferedBytes == 0 && ending == .open }

    /// The producer will push nothing more.
    var isOver: Bool { ending != .open }
    /// All that was pushed has been taken, and there will be nothing more.
    var isDrained: Bool { ending == .ended && bufferedBytes == 0 }

    mutating func push(_ range: consuming ChunkRange) {
        precondition(ending == .open, "a body has one end")
        guard range.count > 0 else { return }
        guard gathering == nil || range.count >= Limits.chunkSmallBytes else {
            pushGathered(range)
            return
        }
        append(range)
    }

    /// Copies into `chunk`, and into new ones when that is full: many small pieces cost no chunk each.
    mutating func push(copyOf bytes: Span<UInt8>, in chunk: inout Chunk?, _ pool: ChunkPool) {
        precondition(ending == .open, "a body has one end")
        var start = 0
        while start < bytes.count {
            let left = bytes.count - start
            let target =
                chunk ?? (left <= Limits.chunkSmallBytes ? pool.leaseSmall() : pool.leaseLarge())
            let from = target.filled
            let count = min(target.room, left)
            target.append(bytes.extracting(start..<start + count))
            append(ChunkRange(chunk: target, start: from, end: from + count))
            start += count
            chunk = target.room > 0 ? target : nil
        }
    }

    private mutating func append(_ range: consuming ChunkRange) {
        totalBytes &+= Int64(range.count)
        bufferedBytes &+= range.count
        if first < ranges.count {
            let last = ranges.count &- 1
            if ranges[last].chunk === range.chunk, ranges[last].end == range.start {
                ranges[last].end = range.end
                return
            }
        }
        ranges.append(range)
    }

    mutating func end() {
        if ending == .open { ending = .ended }
    }

    /// What was pushed before is still delivered: the reader sees how far the body came.
    mutating func fail(_ error: EdgeError) {
        if ending == .open { ending = .failed(error) }
    }

    mutating func want() { isWanted = true }

    // MARK: Gathering

    /// Somebody wants to see the body whole before it goes on: up to one byte more than `bytesMax` is held, as long as
    /// all others leave room for it, and small pieces are put together, since each would hold a chunk.
    mutating func gather(upTo bytesMax: Int, _ pool: ChunkPool) {
        gathering = Gathering(bytesMax: bytesMax, pool: pool, chunk: gathering?.chunk)
    }

    mutating func endGathering() { gathering = nil }

    var isGathering: Bool { gathering != nil }

    /// Why it will not be whole.
    var failure: EdgeError? {
        if case .failed(let error) = ending { return error }
        return nil
    }

    private mutating func pushGathered(_ range: ChunkRange) {
        guard var gathering = self.gathering else { return }
        var chunk = gathering.chunk.take()
        let bytes = range.bytes
        push(copyOf: bytes, in: &chunk, gathering.pool)
        gathering.chunk = chunk
        self.gathering = gathering
    }

    /// What lies here, without taking it.
    func copy(from offset: Int = 0, atMost limit: Int = .max) -> [UInt8] {
        var copy: [UInt8] = []
        let count = min(limit, max(0, bufferedBytes - offset))
        copy.reserveCapacity(count)
        var start = offset
        for index in first..<ranges.count where copy.count < count {
            let range = ranges[index]
            guard start < range.count else {
                start -= range.count
                continue
            }
            let end = min(range.count, start + count - copy.count)
            let bytes = range.bytes
            bytes.extracting(start..<end).withUnsafeBufferPointer { copy.append(contentsOf: $0) }
            start = 0
        }
        return copy
    }

    mutating func pull(atMost limit: Int = .max) -> Pull {
        isWanted = true
        guard first < ranges.count else {
            switch ending {
            case .open: return .pending
            case .ended: return .ended
            case .failed(let error): return .failed(error)
            }
        }
        guard ranges[first].count <= limit else {
            var range = ranges[first]
            ranges[first].dropFirst(limit)
            range.end = range.start &+ UInt32(truncatingIfNeeded: limit)
            bufferedBytes &-= limit
            return .bytes(range)
        }
        guard first &+ 1 < ranges.count else {
            let last = ranges.takeLast()
            ranges.removeAll()
            first = 0
            takenBytes = 0
            bufferedBytes &-= last.count
            return .bytes(last)
        }
        let range = ranges[first]
        first &+= 1
        takenBytes &+= range.chunk.capacity
        if first >= 64 || takenBytes >= Limits.finishedBytes {
            // Ranges that were taken hold their chunks until here.
            ranges.removeFirst(first)
            first = 0
            takenBytes = 0
        }
        bufferedBytes &-= range.count
        return .bytes(range)
    }

    mutating func reset() {
        ranges.removeAll()
        first = 0
        takenBytes = 0
        ending = .open
        bufferedBytes = 0
        totalBytes = 0
        isWanted = false
        if gathering != nil { gathering = nil }
    }
}
