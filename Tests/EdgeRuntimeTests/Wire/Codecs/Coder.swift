@testable import EdgeRuntime

/// Whole bodies through the coders, in pieces.
enum Coder {
    static func encode(
        _ bytes: [UInt8],
        _ coding: ContentCoding,
        pieces: Int = 1 << 20
    ) throws -> [UInt8] {
        let encoder = try ContentEncoder(
            coding,
            bodyBytes: Int64(bytes.count),
            pool: ChunkPool()
        )
        var flow = BodyFlow()
        var coded: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            let end = min(start + pieces, bytes.count)
            try encoder.push(bytes.span.extracting(start..<end), into: &flow)
            coded += take(&flow)
        }
        try encoder.finish(into: &flow)
        return coded + take(&flow)
    }

    static func decode(
        _ coded: [UInt8],
        _ coding: ContentCoding,
        pieces: Int = 1 << 20,
        room: Int = 1 << 20
    ) throws -> [UInt8] {
        let decoder = try ContentDecoder(coding, pool: ChunkPool())
        var flow = BodyFlow()
        var decoded: [UInt8] = []
        for start in stride(from: 0, to: coded.count, by: pieces) {
            let piece = Array(coded[start..<min(start + pieces, coded.count)])
            try push(piece, decoder, room: room, &flow, &decoded)
        }
        try decoder.finish()
        return decoded
    }

    /// Until all of it is taken and all that it holds is out.
    static func push(
        _ piece: [UInt8],
        _ decoder: ContentDecoder,
        room: Int,
        _ flow: inout BodyFlow,
        _ decoded: inout [UInt8]
    ) throws {
        var start = 0
        var isFull = true
        while isFull || start < piece.count {
            let before = decoder.bytesOut
            let progress = try decoder.push(
                piece.span.extracting(start..<piece.count),
                room: room,
                into: &flow
            )
            precondition(decoder.bytesOut - before <= Int64(room), "more than there was room for")
            precondition(progress.isFull || start + progress.taken == piece.count, "left over")
            start += progress.taken
            isFull = progress.isFull
            decoded += take(&flow)
        }
    }

    static func take(_ flow: inout BodyFlow) -> [UInt8] {
        var bytes: [UInt8] = []
        while case .bytes(let range) = flow.pull() {
            let piece = range.bytes
            piece.withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
        }
        return bytes
    }

    static func text(of count: Int) -> [UInt8] {
        var random = Random(seed: 7)
        let words = ["edge", "viewer", "origin", "fresh", "stale", "\"id\":", "<li>", "\n", "1234"]
        var bytes: [UInt8] = []
        while bytes.count < count {
            bytes += Array(words[Int(random.next() % UInt64(words.count))].utf8) + [0x20]
        }
        return Array(bytes.prefix(count))
    }

    static func noise(of count: Int) -> [UInt8] {
        var random = Random(seed: 8)
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }
}
