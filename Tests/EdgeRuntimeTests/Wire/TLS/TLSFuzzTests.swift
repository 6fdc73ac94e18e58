import COpenSSL
import Testing

@testable import EdgeRuntime

/// What a fuzzer calls: any bytes, as if a peer had sent them. The first byte chooses the end and the pieces.
enum TLSFuzz {
    static func run(_ bytes: [UInt8], server: TLSContext, client: TLSContext) {
        guard let first = bytes.first else { return }
        let end =
            first & 1 == 0
            ? TLSEnd(server, .server)
            : TLSEnd(client, .client(serverName: "shop.example.com", verifyName: nil))
        _ = end.stream.handshake()
        end.take(Array(bytes.dropFirst()), pieces: { Int(first >> 1) + 1 })
        _ = end.sent()
        end.end()
    }
}

@Suite struct TLSFuzzTests {
    private let server: TLSContext
    private let client: TLSContext

    init() throws {
        server = try Fixture.server("shop", "rsa")
        client = try Fixture.client()
    }

    @Test(arguments: 0..<10) func noise(seed: UInt64) {
        var random = Random(seed: seed)
        for _ in 0..<100 {
            let count = Int(random.next(below: 600)) + 1
            var bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            // Half of it looks like a record, to get past the first check.
            if random.next(below: 2) == 0 {
                let record: [UInt8] = [bytes[0], 22, 3, 1, 0, UInt8(min(255, count))]
                bytes = record + bytes
            }
            TLSFuzz.run(bytes, server: server, client: client)
            #expect(ERR_peek_error() == 0)
        }
    }

    /// A real conversation with one byte changed: fails or goes on, never crashes, never delivers another text.
    @Test(arguments: 0..<150) func oneChangedByte(seed: UInt64) throws {
        var random = Random(seed: seed)
        let pair = TLSPair(client: client, server: server)
        var changes = 1
        var up = true
        _ = pair.client.stream.handshake()
        pair.client.write("hello")
        var skip = Int(random.next(below: 6))
        while true {
            let from = up ? pair.client : pair.server
            let to = up ? pair.server : pair.client
            if pair.client.stream.isEstablished, pair.client.text.isEmpty {
                pair.client.write("hello")
            }
            var bytes = from.sent()
            let isLast = bytes.isEmpty
            if !bytes.isEmpty, changes > 0, skip == 0 {
                let at = Int(random.next(below: UInt64(bytes.count)))
                bytes[at] ^= UInt8(1 << random.next(below: 8))
                changes = 0
            }
            skip = max(0, skip - 1)
            if !bytes.isEmpty { to.take(bytes, pieces: { 100 }) }
            up.toggle()
            if isLast, up { break }
            if case .failed = to.last { break }
        }
        let text = String(decoding: pair.server.text, as: UTF8.self)
        #expect(String(repeating: "hello", count: 10).hasPrefix(text))
        #expect(ERR_peek_error() == 0)
    }
}
