// Bounds of the text formats, with their reasons.

extension Limits {
    /// What a function or a key set may be: the whole configuration may not be larger.
    static let jsonBytesMax = 16 << 20
    /// Deeper than any document that people or programs write, and flat enough for whoever reads it by recursion.
    static let jsonDepthMax = 128
    /// No double needs more than 767 digits to be told from its neighbours.
    static let jsonNumberBytesMax = 1024
    /// A URL that is built or resolved: what a request line may be raised to.
    static let urlBytesMax = 256 << 10
    /// Name and value together; browsers drop what is longer (RFC 6265bis §5.6).
    static let cookieBytesMax = 4096
    /// The value of one attribute; browsers ignore longer ones (RFC 6265bis §5.6).
    static let cookieAttributeBytesMax = 1024
}
