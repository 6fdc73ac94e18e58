import Testing

@testable import EdgeRuntime

@Suite struct EntityTagTests {
    private func tags(_ text: String) -> [String] {
        let bytes = Array(text.utf8)
        var found: [String] = []
        var position = 0
        while let range = EntityTag.next(bytes.span, &position) {
            found.append(bytes.span.extracting(range).text)
        }
        return found
    }

    @Test(arguments: [
        (#"W/"1""#, #"W/"1""#, true, false), (#"W/"1""#, #"W/"2""#, false, false),
        (#"W/"1""#, #""1""#, true, false), (#""1""#, #"W/"1""#, true, false),
        (#""1""#, #""1""#, true, true), (#""1""#, #""2""#, false, false),
        (#""a""#, #""A""#, false, false), (#"w/"1""#, #""1""#, false, false),
        ("abc", "abc", true, false), ("abc", #""abc""#, false, false), ("", "", false, false),
        ("W/", "", false, false), (#""1""#, "", false, false), (#""""#, #""""#, true, true),
        (#"""#, #"""#, true, false),
    ]) func comparing(left: String, right: String, weakly: Bool, strongly: Bool) {
        let one = Array(left.utf8)
        let other = Array(right.utf8)
        let isWeakMatch = EntityTag.matchesWeakly(one.span, other.span)
        let isStrongMatch = EntityTag.matchesStrongly(one.span, other.span)
        #expect(isWeakMatch == weakly)
        #expect(isStrongMatch == strongly)
    }

    @Test func lists() {
        #expect(tags(#""a", W/"b" ,"c""#) == [#""a""#, #"W/"b""#, #""c""#])
        #expect(tags(#", ,"a,b",,"#) == [#""a,b""#])
        #expect(tags(#""a\","b""#) == [#""a\""#, #""b""#])
        #expect(tags(#""a" junk, "b""#) == [#""a" junk"#, #""b""#])
        #expect(tags(#""a, "b"#) == [#""a, "b"#])
        #expect(tags("a, b") == ["a", "b"])
        #expect(tags("") == [])
        #expect(tags(" ,\t") == [])
    }
}
