import Testing

@testable import EdgeRuntime

@Suite struct BodyPiecesTests {
    private let content: [UInt8] = (0..<100).map { UInt8($0) }

    /// The bytes of a body as they would go out; nil while it pretends to be at its end and is not.
    private func assemble(_ body: BodyPieces) -> [UInt8]? {
        var body = body
        var bytes: [UInt8] = []
        while true {
            let wasAtEnd = body.isAtEnd
            switch body.next() {
            case .bytes(let range):
                guard !wasAtEnd else { return nil }
                bytes += content[Int(range.lowerBound)..<Int(range.upperBound)]
            case .text(let text):
                guard !wasAtEnd else { return nil }
                for index in 0..<text.count { bytes.append(text.bytes[index]) }
            case .end: return wasAtEnd ? bytes : nil
            }
        }
    }

    @Test func oneRangeIsOnePiece() {
        #expect(assemble(BodyPieces(10..<20)) == Array(content[10..<20]))
        #expect(BodyPieces(10..<20).length == 10)
    }

    @Test func anEmptyFileHasNoPieces() {
        #expect(assemble(BodyPieces(0..<0)) == [])
        #expect(BodyPieces(0..<0).length == 0)
    }

    @Test func partsStandBetweenTexts() throws {
        let arena = Arena()
        var list = RangeList()
        let fits = [list.append(0..<2), list.append(50..<53)]
        #expect(fits == [true, true])
        let parts = try MultipartRanges(
            list,
            of: 100,
            partType: "image/x".utf8.span,
            boundary: "B".utf8.span,
            in: arena
        )
        let ledger = ChunkLedger()
        let body = BodyPieces(parts, arena, ledger: ledger)
        // The texts do not live in the arena any more.
        arena.reset()
        let head = "\r\nContent-Type: image/x\r\nContent-Range: bytes "
        let expected =
            Array("--B\(head)0-1/100\r\n\r\n".utf8) + content[0..<2]
            + Array("\r\n--B\(head)50-52/100\r\n\r\n".utf8) + content[50..<53]
            + Array("\r\n--B--\r\n".utf8)
        #expect(assemble(body) == expected)
        #expect(body.length == Int64(expected.count))
        #expect(ledger.liveBytes == expected.count - 5)
    }
}
