// SHA-1 and SHA-2 (FIPS 180-4) over bytes that are there, or that come in pieces.
//
// OpenSSL can fail here only for want of memory or of the algorithm itself. Both are the machine's fault, nothing
// can be answered without the hash, and so both trap.

import COpenSSL

struct Digest: ~Copyable {
    private let context: OpaquePointer
    private let algorithm: HashAlgorithm

    init(_ algorithm: HashAlgorithm) {
        guard let context = EVP_MD_CTX_new(),
            EVP_DigestInit_ex(context, algorithm.method, nil) == 1
        else { preconditionFailure("no hash function") }
        self.context = context
        self.algorithm = algorithm
    }

    deinit { EVP_MD_CTX_free(context) }

    mutating func update(_ bytes: Span<UInt8>) {
        let done = bytes.withUnsafeBufferPointer { buffer in
            EVP_DigestUpdate(context, buffer.baseAddress, buffer.count)
        }
        precondition(done == 1, "the hash did not take its input")
    }

    consuming func finish() -> HashValue {
        let context = context
        return HashValue(algorithm) { out in
            let done = EVP_DigestFinal_ex(context, out, nil)
            precondition(done == 1, "the hash did not end")
        }
    }

    static func of(_ bytes: Span<UInt8>, _ algorithm: HashAlgorithm) -> HashValue {
        bytes.withUnsafeBufferPointer { buffer in
            HashValue(algorithm) { out in
                let done = EVP_Digest(
                    buffer.baseAddress,
                    buffer.count,
                    out,
                    nil,
                    algorithm.method,
                    nil
                )
                precondition(done == 1, "no hash function")
            }
        }
    }
}
