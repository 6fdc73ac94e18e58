import Testing

@testable import EdgeRuntime

@Suite struct ByteRangesTests {
    /// Ranges as the closed pairs that Content-Range would show; `whole` and `none` for the other two answers.
    private func parse(_ value: String, size: Int64 = 100) -> String {
        let bytes = Array(value.utf8)
        switch ByteRanges.parse(bytes.span, size: size) {
        case .whole: return "whole"
        case .unsatisfiable: return "none"
        case .one(let range): return "\(range.lowerBound)-\(range.upperBound - 1)"
        case .many(let list):
            return (0..<list.count).map { "\(list[$0].lowerBound)-\(list[$0].upperBound - 1)" }
                .joined(separator: " ")
        }
    }

    @Test(arguments: [
        ("bytes=0-9", "0-9"), ("bytes=0-", "0-99"), ("bytes=99-", "99-99"), ("bytes=0-0", "0-0"),
        ("bytes=50-1000", "50-99"), ("bytes=0-99", "0-99"), ("bytes=0-100", "0-99"),
        ("bytes=-1", "99-99"), ("bytes=-100", "0-99"), ("bytes=-101", "0-99"),
        ("BYTES=0-9", "0-9"), ("bytes= 0-9 ", "0-9"), ("bytes=,0-9,,", "0-9"),
        ("bytes=00000000000000000000000007-0000000000000000000000000008", "7-8"),
    ]) func oneRange(value: String, expected: String) {
        #expect(parse(value) == expected)
    }

    @Test(arguments: [
        "bytes=100-", "bytes=100-200", "bytes=-0", "bytes=-00", "bytes=100-,200-300",
        "bytes=9223372036854775807-", "bytes=99999999999999999999999-", "bytes=-0,100-",
        "bytes=99999999999999999999998-99999999999999999999999",
    ]) func behindTheEnd(value: String) {
        #expect(parse(value) == "none")
    }

    @Test(arguments: [
        "", "bytes", "bytes=", "bytes=,", "bytes=-", "bytes=--1", "bytes=a-b", "bytes=0",
        "bytes=5-4", "bytes=+1-2", "bytes=0x1-2", "bytes=1 - 2", "bytes=0-1-2", "bytes =0-1",
        "items=0-1", "bytes:0-1", "bytes=0-1;2-3", "bytes=0-1,x", "bytes=100-,5-4",
        "bytes=\"0-1\"", "bytes=0.5-1", "bytes=99999999999999999999999-1",
        "bytes=99999999999999999999999-99999999999999999999998", "bytes=-1,bytes=2-3",
    ]) func noRange(value: String) {
        #expect(parse(value) == "whole")
    }

    @Test(arguments: [
        ("bytes=0-3", "0-3"), ("bytes=99999999999999999999-", "none"),
        ("bytes=0-99999999999999999999", "0-99"), ("bytes=1-9223372036854775807", "1-99"),
        ("bytes=1-9223372036854775808", "1-99"), ("bytes=-99999999999999999999", "0-99"),
        ("bytes=18446744073709551616-18446744073709551617", "none"),
    ]) func numbersThatDoNotFit(value: String, expected: String) {
        #expect(parse(value) == expected)
    }

    @Test func theLargestSizeHasALastByte() {
        #expect(parse("bytes=-1", size: .max) == "9223372036854775806-9223372036854775806")
        #expect(parse("bytes=9223372036854775806-", size: .max).hasPrefix("9223372036854775806-"))
        #expect(parse("bytes=9223372036854775807-", size: .max) == "none")
        #expect(parse("bytes=99999999999999999999-", size: .max) == "none")
    }

    @Test func nothingIsThere() {
        #expect(parse("bytes=0-", size: 0) == "none")
        #expect(parse("bytes=0-0", size: 0) == "none")
        #expect(parse("bytes=-0", size: 0) == "none")
        #expect(parse("bytes=-5", size: 0) == "whole")
        #expect(parse("bytes=0-,-5", size: 0) == "whole")
    }

    @Test(arguments: [
        ("bytes=0-1,2-3", "0-1 2-3"), ("bytes=0-1, 4-5 ,\t-1", "0-1 4-5 99-99"),
        ("bytes=0-1,50-", "0-1 50-99"), ("bytes=0-1,100-", "0-1"), ("bytes=100-,0-1", "0-1"),
        ("bytes=0-1,-0", "0-1"), ("bytes=4-5,0-1", "whole"), ("bytes=0-4,4-5", "whole"),
        ("bytes=0-1,0-1", "whole"), ("bytes=0-,-1", "whole"), ("bytes=-1,0-1", "whole"),
        ("bytes=0-200,50-60", "whole"),
    ]) func severalRanges(value: String, expected: String) {
        #expect(parse(value) == expected)
    }

    @Test func thereIsABound() {
        let many = (0..<Limits.rangesMax).map { "\($0 * 2)-\($0 * 2)" }
        let served = parse("bytes=" + many.joined(separator: ","))
        #expect(served == many.joined(separator: " "))
        #expect(parse("bytes=" + many.joined(separator: ",") + ",99-99") == "whole")
        #expect(parse("bytes=" + many.joined(separator: ",") + ",100-") == served)
        // The room in a list is written as a literal.
        var list = RangeList()
        for index in 0..<Limits.rangesMax {
            let start = Int64(index)
            let fits = list.append(start..<start + 1)
            #expect(fits)
        }
        #expect(list.count == 16)
    }

    @Test func contentRange() {
        let arena = Arena()
        let part = ContentRange.satisfied(0..<100, of: 1000, in: arena)
        let last = ContentRange.satisfied(Int64.max - 1..<Int64.max, of: .max, in: arena)
        let none = ContentRange.unsatisfied(of: 0, in: arena)
        #expect(arena[part].text == "bytes 0-99/1000")
        #expect(
            arena[last].text
                == "bytes 9223372036854775806-9223372036854775806/9223372036854775807"
        )
        #expect(arena[none].text == "bytes */0")
    }
}
