import Testing

@testable import EdgeRuntime

@Suite struct TraceContextTests {
    private func read(_ text: String) -> TraceContext? { TraceContext(text.utf8.span) }
    private func isValidState(_ text: String) -> Bool { TraceState.isValid(text.utf8.span) }

    static let valid = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    static let example = TraceContext(
        traceHigh: 0x0af7_6519_16cd_43dd,
        traceLow: 0x8448_eb21_1c80_319c,
        span: 0xb7ad_6b71_6920_3331,
        flags: 1
    )

    @Test func whatIsReadIsWritten() {
        let context = TraceContext(Self.valid.utf8.span)
        let text = context?.text ?? .init(repeating: 0)
        #expect(text.span.text == Self.valid)
        #expect(context?.isSampled == true)
    }

    @Test(arguments: [
        "", "00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
        "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
        "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x",
        "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
    ])
    func invalid(_ text: String) { #expect(read(text) == nil) }

    @Test func laterVersionsMayAddParts() {
        let later = "cc" + Self.valid.dropFirst(2) + "-what-comes"
        let context = TraceContext(later.utf8.span)
        let text = context?.text ?? .init(repeating: 0)
        #expect(text.span.text == Self.valid)
    }

    @Test func aChildKeepsTheTraceAndHasItsOwnSpan() throws {
        var random = Random(seed: 1)
        let parent = try #require(read(Self.valid))
        var child = parent.child(random: &random)
        #expect(child.traceHigh == parent.traceHigh && child.traceLow == parent.traceLow)
        #expect(child.span != parent.span && child.span != 0)
        child.isSampled = false
        #expect(!child.isSampled)
        let fresh = TraceContext(random: &random, isSampled: true)
        let text = fresh.text
        #expect(read(text.span.text) == fresh)
    }

    @Test(arguments: [
        ("vendor=value", true), ("a=1,b=2 , c=3", true), ("t@v=x,,b=2", true), ("", false),
        (",", false), ("A=1", false), ("a=", false), ("a", false), ("a=b=c", false),
        ("a=\u{7f}", false), ("=x", false), ("0k_-*/=ok", true),
    ])
    func traceStates(_ text: String, _ isValid: Bool) {
        #expect(isValidState(text) == isValid)
    }

    @Test func atMostThirtyTwoMembers() {
        let list = (0..<33).map { "k\($0)=v" }
        #expect(isValidState(list.dropLast().joined(separator: ",")))
        #expect(!isValidState(list.joined(separator: ",")))
    }
}

@Suite struct RequestIDTests {
    @Test func idsAreDifferentAndSafe() {
        var random = Random(seed: 3)
        var source = RequestIDSource(random: &random)
        var seen: Set<String> = []
        for _ in 0..<5000 {
            let text = source.next().text
            seen.insert(text.span.text)
        }
        #expect(seen.count == 5000)
        let isSafe = seen.allSatisfy { id in
            id.utf8.allSatisfy {
                $0.isDigit || $0.lowercased &- 0x61 < 26 || $0 == 0x2d || $0 == 0x5f
            }
        }
        #expect(isSafe)
    }

    @Test func everyBitIsInTheText() {
        var seen: Set<String> = []
        for bit in 0..<64 {
            let high = RequestID(high: 1 << UInt64(bit), low: 0).text
            let low = RequestID(high: 0, low: 1 << UInt64(bit)).text
            seen.insert(high.span.text)
            seen.insert(low.span.text)
        }
        #expect(seen.count == 128)
    }
}
