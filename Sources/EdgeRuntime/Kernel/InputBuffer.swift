// Where a connection reads to: one chunk, filled from the front and consumed behind it.
//
//   ┌──────────┬──────────────┬─────────┐
//   │ consumed │    unread    │  room   │
//   └──────────┴──────────────┴─────────┘
//              consumed       filled
//
// Bodies leave as ranges of the chunk, without a copy; a chunk that somebody still shares is not written over but
// replaced. A message head must lie in one piece, so what is unread moves to a larger chunk when the room is gone.
// An idle connection holds nothing.

struct InputBuffer: ~Copyable {
    private var chunk: Chunk?
    private var consumed = 0

    init() {}

    var unreadCount: Int { chunk.map { $0.filled - consumed } ?? 0 }
    var isEmpty: Bool { unreadCount == 0 }

    @inline(__always)
    func withUnread<Result, Failure: Error>(
        _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard let chunk else { return try body(Span()) }
        return try body(chunk.bytes(from: consumed, to: chunk.filled))
    }

    /// A range of what is unread, counted from its beginning.
    func range(_ range: Range<Int>) -> ChunkRange? {
        guard let chunk else { return nil }
        return ChunkRange(
            chunk: chunk,
            start: consumed + range.lowerBound,
            end: consumed + range.upperBound
        )
    }

    mutating func consume(_ count: Int) {
        precondition(count <= unreadCount, "more than there is")
        consumed += count
    }

    /// A chunk with room behind what is unread; `streaming` asks for a large one when a new one is needed.
    @inline(__always)
    mutating func makeRoom(in pool: ChunkPool, streaming: Bool) -> Chunk {
        if let chunk, chunk.room >= Limits.readRoomMin, consumed < chunk.filled || consumed == 0 {
            return chunk
        }
        return replace(in: pool, streaming: streaming)
    }

    @inline(never)
    private mutating func replace(in pool: ChunkPool, streaming: Bool) -> Chunk {
        let unread = unreadCount
        if let chunk, unread == 0, !streaming, chunk.room >= chunk.capacity / 2 { return chunk }
        let fresh: Chunk
        if unread > Limits.chunkLargeBytes - Limits.readRoomMin {
            fresh = Chunk(capacity: 2 * unread, ledger: pool.ledger)
        } else if unread >= Limits.chunkSmallBytes / 2 {
            fresh = pool.leaseLarge()
        } else if streaming {
            fresh = pool.leaseForStreaming()
        } else {
            fresh = pool.leaseSmall()
        }
        // No reference but the stored one may live on, or the pool takes the old chunk for a shared one.
        withUnread { fresh.append($0) }
        drop(to: pool)
        chunk = fresh
        return fresh
    }

    /// Gives an empty chunk back. Bytes that are still unread stay.
    @inline(__always)
    mutating func releaseIfEmpty(to pool: ChunkPool) {
        if isEmpty { drop(to: pool) }
    }

    mutating func drop(to pool: ChunkPool) {
        consumed = 0
        pool.recycle(&chunk)
    }
}
