// What of a file answers a request: the verdict on its conditions and range, the status and fields that follow, and
// the body as pieces in their order.
//
//   200        bytes of the whole
//   206        bytes of one range
//   206        text, bytes, text, bytes, …, text          (multipart/byteranges)
//   304, 412, 416                                         no body
//
// An answer without a body still names the validators: a cache refreshes what it has by them, and who was refused
// learns what is there now. `Content-Type` goes only with bytes.

extension Conditional.Verdict {
    var hasBody: Bool {
        switch self {
        case .full, .partial, .multipart: true
        case .notModified, .preconditionFailed, .unsatisfiable: false
        }
    }
}

enum FileAnswer {
    static func judge(_ fetch: Fetch, _ file: CachedFile) -> Conditional.Verdict {
        Conditional.judge(
            fetch.request,
            fetch.arena,
            etag: file.etag,
            lastModified: file.entity.seconds,
            size: file.entity.size,
            now: fetch.context.loop.clock.wall.seconds
        )
    }

    /// Writes the response's head. Nil: the status has no body.
    static func describe(
        _ fetch: Fetch,
        _ file: CachedFile,
        _ verdict: Conditional.Verdict
    ) throws(EdgeError) -> FileBody? {
        let arena = fetch.arena
        let size = file.entity.size
        switch verdict {
        case .full:
            describeWhole(fetch, file)
            return FileBody(0..<size)
        case .notModified: begin(fetch, file, status: 304)
        case .preconditionFailed: begin(fetch, file, status: 412)
        case .unsatisfiable:
            begin(fetch, file, status: 416)
            let range = ContentRange.unsatisfied(of: size, in: arena)
            fetch.response.fields.append(.contentRange, value: range)
        case .partial(let range):
            begin(fetch, file, status: 206)
            fetch.response.fields.append(.contentType, value: arena.append(file.contentType))
            let text = ContentRange.satisfied(range, of: size, in: arena)
            fetch.response.fields.append(.contentRange, value: text)
            return FileBody(range)
        case .multipart(let ranges):
            begin(fetch, file, status: 206)
            let type = arena.append(file.contentType)
            let parts = try MultipartRanges(
                ranges,
                of: size,
                partType: arena.copy(of: type).span,
                boundary: boundary(&fetch.context.loop.random).span,
                in: arena
            )
            fetch.response.fields.append(.contentType, value: parts.contentType)
            return FileBody(parts, arena, ledger: fetch.context.loop.chunks.ledger)
        }
        return nil
    }

    static func describeWhole(_ fetch: Fetch, _ file: CachedFile) {
        begin(fetch, file, status: 200)
        fetch.response.fields.append(.contentType, value: fetch.arena.append(file.contentType))
    }

    private static func begin(_ fetch: Fetch, _ file: CachedFile, status: UInt16) {
        let arena = fetch.arena
        fetch.response.status = status
        fetch.response.fields.append(.etag, value: arena.append(file.etag))
        fetch.response.fields.append(.lastModified, value: arena.append(file.lastModified))
        fetch.response.fields.append(.acceptRanges, value: arena.append("bytes"))
    }

    /// 128 bits of chance: no content has it.
    private static func boundary(_ random: inout Random) -> InlineArray<32, UInt8> {
        var text = InlineArray<32, UInt8>(repeating: 0)
        var bits = (random.next(), random.next())
        for index in 0..<16 {
            text[index] = digit(bits.0)
            text[index + 16] = digit(bits.1)
            bits.0 >>= 4
            bits.1 >>= 4
        }
        return text
    }

    private static func digit(_ bits: UInt64) -> UInt8 {
        let value = UInt8(truncatingIfNeeded: bits & 0xf)
        return value < 10 ? 0x30 + value : 0x61 + value - 10
    }
}

/// The body of an answer, piece by piece. Its length was promised before the first one.
struct FileBody {
    enum Piece {
        /// Of the file.
        case bytes(Range<Int64>)
        /// Of our own making: what stands around the parts.
        case text(ChunkRange)
        case end
    }

    let length: Int64
    private let range: Range<Int64>
    private let parts: MultipartRanges?
    /// All texts, one behind the other.
    private let texts: Chunk?
    private var textStart = 0
    private var step = 0

    init(_ range: Range<Int64>) {
        self.range = range
        length = Int64(range.count)
        parts = nil
        texts = nil
    }

    /// The texts move out of the arena, which is gone when the last of them is still on its way.
    init(_ parts: MultipartRanges, _ arena: Arena, ledger: ChunkLedger) {
        self.parts = parts
        range = 0..<0
        length = parts.contentLength
        var capacity = parts.closing.count
        for index in 0..<parts.count { capacity += parts.head(index).count }
        let texts = Chunk(capacity: capacity, ledger: ledger)
        for index in 0..<parts.count { texts.append(arena[parts.head(index)]) }
        texts.append(arena[parts.closing])
        self.texts = texts
    }

    /// Nothing but the end is left.
    var isAtEnd: Bool { step > (parts.map { 2 * $0.count } ?? (range.isEmpty ? -1 : 0)) }

    /// Even steps of several parts are texts, odd ones bytes; the last text closes.
    mutating func next() -> Piece {
        let step = self.step
        self.step += 1
        guard let parts, let texts else {
            return step == 0 && !range.isEmpty ? .bytes(range) : .end
        }
        guard step <= 2 * parts.count else { return .end }
        guard step.isMultiple(of: 2) else { return .bytes(parts.ranges[step / 2]) }
        let text = step == 2 * parts.count ? parts.closing : parts.head(step / 2)
        let start = textStart
        textStart += text.count
        return .text(ChunkRange(chunk: texts, start: start, end: textStart))
    }
}
