// What must hold for every stream that is decoded: it ends, within its bounds of bytes and memory, with the same answer
// however it is cut and however little room there is; and whatever is coded is decoded as itself.

#if canImport(EdgeRuntime)
    @testable import EdgeRuntime
#endif

enum CodingProperties {
    private static let bytesMax: Int64 = 1 << 18

    static func gzip(_ input: [UInt8]) { check(input, .gzip) }
    static func deflate(_ input: [UInt8]) { check(input, .deflate) }
    static func brotli(_ input: [UInt8]) { check(input, .brotli) }

    private static func check(_ input: [UInt8], _ coding: ContentCoding) {
        let pool = ChunkPool()
        let whole = decode(input, coding, pieces: .max, room: 1 << 20, pool)
        for (pieces, room) in [(1, 1 << 20), (7, 64), (.max, 4093)] {
            // Which of two errors comes first is a matter of how far a call went.
            let again = decode(input, coding, pieces: pieces, room: room, pool)
            precondition(again == whole, "split answers")
        }
        roundTrip(input, coding, pool)
        if let whole { roundTrip(whole, coding, pool) }
        precondition(pool.leasedBytes == 0, "memory is left behind")
    }

    private static func decode(
        _ input: [UInt8],
        _ coding: ContentCoding,
        pieces: Int,
        room: Int,
        _ pool: ChunkPool
    ) -> [UInt8]? {
        guard let decoder = try? ContentDecoder(coding, bytesMax: bytesMax, pool: pool) else {
            preconditionFailure("no memory")
        }
        var flow = BodyFlow()
        var decoded: [UInt8] = []
        var start = 0
        var isFull = false
        while start < input.count || isFull {
            let end = pieces < input.count - start ? start + pieces : input.count
            let piece = input.span.extracting(start..<end)
            guard let progress = try? decoder.push(piece, room: room, into: &flow) else {
                return nil
            }
            precondition(flow.bufferedBytes <= room, "more than there was room for")
            precondition(progress.taken > 0 || flow.bufferedBytes > 0 || !progress.isFull)
            start += progress.taken
            isFull = progress.isFull
            take(&flow, into: &decoded)
        }
        guard (try? decoder.finish()) != nil else { return nil }
        precondition(decoded.count <= bytesMax, "more than the bound")
        return decoded
    }

    private static func roundTrip(_ bytes: [UInt8], _ coding: ContentCoding, _ pool: ChunkPool) {
        let hint = Int64(bytes.count)
        guard let encoder = try? ContentEncoder(coding, bodyBytes: hint, pool: pool) else {
            preconditionFailure("no memory")
        }
        var flow = BodyFlow()
        var coded: [UInt8] = []
        let half = bytes.count / 2
        guard (try? encoder.push(bytes.span.extracting(0..<half), into: &flow)) != nil,
            (try? encoder.flush(into: &flow)) != nil,
            (try? encoder.push(bytes.span.extracting(half..<bytes.count), into: &flow)) != nil,
            (try? encoder.finish(into: &flow)) != nil
        else { preconditionFailure("it cannot be coded") }
        take(&flow, into: &coded)
        let again = decode(coded, coding, pieces: .max, room: 1 << 20, pool)
        precondition(again == bytes, "other bytes")
    }

    private static func take(_ flow: inout BodyFlow, into bytes: inout [UInt8]) {
        while case .bytes(let range) = flow.pull() {
            let piece = range.bytes
            piece.withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
        }
    }
}
