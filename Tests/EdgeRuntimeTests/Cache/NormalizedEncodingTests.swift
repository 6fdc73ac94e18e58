import Testing

@testable import EdgeRuntime

/// §2.6 of the contract, row by row, and what RFC 9110 §12.5.3 lets viewers say.
@Suite struct NormalizedEncodingTests {
    private func normalize(
        _ lines: [String],
        version: Version = .http11,
        compress: Bool = true
    ) -> NormalizedEncoding {
        let message = TestHead(.get, lines)
        message.head.version = version
        return NormalizedEncoding(message.head, message.arena, compress: compress)
    }

    @Test(arguments: [
        ("gzip, br", NormalizedEncoding.brotliAndGzip),
        ("br,gzip,deflate,zstd", .brotliAndGzip),
        ("gzip", .gzip), ("GZip", .gzip), ("x-gzip", .gzip), ("br", .brotli), ("BR", .brotli),
        ("deflate", .identity), ("", .identity), ("identity", .identity), ("zstd, dcb", .identity),
        ("gzip;q=0", .identity), ("gzip;q=0.000", .identity), ("gzip;q=0.001", .gzip),
        ("gzip; q=0.5, br;q=1.0", .brotliAndGzip), ("br;q=0, gzip;q=0.1", .gzip),
        ("gzip;q=bad", .identity), ("gzip;q=1.5", .identity),
        ("gzip, gzip;q=0", .identity), ("gzip;q=0, gzip", .identity),
        ("*", .gzip), ("*;q=0", .identity), ("*;q=0, gzip", .gzip), ("gzip;q=0, *", .identity),
        ("br, *", .brotliAndGzip), ("br;q=0, *", .gzip),
        ("identity;q=0", .identity), ("identity;q=0, gzip", .gzip),
        ("identity;q=0, *;q=0", .identity),
        ("xgzip, brx, gzip-x", .identity), ("gzip br", .identity),
    ])
    func whatViewersSay(_ value: String, _ expected: NormalizedEncoding) {
        #expect(normalize(["Accept-Encoding: \(value)"]) == expected)
    }

    @Test func theFieldMayBeRepeatedOrMissing() {
        #expect(normalize(["Accept-Encoding: gzip", "Accept-Encoding: br"]) == .brotliAndGzip)
        #expect(normalize([]) == .none)
    }

    @Test func oldVersionsAndOtherBehaviours() {
        let lines = ["Accept-Encoding: gzip, br"]
        #expect(normalize(lines, version: .http10) == .none)
        #expect(normalize(lines, version: .http2) == .brotliAndGzip)
        #expect(normalize(lines, compress: false) == .none)
    }

    @Test func whatTheOriginIsAsked() {
        let values = NormalizedEncoding.allCases.map { $0.originValue?.description ?? "-" }
        #expect(values == ["-", "identity", "gzip", "br", "br,gzip"])
        #expect(
            NormalizedEncoding.allCases.map(\.acceptsGzip) == [false, false, true, false, true]
        )
        #expect(
            NormalizedEncoding.allCases.map(\.acceptsBrotli) == [false, false, false, true, true]
        )
    }
}
