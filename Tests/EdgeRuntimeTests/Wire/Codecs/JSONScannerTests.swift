import Testing

@testable import EdgeRuntime

@Suite struct JSONScannerTests {
    /// The events of a text in one line: `{`, `}`, `[`, `]`, `name:`, `'string'`, `1`, `1.5f`, `true`, `null`.
    static func events(
        _ text: [UInt8],
        depthMax: Int = Limits.jsonDepthMax,
        bytesMax: Int = Limits.jsonBytesMax
    ) throws(JSONError) -> String {
        var scanner = JSONScanner(depthMax: depthMax, bytesMax: bytesMax)
        var told: [String] = []
        while let event = try scanner.next(text.span) {
            switch event {
            case .beginTable: told.append("{")
            case .endTable: told.append("}")
            case .beginList: told.append("[")
            case .endList: told.append("]")
            case .name(let name):
                told.append(String(decoding: name.bytes(of: text.span), as: UTF8.self) + ":")
            case .string(let string):
                told.append(
                    "'" + String(decoding: string.bytes(of: text.span), as: UTF8.self) + "'"
                )
            case .integer(let value): told.append("\(value)")
            case .number(let value): told.append("\(value)f")
            case .boolean(let value): told.append("\(value)")
            case .null: told.append("null")
            }
        }
        return told.joined(separator: " ")
    }

    static func events(_ text: String) throws(JSONError) -> String {
        try events(Array(text.utf8))
    }

    @Test(arguments: [
        ("{}", "{ }"), ("[]", "[ ]"), (" \t\r\n[ ]\n", "[ ]"), ("true", "true"),
        ("false", "false"), ("null", "null"), (#""""#, "''"), ("[[],{}]", "[ [ ] { } ]"),
        (#"{"a":1,"b":[true,null]}"#, "{ a: 1 b: [ true null ] }"),
        (#"{ "a" : { "a" : "a" } , "a" : 2 }"#, "{ a: { a: 'a' } a: 2 }"),
        (#"{"":0}"#, "{ : 0 }"),
        ("0", "0"), ("-0", "-0.0f"), ("0.0", "0.0f"), ("10", "10"), ("-7", "-7"),
        ("1.5", "1.5f"), ("1e2", "100.0f"), ("1E+2", "100.0f"), ("25e-1", "2.5f"),
        ("9223372036854775807", "9223372036854775807"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("9223372036854775808", "9.223372036854776e+18f"),
        ("-9223372036854775809", "-9.223372036854776e+18f"),
        ("18446744073709551616", "1.8446744073709552e+19f"),
        ("99999999999999999999999", "1e+23f"), ("1e-400", "0.0f"),
        ("2.2250738585072011e-308", "2.225073858507201e-308f"),
        (#""\"\\\/\b\f\n\r\t""#, "'\"\\/\u{8}\u{c}\n\r\t'"),
        (#""\u00e9\u20AC\ud83d\uDE00\u0000""#, "'é€😀\u{0}'"),
        (#""é€😀""#, "'é€😀'"), ("\"\u{7f}\u{feff}\"", "'\u{7f}\u{feff}'"),
    ])
    func valid(text: String, expected: String) throws {
        #expect(try Self.events(text) == expected)
    }

    @Test(arguments: [
        ("", JSONError.Reason.endsTooEarly, 0), ("  ", .endsTooEarly, 2), ("[", .endsTooEarly, 1),
        ("{", .endsTooEarly, 1), (#"{"a":"#, .endsTooEarly, 5), ("[1,", .endsTooEarly, 3),
        (#"{"a":1,"#, .endsTooEarly, 7), ("x", .valueExpected, 0), ("[1,]", .valueExpected, 3),
        ("[,1]", .valueExpected, 1), ("tru", .valueExpected, 0), ("truE", .valueExpected, 0),
        ("'a'", .valueExpected, 0), ("+1", .valueExpected, 0), (".5", .valueExpected, 0),
        ("NaN", .valueExpected, 0), ("]", .valueExpected, 0), ("\u{feff}{}", .valueExpected, 0),
        ("// x\n1", .valueExpected, 0), ("{a:1}", .nameExpected, 1), ("{1:1}", .nameExpected, 1),
        (#"{"a":1,}"#, .nameExpected, 7), ("{]", .nameExpected, 1), (#"{"a"}"#, .colonMissing, 4),
        (#"{"a" 1}"#, .colonMissing, 5), (#"{"a""#, .colonMissing, 4), ("[1 2]", .listUnclosed, 3),
        ("[1}", .listUnclosed, 2), ("[1", .listUnclosed, 2), ("[[]", .listUnclosed, 3),
        (#"{"a":1 "b":2}"#, .tableUnclosed, 7), (#"{"a":1]"#, .tableUnclosed, 6),
        (#"{"a":1"#, .tableUnclosed, 6), (#"""#, .stringUnclosed, 0),
        (#"["abc"#, .stringUnclosed, 1),
        (#""\"#, .stringUnclosed, 2), (#""\""#, .stringUnclosed, 0), ("\"a\nb\"", .controlByte, 2),
        ("\"\u{0}\"", .controlByte, 1), ("\"\u{1f}\"", .controlByte, 1), (#""\x""#, .badEscape, 1),
        (#""\U0041""#, .badEscape, 1), (#""\u12""#, .badUnicodeEscape, 1),
        (#""\u12g4""#, .badUnicodeEscape, 1), (#""\u+123""#, .badUnicodeEscape, 1),
        (#""\ud800""#, .halfPair, 1), (#""\udc00""#, .halfPair, 1), (#""a\ud800\n""#, .halfPair, 2),
        (#""\ud800\u0041""#, .halfPair, 1), (#""\ud800\ud800""#, .halfPair, 1),
        ("01", .badNumber, 0), ("-", .badNumber, 1), ("-01", .badNumber, 1), ("00", .badNumber, 0),
        ("1.", .badNumber, 2), ("1.e1", .badNumber, 2), ("1e", .badNumber, 2),
        ("1e+", .badNumber, 3),
        ("-a", .badNumber, 1), ("1e999", .numberRange, 0), ("[-1e999]", .numberRange, 1),
        ("1 2", .textAfterEnd, 2), ("{}}", .textAfterEnd, 2), ("1a", .textAfterEnd, 1),
        ("1\u{0}", .textAfterEnd, 1), ("nullx", .textAfterEnd, 4), ("0x10", .textAfterEnd, 1),
        ("\u{b}1", .valueExpected, 0), ("[1\u{a0}]", .listUnclosed, 2),
    ])
    func invalid(text: String, reason: JSONError.Reason, offset: Int) {
        #expect(throws: JSONError(reason: reason, offset: offset)) { try Self.events(text) }
    }

    /// Overlong forms, surrogates, what lies beyond U+10FFFF, and sequences cut short.
    @Test(
        arguments: [
            [0xc0, 0x80], [0xc1, 0xbf], [0xe0, 0x9f, 0xbf], [0xed, 0xa0, 0x80],
            [0xf0, 0x8f, 0xbf, 0xbf],
            [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xff], [0x80], [0xc3],
            [0xe2, 0x82],
            [0xf0, 0x9f, 0x98],
        ] as [[UInt8]]
    )
    func badUTF8(bytes: [UInt8]) {
        let text = [0x22] + bytes + [0x22]
        #expect(throws: JSONError(reason: .notUTF8, offset: 1)) { try Self.events(text) }
    }

    @Test func depthIsBounded() throws {
        let depth = Limits.jsonDepthMax
        let deep = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        #expect(try Self.events(deep).count == 4 * depth - 1)
        #expect(throws: JSONError(reason: .tooDeep, offset: depth)) {
            try Self.events("[" + deep + "]")
        }
        // A million of them end at the bound, not at the end of a stack.
        #expect(throws: JSONError(reason: .tooDeep, offset: 5 * depth)) {
            try Self.events(String(repeating: "{\"a\":", count: 200_000))
        }
        // Lists and tables in turn: each closes with its own bracket.
        let mixed =
            String(repeating: "[{\"a\":", count: 60) + "1" + String(repeating: "}]", count: 60)
        #expect(try Self.events(mixed).hasSuffix("} ]"))
        #expect(throws: JSONError.self) {
            try Self.events(mixed.replacing("1}]", with: "1]}"))
        }
    }

    @Test func lengthIsBounded() throws {
        let text = Array("[1, 2]".utf8)
        #expect(try Self.events(text, bytesMax: 6) == "[ 1 2 ]")
        #expect(throws: JSONError(reason: .tooLong, offset: 5)) {
            try Self.events(text, bytesMax: 5)
        }
        let long = String(repeating: "1", count: Limits.jsonNumberBytesMax + 1)
        #expect(throws: JSONError(reason: .numberRange, offset: 1)) {
            try Self.events("[\(long)]")
        }
        let fraction = "0." + String(repeating: "3", count: Limits.jsonNumberBytesMax - 2)
        #expect(try Self.events(fraction) == "0.3333333333333333f")
    }

    @Test func placesAreLinesAndColumns() {
        let text = Array("{\n  \"a\": 1,\n  \"é\" x\n}".utf8)
        do throws(JSONError) {
            _ = try Self.events(text)
            Issue.record("it is no JSON")
        } catch {
            let place = error.place(in: text.span)
            #expect(place.line == 3 && place.column == 8)
        }
    }
}

@Suite struct JSONWriterTests {
    private func written(
        _ body: (inout JSONWriter) throws(JSONWriter.Failure) -> Void
    ) throws(JSONWriter.Failure) -> String {
        var writer = JSONWriter(depthMax: 4, bytesMax: 200)
        try body(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test func commasComeByThemselves() throws {
        let text = try written { writer throws(JSONWriter.Failure) in
            try writer.beginTable()
            for name in ["a", "b\n"] {
                let bytes = Array(name.utf8)
                try writer.name(bytes.span)
                try writer.beginList()
                try writer.integer(-1)
                try writer.boolean(true)
                try writer.null()
                try writer.beginTable()
                try writer.endTable()
                try writer.number(0.5)
                try writer.string(bytes.span)
                try writer.endList()
            }
            try writer.endTable()
        }
        let list = "[-1,true,null,{},0.5,"
        #expect(text == "{\"a\":\(list)\"a\"],\"b\\n\":\(list)\"b\\n\"]}")
    }

    @Test(
        arguments: [
            (0, "0"), (-0.0, "-0"), (1, "1"), (-1, "-1"), (0.1, "0.1"), (1.5e300, "1.5e+300"),
            (9_007_199_254_740_991, "9007199254740991"), (1e21, "1e+21"),
            (.leastNonzeroMagnitude, "5e-324"),
            (1.7976931348623157e308, "1.7976931348623157e+308"), (100, "100"), (1e-7, "1e-07"),
            (123_456.789, "123456.789"),
        ] as [(Double, String)]
    )
    func doubles(value: Double, text: String) throws {
        #expect(
            try written { writer throws(JSONWriter.Failure) in try writer.number(value) } == text
        )
    }

    @Test func whatJSONCannotSayIsRefused() {
        for value in [Double.nan, .infinity, -.infinity] {
            #expect(throws: JSONWriter.Failure.notFinite) {
                _ = try written { writer throws(JSONWriter.Failure) in try writer.number(value) }
            }
        }
        let bytes: [UInt8] = [0x61, 0xff]
        #expect(throws: JSONWriter.Failure.notUTF8) {
            _ = try written { writer throws(JSONWriter.Failure) in try writer.string(bytes.span) }
        }
        #expect(throws: JSONWriter.Failure.tooDeep) {
            _ = try written { writer throws(JSONWriter.Failure) in
                for _ in 0..<5 { try writer.beginList() }
            }
        }
        let long = [UInt8](repeating: 0x61, count: 201)
        #expect(throws: JSONWriter.Failure.tooLong) {
            _ = try written { writer throws(JSONWriter.Failure) in try writer.string(long.span) }
        }
        #expect(throws: JSONWriter.Failure.tooLong) {
            _ = try written { writer throws(JSONWriter.Failure) in
                try writer.beginList()
                for _ in 0..<101 { try writer.integer(1) }
            }
        }
    }

    @Test func doublesComeBackExactly() throws {
        var random = Random(seed: 8259)
        for _ in 0..<20_000 {
            let value = Double(bitPattern: random.next())
            guard value.isFinite else { continue }
            var text: [UInt8] = []
            Decimal.append(value, to: &text)
            var scanner = JSONScanner()
            let event = try scanner.next(text.span)
            switch event {
            case .number(let again): #expect(again == value && again.sign == value.sign)
            case .integer(let again): #expect(Double(again) == value)
            default: Issue.record("\(value) is \(String(describing: event))")
            }
        }
        for value in [Int64.min, .max, 0, 1, -1] {
            var text: [UInt8] = []
            Decimal.append(value, to: &text)
            #expect(String(decoding: text, as: UTF8.self) == "\(value)")
        }
    }

    @Test func stringsComeBackExactly() throws {
        var random = Random(seed: 3629)
        for _ in 0..<2000 {
            var text = ""
            for _ in 0..<random.next(below: 12) {
                let scalar = Unicode.Scalar(UInt32(random.next(below: 1 << random.next(below: 21))))
                if let scalar { text.unicodeScalars.append(scalar) }
            }
            let bytes = Array(text.utf8)
            var writer = JSONWriter()
            try writer.string(bytes.span)
            let out = writer.bytes
            var scanner = JSONScanner()
            guard case .string(let again) = try scanner.next(out.span) else {
                Issue.record("no string")
                return
            }
            #expect(again.bytes(of: out.span) == bytes)
        }
    }
}
