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

    // MARK: Content codings

    /// What the edge codes (§9 of the contract): below, the fields cost what the coding saves; above, it is a download.
    static let compressedBytesMin: Int64 = 1000
    static let compressedBytesMax: Int64 = 10_000_000
    /// What one encoder should be given in one tick: 0.1 to 0.4 ms of either coding, 1.3 ms at worst.
    static let encodedBytesPerTick = 16 << 10
    /// Brotli ends a block after so much. It costs 0.5 to 2 % of the output, and without it a block may take 7 ms
    /// (docs/decisions/0012).
    static let brotliBlockBytes = 32 << 10
    /// What zlib takes for gzip: a window, its links, its table and the symbols that wait, 64 to 128 KiB each.
    static let deflateBytesMax = 272 << 10
    /// Brotli with our window and blocks took 2.2 MiB at most; past this the library has changed.
    static let brotliEncoderBytesMax = 4 << 20
    /// A window and the tables of one block.
    static let inflateBytesMax = 64 << 10
    /// The largest window, 16 MiB, beside the half of it from which it has just grown, and the tables of a block. It
    /// grows with what was decoded: a stream that says little takes little.
    static let brotliDecoderBytesMax = 28 << 20
    /// What a body may come to when it is decoded: it streams, so this bounds work, not memory.
    static let decodedBytesMax: Int64 = 1 << 30
    /// Up to this no ratio is too high: a table of zeros is small, and the work is that of 20 ms.
    static let decodedBytesFree: Int64 = 8 << 20
    /// Beyond it one byte may say so many. Tables and logs come to about a hundred; bombs to a thousand with gzip and
    /// to a hundred thousand with brotli.
    static let decodedRatioMax: Int64 = 256
}
