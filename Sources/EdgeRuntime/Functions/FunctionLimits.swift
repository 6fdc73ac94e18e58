// Bounds of what functions work with, with their reasons.

extension Limits {
    /// A token travels in a header field; one of 16 KiB would fill half of a head.
    static let jwtBytesMax = 16 << 10
    /// Header and claims are flat; a claim that is a document of its own still fits.
    static let jwtDepthMax = 16
    /// A forged token without `kid` costs a verification for each key of its kind: 20 µs for RSA-2048, 80 for P-256,
    /// 650 for P-384. Key sets in rotation have two to eight.
    static let jwtKeysMax = 16
    /// Audiences in one token.
    static let jwtAudiencesMax = 64
    /// `123456h` and the like: longer texts are no durations.
    static let durationTextBytesMax = 32
}
