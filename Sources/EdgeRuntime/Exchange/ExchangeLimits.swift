// Bounds of what an exchange adds to messages.

extension Limits {
    /// `X-Forwarded-For` and its kin grow with every hop; past this the oldest hops are left out.
    static let forwardedBytesMax = 4 << 10
}
