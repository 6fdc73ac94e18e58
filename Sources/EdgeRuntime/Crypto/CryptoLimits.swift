// Bounds of hashing, sealing and verifying, with their reasons.

extension Limits {
    /// RFC 7518 §3.3 wants at least this, and so does every signer that is still in use.
    static let rsaModulusBitsMin = 2048
    /// The work of a verification grows with the square: at 8192 bits it takes a quarter of a millisecond.
    static let rsaModulusBitsMax = 8192
    /// 65537 has 17 bits. A long exponent makes every verification as dear as a signature.
    static let rsaExponentBitsMax = 33
    /// A certificate with a long list of names is a few KiB.
    static let publicKeyBytesMax = 64 << 10
    /// Headings in front of the one that holds a key: a bundle has its leaf first.
    static let pemBlocksMax = 16
    /// OpenSSL counts in `int`, and what is sealed lies in memory twice.
    static let sealedBytesMax = 64 << 20
    /// One wish for random bytes. Keys, nonces and tokens need some dozens.
    static let randomBytesMax = 64 << 10
}
