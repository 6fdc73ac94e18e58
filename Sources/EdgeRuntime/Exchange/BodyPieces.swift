// A body whose parts are known before the first is sent: the whole, a range, or several with texts around them.

struct BodyPieces {
    enum Piece {
        /// Of the file.
        case bytes(Range<Int64>)
        /// Of our own making: what stands around the parts.
        case text(ChunkRange)
        case end
    }

    let length: Int64
    private let range: Range<Int64>
    private let several: Several?
    private var textStart = 0
    private var step = 0

    /// Apart, because it is large and rare: nearly every body is one piece, and is moved around.
    private final class Several {
        let parts: MultipartRanges
        /// All texts, one behind the other.
        let texts: Chunk

        init(_ parts: MultipartRanges, _ texts: Chunk) {
            self.parts = parts
            self.texts = texts
        }
    }

    init(_ range: Range<Int64>) {
        self.range = range
        length = Int64(range.count)
        several = nil
    }

    /// The texts move out of the arena, which is gone when the last of them is still on its way.
    init(_ parts: MultipartRanges, _ arena: Arena, ledger: ChunkLedger) {
        range = 0..<0
        length = parts.contentLength
        var capacity = parts.closing.count
        for index in 0..<parts.count { capacity += parts.head(index).count }
        let texts = Chunk(capacity: capacity, ledger: ledger)
        for index in 0..<parts.count { texts.append(arena[parts.head(index)]) }
        texts.append(arena[parts.closing])
        several = Several(parts, texts)
    }

    /// Nothing but the end is left.
    var isAtEnd: Bool {
        guard let several else { return step > (range.isEmpty ? -1 : 0) }
        return step > 2 * several.parts.count
    }

    /// Even steps of several parts are texts, odd ones bytes; the last text closes.
    mutating func next() -> Piece {
        let step = self.step
        self.step += 1
        guard let several else {
            return step == 0 && !range.isEmpty ? .bytes(range) : .end
        }
        let parts = several.parts
        guard step <= 2 * parts.count else { return .end }
        guard step.isMultiple(of: 2) else { return .bytes(parts.ranges[step / 2]) }
        let text = step == 2 * parts.count ? parts.closing : parts.head(step / 2)
        let start = textStart
        textStart += text.count
        return .text(ChunkRange(chunk: several.texts, start: start, end: textStart))
    }
}
