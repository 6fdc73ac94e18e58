// Bounds of what an exchange adds to messages.

extension Limits {
    /// `X-Forwarded-For` and its kin grow with every hop; past this the oldest hops are left out.
    static let forwardedBytesMax = 4 << 10
    /// Informational heads that a viewer has not taken: past this the next ones are left out, for a hint that comes
    /// late helps nobody.
    static let informationalBytes = 16 << 10
}

extension Limits {
    /// Fields that functions add to one line of the access log, and bytes of a value: a line stays a line.
    static let functionNotesMax = 16
    static let functionNoteBytesMax = 1024
    /// Calls of one body's map in a tick, each of which may take a slice: others wait no longer than for a few.
    static let bodyCallsPerTick = 4
}
