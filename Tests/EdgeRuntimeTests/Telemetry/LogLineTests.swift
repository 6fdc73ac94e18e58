import Testing

@testable import EdgeRuntime

@Suite struct LogLineTests {
    static func render(_ fill: (inout LogLine) -> Void) -> String {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Limits.logLineBytesMax) { buffer in
            guard let base = buffer.baseAddress else { return "" }
            var line = LogLine(base: base, limit: buffer.count)
            fill(&line)
            return line.isBroken ? "broken" : String(decoding: buffer[..<line.count], as: UTF8.self)
        }
    }

    private func json(_ bytes: [UInt8]) -> String { Self.render { $0.put(json: bytes.span) } }
    private func percent(_ bytes: [UInt8]) -> String { Self.render { $0.put(percent: bytes.span) } }

    @Test(arguments: [
        ("plain", "\"plain\""),
        ("", "\"\""),
        ("a \"quoted\" \\ thing", #""a \"quoted\" \\ thing""#),
        ("tab\there\nand\rthere\u{8}\u{c}", #""tab\there\nand\rthere\b\f""#),
        ("nul\0bell\u{7}del\u{7f}", #""nul\u0000bell\u0007del\u007f""#),
        ("größer 日本 🦊", "\"größer 日本 🦊\""),
    ])
    func jsonStrings(_ text: String, _ expected: String) {
        #expect(json(Array(text.utf8)) == expected)
    }

    @Test(
        arguments: [
            ([0xff], #""\u00ff""#),
            ([0x61, 0xc3], #""a\u00c3""#),
            ([0xc0, 0xaf], #""\u00c0\u00af""#),
            ([0xe0, 0x80, 0x80], #""\u00e0\u0080\u0080""#),
            ([0xed, 0xa0, 0x80], #""\u00ed\u00a0\u0080""#),
            ([0xf4, 0x90, 0x80, 0x80], #""\u00f4\u0090\u0080\u0080""#),
            ([0xe6, 0x97, 0x22], #""\u00e6\u0097\"""#),
        ] as [([UInt8], String)]
    )
    func whatIsNotUTF8IsShownByteByByte(_ bytes: [UInt8], _ expected: String) {
        #expect(json(bytes) == expected)
    }

    @Test func everyByteAtEveryPlaceOfAWordIsEscapedAlike() {
        for byte in UInt8.min...UInt8.max {
            let alone = json([byte]).dropFirst().dropLast()
            for place in 0..<17 {
                var bytes = [UInt8](repeating: 0x61, count: 20)
                bytes[place] = byte
                let text = json(bytes)
                let front = String(repeating: "a", count: place)
                let back = String(repeating: "a", count: 19 - place)
                #expect(text == "\"" + front + alone + back + "\"")
            }
        }
    }

    @Test func standardEncodesWhatTheFormatLists() {
        let listed = Array(" <>\"#%{}|\\^~[]`'".utf8) + Array(0...32) + Array(127...255)
        for byte in UInt8.min...UInt8.max {
            let digits = String(byte, radix: 16, uppercase: true)
            let encoded = "%" + (digits.count == 1 ? "0" : "") + digits
            let plain = String(decoding: [byte], as: UTF8.self)
            #expect(percent([byte]) == (listed.contains(byte) ? encoded : plain))
        }
    }

    @Test func longValuesAreCutBetweenCharactersAndMarked() {
        let bound = Limits.logValueBytesMax
        let exact = [UInt8](repeating: 0x61, count: bound)
        #expect(json(exact).utf8.count == bound + 2)
        #expect(!json(exact).contains("…"))
        #expect(percent(exact).utf8.count == bound)
        let long = [UInt8](repeating: 0x61, count: bound + 1)
        #expect(json(long) == "\"" + String(repeating: "a", count: bound) + "…\"")
        #expect(percent(long) == String(repeating: "a", count: bound) + "~")
        let wide = Array(String(repeating: "日", count: bound).utf8)
        #expect(json(wide) == "\"" + String(repeating: "日", count: bound / 3) + "…\"")
        let hostile = [UInt8](repeating: 0x01, count: bound)
        #expect(json(hostile) == "\"" + String(repeating: "\\u0001", count: bound / 6) + "…\"")
        #expect(percent(hostile) == String(repeating: "%01", count: bound / 3) + "~")
    }

    @Test func numbersAndTimes() {
        #expect(Self.render { $0.put(decimal: 0) } == "0")
        #expect(Self.render { $0.put(decimal: 10) } == "10")
        #expect(Self.render { $0.put(decimal: 999_999) } == "999999")
        #expect(Self.render { $0.put(decimal: .max) } == "18446744073709551615")
        #expect(Self.render { $0.put(seconds: 1_999_999_999) } == "1.999")
        #expect(Self.render { $0.put(seconds: 4_000_000) } == "0.004")
        #expect(Self.render { $0.put(seconds: -1) } == "0.000")
    }

    @Test func theLongestLineFits() {
        #expect(
            Limits.logValuesMax * Limits.logValueBytesMax + Limits.logFixedBytesMax
                + 8 <= Limits.logLineBytesMax
        )
        #expect(Limits.logRingBytes >= 2 * Limits.logLineBytesMax)
    }
}
