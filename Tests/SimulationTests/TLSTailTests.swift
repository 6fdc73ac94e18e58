// The end of an answer over TLS: what was encrypted is still ours until the socket has taken it.

import Testing

@testable import EdgeRuntime

@Suite struct TLSTailTests {
    private static let fixtures: String = {
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(2)
        return parts.joined(separator: "/") + "/Fixtures/tls/"
    }()

    /// `Connection: close` from the viewer, and a last request after which the edge lingers.
    @Test(arguments: [("Connection: close\r\n", 100), ("", 1)])
    func aSlowViewerGetsTheEndOfTheLastAnswer(_ fields: String, _ requestsMax: Int) throws {
        let path = Self.fixtures + "shop"
        let config = """
            return {
              listen = { { address = "10.0.0.1:80",
                           tls = { { certificate = "\(path).pem", key = "\(path).key" } } } },
              log = { access = "off", events = "off" },
              limits = { requests_per_connection = \(requestsMax) },
              origins = { a = { url = "http://10.1.0.1:80" } },
              distributions = { sim = { domains = { "*" }, behaviors = {
                { path = "*", origin = "a", cache = "off" },
              } } },
            }
            """
        let world = try World(seed: 1, weather: Weather(name: "calm"), config: config)
        try world.addOrigin("a", at: "10.1.0.1:80")
        world.ready()
        for size in stride(from: 200_000, to: 400_000, by: 25_000) {
            var plan = Plan(id: world.plans.count, seed: 1)
            plan.responseBytes = size
            world.plan { _ in plan }
            let viewer = try TLSViewer(world, asks: "GET \(plan.path)", fields)
            viewer.readMost = 10_000
            viewer.readPause = .seconds(1)
            world.run(for: .seconds(100))
            let body = Pattern.bytes(Pattern.responseKey(plan.id), 0..<size)
            let isWhole = Array(viewer.text.suffix(size)) == body
            #expect(isWhole, "\(size): \(viewer.text.count) came, heads included")
            #expect(viewer.isClosed)
        }
        world.settle()
        #expect(world.failures == [])
    }
}

/// A viewer that speaks TLS, asks once and keeps what it is told.
private final class TLSViewer: Peer {
    private let stream: TLSStream
    private var queue: WriteQueue
    private var request: [UInt8]?
    private(set) var text: [UInt8] = []

    init(_ world: World, asks line: String, _ fields: String) throws {
        var settings = TLSClientSettings()
        settings.verify = false
        let pool = ChunkPool()
        stream = TLSStream(
            try TLSContext.client(settings),
            role: .client(serverName: "shop.example.com", verifyName: nil),
            pool: pool
        )
        queue = WriteQueue(pool: pool)
        request = Array("\(line) HTTP/1.1\r\nHost: sim.test\r\n\(fields)\r\n".utf8)
        super.init(
            world: world,
            name: "tls",
            handle: try world.loop.reactor.connect(World.edge)
        )
        advance()
    }

    override func received(_ bytes: [UInt8]) {
        stream.receive(bytes.span)
        advance()
    }

    private func advance() {
        if !stream.isEstablished { _ = stream.handshake() }
        if stream.isEstablished {
            if let request = self.request.take() { _ = stream.write(request.span) }
            var piece = [UInt8](repeating: 0, count: 32 << 10)
            while true {
                let progress = piece.withUnsafeMutableBufferPointer {
                    stream.read(into: $0.baseAddress!, capacity: $0.count)
                }
                guard case .bytes(let count) = progress else { break }
                text += piece[..<count]
            }
        }
        stream.drainOutput(into: &queue)
        var sent: [UInt8] = []
        while let front = queue.front {
            for index in front.bytes.indices { sent.append(front.bytes[index]) }
            queue.didSend(front.count)
        }
        if !sent.isEmpty { script([.send(sent)]) }
    }
}
