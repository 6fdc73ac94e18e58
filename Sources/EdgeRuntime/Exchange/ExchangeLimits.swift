// Bounds of what an exchange adds to messages.

extension Limits {
    /// `X-Forwarded-For` and its kin grow with every hop; past this the oldest hops are left out.
    static let forwardedBytesMax = 4 << 10
    /// Ranges of one request that are served; with more the whole is cheaper for everybody (RFC 9110 §14.2).
    static let rangesMax = 16
}
