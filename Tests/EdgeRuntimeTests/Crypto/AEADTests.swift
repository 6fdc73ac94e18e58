import Testing

@testable import EdgeRuntime

/// The test cases of "The Galois/Counter Mode of Operation" (McGrew and Viega): 1 to 4 and those of AES-256.
@Suite struct AEADTests {
    private static let key = "feffe9928665731c6d6a8f9467308308"
    private static let nonce = "cafebabefacedbaddecaf888"
    private static let text =
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        + "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    private static let additional = "feedfacedeadbeeffeedfacedeadbeefabaddad2"
    private static let zeros = String(repeating: "00", count: 16)
    private static let zeroNonce = String(repeating: "00", count: 12)

    struct Row {
        var key: String
        var nonce: String
        var text: String
        var additional: String
        var sealed: String
    }

    static let rows: [Row] = [
        Row(
            key: zeros,
            nonce: zeroNonce,
            text: "",
            additional: "",
            sealed: "58e2fccefa7e3061367f1d57a4e7455a"
        ),
        Row(
            key: zeros,
            nonce: zeroNonce,
            text: zeros,
            additional: "",
            sealed: "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf"
        ),
        Row(
            key: key,
            nonce: nonce,
            text: text + "1aafd255",
            additional: "",
            sealed: "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
                + "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985"
                + "4d5c2af327cd64a62cf35abd2ba6fab4"
        ),
        Row(
            key: key,
            nonce: nonce,
            text: text,
            additional: additional,
            sealed: "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
                + "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
                + "5bc94fbc3221a5db94fae95ae7121a47"
        ),
        Row(
            key: zeros + zeros,
            nonce: zeroNonce,
            text: "",
            additional: "",
            sealed: "530f8afbc74536b9a963b4f1c4cb738b"
        ),
        Row(
            key: zeros + zeros,
            nonce: zeroNonce,
            text: zeros,
            additional: "",
            sealed: "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"
        ),
        Row(
            key: key + key,
            nonce: nonce,
            text: text,
            additional: additional,
            sealed: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                + "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                + "76fc6ece0f4e1768cddf8853bb2d551b"
        ),
    ]

    private func open(
        _ row: Row,
        sealed: [UInt8],
        nonce: [UInt8]? = nil,
        additional: [UInt8]? = nil
    ) throws(AEAD.Failure) -> [UInt8] {
        let key = hex(row.key)
        let nonce = nonce ?? hex(row.nonce)
        let additional = additional ?? hex(row.additional)
        var aead = try AEAD(key: key.span)
        return try aead.open(sealed.span, nonce: nonce.span, additional: additional.span)
    }

    @Test(arguments: rows.indices) func vectors(index: Int) throws {
        let row = Self.rows[index]
        let key = hex(row.key)
        let nonce = hex(row.nonce)
        let text = hex(row.text)
        let additional = hex(row.additional)
        var aead = try AEAD(key: key.span)
        // One key serves many: sealing and opening in turn leave nothing behind.
        for _ in 0..<2 {
            let sealed = try aead.seal(text.span, nonce: nonce.span, additional: additional.span)
            #expect(sealed == hex(row.sealed))
            let opened = try aead.open(
                sealed.span,
                nonce: nonce.span,
                additional: additional.span
            )
            #expect(opened == text)
        }
    }

    @Test(arguments: rows.indices) func whateverIsChangedDoesNotOpen(index: Int) {
        let row = Self.rows[index]
        let sealed = hex(row.sealed)
        for place in sealed.indices {
            var changed = sealed
            changed[place] ^= 0x10
            #expect(throws: AEAD.Failure.forged) { try open(row, sealed: changed) }
        }
        for count in 0..<sealed.count {
            let reason: AEAD.Failure = count < AEAD.tagBytes ? .tooShort : .forged
            #expect(throws: reason) { try open(row, sealed: Array(sealed.prefix(count))) }
        }
        #expect(throws: AEAD.Failure.forged) {
            try open(row, sealed: sealed, additional: Array("x".utf8))
        }
        var nonce = hex(row.nonce)
        nonce[11] ^= 1
        #expect(throws: AEAD.Failure.forged) { try open(row, sealed: sealed, nonce: nonce) }
    }

    @Test func aRefusalDoesNotSpoilTheKey() throws {
        let row = Self.rows[3]
        let key = hex(row.key)
        let nonce = hex(row.nonce)
        let additional = hex(row.additional)
        let sealed = hex(row.sealed)
        let forged = [UInt8](repeating: 7, count: 40)
        var aead = try AEAD(key: key.span)
        let refused = try? aead.open(forged.span, nonce: nonce.span, additional: additional.span)
        #expect(refused == nil)
        let opened = try aead.open(sealed.span, nonce: nonce.span, additional: additional.span)
        #expect(opened == hex(row.text))
    }

    @Test func sizesAreChecked() {
        for count in 0...40 where count != 16 && count != 32 {
            let key = [UInt8](repeating: 1, count: count)
            #expect(throws: AEAD.Failure.keyLength) { _ = try AEAD(key: key.span) }
        }
        for count in [0, 8, 11, 13, 16] {
            let nonce = [UInt8](repeating: 1, count: count)
            #expect(throws: AEAD.Failure.nonceLength) {
                try open(Self.rows[1], sealed: hex(Self.rows[1].sealed), nonce: nonce)
            }
        }
    }
}

@Suite struct SecureRandomTests {
    @Test func aSeedRepeats() {
        var first = SecureRandom.repeatable(Random(seed: 5))
        var second = SecureRandom.repeatable(Random(seed: 5))
        let one = [first.bytes(40), first.bytes(40)]
        let two = [second.bytes(40), second.bytes(40)]
        #expect(one == two && one[0] != one[1])
    }

    @Test func theSystemDoesNot() {
        var random = SecureRandom.system
        let first = random.bytes(32)
        let second = random.bytes(32)
        #expect(first?.count == 32 && first != second)
    }

    @Test func wishesAreBounded() {
        var random = SecureRandom.system
        let nothing = random.bytes(0)
        let negative = random.bytes(-1)
        let most = random.bytes(Limits.randomBytesMax)
        let more = random.bytes(Limits.randomBytesMax + 1)
        #expect(nothing == [] && negative == nil && more == nil)
        #expect(most?.count == Limits.randomBytesMax)
    }
}
