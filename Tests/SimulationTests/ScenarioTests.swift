// One thing at a time, where a storm would only say that something is wrong: every deadline in virtual time, and
// what storms have found once.

import Testing

@testable import EdgeRuntime

@Suite struct ScenarioTests {
    /// One server that is asked once, so that each deadline shows by itself.
    private static func world(_ origin: String = "", limits: String = "") throws -> World {
        let config = """
            return {
              listen = { { address = "10.0.0.1:80" } },
              log = { access = "off", events = "off" },
              limits = { \(limits) },
              origins = { a = { url = "http://10.1.0.1:80", connect_attempts = 1, \(origin) } },
              distributions = { sim = { domains = { "*" }, behaviors = {
                { path = "*", origin = "a", cache = "off" },
              } } },
            }
            """
        return try World(seed: 1, weather: Weather(name: "calm"), config: config)
    }

    private static func plan(
        _ world: World,
        _ fault: Plan.Fault = .none,
        _ change: (inout Plan) -> Void = { _ in }
    ) -> String {
        var plan = Plan(id: world.plans.count, seed: 1)
        plan.fault = fault
        plan.responseBytes = 1000
        change(&plan)
        world.plan { _ in plan }
        return plan.path
    }

    /// Nothing may be left of a scenario, whatever its end was.
    private static func finish(_ world: World) {
        world.settle()
        world.end()
        #expect(world.failures == [])
    }

    // MARK: The viewer's time

    @Test func aHeadThatTakesTooLongIsAnswered408() throws {
        let world = try Self.world()
        world.ready()
        let acts = (0..<40).flatMap { _ in [Act.text("a"), .wait(.seconds(1))] }
        let probe = try Probe(world, [.text("GET /")] + acts)
        world.run(for: .seconds(30))
        #expect(probe.status == 408)
        #expect(probe.firstByteAfter == 10)
        Self.finish(world)
    }

    @Test func anIdleConnectionIsClosedInSilence() throws {
        let world = try Self.world()
        try world.addOrigin("a", at: "10.1.0.1:80")
        world.ready()
        let probe = try Probe(world, [.get(Self.plan(world)), .until(.never)])
        world.run(for: .seconds(30))
        #expect(probe.status == 200)
        #expect(world.loop.chunks.leasedBytes == 0, "idle connections hold nothing")
        world.run(for: .seconds(60))
        #expect(probe.answers == 1)
        #expect(probe.ending == .cleanly)
        #expect(probe.endedAfter.map { $0 >= 60 && $0 < 61 } == true)
        Self.finish(world)
    }

    @Test func aBodyThatStopsIsAnswered408() throws {
        let world = try Self.world()
        try world.addOrigin("a", at: "10.1.0.1:80")
        world.ready()
        let path = Self.plan(world) {
            $0.method = .post
            $0.requestBytes = 100
        }
        let head = "POST \(path) HTTP/1.1\r\nHost: sim.test\r\nContent-Length: 100\r\n\r\n"
        let part = Pattern.bytes(Pattern.requestKey(0), 0..<10)
        let probe = try Probe(world, [.text(head), .send(part), .until(.never)])
        world.run(for: .seconds(100))
        #expect(probe.status == 408)
        #expect(probe.firstByteAfter == 60)
        Self.finish(world)
    }

    @Test func aViewerThatReadsNothingIsDropped() throws {
        let world = try Self.world()
        try world.addOrigin("a", at: "10.1.0.1:80")
        world.ready()
        let probe = try Probe(world, [.get(Self.plan(world) { $0.responseBytes = 2_000_000 })])
        probe.readMost = 1
        probe.readPause = .seconds(500)
        world.run(for: .seconds(59))
        #expect(world.worker.context.connectionCount == 1)
        world.run(for: .seconds(62))
        #expect(world.worker.context.connectionCount == 0)
        #expect(world.loop.chunks.leasedBytes == 0)
        probe.close()
        Self.finish(world)
    }

    @Test func aViewerThatReadsSlowlyEnoughIsServed() throws {
        let world = try Self.world()
        try world.addOrigin("a", at: "10.1.0.1:80")
        world.ready()
        let probe = try Probe(world, [.get(Self.plan(world) { $0.responseBytes = 600_000 })])
        probe.readMost = 20_000
        probe.readPause = .seconds(10)
        world.run(for: .seconds(400))
        #expect(probe.bytes.count > 600_000)
        Self.finish(world)
    }

    /// The connection has carried its last request and lingers; the end of the answer is still with us by then.
    @Test func aSlowViewerGetsTheEndOfTheLastAnswer() throws {
        let world = try Self.world(limits: "requests_per_connection = 1")
        try world.addOrigin("a", at: "10.1.0.1:80")
        world.ready()
        let probe = try Probe(
            world,
            [.get(Self.plan(world) { $0.responseBytes = 400_000 }), .until(.never)]
        )
        probe.readMost = 10_000
        probe.readPause = .seconds(4)
        world.run(for: .seconds(300))
        #expect(probe.bytes.count > 400_000)
        #expect(probe.ending == .cleanly)
        Self.finish(world)
    }

    /// What it does not take is not waited for, lingering or not.
    @Test func aViewerThatDoesNotTakeTheLastAnswerIsDropped() throws {
        let world = try Self.world(limits: "requests_per_connection = 1")
        try world.addOrigin("a", at: "10.1.0.1:80")
        world.ready()
        let probe = try Probe(world, [.get(Self.plan(world) { $0.responseBytes = 180_000 })])
        probe.readMost = 1
        probe.readPause = .seconds(500)
        world.run(for: .seconds(50))
        #expect(world.worker.context.exchangeCount == 0, "all of it is queued")
        #expect(world.worker.context.connectionCount == 1)
        world.run(for: .seconds(72))
        #expect(world.worker.context.connectionCount == 0)
        #expect(world.loop.chunks.leasedBytes == 0)
        probe.close()
        Self.finish(world)
    }

    /// Its body waited for the origin, not for the viewer.
    @Test func aViewerHeldBackByASlowOriginIsNotBlamed() throws {
        let world = try Self.world(#"response_timeout = "200s""#)
        world.ready()
        let origin = try SlowReader(world, at: "10.1.0.1:80", pause: .seconds(100))
        let head = "POST /x HTTP/1.1\r\nHost: sim.test\r\nContent-Length: 2000000\r\n\r\n"
        let body = [UInt8](repeating: 120, count: 2_000_000)
        let probe = try Probe(world, [.text(head), .send(body), .until(.never)])
        world.run(for: .seconds(150))
        #expect(probe.status == 200)
        origin.close()
        world.run(for: .seconds(200))
        #expect(world.worker.context.connectionCount == 0)
        #expect(world.loop.chunks.leasedBytes == 0)
    }

    // MARK: The origin's time

    @Test(arguments: [
        ("", Plan.Fault.silence, 504, 30.0),
        (#"response_timeout = "5s""#, .silence, 504, 5),
        ("", .closeBeforeHead, 502, 0),
        ("", .resetBeforeHead, 502, 0),
        ("", .badHead, 502, 0),
    ])
    func whatAnOriginDoesNotAnswer(
        _ settings: String,
        _ fault: Plan.Fault,
        _ status: Int,
        _ after: Double
    ) throws {
        let world = try Self.world(settings)
        try world.addOrigin("a", at: "10.1.0.1:80")
        world.ready()
        let path = Self.plan(world, fault)
        let probe = try Probe(world, [.get(path), .until(.never)])
        world.run(for: .seconds(100))
        #expect(probe.status == status)
        #expect(probe.firstByteAfter.map { $0 >= after && $0 < after + 0.1 } == true)
        Self.finish(world)
    }

    @Test func anAnswerThatStopsIsCutVisibly() throws {
        let world = try Self.world()
        try world.addOrigin("a", at: "10.1.0.1:80")
        world.ready()
        let probe = try Probe(world, [.get(Self.plan(world, .stall(400))), .until(.never)])
        world.run(for: .seconds(100))
        #expect(probe.status == 200)
        #expect(probe.endedAfter.map { $0 >= 30 && $0 < 31 } == true)
        Self.finish(world)
    }

    /// With no response left to wait for, what was declined of the request is nobody's turn.
    @Test func anEarlyAnswerThatStopsIsCutVisibly() throws {
        let world = try Self.world()
        try world.addOrigin("a", at: "10.1.0.1:80")
        world.ready()
        let path = Self.plan(world, .stall(400)) {
            $0.method = .post
            $0.requestBytes = 100
            $0.answersEarly = true
            $0.status = 500
        }
        let head = "POST \(path) HTTP/1.1\r\nHost: sim.test\r\nContent-Length: 100\r\n\r\n"
        let body = Pattern.bytes(Pattern.requestKey(0), 0..<100)
        let probe = try Probe(
            world,
            [.text(head), .wait(.seconds(1)), .send(body), .until(.never)]
        )
        world.run(for: .seconds(100))
        #expect(probe.status == 500)
        #expect(probe.ending != nil)
        #expect(probe.endedAfter.map { $0 < 35 } == true)
        Self.finish(world)
    }

    @Test func aBlackHoleIsGivenUp() throws {
        let world = try Self.world()
        world.ready()
        world.reactor.blackHoles = [SocketAddress("10.1.0.1:80")!]
        let probe = try Probe(world, [.get("/"), .until(.never)])
        world.run(for: .seconds(30))
        #expect(probe.status == 504)
        #expect(probe.firstByteAfter == 3)
        Self.finish(world)
    }

    @Test func nobodyListening() throws {
        let world = try Self.world()
        world.ready()
        let probe = try Probe(world, [.get("/"), .until(.never)])
        world.run(for: .seconds(30))
        #expect(probe.status == 502)
        #expect(probe.firstByteAfter == 0)
        Self.finish(world)
    }

    @Test func aQueueHasAnEnd() throws {
        let world = try Self.world("connections = 1")
        try world.addOrigin("a", at: "10.1.0.1:80")
        world.ready()
        let silent = try Probe(world, [.get(Self.plan(world, .silence)), .until(.never)])
        let acts: [Act] = [.wait(.seconds(1)), .get(Self.plan(world)), .until(.never)]
        let waiting = try Probe(world, acts)
        world.run(for: .seconds(100))
        #expect(silent.status == 504)
        #expect(waiting.status == 503)
        #expect(waiting.firstByteAfter == 11)
        Self.finish(world)
    }

    // MARK: What storms have found

    /// The origin is not kept busy for a viewer that is gone.
    @Test func aViewerThatResetsCancelsItsFetch() throws {
        let world = try Self.world()
        try world.addOrigin("a", at: "10.1.0.1:80")
        world.ready()
        let path = Self.plan(world, .silence)
        _ = try Probe(world, [.get(path), .wait(.seconds(2)), .reset])
        world.run(for: .seconds(1))
        #expect(world.worker.context.exchangeCount == 1)
        world.run(for: .seconds(2))
        #expect(world.worker.context.exchangeCount == 0)
        Self.finish(world)
    }

    /// Requests that are still unread when a connection has carried its last one must not destroy its answer.
    @Test func theLastAnswerOfAConnectionSurvivesThePipeline() throws {
        let world = try Self.world(limits: "requests_per_connection = 3")
        try world.addOrigin("a", at: "10.1.0.1:80")
        world.ready()
        let acts = (0..<3).map { _ in Act.get(Self.plan(world)) }
        let more = Act.text(String(repeating: "x", count: 40_000))
        let probe = try Probe(world, acts + [more, .until(.never)])
        world.run(for: .seconds(10))
        #expect(probe.answers == 3)
        #expect(probe.bytes.count > 3000)
        Self.finish(world)
    }

    @Test func aHalfClosedViewerGetsItsAnswers() throws {
        let world = try Self.world()
        try world.addOrigin("a", at: "10.1.0.1:80")
        world.ready()
        let acts = (0..<3).map { _ in Act.get(Self.plan(world)) }
        let probe = try Probe(world, acts + [.end, .until(.never)])
        world.run(for: .seconds(5))
        #expect(probe.answers == 3)
        #expect(probe.ending == .cleanly)
        #expect(probe.endedAfter.map { $0 < 1 } == true)
        Self.finish(world)
    }
}

/// An origin that reads nothing for a while, then everything, and then answers.
private final class SlowReader: LoopMember {
    private final class Connection: Peer {
        private var left = 2_000_000

        override func received(_ bytes: [UInt8]) {
            left -= bytes.count
            guard left <= 0 else { return }
            script([.text("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")])
        }

        /// The first read comes at once and the next after the pause.
        func hold(_ pause: Nanoseconds) {
            readMost = 1
            readPause = pause
            script([.wait(pause / 2), .reached(0)])
        }

        override func reached(_ place: Int) { readMost = .max }
    }

    private unowned let world: World
    private let handle: SocketHandle
    private let pause: Nanoseconds

    init(_ world: World, at address: String, pause: Nanoseconds) throws {
        self.world = world
        self.pause = pause
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
            Connection(world: world, name: "slow", handle: socket).hold(pause)
        }
    }

    func close() {
        loop.reactor.close(handle)
        loop.remove(self)
    }
}
