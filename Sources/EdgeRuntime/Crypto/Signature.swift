// Is this the signature of these bytes by that key? The caller names the scheme, never the signer.

import COpenSSL

enum Signature {
    enum Scheme: Equatable, Sendable {
        /// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2). With SHA-1 only for old signed URLs.
        case pkcs1(HashAlgorithm)
        /// RSASSA-PSS (RFC 8017 §8.1), the salt as long as the hash.
        case pss(HashAlgorithm)
        /// As DER: SEQUENCE { r, s }.
        case ecdsa(HashAlgorithm)
        /// As JWS writes it: r and s, each as long as the curve's field (RFC 7518 §3.4).
        case ecdsaPair(HashAlgorithm)
        /// Ed25519 (RFC 8032).
        case ed25519
    }

    enum Verdict: UInt8, Sendable {
        case genuine
        case forged
        /// The scheme is not for keys of this kind.
        case keyMismatch

        var word: StaticString {
            switch self {
            case .genuine: "genuine"
            case .forged: "forged"
            case .keyMismatch: "key-mismatch"
            }
        }
    }

    static func verify(
        _ signature: Span<UInt8>,
        of message: Span<UInt8>,
        by key: PublicKey,
        _ scheme: Scheme
    ) -> Verdict {
        switch (scheme, key.kind) {
        case (.pkcs1(let hash), .rsa):
            return check(signature, message, key, hash, isPSS: false)
        case (.pss(let hash), .rsa):
            return check(signature, message, key, hash, isPSS: true)
        case (.ecdsa(let hash), .p256), (.ecdsa(let hash), .p384):
            return check(signature, message, key, hash, isPSS: false)
        case (.ecdsaPair(let hash), .p256):
            return checkPair(signature, message, key, hash, .p256)
        case (.ecdsaPair(let hash), .p384):
            return checkPair(signature, message, key, hash, .p384)
        case (.ed25519, .ed25519):
            return check(signature, message, key, nil, isPSS: false)
        case (.pkcs1, _), (.pss, _), (.ecdsa, _), (.ecdsaPair, _), (.ed25519, _):
            return .keyMismatch
        }
    }

    private static func checkPair(
        _ pair: Span<UInt8>,
        _ message: Span<UInt8>,
        _ key: PublicKey,
        _ hash: HashAlgorithm,
        _ curve: Curve
    ) -> Verdict {
        guard pair.count == 2 * curve.fieldBytes else { return .forged }
        // SEQUENCE of two INTEGERs, each with two bytes before it and perhaps a zero in front.
        let capacity = pair.count + 9
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: capacity) { der in
            let count = pair.withUnsafeBufferPointer { pair in
                edge_ecdsa_der(
                    pair.baseAddress,
                    CInt(curve.fieldBytes),
                    der.baseAddress,
                    CInt(capacity)
                )
            }
            guard count > 0, let base = der.baseAddress else { return .forged }
            let signature = Span(_unsafeStart: UnsafePointer(base), count: Int(count))
            return check(signature, message, key, hash, isPSS: false)
        }
    }

    private static func check(
        _ signature: Span<UInt8>,
        _ message: Span<UInt8>,
        _ key: PublicKey,
        _ hash: HashAlgorithm?,
        isPSS: Bool
    ) -> Verdict {
        guard let context = EVP_MD_CTX_new() else { preconditionFailure("no memory") }
        defer {
            EVP_MD_CTX_free(context)
            ERR_clear_error()
        }
        // Owned by the context.
        var options: OpaquePointer?
        guard EVP_DigestVerifyInit(context, &options, hash?.method, nil, key.handle) == 1,
            !isPSS || edge_use_pss(options) == 1
        else { return .keyMismatch }
        let verdict = signature.withUnsafeBufferPointer { signature in
            message.withUnsafeBufferPointer { message in
                EVP_DigestVerify(
                    context,
                    signature.baseAddress,
                    signature.count,
                    message.baseAddress,
                    message.count
                )
            }
        }
        return verdict == 1 ? .genuine : .forged
    }
}
