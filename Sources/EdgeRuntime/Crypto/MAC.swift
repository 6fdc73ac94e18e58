// HMAC (RFC 2104), and the one way to compare what it yields.

import COpenSSL

enum MAC {
    /// Keys of any length; the empty one too, which is the caller's to refuse.
    static func of(
        _ bytes: Span<UInt8>,
        key: Span<UInt8>,
        _ algorithm: HashAlgorithm
    ) -> HashValue {
        // Longer than a key can be: none fits in memory twice.
        precondition(key.count <= Int(CInt.max), "a key of gigabytes")
        // A key without bytes may have no address, and OpenSSL takes that for "the same key as before".
        let none: InlineArray<1, UInt8> = [0]
        return none.span.withUnsafeBufferPointer { none in
            key.withUnsafeBufferPointer { key in
                bytes.withUnsafeBufferPointer { bytes in
                    HashValue(algorithm) { out in
                        let done = HMAC(
                            algorithm.method,
                            key.baseAddress ?? none.baseAddress,
                            CInt(key.count),
                            bytes.baseAddress ?? none.baseAddress,
                            bytes.count,
                            out,
                            nil
                        )
                        precondition(done != nil, "no HMAC")
                    }
                }
            }
        }
    }
}

enum ConstantTime {
    /// Takes as long for a difference in the first byte as for none. That the lengths differ may be seen.
    static func equal(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        return left.withUnsafeBufferPointer { left in
            right.withUnsafeBufferPointer { right in
                guard let first = left.baseAddress, let second = right.baseAddress else {
                    return true
                }
                return CRYPTO_memcmp(first, second, left.count) == 0
            }
        }
    }
}
