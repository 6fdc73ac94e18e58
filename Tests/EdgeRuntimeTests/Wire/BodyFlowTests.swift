import Testing

@testable import EdgeRuntime

@Suite struct BodyFlowTests {
    private func chunk(_ text: String) -> Chunk {
        let bytes = Array(text.utf8)
        return Chunk(bytes.span)
    }

    /// The pull as a word: bytes as they are, the rest in brackets.
    private func pull(_ flow: inout BodyFlow, atMost limit: Int = .max) -> String {
        switch flow.pull(atMost: limit) {
        case .bytes(let range): range.bytes.text
        case .pending: "[pending]"
        case .ended: "[ended]"
        case .failed(let error): "[\(error.word)]"
        }
    }

    @Test func whatWasPushedComesBeforeTheEnd() {
        var flow = BodyFlow()
        let isWantedAtFirst = flow.isWanted
        #expect(!isWantedAtFirst)
        #expect(pull(&flow) == "[pending]")
        flow.push(ChunkRange(chunk: chunk("hello"), start: 0, end: 5))
        flow.push(ChunkRange(chunk: chunk("x"), start: 0, end: 0))
        flow.push(ChunkRange(chunk: chunk("world"), start: 1, end: 3))
        flow.end()
        flow.end()
        flow.fail(.originReset)
        let facts = (flow.isOver, flow.isDrained, flow.bufferedBytes, flow.totalBytes)
        #expect(facts == (true, false, 7, 7))
        #expect(pull(&flow, atMost: 2) == "he")
        #expect(pull(&flow) == "llo")
        #expect(pull(&flow) == "or")
        #expect(pull(&flow) == "[ended]")
        #expect(pull(&flow) == "[ended]")
        let after = (flow.isDrained, flow.bufferedBytes, flow.totalBytes, flow.isWanted)
        #expect(after == (true, 0, 7, true))
    }

    @Test func aFailureComesBehindWhatWasThere() {
        var flow = BodyFlow()
        flow.push(ChunkRange(chunk: chunk("part"), start: 0, end: 4))
        flow.fail(.originReset)
        flow.end()
        #expect(pull(&flow) == "part")
        #expect(pull(&flow) == "[\(EdgeError.originReset.word)]")
        let isDrained = flow.isDrained
        #expect(!isDrained)
    }

    @Test func neighboursInOneChunkAreOneRange() {
        var flow = BodyFlow()
        let shared = chunk("abcdef")
        flow.push(ChunkRange(chunk: shared, start: 0, end: 2))
        flow.push(ChunkRange(chunk: shared, start: 2, end: 4))
        #expect(pull(&flow, atMost: 1) == "a")
        flow.push(ChunkRange(chunk: shared, start: 4, end: 5))
        #expect(pull(&flow) == "bcde")
        // A hole, or a range that was taken, is not grown into.
        flow.push(ChunkRange(chunk: shared, start: 5, end: 6))
        flow.push(ChunkRange(chunk: shared, start: 0, end: 1))
        #expect(pull(&flow) == "f")
        #expect(pull(&flow) == "a")
    }

    @Test func roomEndsWithBytesOrWithPieces() {
        var flow = BodyFlow()
        flow.push(ChunkRange(chunk: chunk("abcd"), start: 0, end: 4))
        var room = [flow.isRoom(5), flow.isRoom(4)]
        #expect(room == [true, false])
        for _ in 1..<Limits.flowRanges {
            flow.push(ChunkRange(chunk: chunk("x"), start: 0, end: 1))
        }
        room = [flow.isRoom(.max)]
        #expect(room == [false])
        _ = flow.pull()
        room = [flow.isRoom(.max)]
        #expect(room == [true])
    }

    @Test(arguments: 1...7) func bytesKeepTheirOrderInAnyPieces(step: Int) {
        var flow = BodyFlow()
        var expected = ""
        var seen = ""
        for round in 0..<300 {
            let text = "<\(round)>"
            expected += text
            flow.push(ChunkRange(chunk: chunk(text), start: 0, end: text.utf8.count))
            if round % 3 > 0 { seen += pull(&flow, atMost: step) }
        }
        flow.end()
        while true {
            let next = pull(&flow, atMost: step)
            if next == "[ended]" { break }
            seen += next
        }
        #expect(seen == expected)
    }

    @Test func smallPiecesThatAreGatheredShareAChunk() {
        let pool = ChunkPool()
        var flow = BodyFlow()
        flow.gather(upTo: 3000, pool)
        var expected: [UInt8] = []
        for round in 0..<1000 {
            let text = "\(round % 10)ab"
            expected += Array(text.utf8)
            flow.push(ChunkRange(chunk: chunk(text), start: 0, end: text.utf8.count))
        }
        let facts = (flow.bufferedBytes, pool.leasedBytes)
        #expect(facts == (3000, Limits.chunkSmallBytes))
        // Exactly so many bytes are no more than so many: one more tells.
        var room = [flow.isRoom(.max)]
        flow.push(ChunkRange(chunk: chunk("x"), start: 0, end: 1))
        room.append(flow.isRoom(.max))
        #expect(room == [true, false])
        let whole = flow.copy()
        #expect(whole == expected + Array("x".utf8))
        flow.endGathering()
        flow.end()
        var seen = ""
        while true {
            let next = pull(&flow, atMost: 700)
            if next == "[ended]" { break }
            seen += next
        }
        #expect(Array(seen.utf8) == whole)
    }

    @Test func aCopyMayBeginAndEndInsideOfRanges() {
        var flow = BodyFlow()
        for text in ["one", "two", "three"] {
            flow.push(ChunkRange(chunk: chunk(text), start: 0, end: text.utf8.count))
        }
        let whole = Array("onetwothree".utf8)
        for start in 0...12 {
            for count in 0...12 {
                let copy = flow.copy(from: start, atMost: count)
                #expect(copy == Array(whole.dropFirst(start).prefix(count)))
            }
        }
        _ = flow.pull(atMost: 1)
        let rest = flow.copy()
        #expect(rest == Array("netwothree".utf8))
    }

    @Test func gatheringLeavesRoomForOthers() {
        var flow = BodyFlow()
        flow.gather(upTo: 1 << 20, ChunkPool())
        flow.push(ChunkRange(chunk: Chunk(capacity: 8192), start: 0, end: 8192))
        let room = [flow.isRoom(Limits.flowBytesMin + 1), flow.isRoom(Limits.flowBytesMin)]
        #expect(room == [true, false])
    }

    @Test func aResetFlowIsANewOne() {
        var flow = BodyFlow()
        flow.push(ChunkRange(chunk: chunk("old"), start: 0, end: 3))
        flow.want()
        flow.fail(.originReset)
        flow.reset()
        let facts = (flow.isOver, flow.isWanted, flow.bufferedBytes, flow.totalBytes)
        #expect(facts == (false, false, 0, 0))
        #expect(pull(&flow) == "[pending]")
    }
}
