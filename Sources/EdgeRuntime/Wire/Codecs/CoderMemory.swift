// What zlib and brotli allocate for one coder: counted where the loop counts its bodies, and refused past a bound, so
// that neither a hostile stream nor a new version of a library takes more than `Limits` says.
//
//   ┌───────┬─────┬──────────────────┐
//   │ count │  -  │ the library's    │
//   └───────┴─────┴──────────────────┘
//   0       8     16: as malloc aligns

import Glibc

final class CoderMemory {
    private let ledger: ChunkLedger
    private let bytesMax: Int
    private(set) var liveBytes = 0
    private(set) var peakBytes = 0
    /// A call of the library that failed failed for this.
    private(set) var hasRefused = false

    private static let prefixBytes = 16

    /// A coder is begun only if the loop has all of it left: one that starves in the middle costs a response.
    init(_ bytesMax: Int, of pool: ChunkPool) throws(EdgeError) {
        guard pool.budget - pool.leasedBytes >= bytesMax else { throw .bufferLimit }
        ledger = pool.ledger
        self.bytesMax = bytesMax
    }

    deinit { precondition(liveBytes == 0, "a coder has left memory behind") }

    /// What the libraries call their own word and give back with each call. Whoever hands it out keeps `self`.
    var opaque: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

    private static func of(_ opaque: UnsafeMutableRawPointer?) -> CoderMemory {
        guard let opaque else { preconditionFailure("a library has lost its word") }
        return Unmanaged<CoderMemory>.fromOpaque(opaque).takeUnretainedValue()
    }

    static let allocate:
        @convention(c) (UnsafeMutableRawPointer?, Int) -> UnsafeMutableRawPointer? = {
            of($0).allocate($1)
        }

    static let allocateItems:
        @convention(c) (UnsafeMutableRawPointer?, UInt32, UInt32) -> UnsafeMutableRawPointer? = {
            of($0).allocate(Int($1) * Int($2))
        }

    static let free: @convention(c) (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) -> Void = {
        of($0).free($1)
    }

    private func allocate(_ count: Int) -> UnsafeMutableRawPointer? {
        let whole = count + Self.prefixBytes
        guard liveBytes + whole <= bytesMax, let base = malloc(whole) else {
            hasRefused = true
            return nil
        }
        base.storeBytes(of: whole, as: Int.self)
        liveBytes += whole
        peakBytes = max(peakBytes, liveBytes)
        ledger.add(whole)
        return base + Self.prefixBytes
    }

    private func free(_ block: UnsafeMutableRawPointer?) {
        guard let block else { return }
        let base = block - Self.prefixBytes
        let whole = base.load(as: Int.self)
        liveBytes -= whole
        ledger.add(-whole)
        Glibc.free(base)
    }
}

/// Where a coder writes: into the room of a chunk, of which the flow gets what was filled.
struct CoderOutput {
    let pool: ChunkPool
    private var chunk: Chunk?
    private var hasLeased = false

    init(_ pool: ChunkPool) { self.pool = pool }

    /// Most objects are small when they are coded; what does not fit a small chunk streams.
    mutating func room() -> Chunk {
        // A flush that finds fewer than six bytes would mark the place twice.
        if let chunk, chunk.room >= Limits.readRoomMin { return chunk }
        let fresh = hasLeased ? pool.leaseForStreaming() : pool.leaseSmall()
        hasLeased = true
        pool.recycle(&chunk)
        chunk = fresh
        return fresh
    }

    func push(_ count: Int, of chunk: Chunk, into flow: inout BodyFlow) {
        guard count > 0 else { return }
        let start = chunk.filled
        chunk.didFill(count)
        flow.push(ChunkRange(chunk: chunk, start: start, end: start + count))
    }

    mutating func close() { pool.recycle(&chunk) }
}
