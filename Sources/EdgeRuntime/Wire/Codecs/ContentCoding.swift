// The content codings that the edge can do and undo (RFC 9110 §8.4.1), by their registered names.

enum ContentCoding: UInt8, Sendable, CaseIterable {
    case gzip
    /// The zlib format (RFC 1950), whatever the name says.
    case deflate
    case brotli

    var word: StaticString {
        switch self {
        case .gzip: "gzip"
        case .deflate: "deflate"
        case .brotli: "br"
        }
    }

    /// nil for one that the edge does not know, and for `identity`, which is none.
    static func named(_ name: Span<UInt8>) -> Self? {
        for coding in allCases where name.equalsIgnoringCase(coding.word) { return coding }
        return name.equalsIgnoringCase("x-gzip") ? .gzip : nil
    }
}
