import Testing

@testable import EdgeRuntime

@Suite struct TimeTextTests {
    private func parse(_ text: String) -> WallTime? {
        let bytes = Array(text.utf8)
        return TimeText.parse(bytes.span)
    }

    private func format(_ seconds: Int64, _ nanoseconds: Int32 = 0, _ decimals: Int) -> String? {
        TimeText.format(WallTime(seconds: seconds, nanoseconds: nanoseconds), decimals: decimals)
            .map { String(decoding: $0, as: UTF8.self) }
    }

    /// RFC 3339 §5.8 and its neighbours.
    @Test(
        arguments: [
            ("1985-04-12T23:20:50.52Z", 482_196_050, 520_000_000),
            ("1996-12-19T16:39:57-08:00", 851_042_397, 0), ("1990-12-31T23:59:60Z", 662_688_000, 0),
            ("1990-12-31T15:59:60-08:00", 662_688_000, 0),
            ("1937-01-01T12:00:27.87+00:20", -1_041_337_173, 870_000_000),
            ("1970-01-01t00:00:00z", 0, 0), ("1970-01-01T00:00:00-00:00", 0, 0),
            ("0000-01-01T00:00:00Z", TimeText.range.lowerBound, 0),
            ("9999-12-31T23:59:59.123456789999Z", TimeText.range.upperBound, 123_456_789),
        ] as [(String, Int64, Int32)]
    )
    func times(text: String, seconds: Int64, nanoseconds: Int32) {
        #expect(parse(text) == WallTime(seconds: seconds, nanoseconds: nanoseconds))
    }

    @Test(arguments: [
        "", "1985-04-12", "1985-04-12T23:20:50", "1985-04-12 23:20:50Z", "1985-04-12T23:20:50.Z",
        "1985-4-12T23:20:50Z", "1985-13-12T23:20:50Z", "1985-00-12T23:20:50Z",
        "1985-02-29T23:20:50Z", "1985-04-31T23:20:50Z", "1985-04-00T23:20:50Z",
        "1985-04-12T24:00:00Z", "1985-04-12T23:60:00Z", "1985-04-12T23:20:61Z",
        "1985-04-12T23:20:50Z ", "1985-04-12T23:20:50+0900", "1985-04-12T23:20:50+09",
        "1985-04-12T23:20:50+24:00", "1985-04-12T23:20:50+09:60", "1985-04-12T23:20:50+09:00Z",
        "1985-04-12T23:20:50,5Z", "+985-04-12T23:20:50Z", "1985-04-12T23:20:5 Z",
        "1985-04-12T23:20:50.5", "198-004-12T23:20:50Z",
    ])
    func whatIsNoTime(text: String) {
        #expect(parse(text) == nil)
    }

    @Test func formats() {
        #expect(format(482_196_050, 520_999_999, 0) == "1985-04-12T23:20:50Z")
        #expect(format(482_196_050, 520_999_999, 3) == "1985-04-12T23:20:50.520Z")
        #expect(format(-1, 999_999_999, 9) == "1969-12-31T23:59:59.999999999Z")
        #expect(format(TimeText.range.lowerBound, 0, 1) == "0000-01-01T00:00:00.0Z")
        #expect(format(TimeText.range.upperBound, 0, 0) == "9999-12-31T23:59:59Z")
        #expect(format(TimeText.range.lowerBound - 1, 0, 0) == nil)
        #expect(format(TimeText.range.upperBound + 1, 0, 0) == nil)
        #expect(format(0, 0, 10) == nil && format(0, 0, -1) == nil)
    }

    @Test func everythingComesBack() {
        var random = Random(seed: 3339)
        let count = UInt64(TimeText.range.upperBound - TimeText.range.lowerBound)
        for _ in 0..<5000 {
            let time = WallTime(
                seconds: TimeText.range.lowerBound + Int64(random.next(below: count)),
                nanoseconds: Int32(random.next(below: 1_000_000_000))
            )
            let text = TimeText.format(time, decimals: 9)
            #expect(text.flatMap { TimeText.parse($0.span) } == time)
        }
    }

    @Test(
        arguments: [
            ("250ms", .milliseconds(250)), ("5s", .seconds(5)), ("7d", .seconds(604_800)),
            ("0s", 0),
            ("5", nil), ("", nil), ("-5s", nil), ("1.5s", nil), ("5y", nil),
            ("99999999999999999999s", nil), ("0000000000000000000000000000001s", .seconds(1)),
            ("00000000000000000000000000000001s", nil),
        ] as [(String, Nanoseconds?)]
    )
    func durations(text: String, expected: Nanoseconds?) {
        let bytes = Array(text.utf8)
        let duration = TimeText.duration(bytes.span)
        #expect(duration == expected)
    }
}
