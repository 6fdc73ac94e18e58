import Testing

@testable import EdgeRuntime

@Suite struct SignatureTests {
    private static func key(_ pem: String) throws(PublicKey.Failure) -> PublicKey {
        let text = Array(pem.utf8)
        return try PublicKey.pem(text.span)
    }

    private static func verify(
        _ signature: [UInt8],
        _ message: [UInt8],
        _ key: PublicKey,
        _ scheme: Signature.Scheme
    ) -> Signature.Verdict {
        Signature.verify(signature.span, of: message.span, by: key, scheme)
    }

    private static let schemes: [Signature.Scheme] =
        HashAlgorithm.allCases.flatMap { hash -> [Signature.Scheme] in
            [.pkcs1(hash), .pss(hash), .ecdsa(hash), .ecdsaPair(hash)]
        } + [.ed25519]

    @Test(arguments: SignatureVectors.signatures.indices)
    func genuineIsToldFromForged(index: Int) throws {
        let (scheme, pem, digits) = SignatureVectors.signatures[index]
        let key = try Self.key(pem)
        let message = Array(SignatureVectors.message.utf8)
        let signature = hex(digits)
        #expect(Self.verify(signature, message, key, scheme) == .genuine)

        var otherMessage = message
        otherMessage[0] ^= 1
        #expect(Self.verify(signature, otherMessage, key, scheme) == .forged)
        for place in signature.indices {
            var changed = signature
            changed[place] ^= 1
            #expect(Self.verify(changed, message, key, scheme) == .forged, "byte \(place)")
        }
        for count in [0, 1, signature.count - 1] {
            #expect(Self.verify(Array(signature.prefix(count)), message, key, scheme) == .forged)
        }
        #expect(Self.verify(signature + [0], message, key, scheme) == .forged)
        // Under no other scheme is it one.
        for other in Self.schemes where other != scheme {
            #expect(Self.verify(signature, message, key, other) != .genuine, "\(other)")
        }
    }

    /// r = s = 0 passed for a signature of anything in more than one implementation.
    @Test func zerosSignNothing() throws {
        for (pem, half) in [(SignatureVectors.p256, 32), (SignatureVectors.p384, 48)] {
            let key = try Self.key(pem)
            let zeros = [UInt8](repeating: 0, count: 2 * half)
            #expect(Self.verify(zeros, Array("x".utf8), key, .ecdsaPair(.sha256)) == .forged)
            let der: [UInt8] = [0x30, 6, 2, 1, 0, 2, 1, 0]
            #expect(Self.verify(der, Array("x".utf8), key, .ecdsa(.sha256)) == .forged)
        }
    }

    @Test func theSaltIsAsLongAsTheHash() throws {
        let key = try Self.key(SignatureVectors.rsa)
        let message = Array(SignatureVectors.message.utf8)
        #expect(
            Self.verify(hex(SignatureVectors.shortSalt), message, key, .pss(.sha256)) == .forged
        )
    }

    @Test func aSchemeIsForKeysOfItsKind() throws {
        let kinds: [(String, (Signature.Scheme) -> Bool)] = [
            (
                SignatureVectors.rsa,
                { scheme in
                    switch scheme {
                    case .pkcs1, .pss: true
                    case .ecdsa, .ecdsaPair, .ed25519: false
                    }
                }
            ),
            (SignatureVectors.ed25519, { $0 == .ed25519 }),
        ]
        for (pem, fits) in kinds {
            let key = try Self.key(pem)
            for scheme in Self.schemes {
                let verdict = Self.verify([1, 2, 3], [], key, scheme)
                #expect(verdict == (fits(scheme) ? .forged : .keyMismatch), "\(scheme)")
            }
        }
    }

    /// RFC 8032 §7.1, tests 1 to 3.
    @Test(arguments: [
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e"
                + "39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
        (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f"
                + "3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
        (
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67"
                + "f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ])
    func ed25519(publicKey: String, message: String, signature: String) throws {
        let bytes = hex(publicKey)
        let key = try PublicKey.ed25519(bytes.span)
        #expect(Self.verify(hex(signature), hex(message), key, .ed25519) == .genuine)
        #expect(Self.verify(hex(signature), hex(message) + [0], key, .ed25519) == .forged)
    }
}

@Suite struct PublicKeyTests {
    private static func kind(_ pem: String) throws(PublicKey.Failure) -> PublicKey.Kind {
        let text = Array(pem.utf8)
        return try PublicKey.pem(text.span).kind
    }

    @Test func everyFormIsRead() throws {
        #expect(try Self.kind(SignatureVectors.rsa) == .rsa(bits: 2048))
        #expect(try Self.kind(SignatureVectors.rsaPKCS1) == .rsa(bits: 2048))
        #expect(try Self.kind(SignatureVectors.certificate) == .rsa(bits: 2048))
        #expect(try Self.kind(SignatureVectors.p256) == .p256)
        #expect(try Self.kind(SignatureVectors.p384) == .p384)
        #expect(try Self.kind(SignatureVectors.ed25519) == .ed25519)
        #expect(
            try Self.kind("# a comment\r\n\(SignatureVectors.p256)\n\(SignatureVectors.rsa)")
                == .p256
        )
    }

    @Test func oneKeyInThreeForms() throws {
        let row = SignatureVectors.signatures[1]
        let message = Array(SignatureVectors.message.utf8)
        let signature = hex(row.hex)
        for pem in [SignatureVectors.rsaPKCS1, SignatureVectors.certificate] {
            let text = Array(pem.utf8)
            let key = try PublicKey.pem(text.span)
            let verdict = Signature.verify(signature.span, of: message.span, by: key, row.scheme)
            #expect(verdict == .genuine)
        }
    }

    @Test func refusalsSayWhy() {
        let torn = SignatureVectors.p256.replacing("MFkw", with: "MFkx")
        let rows: [(String, PublicKey.Failure)] = [
            ("", .noKey), ("hello", .noKey), ("-----BEGIN PUBLIC KEY-----\n", .noKey),
            ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", .malformed),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", .malformed),
            (torn, .malformed),
            (SignatureVectors.secret, .isPrivate),
            (SignatureVectors.p521, .unsupported),
            (SignatureVectors.secp256k1, .unsupported),
            (SignatureVectors.rsa1024, .weak),
            (String(repeating: "x", count: Limits.publicKeyBytesMax + 1), .tooLong),
        ]
        for (text, reason) in rows {
            #expect(throws: reason, "\(text.prefix(60))") { try Self.kind(text) }
        }
    }

    /// Cut short and changed at every byte: a value each time, never a crash.
    @Test func hostileFiles() {
        for pem in [SignatureVectors.p256, SignatureVectors.ed25519, SignatureVectors.rsaPKCS1] {
            let text = Array(pem.utf8)
            for place in text.indices {
                var changed = text
                changed[place] ^= 0x04
                _ = try? PublicKey.pem(changed.span)
                _ = try? PublicKey.pem(text.span.extracting(first: place))
            }
        }
    }

    /// RFC 7515 A.2 and A.3.
    @Test func numbersMakeKeys() throws {
        let modulus = decoded(JWSVectors.modulus)
        let exponent = decoded("AQAB")
        let rsa = try PublicKey.rsa(modulus: modulus.span, exponent: exponent.span)
        #expect(rsa.kind == .rsa(bits: 2048))
        let x = decoded("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU")
        let y = decoded("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0")
        let ec = try PublicKey.ec(.p256, x: x.span, y: y.span)
        #expect(ec.kind == .p256)
    }

    @Test func badNumbersAreRefused() {
        let modulus = decoded(JWSVectors.modulus)
        let x = decoded("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU")
        let y = decoded("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0")
        let nothing: [UInt8] = []
        for exponent in [nothing, [0], [1], [UInt8](repeating: 0xff, count: 8)] {
            #expect(throws: PublicKey.Failure.self) {
                try PublicKey.rsa(modulus: modulus.span, exponent: exponent.span)
            }
        }
        for count in [0, 1, 128] {
            let short = Array(modulus.prefix(count))
            let exponent: [UInt8] = [1, 0, 1]
            #expect(throws: PublicKey.Failure.self) {
                try PublicKey.rsa(modulus: short.span, exponent: exponent.span)
            }
        }
        // Off the curve, too short, on the other curve.
        #expect(throws: PublicKey.Failure.malformed) {
            try PublicKey.ec(.p256, x: y.span, y: y.span)
        }
        #expect(throws: PublicKey.Failure.malformed) {
            try PublicKey.ec(.p256, x: x.span.extracting(first: 31), y: y.span)
        }
        #expect(throws: PublicKey.Failure.malformed) {
            try PublicKey.ec(.p384, x: x.span, y: y.span)
        }
        #expect(throws: PublicKey.Failure.malformed) {
            try PublicKey.ed25519(x.span.extracting(first: 31))
        }
    }

    private func decoded(_ text: String) -> [UInt8] {
        let digits = Array(text.utf8)
        return (try? Base64.decode(digits.span, .urlSafe, .forbidden)) ?? []
    }
}
