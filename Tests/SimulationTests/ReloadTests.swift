// A generation is replaced in the middle of everything: what runs ends on the one it began with, and nothing of that
// one is left behind.

import Testing

@testable import EdgeRuntime

@Suite struct ReloadTests {
    private static func config(origin: String, listen: [String] = ["10.0.0.1:80"]) -> String {
        """
        return {
          listen = { \(listen.map { "{ address = \"\($0)\" }" }.joined(separator: ", ")) },
          log = { access = "off", events = "off" },
          origins = { a = { url = "http://\(origin)" } },
          distributions = { sim = { domains = { "*" }, behaviors = {
            { path = "*", origin = "a", cache = "off" },
          } } },
        }
        """
    }

    private static func world(_ config: String) throws -> World {
        let world = try World(seed: 1, weather: Weather(name: "calm"), config: config)
        world.ready()
        return world
    }

    /// Before the head, in the middle of the body, and between two requests of one connection.
    @Test(arguments: [0.5, 1.5])
    func anExchangeEndsOnTheGenerationItBeganWith(_ after: Double) throws {
        let world = try Self.world(Self.config(origin: "10.1.0.1:80"))
        let old = try Teller(world, "old", at: "10.1.0.1:80")
        let new = try Teller(world, "new", at: "10.1.0.2:80")
        let probe = try Probe(world, [.get("/x"), .wait(.seconds(5)), .get("/x"), .until(.never)])
        world.run(for: Nanoseconds(after * 1e9))
        #expect(world.worker.context.exchangeCount == 1)
        try world.reload(Self.config(origin: "10.1.0.2:80"))
        try world.reload(Self.config(origin: "10.1.0.2:80"))
        world.run(for: .seconds(10))
        #expect(probe.answers == 2)
        let bodies = probe.text.split(separator: "\r\n\r\n").dropFirst().map { $0.prefix(8) }
        #expect(bodies == ["old1old2", "new1new2"])
        old.close()
        new.close()
        world.settle()
        #expect(world.failures == [])
    }

    @Test func aListenerThatIsTakenAwayLetsNobodyDown() throws {
        let both = Self.config(origin: "10.1.0.1:80", listen: ["10.0.0.1:80", "10.0.0.2:80"])
        let world = try Self.world(both)
        let origin = try Teller(world, "old", at: "10.1.0.1:80")
        let idle = try Probe(world, [.get("/x"), .until(.never)])
        world.run(for: .seconds(5))
        let busy = try Probe(world, [.get("/x"), .until(.never)])
        let fresh = try Probe(world, [.wait(.seconds(3)), .get("/x"), .until(.never)])
        world.run(for: .seconds(1))
        let early = try Probe(world, [.get("/x"), .until(.never)])
        Self.letInUnseen(world)
        try world.reload(Self.config(origin: "10.1.0.1:80", listen: ["10.0.0.2:80"]))
        world.run(for: Nanoseconds(0.1 * 1e9))
        #expect(idle.ending == .cleanly)
        world.run(for: .seconds(20))
        for probe in [idle, busy, fresh, early] {
            #expect(probe.text.hasSuffix("old1old2"), "\(probe.text)")
            #expect(probe.ending == .cleanly)
        }
        let late = try Probe(world, [.get("/x"), .until(.never)])
        world.run(for: .seconds(1))
        #expect(late.bytes.isEmpty && late.ending == .reset)
        origin.close()
        world.end()
        world.loop.dissolve()
    }

    /// One round in which nobody accepts: who connects is in the listener's backlog behind it.
    private static func letInUnseen(_ world: World) {
        var events: [ReactorEvent] = []
        var clock = world.loop.clock
        world.loop.reactor.wait(until: world.loop.now + 1, &clock, into: &events)
        for event in events {
            let member = world.loop.member(event.token)
            if !(member is Listener) { member?.ready(event.readiness) }
        }
    }

    @Test(arguments: Weather.all.map(\.name))
    func stormsDoNotNotice(_ name: String) throws {
        let weather = try #require(Weather.all.first { $0.name == name })
        for seed in 1...3 {
            let world = try World(seed: UInt64(seed), weather: weather)
            world.reloadsEvery = 50
            try world.storm(viewers: 8, exchanges: 60)
            #expect(world.failures == [], "seed \(seed)")
        }
    }
}

/// An origin that takes a second for its head and the first half of its body, and another for the rest.
private final class Teller: LoopMember {
    private final class Connection: Peer {
        var word = ""

        override func received(_ bytes: [UInt8]) {
            script([
                .wait(.seconds(1)),
                .text("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n\(word)1"),
                .wait(.seconds(1)), .text("\(word)2"),
            ])
        }
    }

    private let world: World
    private let word: String
    private let handle: SocketHandle

    init(_ world: World, _ word: String, at address: String) throws {
        self.world = world
        self.word = word
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
            Connection(world: world, name: word, handle: socket).word = word
        }
    }

    func close() {
        loop.reactor.close(handle)
        loop.remove(self)
    }
}
