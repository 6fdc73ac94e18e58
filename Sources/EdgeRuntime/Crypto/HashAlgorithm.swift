// The hash functions that the edge knows, and what they yield.

import COpenSSL

enum HashAlgorithm: UInt8, CaseIterable, Sendable {
    /// Only where an old signature or an old check asks for it: collisions can be bought.
    case sha1
    case sha256
    case sha384
    case sha512

    var byteCount: Int {
        switch self {
        case .sha1: 20
        case .sha256: 32
        case .sha384: 48
        case .sha512: 64
        }
    }

    /// OpenSSL's constant table; never freed.
    var method: OpaquePointer? {
        switch self {
        case .sha1: EVP_sha1()
        case .sha256: EVP_sha256()
        case .sha384: EVP_sha384()
        case .sha512: EVP_sha512()
        }
    }
}

/// A digest or an authentication code: as many bytes as the algorithm yields, without a heap allocation.
struct HashValue: Sendable {
    private var storage = InlineArray<64, UInt8>(repeating: 0)
    let count: Int

    init(
        _ algorithm: HashAlgorithm,
        filledBy fill: (UnsafeMutablePointer<UInt8>) -> Void
    ) {
        count = algorithm.byteCount
        var bytes = storage.mutableSpan
        bytes.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            fill(base)
        }
    }

    var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get { storage.span.extracting(first: count) }
    }
}
