// AES-GCM (NIST SP 800-38D) with a nonce of 12 bytes. What is sealed is followed by its tag:
//
//   ┌──────────────────────────┬──────────┐
//   │ as many bytes as went in │ 16 bytes │
//   └──────────────────────────┴──────────┘
//
// A key must never see one nonce twice: whoever seals takes nonces from `SecureRandom`, and not more than 2³² of them
// for one key. What does not open is a value, and nothing of it is let out.

import COpenSSL

struct AEAD: ~Copyable {
    enum Failure: UInt8, Error {
        /// Neither 16 nor 32 bytes.
        case keyLength
        case nonceLength
        /// Shorter than a tag.
        case tooShort
        case tooLong
        /// The key, the nonce or the additional data is another one, or somebody changed the bytes.
        case forged

        var word: StaticString {
            switch self {
            case .keyLength: "key-length"
            case .nonceLength: "nonce-length"
            case .tooShort: "too-short"
            case .tooLong: "too-long"
            case .forged: "forged"
            }
        }
    }

    static let nonceBytes = 12
    static let tagBytes = 16

    private let context: OpaquePointer

    /// The key's size says which AES it is.
    init(key: Span<UInt8>) throws(Failure) {
        let cipher: OpaquePointer?
        switch key.count {
        case 16: cipher = EVP_aes_128_gcm()
        case 32: cipher = EVP_aes_256_gcm()
        default: throw .keyLength
        }
        guard let context = EVP_CIPHER_CTX_new() else { preconditionFailure("no memory") }
        self.context = context
        let done = key.withUnsafeBufferPointer { key in
            EVP_CipherInit_ex(context, cipher, nil, key.baseAddress, nil, 1)
        }
        precondition(done == 1, "no AES-GCM")
    }

    deinit { EVP_CIPHER_CTX_free(context) }

    mutating func seal(
        _ plaintext: Span<UInt8>,
        nonce: Span<UInt8>,
        additional: Span<UInt8>
    ) throws(Failure) -> [UInt8] {
        guard plaintext.count <= Limits.sealedBytesMax, additional.count <= Limits.sealedBytesMax
        else { throw .tooLong }
        try begin(nonce: nonce, isSealing: 1)
        var out = [UInt8](repeating: 0, count: plaintext.count + Self.tagBytes)
        out.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            let tag = base + plaintext.count
            let done =
                take(additional)
                && transform(plaintext, into: base)
                && EVP_CipherFinal_ex(context, tag, &ignored) == 1
                && EVP_CIPHER_CTX_ctrl(
                    context,
                    EVP_CTRL_AEAD_GET_TAG,
                    CInt(Self.tagBytes),
                    tag
                ) == 1
            precondition(done, "AES-GCM did not seal")
        }
        return out
    }

    mutating func open(
        _ sealed: Span<UInt8>,
        nonce: Span<UInt8>,
        additional: Span<UInt8>
    ) throws(Failure) -> [UInt8] {
        let count = sealed.count - Self.tagBytes
        guard count >= 0 else { throw .tooShort }
        guard count <= Limits.sealedBytesMax, additional.count <= Limits.sealedBytesMax else {
            throw .tooLong
        }
        try begin(nonce: nonce, isSealing: 0)
        // One byte at least, so that there is an address even for an empty text.
        var out = [UInt8](repeating: 0, count: max(1, count))
        var tag = InlineArray<16, UInt8>(repeating: 0)
        for index in 0..<Self.tagBytes { tag[index] = sealed[count + index] }
        var tagBytes = tag.mutableSpan
        let isGenuine = tagBytes.withUnsafeMutableBufferPointer { tag in
            out.withUnsafeMutableBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return false }
                guard
                    EVP_CIPHER_CTX_ctrl(
                        context,
                        EVP_CTRL_AEAD_SET_TAG,
                        CInt(Self.tagBytes),
                        tag.baseAddress
                    ) == 1, take(additional), transform(sealed.extracting(first: count), into: base)
                else { preconditionFailure("AES-GCM did not open") }
                return EVP_CipherFinal_ex(context, base, &ignored) == 1
            }
        }
        guard isGenuine else {
            ERR_clear_error()
            throw .forged
        }
        if count == 0 { out.removeAll() }
        return out
    }

    private var ignored: CInt = 0

    private mutating func begin(nonce: Span<UInt8>, isSealing: CInt) throws(Failure) {
        guard nonce.count == Self.nonceBytes else { throw .nonceLength }
        let done = nonce.withUnsafeBufferPointer { nonce in
            EVP_CipherInit_ex(context, nil, nil, nil, nonce.baseAddress, isSealing)
        }
        precondition(done == 1, "AES-GCM did not take its nonce")
    }

    private mutating func take(_ additional: Span<UInt8>) -> Bool {
        guard additional.count > 0 else { return true }
        return additional.withUnsafeBufferPointer { bytes in
            EVP_CipherUpdate(context, nil, &ignored, bytes.baseAddress, CInt(bytes.count)) == 1
        }
    }

    private mutating func transform(
        _ bytes: Span<UInt8>,
        into out: UnsafeMutablePointer<UInt8>
    ) -> Bool {
        guard bytes.count > 0 else { return true }
        return bytes.withUnsafeBufferPointer { bytes in
            EVP_CipherUpdate(context, out, &ignored, bytes.baseAddress, CInt(bytes.count)) == 1
        }
    }
}
