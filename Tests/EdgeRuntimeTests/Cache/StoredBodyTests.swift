import Testing

@testable import EdgeRuntime

@Suite struct StoredBodyTests {
    private static let key = CacheKey(high: 1, low: 2)

    private func piece(_ text: String) -> Chunk {
        let bytes = Array(text.utf8)
        return Chunk(bytes.span)
    }

    private func text(_ body: StoredBody, at position: Int64) -> String {
        switch body.read(at: position, now: 0) {
        case .bytes(let range): range.bytes.text
        case .pending: "pending"
        case .ended: "ended"
        case .failed(let error): error.word.description
        case .absent: "absent"
        }
    }

    @Test func isReadWhileItComes() {
        let body = StoredBody(id: 1, key: Self.key, blockBytes: 4, length: nil)
        let run = body.begin(at: 0, to: .max)
        #expect(text(body, at: 0) == "pending")
        _ = body.append(piece("abcd"), run)
        _ = body.append(piece("ef"), run)
        #expect(text(body, at: 1) == "bcd")
        #expect(text(body, at: 5) == "f")
        #expect(text(body, at: 6) == "pending")
        #expect(!body.isWhole && body.length == nil)
        _ = body.end(run)
        #expect(text(body, at: 6) == "ended")
        #expect(body.isWhole && body.length == 6)
    }

    /// One who came while it was on its way leaves; another came when it was whole, and has no mark.
    @Test func whatWasWholeIsKeptForAllWhoRead() throws {
        let body = StoredBody(id: 1, key: Self.key, blockBytes: 4, length: 8)
        let run = body.begin(at: 0, to: 8)
        let mark = try #require(body.open())
        _ = body.append(piece("abcd"), run)
        _ = body.append(piece("efgh"), run)
        _ = body.end(run)
        #expect(body.open() == nil)
        body.drop()
        body.close(mark)
        #expect(text(body, at: 0) == "abcd")
        #expect(text(body, at: 4) == "efgh")
    }

    @Test func whatOutgrewTheMemoryIsKeptForTheSlowestOnly() throws {
        let body = StoredBody(id: 1, key: Self.key, blockBytes: 4, length: nil)
        let run = body.begin(at: 0, to: .max)
        let marks = try [#require(body.open()), #require(body.open())]
        body.drop()
        _ = body.append(piece("abcd"), run)
        _ = body.append(piece("efgh"), run)
        marks[0].position = 8
        marks[1].position = 5
        body.discard()
        #expect(text(body, at: 0) != "abcd")
        #expect(text(body, at: 5) == "fgh")
        _ = body.end(run)
        #expect(!body.isWhole)
        body.close(marks[1])
        #expect(text(body, at: 5) != "fgh")
    }

    @Test func partsOfASparseBodyComeAndGo() {
        let body = StoredBody(id: 1, key: Self.key, blockBytes: 4, length: 10, isSparse: true)
        #expect(text(body, at: 4) == "absent")
        let run = body.begin(at: 4, to: 8)
        #expect(body.isCovered(1) && !body.isCovered(0))
        let block = body.append(piece("efgh"), run)
        _ = body.end(run)
        #expect(text(body, at: 6) == "gh")
        #expect(text(body, at: 8) == "absent")
        #expect(!body.isWhole)
        #expect(block.map { body.remove($0) } ?? 0 > 0)
        #expect(text(body, at: 6) == "absent" && body.isEmpty)
    }

    @Test func aFailureIsToldUntilItsTimeIsOver() {
        let body = StoredBody(id: 1, key: Self.key, blockBytes: 4, length: 8, isSparse: true)
        let run = body.begin(at: 0, to: 4)
        _ = body.append(piece("ab"), run)
        body.fail(run, .objectChanged, until: 10)
        #expect(text(body, at: 0) == "absent")
        #expect(text(body, at: 2) == EdgeError.objectChanged.word.description)
        if case .absent = body.read(at: 2, now: 10) {
        } else {
            Issue.record("it is to be asked again")
        }
    }
}
