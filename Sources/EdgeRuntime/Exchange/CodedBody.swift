// The link between an origin that sends a coded body and functions that work on the bytes themselves.
//
//   origin ─▶ pending ─▶ decoder ─▶ fetch.body ─▶ readers, filters, the viewer
//
// Few bytes may become very many: no more is decoded than the body has room for, and while coded bytes wait the origin
// is held back. Who takes from the body makes room, and the next bytes are decoded there and then.

final class CodedBody {
    private let decoder: ContentDecoder
    private let pool: ChunkPool
    /// As it came.
    var pending = BodyFlow()
    private var piece: ChunkRange?
    /// The decoder has more in it than there was room for.
    private var isFull = false

    init(_ coding: ContentCoding, _ pool: ChunkPool) throws(EdgeError) {
        decoder = try ContentDecoder(coding, pool: pool)
        self.pool = pool
    }

    func decode(into body: inout BodyFlow) {
        do throws(EdgeError) {
            while !body.isOver, body.isRoom(pool.allowance) {
                guard piece != nil || isFull else {
                    switch pending.pull() {
                    case .pending: return
                    case .bytes(let range): piece = range
                    case .failed(let error): body.fail(error)
                    case .ended:
                        try decoder.finish()
                        body.end()
                    }
                    continue
                }
                try decodePiece(into: &body)
            }
        } catch {
            body.fail(error.blaming(.origin))
        }
    }

    private func decodePiece(into body: inout BodyFlow) throws(EdgeError) {
        let room = min(Limits.chunkLargeBytes, pool.allowance)
        guard var range = piece.take() else {
            isFull = try decoder.push(Span(), room: room, into: &body).isFull
            return
        }
        let progress = try decoder.push(range.bytes, room: room, into: &body)
        isFull = progress.isFull
        range.dropFirst(progress.taken)
        if range.count > 0 { piece = range } else { pool.stockIfLast(&range.chunk) }
    }
}

extension Fetch {
    /// Before functions see the head. The origin was asked for no coding, and used one all the same.
    func undoCoding() throws(EdgeError) {
        guard let exchange, let behavior = exchange.behavior,
            exchange.generation.takesResponseBody(behavior), response.status != 206,
            bodyFraming != .tunnel, bodyFraming != .none || exchange.isHead,
            let coding = BodyDescription.coding(response.fields, arena)
        else { return }
        // The head of a HEAD is that of a GET.
        if bodyFraming != .none { decodeBody(try CodedBody(coding, context.loop.chunks)) }
        BodyFields.dropMeasures(&response.fields, arena)
        BodyFields.weakenTag(&response.fields, arena)
        response.fields.removeAll(.contentEncoding)
    }
}
