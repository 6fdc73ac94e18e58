import Glibc
import Testing

@testable import EdgeRuntime

@Suite struct ContentCodingTests {
    /// Bodies that differ in what coders make of them.
    enum Sample: String, CaseIterable {
        case oneByte
        case text
        case noise
        /// More than a block of brotli, more than gzip's window.
        case longText
        case longNoise
        case zeros

        var bytes: [UInt8] {
            switch self {
            case .oneByte: [0x41]
            case .text: Coder.text(of: 3000)
            case .noise: Coder.noise(of: 3000)
            case .longText: Coder.text(of: 300_000)
            case .longNoise: Coder.noise(of: 200_000)
            case .zeros: [UInt8](repeating: 0, count: 1 << 20)
            }
        }
    }

    @Test(arguments: Sample.allCases, ContentCoding.allCases)
    func whatIsCodedIsDecoded(_ sample: Sample, _ coding: ContentCoding) throws {
        let bytes = sample.bytes
        for pieces in [1 << 20, 32 << 10, 997] {
            let coded = try Coder.encode(bytes, coding, pieces: pieces)
            for (pieces, room) in [(1 << 20, 1 << 20), (1000, 64 << 10), (1 << 20, 777)] {
                let decoded = try Coder.decode(coded, coding, pieces: pieces, room: room)
                #expect(decoded == bytes, "pieces of \(pieces), room of \(room)")
            }
        }
    }

    @Test(arguments: ContentCoding.allCases)
    func aStreamMayBeCutAtEveryByte(_ coding: ContentCoding) throws {
        let bytes = Coder.text(of: 600)
        let coded = try Coder.encode(bytes, coding)
        for cut in 0...coded.count {
            let decoder = try ContentDecoder(coding, pool: ChunkPool())
            var flow = BodyFlow()
            var decoded: [UInt8] = []
            for part in [coded[..<cut], coded[cut...]] {
                try Coder.push(Array(part), decoder, room: 100, &flow, &decoded)
            }
            try decoder.finish()
            #expect(decoded == bytes, "cut at \(cut)")
        }
    }

    @Test(arguments: ContentCoding.allCases)
    func nothingIsCodedAsNothing(_ coding: ContentCoding) throws {
        let coded = try Coder.encode([], coding)
        #expect(!coded.isEmpty)
        #expect(try Coder.decode(coded, coding) == [])
        // A body that is empty is not a stream that was cut.
        #expect(try Coder.decode([], coding) == [])
    }

    @Test(arguments: ContentCoding.allCases)
    func aFlushShowsAllThatWasPushed(_ coding: ContentCoding) throws {
        let pool = ChunkPool()
        let encoder = try ContentEncoder(coding, bodyBytes: nil, pool: pool)
        let decoder = try ContentDecoder(coding, pool: pool)
        var coded = BodyFlow()
        var flow = BodyFlow()
        var decoded: [UInt8] = []
        var pushed: [UInt8] = []
        for round in 0..<20 {
            let piece = Coder.text(of: 100 + round * 333)
            pushed += piece
            try encoder.push(piece.span, into: &coded)
            try encoder.flush(into: &coded)
            try Coder.push(Coder.take(&coded), decoder, room: 1 << 20, &flow, &decoded)
            #expect(decoded == pushed)
        }
        try encoder.finish(into: &coded)
        try Coder.push(Coder.take(&coded), decoder, room: 1 << 20, &flow, &decoded)
        try decoder.finish()
        #expect(decoded == pushed)
    }

    /// Else a block of half a megabyte would be written in one go, and the loop would stand for as long.
    @Test func brotliWritesEachBlock() throws {
        let pool = ChunkPool()
        let encoder = try ContentEncoder(.brotli, bodyBytes: nil, pool: pool)
        var flow = BodyFlow()
        let piece = Coder.noise(of: Limits.brotliBlockBytes / 2)
        for _ in 0..<8 {
            try encoder.push(piece.span, into: &flow)
            _ = Coder.take(&flow)
            try encoder.push(piece.span, into: &flow)
            // The same bytes again are a reference to the first time.
            #expect(!Coder.take(&flow).isEmpty)
        }
    }

    // MARK: What others made

    @Test func aBrotliStreamOfAnotherHand() throws {
        // One block that is not compressed, of one byte, and the empty last one.
        #expect(
            try Coder.decode([0x0b, 0x00, 0x80, 0x58, 0x03], .brotli) == [UInt8(ascii: "X")]
        )
        // Nothing but the empty last block.
        #expect(try Coder.decode([0x06], .brotli) == [])
    }

    @Test func membersOfGzipAreOneBody() throws {
        let first = try Coder.encode(Coder.text(of: 500), .gzip)
        let second = try Coder.encode(Coder.noise(of: 500), .gzip)
        let nothing = try Coder.encode([], .gzip)
        let whole = Coder.text(of: 500) + Coder.noise(of: 500)
        for pieces in [1, 7, 1 << 20] {
            let coded = first + nothing + second + nothing
            #expect(try Coder.decode(coded, .gzip, pieces: pieces) == whole)
        }
    }

    @Test func deflateIsAlsoWhatSomeServersTakeItFor() throws {
        // Without the two bytes of zlib's head and the four of its checksum.
        let bytes = Coder.text(of: 5000)
        let bare = try Coder.encode(bytes, .deflate).dropFirst(2).dropLast(4)
        for pieces in [1, 2, 3, 1 << 20] {
            #expect(try Coder.decode(Array(bare), .deflate, pieces: pieces) == bytes)
        }
        #expect(throws: EdgeError.codingTruncated) { try Coder.decode([0x78], .deflate) }
    }

    // MARK: What is refused

    @Test(arguments: ContentCoding.allCases)
    func aCutStreamIsNotWhole(_ coding: ContentCoding) throws {
        let coded = try Coder.encode(Coder.text(of: 400), coding)
        for count in 1..<coded.count {
            #expect(throws: EdgeError.codingTruncated, "\(count) of \(coded.count)") {
                try Coder.decode(Array(coded.prefix(count)), coding)
            }
        }
    }

    @Test(arguments: ContentCoding.allCases)
    func nothingStandsBehindTheEnd(_ coding: ContentCoding) throws {
        let coded = try Coder.encode(Coder.text(of: 400), coding)
        for garbage: [UInt8] in [[0], [0x41, 0x42], [0x1f, 0x8c, 8, 0]] {
            for pieces in [1, 1 << 20] {
                #expect(throws: EdgeError.badCoding) {
                    try Coder.decode(coded + garbage, coding, pieces: pieces)
                }
            }
        }
        // Only gzip has members.
        guard coding != .gzip else { return }
        #expect(throws: EdgeError.badCoding) { try Coder.decode(coded + coded, coding) }
    }

    @Test(arguments: [ContentCoding.gzip, .deflate])
    func aChecksumThatDoesNotFitIsAnError(_ coding: ContentCoding) throws {
        var coded = try Coder.encode(Coder.text(of: 400), coding)
        coded[coded.count - (coding == .gzip ? 5 : 1)] ^= 1
        #expect(throws: EdgeError.badCoding) { try Coder.decode(coded, coding) }
    }

    @Test(arguments: ContentCoding.allCases)
    func whatIsNoStreamIsRefused(_ coding: ContentCoding) throws {
        // Bare deflate has no such block, gzip no such head, and brotli's first byte asks for the large window.
        let text = [0x11] + Array("<!doctype html>".utf8)
        let wrong = coding == .deflate ? [0x07] + text : text
        #expect(throws: EdgeError.badCoding) { try Coder.decode(wrong, coding) }
    }

    @Test(arguments: ContentCoding.allCases)
    func aBombIsRefusedBeforeItHasGoneOff(_ coding: ContentCoding) throws {
        let bomb = try Coder.encode([UInt8](repeating: 0, count: 64 << 20), coding)
        #expect(Int64(bomb.count) * Limits.decodedRatioMax < 64 << 20)
        let decoder = try ContentDecoder(coding, pool: ChunkPool())
        var flow = BodyFlow()
        var decoded: [UInt8] = []
        #expect(throws: EdgeError.codingTooLarge) {
            try Coder.push(bomb, decoder, room: 64 << 10, &flow, &decoded)
        }
        #expect(decoder.bytesOut <= Limits.decodedBytesFree + 64 << 10)
        #expect(decoder.memoryBytes.live == 0)
    }

    @Test(arguments: ContentCoding.allCases)
    func aBodyHasABound(_ coding: ContentCoding) throws {
        let coded = try Coder.encode(Coder.noise(of: 5000), coding)
        for (bound, fits) in [(5000, true), (4999, false)] {
            let decoder = try ContentDecoder(coding, bytesMax: Int64(bound), pool: ChunkPool())
            var flow = BodyFlow()
            var decoded: [UInt8] = []
            if fits {
                try Coder.push(coded, decoder, room: 1 << 20, &flow, &decoded)
                try decoder.finish()
                #expect(decoded.count == 5000)
            } else {
                #expect(throws: EdgeError.codingTooLarge) {
                    try Coder.push(coded, decoder, room: 1 << 20, &flow, &decoded)
                }
            }
        }
    }

    // MARK: Memory

    @Test(arguments: Sample.allCases, ContentCoding.allCases)
    func codersStayBelowTheirBoundsAndGiveAllBack(
        _ sample: Sample,
        _ coding: ContentCoding
    ) throws {
        let pool = ChunkPool()
        let bytes = sample.bytes
        var coded = BodyFlow()
        do {
            let encoder = try ContentEncoder(coding, bodyBytes: Int64(bytes.count), pool: pool)
            try encoder.push(bytes.span, into: &coded)
            #expect(encoder.memoryBytes.live > 0)
            #expect(pool.leasedBytes >= encoder.memoryBytes.live)
            try encoder.finish(into: &coded)
            #expect(encoder.memoryBytes.live == 0)
            let bound =
                coding == .brotli ? Limits.brotliEncoderBytesMax : Limits.deflateBytesMax
            #expect(encoder.memoryBytes.peak <= bound)
        }
        let stream = Coder.take(&coded)
        var flow = BodyFlow()
        do {
            var decoded: [UInt8] = []
            let decoder = try ContentDecoder(coding, pool: pool)
            try Coder.push(stream, decoder, room: 1 << 20, &flow, &decoded)
            let bound =
                coding == .brotli ? Limits.brotliDecoderBytesMax : Limits.inflateBytesMax
            #expect(decoder.memoryBytes.peak <= bound)
            // Dropped without having been finished.
        }
        coded.reset()
        flow.reset()
        #expect(pool.leasedBytes == 0)
    }

    @Test(arguments: ContentCoding.allCases)
    func withoutMemoryNothingIsBegun(_ coding: ContentCoding) {
        let pool = ChunkPool()
        pool.budget = 16 << 10
        #expect(throws: EdgeError.bufferLimit) {
            _ = try ContentEncoder(coding, bodyBytes: nil, pool: pool)
        }
        #expect(throws: EdgeError.bufferLimit) { _ = try ContentDecoder(coding, pool: pool) }
    }

    @Test func whatALibraryMayNotHaveItDoesNotGet() throws {
        let memory = try CoderMemory(1000, of: ChunkPool())
        let first = CoderMemory.allocate(memory.opaque, 400)
        #expect(first != nil && !memory.hasRefused)
        #expect(CoderMemory.allocateItems(memory.opaque, 50, 12) == nil && memory.hasRefused)
        CoderMemory.free(memory.opaque, first)
        CoderMemory.free(memory.opaque, nil)
        #expect(memory.liveBytes == 0)
    }

    @Test func codingsHaveTheirNames() {
        for coding in ContentCoding.allCases {
            let name = Array(coding.word.description.uppercased().utf8)
            #expect(ContentCoding.named(name.span) == coding)
        }
        for (name, coding) in [("x-gzip", ContentCoding.gzip), ("identity", nil), ("zstd", nil)] {
            #expect(ContentCoding.named(name.utf8.span) == coding)
        }
    }
}
