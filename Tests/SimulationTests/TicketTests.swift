// Session tickets over real handshakes in the simulated network, whose clock crosses days: the keys are renewed by the
// server's own timer and by nothing else.

import CLinux
import Testing

@testable import EdgeRuntime

@Suite struct TicketTests {
    private static func fixture(_ file: String) -> String {
        var folder = #filePath
        folder.removeLast("SimulationTests/TicketTests.swift".count)
        return folder + "Fixtures/tls/" + file
    }

    private static func world() throws -> World {
        let config = """
            return {
              listen = { { address = "10.0.0.1:80", tls = { {
                certificate = "\(fixture("shop.pem"))", key = "\(fixture("shop.key"))",
              } } } },
              log = { access = "off", events = "off" },
              origins = { a = { url = "http://10.1.0.1:80" } },
              distributions = { sim = { domains = { "*" }, behaviors = {
                { path = "*", origin = "a", cache = "off" },
              } } },
            }
            """
        return try World(seed: 1, weather: Weather(name: "calm"), config: config)
    }

    private static func visit(_ world: World, resuming: TLSSession? = nil) throws -> TLSVisitor {
        var settings = TLSClientSettings()
        settings.authorities = fixture("ca.pem")
        let visitor = try TLSVisitor(world, try TLSContext.client(settings), resuming)
        world.run(for: .seconds(1))
        #expect(visitor.isEstablished)
        visitor.close()
        return visitor
    }

    @Test func aTicketIsGoodForOneRotationByTheTimer() throws {
        let world = try Self.world()
        _ = TicketTimer(tickets: world.tickets, events: EventLog(), loop: world.loop)
        world.ready()
        let first = try Self.visit(world)
        #expect(!first.wasResumed)
        #expect(try Self.visit(world, resuming: first.session).wasResumed)

        // Past the first rotation: its key is the previous one, and the visitor gets another ticket.
        world.run(for: .seconds(Limits.ticketKeySeconds))
        let second = try Self.visit(world, resuming: first.session)
        #expect(second.wasResumed)

        // Past the second: the first key is gone, the ticket of the second visit still opens.
        world.run(for: .seconds(Limits.ticketKeySeconds))
        #expect(try !Self.visit(world, resuming: first.session).wasResumed)
        #expect(try Self.visit(world, resuming: second.session).wasResumed)
        world.settle()
        #expect(world.failures == [])
    }

    /// What the timer is for: without it a stolen key would open sessions for ever.
    @Test func withoutTheTimerNothingIsRenewed() throws {
        let world = try Self.world()
        world.ready()
        let first = try Self.visit(world)
        world.run(for: .seconds(3 * Limits.ticketKeySeconds))
        #expect(try Self.visit(world, resuming: first.session).wasResumed)
    }
}

/// Shakes hands, and keeps the ticket that it is given.
private final class TLSVisitor: Peer {
    private let stream: TLSStream
    private let pool = ChunkPool()
    private(set) var session: TLSSession?

    init(_ world: World, _ context: TLSContext, _ resuming: TLSSession?) throws {
        stream = TLSStream(
            context,
            role: .client(serverName: "shop.example.com", verifyName: "shop.example.com"),
            pool: pool,
            resuming: resuming
        )
        super.init(
            world: world,
            name: "visitor",
            handle: try world.loop.reactor.connect(World.edge)
        )
        _ = stream.handshake()
        say()
    }

    var isEstablished: Bool { stream.isEstablished }
    var wasResumed: Bool { stream.wasResumed }

    override func received(_ bytes: [UInt8]) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 4096) { target in
            guard let base = target.baseAddress else { return }
            _ = stream.receive(bytes.span, into: base, capacity: target.count)
        }
        // TLS 1.3 hands tickets out behind the handshake; the latest one counts.
        if stream.isEstablished { session = stream.session }
        say()
    }

    private func say() {
        var queue = WriteQueue(pool: pool)
        stream.drainOutput(into: &queue)
        var bytes: [UInt8] = []
        while let front = queue.front {
            for index in 0..<front.count { bytes.append(front.bytes[index]) }
            queue.didSend(front.count)
        }
        if !bytes.isEmpty { script([.send(bytes)]) }
    }
}
