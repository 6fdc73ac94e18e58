import Testing

@testable import EdgeRuntime

@Suite struct ArenaTests {
    @Test func slicesSurviveGrowth() {
        let arena = Arena(capacity: 8)
        let hello = arena.append("hello")
        let long = arena.append("a text that does not fit into the first block")
        #expect(arena[hello].text == "hello")
        #expect(arena[long].text == "a text that does not fit into the first block")
        let again = arena.append(copyOf: hello)
        #expect(arena[again].text == "hello")
    }

    @Test func severalAppendsMakeOneValue() {
        let arena = Arena(capacity: 4)
        _ = arena.append("x")
        let mark = arena.used
        _ = arena.append("1.1")
        arena.append(byte: 0x20)
        _ = arena.append("edge")
        #expect(arena[arena.slice(since: mark)].text == "1.1 edge")
    }

    @Test func overflowIsAMarkNotACrash() {
        let arena = Arena(capacity: 8)
        let big = [UInt8](repeating: 0x61, count: Limits.arenaBytesMax + 1)
        #expect(arena.append(big.span) == .empty)
        #expect(arena.isOverflown)
        arena.reset()
        #expect(!arena.isOverflown)
    }
}

@Suite struct ArenaReserveTests {
    /// An exchange whose memory is full must still be able to say so.
    @Test func theReserveHoldsAnAnswer() {
        let arena = Arena()
        let block = [UInt8](repeating: 1, count: Limits.arenaBytesMax)
        _ = arena.append(block.span)
        #expect(arena.append("page").isEmpty && arena.isOverflown)
        arena.openReserve()
        let page = arena.append("page")
        let text = arena[page].text
        #expect(text == "page" && !arena.isOverflown)
        _ = arena.append(block.span)
        #expect(arena.isOverflown)
        arena.reset()
        _ = arena.append(block.span)
        #expect(arena.append("page").isEmpty && arena.isOverflown)
    }
}
