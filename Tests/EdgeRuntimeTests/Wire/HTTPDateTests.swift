import Testing

@testable import EdgeRuntime

@Suite struct HTTPDateTests {
    private func parse(_ text: String, now: Int64 = 1_700_000_000) -> Int64? {
        HTTPDate.parse(Array(text.utf8).span, now: now)
    }

    private func render(_ seconds: Int64) -> String {
        let text = HTTPDate.render(seconds)
        return text.span.text
    }

    @Test func threeFormsSayOneSecond() {
        #expect(parse("Sun, 06 Nov 1994 08:49:37 GMT") == 784_111_777)
        #expect(parse("Sunday, 06-Nov-94 08:49:37 GMT") == 784_111_777)
        #expect(parse("Sun Nov  6 08:49:37 1994") == 784_111_777)
        #expect(parse("Sun Nov 06 08:49:37 1994") == 784_111_777)
        #expect(render(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
    }

    @Test func twoDigitYearsLieWithinFiftyYears() {
        #expect(parse("Friday, 01-Jan-60 00:00:00 GMT") == 2_840_140_800)
        #expect(parse("Friday, 01-Jan-74 00:00:00 GMT") == 126_230_400)
    }

    @Test(arguments: [
        "", "Sun", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT", "Xxx, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:-7 GMT", "Someday, 06-Nov-94 08:49:37 GMT", "Sunday,",
        "Sun, 29 Feb 1900 08:49:37 GMT", "1994-11-06T08:49:37Z", "0",
    ]) func whatIsNoDate(text: String) {
        #expect(parse(text) == nil)
    }

    @Test func everyDayComesBack() {
        var second: Int64 = -62_135_596_800
        while second < 253_402_300_800 {
            #expect(parse(render(second)) == second)
            second += 86_400 * 97 + 12_345
        }
        #expect(render(951_782_400) == "Tue, 29 Feb 2000 00:00:00 GMT")
        #expect(render(0) == "Thu, 01 Jan 1970 00:00:00 GMT")
        #expect(render(-1) == "Wed, 31 Dec 1969 23:59:59 GMT")
    }

    @Test func theCacheFollowsTheClock() {
        var cache = DateCache()
        cache.update(784_111_777)
        let first = cache.bytes.text
        #expect(first == "Sun, 06 Nov 1994 08:49:37 GMT")
        cache.update(784_111_778)
        let second = cache.bytes.text
        #expect(second == "Sun, 06 Nov 1994 08:49:38 GMT")
    }
}
