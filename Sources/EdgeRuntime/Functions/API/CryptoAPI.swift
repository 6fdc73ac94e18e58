// edge.crypto: hashes, authentication codes, sealed texts, signatures, random bytes. Everything takes and gives raw
// bytes; `edge.hex` and `edge.base64` make them readable.

enum CryptoAPI {
    static let rows = [
        APIRow("crypto.sha1", "sha1(data: string): string", "For what others still sign with it.") {
            LuaCall.serve($0) { hash($0, .sha1) }
        },
        APIRow("crypto.sha256", "sha256(data: string): string", "32 bytes.") {
            LuaCall.serve($0) { hash($0, .sha256) }
        },
        APIRow("crypto.sha384", "sha384(data: string): string", "48 bytes.") {
            LuaCall.serve($0) { hash($0, .sha384) }
        },
        APIRow("crypto.sha512", "sha512(data: string): string", "64 bytes.") {
            LuaCall.serve($0) { hash($0, .sha512) }
        },
        APIRow(
            "crypto.hmac",
            "hmac(algorithm: string, key: string, data: string): string",
            "`sha1`, `sha256`, `sha384` or `sha512`."
        ) { LuaCall.serve($0) { hmac($0) } },
        APIRow(
            "crypto.equal",
            "equal(left: string, right: string): boolean",
            "Compares secrets: as slow for a difference as for none."
        ) {
            LuaCall.serve($0) { call in
                guard let left = call.stack.bytes(at: 1), let right = call.stack.bytes(at: 2) else {
                    return call.fail("edge.crypto.equal takes two strings")
                }
                call.spend(left.count / 8)
                call.stack.push(ConstantTime.equal(left.span, right.span))
                return 1
            }
        },
        APIRow(
            "crypto.random",
            "random(count: integer): string",
            "Bytes that nobody can guess."
        ) { LuaCall.serve($0) { random($0) } },
        APIRow(
            "crypto.encrypt",
            "encrypt(key: string, text: string, context?: string): string",
            "AES-GCM with a key of 16 or 32 bytes: a fresh nonce, the sealed text and its tag in one string."
        ) { LuaCall.serve($0) { encrypt($0) } },
        APIRow(
            "crypto.decrypt",
            "decrypt(key: string, sealed: string, context?: string): string?, string?",
            "What `encrypt` sealed; nil and a reason if a bit of it, or the context, was changed."
        ) { LuaCall.serve($0) { decrypt($0) } },
        APIRow(
            "crypto.verify",
            "verify(scheme: string, key: string, signature: string, data: string): boolean, string?",
            "`rs256`, `rs384`, `rs512`, `rs1`, `ps256`, `ps384`, `ps512`, `es256`, `es384`, `ed25519`; the key is PEM."
        ) { LuaCall.serve($0) { verify($0) } },
    ]

    private static func hash(_ call: LuaCall, _ algorithm: HashAlgorithm) -> CInt {
        guard let data = call.stack.text(at: 1) else {
            return call.badArgument(1, "edge.crypto", "a string is wanted")
        }
        guard call.spend(data.count / 2) else { return 0 }
        let value = Digest.of(data.span, algorithm)
        call.stack.push(value.bytes)
        return 1
    }

    private static func algorithm(_ word: String?) -> HashAlgorithm? {
        switch word {
        case "sha1": .sha1
        case "sha256": .sha256
        case "sha384": .sha384
        case "sha512": .sha512
        default: nil
        }
    }

    private static func hmac(_ call: LuaCall) -> CInt {
        guard let algorithm = algorithm(call.stack.string(at: 1)) else {
            return call.badArgument(1, "edge.crypto.hmac", "sha1, sha256, sha384 or sha512")
        }
        guard let key = call.stack.bytes(at: 2), let data = call.stack.text(at: 3) else {
            return call.fail("edge.crypto.hmac takes an algorithm, a key and data")
        }
        guard !key.isEmpty else { return call.fail("edge.crypto.hmac: the key is empty") }
        guard call.spend(data.count / 2) else { return 0 }
        let value = MAC.of(data.span, key: key.span, algorithm)
        call.stack.push(value.bytes)
        return 1
    }

    private static func random(_ call: LuaCall) -> CInt {
        guard let count = call.stack.integer(at: 1), count >= 0, let run = call.run,
            let bytes = run.runtime.secureRandom.bytes(Int(clamping: count))
        else {
            return call.badArgument(
                1,
                "edge.crypto.random",
                "0 to \(Limits.randomBytesMax) bytes, in a handler"
            )
        }
        guard call.spend(bytes.count) else { return 0 }
        call.stack.push(bytes.span)
        return 1
    }

    // MARK: Sealing

    private static func encrypt(_ call: LuaCall) -> CInt {
        guard let key = call.stack.bytes(at: 1), let text = call.stack.text(at: 2),
            let run = call.run, let nonce = run.runtime.secureRandom.bytes(AEAD.nonceBytes)
        else { return call.fail("edge.crypto.encrypt takes a key and a text, in a handler") }
        let context = call.stack.text(at: 3) ?? []
        guard call.spend(text.count / 2) else { return 0 }
        do throws(AEAD.Failure) {
            var cipher = try AEAD(key: key.span)
            let sealed = try cipher.seal(text.span, nonce: nonce.span, additional: context.span)
            let whole = nonce + sealed
            call.stack.push(whole.span)
            return 1
        } catch { return call.fail("edge.crypto.encrypt: \(error.word)") }
    }

    private static func decrypt(_ call: LuaCall) -> CInt {
        guard let key = call.stack.bytes(at: 1), let whole = call.stack.bytes(at: 2) else {
            return call.fail("edge.crypto.decrypt takes a key and what encrypt sealed")
        }
        let context = call.stack.text(at: 3) ?? []
        guard whole.count >= AEAD.nonceBytes + AEAD.tagBytes else {
            return call.refuse("too-short")
        }
        guard call.spend(whole.count / 2) else { return 0 }
        do throws(AEAD.Failure) {
            var cipher = try AEAD(key: key.span)
            let text = try cipher.open(
                whole.span.extracting(AEAD.nonceBytes...),
                nonce: whole.span.extracting(first: AEAD.nonceBytes),
                additional: context.span
            )
            call.stack.push(text.span)
            return 1
        } catch {
            guard error == .forged else { return call.fail("edge.crypto.decrypt: \(error.word)") }
            return call.refuse(error.word)
        }
    }

    // MARK: Signatures

    private static func scheme(_ word: String?) -> Signature.Scheme? {
        switch word {
        case "rs1": .pkcs1(.sha1)
        case "rs256": .pkcs1(.sha256)
        case "rs384": .pkcs1(.sha384)
        case "rs512": .pkcs1(.sha512)
        case "ps256": .pss(.sha256)
        case "ps384": .pss(.sha384)
        case "ps512": .pss(.sha512)
        case "es256": .ecdsa(.sha256)
        case "es384": .ecdsa(.sha384)
        case "ed25519": .ed25519
        default: nil
        }
    }

    private static func verify(_ call: LuaCall) -> CInt {
        guard let scheme = scheme(call.stack.string(at: 1)) else {
            return call.badArgument(1, "edge.crypto.verify", "rs256, ps256, es256, ed25519, …")
        }
        guard let pem = call.stack.bytes(at: 2), let signature = call.stack.bytes(at: 3),
            let data = call.stack.text(at: 4)
        else { return call.fail("edge.crypto.verify takes a scheme, a key, a signature and data") }
        call.spend(Limits.functionVerifyUnits + data.count / 2)
        let runtime = FunctionRuntime.of(call.stack)
        do throws(PublicKey.Failure) {
            let key = try runtime.keys.key(pem)
            let verdict = Signature.verify(signature.span, of: data.span, by: key, scheme)
            call.stack.push(verdict == .genuine)
            guard verdict != .genuine else { return 1 }
            call.stack.push(verdict.word)
            return 2
        } catch { return call.fail("edge.crypto.verify: the key: \(error.word)") }
    }
}

/// Keys that functions name by their PEM text, parsed once.
struct FunctionKeys {
    private var keys: [[UInt8]: PublicKey] = [:]

    mutating func key(_ pem: [UInt8]) throws(PublicKey.Failure) -> PublicKey {
        if let known = keys[pem] { return known }
        let key = try PublicKey.pem(pem.span)
        // A function that makes up keys gets no room for them.
        if keys.count < Limits.functionKeysMax { keys[pem] = key }
        return key
    }
}
