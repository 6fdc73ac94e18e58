import Testing

@testable import EdgeRuntime

@Suite struct Base64Tests {
    private func encode(_ text: [UInt8], _ alphabet: Base64.Alphabet, _ padded: Bool) -> String {
        String(decoding: Base64.encode(text.span, alphabet, padded: padded), as: UTF8.self)
    }

    private func decode(
        _ text: String,
        _ alphabet: Base64.Alphabet = .standard,
        _ padding: Base64.Padding = .required
    ) throws(TextCodeError) -> [UInt8] {
        let digits = Array(text.utf8)
        return try Base64.decode(digits.span, alphabet, padding)
    }

    /// RFC 4648 §10.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ])
    func vectors(plain: String, coded: String) throws {
        let bytes = Array(plain.utf8)
        let bare = coded.replacing("=", with: "")
        #expect(encode(bytes, .standard, true) == coded)
        #expect(encode(bytes, .urlSafe, false) == bare)
        #expect(try decode(coded) == bytes)
        #expect(try decode(coded, .standard, .optional) == bytes)
        #expect(try decode(bare, .standard, .optional) == bytes)
        #expect(try decode(bare, .urlSafe, .forbidden) == bytes)
        guard bare != coded else { return }
        #expect(throws: TextCodeError(reason: .badPadding, offset: bare.utf8.count)) {
            try decode(bare)
        }
        #expect(throws: TextCodeError(reason: .badPadding, offset: bare.utf8.count)) {
            try decode(coded, .standard, .forbidden)
        }
    }

    @Test func alphabets() throws {
        let bytes: [UInt8] = [0xfb, 0xff, 0xbf]
        #expect(encode(bytes, .standard, true) == "+/+/")
        #expect(encode(bytes, .urlSafe, true) == "-_-_")
        #expect(try decode("-_-_", .urlSafe) == bytes)
        #expect(throws: TextCodeError(reason: .badByte, offset: 0)) { try decode("-_-_") }
        #expect(throws: TextCodeError(reason: .badByte, offset: 1)) {
            try decode("A/+/", .urlSafe)
        }
    }

    @Test(arguments: [
        ("Zg=", TextCodeError.Reason.badPadding, 2), ("Zg===", .badPadding, 3),
        ("Z", .badLength, 1),
        ("Z===", .badByte, 1), ("=", .badPadding, 0), ("====", .badByte, 0),
        ("Zm9vZ", .badLength, 5), ("Zh==", .trailingBits, 1), ("Zm9=", .trailingBits, 2),
        ("AAC=", .trailingBits, 2), ("AI==", .trailingBits, 1),
        ("Zm 9", .badByte, 2), ("Zm9v\n", .badLength, 5), ("Zm9v\nZm9", .badByte, 4),
        ("Zg==Zg==", .badByte, 2), ("Zm9v\u{0}AAA", .badByte, 4), ("é0==", .badPadding, 3),
    ])
    func strictness(text: String, reason: TextCodeError.Reason, offset: Int) {
        #expect(throws: TextCodeError(reason: reason, offset: offset)) { try decode(text) }
    }

    @Test func everythingComesBackAndOnlyFromOneText() throws {
        var random = Random(seed: 64)
        for round in 0..<600 {
            let bytes = (0..<(round % 67)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            for alphabet in [Base64.Alphabet.standard, .urlSafe] {
                for padded in [true, false] {
                    let coded = Base64.encode(bytes.span, alphabet, padded: padded)
                    #expect(coded.count == Base64.encodedCount(bytes.count, padded: padded))
                    let padding: Base64.Padding = padded ? .required : .forbidden
                    #expect(try Base64.decode(coded.span, alphabet, padding) == bytes)
                    guard !coded.isEmpty else { continue }
                    var changed = coded
                    changed[Int(random.next(below: UInt64(coded.count)))] ^= 1
                    let other = try? Base64.decode(changed.span, alphabet, padding)
                    #expect(other != bytes)
                }
            }
            let digits = Hexadecimal.encode(bytes.span)
            #expect(try Hexadecimal.decode(digits.span) == bytes)
        }
    }

    @Test func hexadecimal() throws {
        let bytes: [UInt8] = [0, 0x7f, 0x80, 0xff]
        let digits = Hexadecimal.encode(bytes.span)
        #expect(String(decoding: digits, as: UTF8.self) == "007f80ff")
        let capitals = Array("007F80Ff".utf8)
        #expect(try Hexadecimal.decode(capitals.span) == bytes)
        for (text, error) in [
            ("0", TextCodeError(reason: .badLength, offset: 1)),
            ("0g", TextCodeError(reason: .badByte, offset: 1)),
            (" 0", TextCodeError(reason: .badByte, offset: 0)),
            ("0x", TextCodeError(reason: .badByte, offset: 1)),
        ] {
            let digits = Array(text.utf8)
            #expect(throws: error) { try Hexadecimal.decode(digits.span) }
        }
    }
}
