// Tunnels under every weather that loses nothing: what goes in one end comes out of the other and back, whole.

import Testing

@testable import EdgeRuntime

@Suite struct TunnelTests {
    @Test(arguments: Weather.all.filter { $0.network.reset == 0 }.map(\.name))
    func aTunnelCarriesEveryByteBothWays(_ name: String) throws {
        let weather = try #require(Weather.all.first { $0.name == name })
        for seed in 1...6 {
            let world = try World(seed: UInt64(seed), weather: weather)
            world.ready()
            let echo = try Echo(world, at: "10.1.0.1:80")
            let sent = Pattern.bytes(seed, 0..<(20_000 * seed))
            let probe = try Probe(
                world,
                [
                    .get("/t", "Connection: Upgrade\r\nUpgrade: websocket\r\n"),
                    .wait(.seconds(8)), .send(sent), .end, .until(.never),
                ]
            )
            world.run(for: .seconds(300))
            let head = probe.bytes.firstIndex(of: UInt8(ascii: "\u{1}")) ?? 0
            #expect(probe.status == 101, "seed \(seed)")
            #expect(Array(probe.bytes[(head + 1)...]) == sent, "seed \(seed)")
            #expect(probe.ending == .cleanly, "seed \(seed)")
            echo.close()
            world.settle()
            #expect(world.metrics.value(.tunnels) == 0)
            #expect(world.failures == [], "seed \(seed)")
        }
    }
}

@Suite struct IdleTunnelTests {
    /// Bytes in either direction keep it, silence in both ends it for viewer and origin.
    @Test func aTunnelWithoutAByteEnds() throws {
        let world = try World(seed: 1, weather: Weather(name: "calm"))
        world.ready()
        let echo = try Echo(world, at: "10.1.0.1:80")
        let idle = Double(Limits.tunnelIdle) / 1e9
        let probe = try Probe(
            world,
            [
                .get("/t", "Connection: Upgrade\r\nUpgrade: websocket\r\n"),
                .wait(Limits.tunnelIdle - .seconds(1)), .text("still here"), .until(.never),
            ]
        )
        world.run(for: 2 * Limits.tunnelIdle - .seconds(3))
        #expect(probe.status == 101)
        #expect(probe.text.hasSuffix("still here"), "the word came back")
        #expect(probe.ending == nil)
        #expect(world.metrics.value(.tunnels) == 1)
        world.run(for: .seconds(4))
        #expect(probe.ending != nil)
        #expect(probe.endedAfter.map { $0 >= 2 * idle - 1 && $0 < 2 * idle } == true)
        #expect(world.metrics.value(.tunnels) == 0)
        #expect(world.worker.context.exchangeCount == 0)
        echo.close()
        world.settle()
        #expect(world.failures == [])
    }
}

/// An origin that agrees to change the protocol, says one byte first, and then repeats what it is told.
private final class Echo: LoopMember {
    private final class Connection: Peer {
        private var head: [UInt8] = []
        private var isTunnel = false

        override func received(_ bytes: [UInt8]) {
            guard !isTunnel else { return script([.send(bytes)]) }
            head += bytes
            guard head.suffix(4).elementsEqual([13, 10, 13, 10]) else { return }
            isTunnel = true
            script([
                .text(
                    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                        + "Upgrade: websocket\r\n\r\n\u{1}"
                )
            ])
        }

        override func ended() { script([.close]) }
    }

    private unowned let world: World
    private let handle: SocketHandle

    init(_ world: World, at address: String) throws {
        self.world = world
        handle = try world.loop.reactor.listen(
            SocketAddress(address)!,
            options: ListenOptions()
        )
        super.init(loop: world.loop)
        loop.add(self)
        loop.reactor.watchLevel(handle, token)
    }

    override func ready(_ readiness: Readiness) {
        while case .accepted(let socket, _) = loop.reactor.accept(handle) {
            _ = Connection(world: world, name: "echo", handle: socket)
        }
    }

    func close() {
        loop.reactor.close(handle)
        loop.remove(self)
    }
}
