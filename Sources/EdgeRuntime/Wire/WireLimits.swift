// Bounds of the wire formats that no operator needs to change, with their reasons.

extension Limits {
    /// Some old clients send a CRLF after a body; more than a few is noise.
    static let emptyLinesBeforeRequest = 4
    /// A size and its extensions. Nobody is known to need extensions; this leaves room for a signature.
    static let chunkLineBytes = 256
    /// Trailers carry digests and timings, not documents.
    static let trailerBytes = 8 << 10
    static let trailerCount = 64
    /// Options in all `Connection` fields of one head: real ones have two.
    static let connectionOptions = 32
    /// RFC 1035 allows 255 bytes for a name.
    static let hostBytes = 255
    /// The longest v1 line that the specification can produce, CRLF included.
    static let proxyLineBytes = 107
    /// A v2 header with its TLVs; the format would allow 64 KiB.
    static let proxyHeaderBytes = 4 << 10
    /// Ranges of one request that are served; with more the whole is cheaper for everybody (RFC 9110 §14.2).
    static let rangesMax = 16
}
