import Testing

@testable import EdgeRuntime

@Suite struct JWTTests {
    /// Between "issued" and "expired" of RFC 7515's claims: `iss` joe, `exp` 1300819380.
    private static let then: Double = 1_300_819_379

    static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    static func coded(_ text: String) -> String {
        let bytes = bytes(text)
        let digits = Base64.encode(bytes.span, .urlSafe, padded: false)
        return String(decoding: digits, as: UTF8.self)
    }

    static let secret = bytes("a secret of thirty-two letters!!")

    /// A token with an HMAC by `secret`, whatever its header claims.
    static func signed(
        _ claims: String,
        header: String = #"{"alg":"HS256"}"#,
        _ hash: HashAlgorithm = .sha256
    ) -> [UInt8] {
        let text = bytes("\(coded(header)).\(coded(claims))")
        let code = MAC.of(text.span, key: secret.span, hash)
        return text + [0x2e] + Base64.encode(code.bytes, .urlSafe, padded: false)
    }

    private static func verifier(
        _ algorithms: JWTAlgorithmSet = JWTAlgorithmSet(.hs256),
        _ change: (inout JWTVerifier) -> Void = { _ in }
    ) -> JWTVerifier {
        var verifier = JWTVerifier(
            algorithms: algorithms,
            keys: [JWTKey(id: nil, material: .secret(secret))]
        )
        change(&verifier)
        return verifier
    }

    private static func outcome(
        _ verifier: JWTVerifier,
        _ token: [UInt8],
        now: Double = then
    ) -> JWTRefusal? {
        do throws(JWTRefusal) {
            _ = try verifier.verify(token.span, now: now)
            return nil
        } catch {
            return error
        }
    }

    private static func decoded(_ text: String) throws -> [UInt8] {
        let digits = bytes(text)
        return try Base64.decode(digits.span, .urlSafe, .forbidden)
    }

    private static func published() throws -> [(JWTAlgorithm, JWTKey, String)] {
        let secret = try decoded(JWSVectors.octets)
        let modulus = try decoded(JWSVectors.modulus)
        let exponent: [UInt8] = [1, 0, 1]
        let x = try decoded("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU")
        let y = try decoded("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0")
        let rsa = try PublicKey.rsa(modulus: modulus.span, exponent: exponent.span)
        let ec = try PublicKey.ec(.p256, x: x.span, y: y.span)
        return [
            (.hs256, JWTKey(id: nil, material: .secret(secret)), JWSVectors.hs256),
            (.rs256, JWTKey(id: nil, material: .publicKey(rsa)), JWSVectors.rs256),
            (.es256, JWTKey(id: nil, material: .publicKey(ec)), JWSVectors.es256),
        ]
    }

    /// RFC 7515 A.1 to A.3.
    @Test func publishedTokens() throws {
        let rows = try Self.published()
        for (algorithm, key, text) in rows {
            let token = Self.bytes(text)
            let verifier = JWTVerifier(algorithms: JWTAlgorithmSet(algorithm), keys: [key])
            let (jwt, claims) = try verifier.verify(token.span, now: Self.then)
            #expect(jwt.algorithm == algorithm)
            #expect(claims.issuer == Self.bytes("joe") && claims.expiry == 1_300_819_380)
            #expect(Self.outcome(verifier, token, now: 1_300_819_380) == .expired)
            // Every key at hand: the right one is found.
            let all = JWTVerifier(
                algorithms: JWTAlgorithmSet(.hs256, .rs256, .es256),
                keys: rows.map(\.1)
            )
            #expect(Self.outcome(all, token) == nil)
            for (other, otherKey, _) in rows where other != algorithm {
                let notAllowed = JWTVerifier(algorithms: JWTAlgorithmSet(other), keys: [key])
                #expect(Self.outcome(notAllowed, token) == .algorithmNotAllowed)
                let wrongKind = JWTVerifier(
                    algorithms: JWTAlgorithmSet(algorithm),
                    keys: [otherKey]
                )
                #expect(Self.outcome(wrongKind, token) == .keyUnknown)
            }
        }
    }

    /// RFC 8037 A.4 and A.5.
    @Test func edDSA() throws {
        let x = try Self.decoded("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
        let key = try PublicKey.ed25519(x.span)
        let text = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
        let signature = try Self.decoded(
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        )
        let message = Self.bytes(text)
        let verdict = Signature.verify(signature.span, of: message.span, by: key, .ed25519)
        #expect(verdict == .genuine)
        // What it signs is no JSON, so as a token it is none.
        let token =
            message + Self.bytes(".") + Base64.encode(signature.span, .urlSafe, padded: false)
        let verifier = JWTVerifier(
            algorithms: JWTAlgorithmSet(.edDSA),
            keys: [JWTKey(id: nil, material: .publicKey(key))]
        )
        #expect(Self.outcome(verifier, token) == .malformed)
    }

    @Test func everyHMAC() {
        for (algorithm, hash) in [
            (JWTAlgorithm.hs256, HashAlgorithm.sha256), (.hs384, .sha384), (.hs512, .sha512),
        ] {
            let token = Self.signed("{}", header: "{\"alg\":\"\(algorithm.name)\"}", hash)
            #expect(Self.outcome(Self.verifier(JWTAlgorithmSet(algorithm)), token) == nil)
            let shorter = Self.signed("{}", header: "{\"alg\":\"\(algorithm.name)\"}", .sha1)
            let verifier = Self.verifier(JWTAlgorithmSet(algorithm))
            #expect(Self.outcome(verifier, shorter) == .badSignature)
        }
    }

    @Test func aChangedByteIsSeen() {
        let token = Self.signed(#"{"sub":"a"}"#)
        let verifier = Self.verifier()
        #expect(Self.outcome(verifier, token) == nil)
        for index in token.indices {
            var changed = token
            changed[index] ^= 1
            #expect(Self.outcome(verifier, changed) != nil, "byte \(index)")
            #expect(Self.outcome(verifier, Array(token.prefix(index))) != nil)
        }
    }

    /// The public key as an HMAC secret, and no signature at all: the two classics.
    @Test func classicForgeries() throws {
        let key = try Self.published()[1].1
        let both = JWTVerifier(
            algorithms: JWTAlgorithmSet(.rs256, .hs256),
            keys: [key]
        )
        let pem = Self.bytes(SignatureVectors.rsa)
        let text = Self.bytes("\(Self.coded(#"{"alg":"HS256"}"#)).\(Self.coded("{}"))")
        let code = MAC.of(text.span, key: pem.span, .sha256)
        let forged = text + [0x2e] + Base64.encode(code.bytes, .urlSafe, padded: false)
        #expect(Self.outcome(both, forged) == .keyUnknown)

        for name in ["none", "None", "NONE", "nOnE"] {
            for signature in ["", "AAAA"] {
                let token =
                    "\(Self.coded("{\"alg\":\"\(name)\"}")).\(Self.coded("{}")).\(signature)"
                #expect(Self.outcome(both, Self.bytes(token)) == .algorithmNone)
            }
        }
        let empty = JWTVerifier(
            algorithms: JWTAlgorithmSet(.hs256),
            keys: [JWTKey(id: nil, material: .secret([]))]
        )
        #expect(Self.outcome(empty, Self.signed("{}")) == .keyUnknown)
        let unsigned = "\(Self.coded(#"{"alg":"HS256"}"#)).\(Self.coded("{}"))."
        #expect(Self.outcome(Self.verifier(), Self.bytes(unsigned)) == .badSignature)
    }

    @Test(
        arguments: [
            (#"{"alg":"HS256","crit":["exp"],"exp":1}"#, JWTRefusal.criticalHeader),
            (#"{"alg":"HS256","alg":"HS256"}"#, .repeatedMember),
            (#"{"alg":"HS256","\u0061lg":"none"}"#, .repeatedMember),
            (#"{"kid":"a","kid":"a","alg":"HS256"}"#, .repeatedMember), (#"{}"#, .malformed),
            (#"{"alg":null}"#, .malformed), (#"{"alg":256}"#, .malformed), (#"[]"#, .malformed),
            (#"{"alg":"HS256"} "#, nil), (#"{"alg":"HS256"}x"#, .malformed), ("", .malformed),
            (#"{"alg":"hs256"}"#, .algorithmUnknown), (#"{"alg":"HS256 "}"#, .algorithmUnknown),
            (#"{"alg":"ES512"}"#, .algorithmUnknown), (#"{"alg":""}"#, .algorithmUnknown),
            (#"{"alg":"HS512"}"#, .algorithmNotAllowed), (#"{"typ":"JWT","alg":"HS256"}"#, nil),
            (#"{"x":{"alg":"none","y":[{}]},"alg":"HS256"}"#, nil),
            (#"{"alg":"HS256","kid":1}"#, .malformed),
        ] as [(String, JWTRefusal?)]
    )
    func headers(header: String, expected: JWTRefusal?) {
        let token = Self.signed("{}", header: header)
        #expect(Self.outcome(Self.verifier(), token) == expected)
    }

    @Test(arguments: ["", ".", "..", "...", "a", "a.b", "a.b.c", "e30.e30", "e30.e30.a.b.c"])
    func shapes(text: String) {
        #expect(Self.outcome(Self.verifier(), Self.bytes(text)) == .malformed)
    }

    @Test func paddingAndOtherAlphabetsAreNotTokens() {
        let token = Self.signed("{}")
        #expect(Self.outcome(Self.verifier(), token + [0x3d]) == .malformed)
        #expect(Self.outcome(Self.verifier(), [0x20] + token) == .malformed)
        #expect(Self.outcome(Self.verifier(), token + Self.bytes(".")) == .malformed)
        let long = Self.signed("{\"a\":\"\(String(repeating: "x", count: Limits.jwtBytesMax))\"}")
        #expect(Self.outcome(Self.verifier(), long) == .tooLong)
    }

    @Test(
        arguments: [
            (#"{"exp":101}"#, nil), (#"{"exp":100}"#, .expired), (#"{"exp":100.5}"#, nil),
            (#"{"exp":"101"}"#, .badClaim), (#"{"exp":null}"#, .badClaim),
            (#"{"exp":101,"exp":1}"#, .repeatedMember),
            (#"{"exp":1e300}"#, nil), (#"{"exp":-1}"#, .expired), (#"{"nbf":100}"#, nil),
            (#"{"nbf":101}"#, .notYetValid), (#"{"iat":100}"#, nil),
            (#"{"iat":101}"#, .issuedInFuture),
            (#"{"a":{"exp":1},"b":[{"exp":1}]}"#, nil), (#"{"iss":1}"#, .badClaim),
            (#"{"aud":1}"#, .badClaim), (#"{"aud":[1]}"#, .badClaim),
            (#"{"aud":[["a"]]}"#, .badClaim),
            (#"{"aud":{"a":"a"}}"#, .badClaim), ("[]", .malformed), ("1", .malformed),
            ("", .malformed),
            ("{", .malformed), (#"{"sub":"a""#, .malformed),
        ] as [(String, JWTRefusal?)]
    )
    func claims(claims: String, expected: JWTRefusal?) {
        #expect(Self.outcome(Self.verifier(), Self.signed(claims), now: 100) == expected)
    }

    @Test func leewayGoesBothWays() {
        let verifier = Self.verifier { $0.leeway = 30 }
        for (claims, now, expected) in [
            (#"{"exp":100}"#, 129.5, nil), (#"{"exp":100}"#, 130, .expired),
            (#"{"nbf":100}"#, 70, nil), (#"{"nbf":100}"#, 69.5, .notYetValid),
            (#"{"iat":100}"#, 70, nil), (#"{"iat":100}"#, 69, .issuedInFuture),
        ] as [(String, Double, JWTRefusal?)] {
            #expect(Self.outcome(verifier, Self.signed(claims), now: now) == expected)
        }
    }

    @Test func whoAndForWhom() {
        let verifier = Self.verifier { verifier in
            verifier.issuers = [Self.bytes("joe"), Self.bytes("ann")]
            verifier.audiences = [Self.bytes("shop"), Self.bytes("api")]
            verifier.requiresExpiry = true
        }
        for (claims, expected) in [
            (#"{"exp":200,"iss":"joe","aud":"shop"}"#, nil),
            (#"{"exp":200,"iss":"\u0061nn","aud":["x","api"]}"#, nil),
            (#"{"exp":200,"iss":"Joe","aud":"shop"}"#, .wrongIssuer),
            (#"{"exp":200,"aud":"shop"}"#, .wrongIssuer),
            (#"{"exp":200,"iss":"joe","aud":["x"]}"#, .wrongAudience),
            (#"{"exp":200,"iss":"joe","aud":[]}"#, .wrongAudience),
            (#"{"exp":200,"iss":"joe"}"#, .wrongAudience),
            (#"{"iss":"joe","aud":"shop"}"#, .expiryMissing),
        ] as [(String, JWTRefusal?)] {
            #expect(Self.outcome(verifier, Self.signed(claims), now: 100) == expected, "\(claims)")
        }
        let many = (0...Limits.jwtAudiencesMax).map { "\"\($0)\"" }.joined(separator: ",")
        let token = Self.signed("{\"exp\":200,\"iss\":\"joe\",\"aud\":[\(many)]}")
        #expect(Self.outcome(verifier, token, now: 100) == .badClaim)
    }

    @Test func keysAreChosenByName() {
        let other = JWTKey(id: Self.bytes("old"), material: .secret(Self.bytes("another one")))
        let right = JWTKey(id: Self.bytes("new"), material: .secret(Self.secret))
        let verifier = JWTVerifier(algorithms: JWTAlgorithmSet(.hs256), keys: [other, right])
        for (header, expected) in [
            (#"{"alg":"HS256"}"#, nil), (#"{"alg":"HS256","kid":"new"}"#, nil),
            (#"{"alg":"HS256","kid":"old"}"#, .badSignature),
            (#"{"alg":"HS256","kid":"odd"}"#, .keyUnknown),
        ] as [(String, JWTRefusal?)] {
            #expect(Self.outcome(verifier, Self.signed("{}", header: header)) == expected)
        }
    }

    @Test func aForgedTokenIsNotWeighed() {
        var token = Self.signed(#"{"exp":1}"#)
        token[token.count - 5] ^= 1
        #expect(Self.outcome(Self.verifier(), token) == .badSignature)
    }

    @Test func wordsDiffer() {
        #expect(Set(JWTRefusal.allCases.map { "\($0.word)" }).count == JWTRefusal.allCases.count)
    }
}
