import COpenSSL
import Testing

@testable import EdgeRuntime

@Suite struct TLSFuzzTests {
    private let server: TLSContext
    private let client: TLSContext

    init() throws {
        server = try Fixture.server("shop", "rsa")
        client = try Fixture.client()
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
