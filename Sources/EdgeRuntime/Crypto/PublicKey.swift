// A key that verifies: read once, checked once, used from every loop.
//
// It comes from PEM (a public key, an RSA key of PKCS #1, a certificate) or from the numbers of a JSON Web Key. What a
// signature could not be trusted with is refused here: RSA below 2048 bits, exponents that only cost time, curves
// other than P-256 and P-384, points off the curve.

import COpenSSL

/// Immutable after `init`; OpenSSL counts references atomically and only reads a key to verify with it.
final class PublicKey: @unchecked Sendable {
    enum Kind: Equatable, Sendable {
        case rsa(bits: Int)
        case p256
        case p384
        case ed25519
    }

    enum Failure: UInt8, Error {
        /// Neither a key nor a certificate in PEM.
        case noKey
        /// PEM around something that cannot be read, or numbers that make no key.
        case malformed
        /// This is the secret half. It does not belong in the hands of who only verifies.
        case isPrivate
        case unsupported
        case weak
        case tooLong

        var word: StaticString {
            switch self {
            case .noKey: "no-key"
            case .malformed: "malformed"
            case .isPrivate: "is-private"
            case .unsupported: "unsupported"
            case .weak: "weak"
            case .tooLong: "too-long"
            }
        }
    }

    let kind: Kind
    /// EVP_PKEY; one reference is ours.
    let handle: OpaquePointer

    private init(owning handle: OpaquePointer, kind: Kind) {
        self.handle = handle
        self.kind = kind
    }

    deinit { EVP_PKEY_free(handle) }

    /// The first key or certificate in the text.
    static func pem(_ text: Span<UInt8>) throws(Failure) -> PublicKey {
        guard text.count <= Limits.publicKeyBytesMax else { throw .tooLong }
        defer { ERR_clear_error() }
        let memory = text.withUnsafeBufferPointer { bytes -> OpaquePointer? in
            guard let base = bytes.baseAddress else { return nil }
            return BIO_new_mem_buf(base, CInt(bytes.count))
        }
        guard let memory else { throw .noKey }
        defer { BIO_free(memory) }
        for _ in 0..<Limits.pemBlocksMax {
            guard let block = PEMBlock(next: memory) else { break }
            switch block.label {
            case .publicKey, .rsaPublicKey, .certificate: return try checked(block.key())
            case .privateKey: throw .isPrivate
            case .other: continue
            }
        }
        throw .noKey
    }

    /// `n` and `e` of a JSON Web Key (RFC 7518 §6.3.1), decoded.
    static func rsa(
        modulus: Span<UInt8>,
        exponent: Span<UInt8>
    ) throws(Failure) -> PublicKey {
        guard modulus.count <= Limits.rsaModulusBitsMax / 8 + 1, exponent.count <= 8 else {
            throw .weak
        }
        defer { ERR_clear_error() }
        let key = modulus.withUnsafeBufferPointer { modulus in
            exponent.withUnsafeBufferPointer { exponent in
                edge_rsa_key(
                    modulus.baseAddress,
                    CInt(modulus.count),
                    exponent.baseAddress,
                    CInt(exponent.count)
                )
            }
        }
        return try checked(key)
    }

    /// `x` and `y` of a JSON Web Key (RFC 7518 §6.2.1), decoded: each as long as the curve's field.
    static func ec(
        _ curve: Curve,
        x: Span<UInt8>,
        y: Span<UInt8>
    ) throws(Failure) -> PublicKey {
        guard x.count == curve.fieldBytes, y.count == curve.fieldBytes else { throw .malformed }
        defer { ERR_clear_error() }
        let size = 1 + 2 * curve.fieldBytes
        let key = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: size) { point in
            point[0] = 4
            for index in 0..<curve.fieldBytes {
                point[1 + index] = x[index]
                point[1 + curve.fieldBytes + index] = y[index]
            }
            return edge_ec_key(curve == .p384 ? 1 : 0, point.baseAddress, size)
        }
        return try checked(key)
    }

    /// `x` of an octet key pair (RFC 8037 §2), decoded.
    static func ed25519(_ bytes: Span<UInt8>) throws(Failure) -> PublicKey {
        guard bytes.count == 32 else { throw .malformed }
        defer { ERR_clear_error() }
        let key = bytes.withUnsafeBufferPointer { bytes in
            EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, bytes.baseAddress, bytes.count)
        }
        return try checked(key)
    }

    private static func checked(_ key: OpaquePointer?) throws(Failure) -> PublicKey {
        guard let key else { throw .malformed }
        do {
            return PublicKey(owning: key, kind: try kind(of: key))
        } catch {
            EVP_PKEY_free(key)
            throw error
        }
    }

    private static func kind(of key: OpaquePointer) throws(Failure) -> Kind {
        switch EVP_PKEY_get_base_id(key) {
        case EVP_PKEY_RSA:
            let bits = Int(EVP_PKEY_get_bits(key))
            let exponent = Int(edge_rsa_exponent_bits(key))
            guard bits >= Limits.rsaModulusBitsMin, bits <= Limits.rsaModulusBitsMax,
                exponent > 1, exponent <= Limits.rsaExponentBitsMax
            else { throw .weak }
            return .rsa(bits: bits)
        case EVP_PKEY_EC:
            switch edge_ec_curve(key) {
            case 256: return .p256
            case 384: return .p384
            default: throw .unsupported
            }
        case EVP_PKEY_ED25519: return .ed25519
        default: throw .unsupported
        }
    }
}

/// The two curves that signatures on the web are made with.
enum Curve: Sendable {
    case p256
    case p384

    var fieldBytes: Int {
        switch self {
        case .p256: 32
        case .p384: 48
        }
    }
}

/// One `-----BEGIN …-----` with what it holds.
private struct PEMBlock: ~Copyable {
    enum Label {
        case publicKey
        case rsaPublicKey
        case certificate
        case privateKey
        case other
    }

    let label: Label
    private let data: UnsafeMutablePointer<UInt8>?
    private let count: Int

    init?(next memory: OpaquePointer) {
        var name: UnsafeMutablePointer<CChar>?
        var header: UnsafeMutablePointer<CChar>?
        var data: UnsafeMutablePointer<UInt8>?
        var count = 0
        guard PEM_read_bio(memory, &name, &header, &data, &count) == 1, let name else { return nil }
        switch String(cString: name) {
        case "PUBLIC KEY": label = .publicKey
        case "RSA PUBLIC KEY": label = .rsaPublicKey
        case "CERTIFICATE", "X509 CERTIFICATE": label = .certificate
        case let text where text.hasSuffix("PRIVATE KEY"): label = .privateKey
        default: label = .other
        }
        edge_free(name)
        edge_free(header)
        self.data = data
        self.count = count
    }

    deinit { edge_free(data) }

    /// A key with bytes after its end is none.
    func key() -> OpaquePointer? {
        guard let data else { return nil }
        var at: UnsafePointer<UInt8>? = UnsafePointer(data)
        let key: OpaquePointer?
        switch label {
        case .publicKey: key = d2i_PUBKEY(nil, &at, count)
        case .rsaPublicKey: key = d2i_PublicKey(EVP_PKEY_RSA, nil, &at, count)
        case .certificate:
            guard let certificate = d2i_X509(nil, &at, count) else { return nil }
            defer { X509_free(certificate) }
            key = X509_get_pubkey(certificate)
        case .privateKey, .other: key = nil
        }
        guard let key else { return nil }
        guard at == UnsafePointer(data + count) else {
            EVP_PKEY_free(key)
            return nil
        }
        return key
    }
}
