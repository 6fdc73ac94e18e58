// A loop's stock of chunks in two sizes, and the ledger of how much memory they hold.
//
// Every chunk that a loop allocates is in its ledger until the last holder lets go, wherever that is; what lies in
// the stock is free. The difference is what bodies and heads in flight cost, and `limits.buffered` bounds it.

import Synchronization

/// Bytes of live chunks of one loop. Atomic, because a chunk may die on another thread.
final class ChunkLedger: Sendable {
    private let bytes = Atomic<Int>(0)

    func add(_ count: Int) { bytes.wrappingAdd(count, ordering: .relaxed) }
    var liveBytes: Int { bytes.load(ordering: .relaxed) }
}

final class ChunkPool {
    let ledger = ChunkLedger()
    private var small = UniqueArray<Chunk>()
    private var large = UniqueArray<Chunk>()

    /// What exchanges and connections hold now.
    var leasedBytes: Int {
        ledger.liveBytes - small.count * Limits.chunkSmallBytes
            - large.count * Limits.chunkLargeBytes
    }

    /// What all bodies of this loop together should hold.
    var budget = Int.max

    /// What one body, or one write queue, may hold now: a share of what is left. A thousand viewers that do not read
    /// take ever smaller shares instead of the whole budget, and there is always some for the next one.
    var allowance: Int {
        let left = max(0, budget - leasedBytes)
        return min(Limits.flowBytes, max(Limits.flowBytesMin, left / Limits.flowShare))
    }

    /// The size for a read of a body that streams.
    func leaseForStreaming() -> Chunk {
        allowance < Limits.chunkLargeBytes ? leaseSmall() : leaseLarge()
    }

    init() {
        small.reserve(Limits.chunksSmallKept)
        large.reserve(Limits.chunksLargeKept)
    }

    /// For heads and short bodies.
    @inline(__always)
    func leaseSmall() -> Chunk {
        guard !small.isEmpty else { return Chunk(capacity: Limits.chunkSmallBytes, ledger: ledger) }
        return small.takeLast()
    }

    /// For bodies that stream.
    func leaseLarge() -> Chunk {
        guard !large.isEmpty else { return Chunk(capacity: Limits.chunkLargeBytes, ledger: ledger) }
        return large.takeLast()
    }

    /// Takes a reference back. If it was the last one the chunk goes to stock, else its other holders keep it.
    @inline(__always)
    func recycle(_ reference: inout Chunk?) {
        guard var chunk = reference.take() else { return }
        stockIfLast(&chunk)
    }

    /// The same for a reference that its holder drops right after: uniqueness is asked of the stored reference
    /// itself, because a copy of it would be a second one.
    @inline(__always)
    func stockIfLast(_ chunk: inout Chunk) {
        guard isKnownUniquelyReferenced(&chunk) else { return }
        switch chunk.capacity {
        case Limits.chunkSmallBytes where small.count < Limits.chunksSmallKept:
            chunk.empty()
            small.append(chunk)
        case Limits.chunkLargeBytes where large.count < Limits.chunksLargeKept:
            chunk.empty()
            large.append(chunk)
        default: return
        }
    }
}
