// The prober against a server that says what it is told to, on the simulated network: time is the simulator's.

import Testing

@testable import EdgeRuntime

@Suite struct HealthProberTests {
    /// Answers every request with `status`; nothing while it is silent.
    private final class Server: LoopMember {
        var status = 200
        var isSilent = false
        private(set) var heads: [String] = []
        private let handle: SocketHandle

        init(loop: EventLoop, port: UInt16) throws {
            handle = try loop.reactor.listen(
                SocketAddress(IPAddress(ipv4: 0x7f00_0001), port: port),
                options: ListenOptions()
            )
            super.init(loop: loop)
            loop.add(self)
            loop.reactor.watchLevel(handle, token)
        }

        override func ready(_ readiness: Readiness) {
            while case .accepted(let socket, _) = loop.reactor.accept(handle) {
                _ = Peer(server: self, handle: socket)
            }
        }

        fileprivate func answer(to head: String) -> String? {
            heads.append(head)
            return isSilent ? nil : "HTTP/1.1 \(status) Word\r\nContent-Length: 0\r\n\r\n"
        }
    }

    private final class Peer: LoopMember {
        private let server: Server
        private var transport: Transport
        private var input = InputBuffer()

        init(server: Server, handle: SocketHandle) {
            self.server = server
            transport = Transport(handle: handle, loop: server.loop)
            super.init(loop: server.loop)
            loop.add(self)
            loop.reactor.watch(handle, token)
        }

        override func ready(_ readiness: Readiness) {
            transport.note(readiness)
            loop.touch(self)
        }

        override func flush() {
            while transport.mayRead {
                let chunk = input.makeRoom(in: loop.chunks, streaming: false)
                switch transport.read(into: chunk) {
                case .bytes: continue
                case .wouldBlock: break
                case .ended, .cut, .failed:
                    input.drop(to: loop.chunks)
                    transport.close()
                    loop.remove(self)
                    return
                }
            }
            let head = input.withUnread { $0.text }
            guard head.hasSuffix("\r\n\r\n") else { return }
            input.consume(input.unreadCount)
            if let answer = server.answer(to: head) { transport.output.append(answer.utf8.span) }
            _ = transport.flush()
        }
    }

    private final class House {
        let reactor = SimulatedReactor(seed: 1)
        let loop: EventLoop
        let servers: [Server]
        let published: Published
        let health: OriginHealth
        let prober: HealthProber

        deinit { loop.dissolve() }

        init() throws {
            loop = EventLoop(
                reactor: .simulated(reactor),
                blocking: try BlockingPool(threads: 0),
                random: Random(seed: 2)
            )
            servers = [
                try Server(loop: loop, port: 9001), try Server(loop: loop, port: 9002),
            ]
            let text = """
                return {
                  listen = { { address = "127.0.0.1:8080" } },
                  origins = { app = {
                    urls = { "http://127.0.0.1:9001", "http://127.0.0.1:9002" },
                    path = "/v1", headers = { ["x-key"] = "k" },
                    health = { path = "/up", interval = "2s", unhealthy = 2, healthy = 2 },
                  } },
                  distributions = {
                    main = { domains = { "*" }, behaviors = { { path = "*", origin = "app" } } },
                  },
                }
                """
            let configuration = try #require(ConfigCheck.load(text: text).configuration)
            published = try Published(
                number: 1,
                configuration: configuration,
                tickets: TicketKeys(now: 0),
                vocabulary: MetricVocabulary(origins: [], loops: 1, verdicts: CacheVerdict.words),
                now: loop.now
            )
            guard case .servers(let health, _) = published.origins.assets[0] else {
                preconditionFailure("an origin with servers")
            }
            self.health = health
            prober = HealthProber(
                loop: loop,
                configuration: configuration,
                assets: published.origins,
                resolver: Resolver(loop: loop) { _, _ in nil },
                events: EventLog(level: .error)
            )
        }

        func run(seconds: Int64) {
            let end = loop.now + .seconds(seconds)
            while loop.now < end { loop.tick(until: end) }
        }
    }

    @Test func aServerThatFailsItsProbesIsTakenOutAndComesBack() throws {
        let house = try House()
        house.run(seconds: 5)
        #expect(house.health.verdict == .allServe)
        house.servers[1].status = 503
        house.run(seconds: 6)
        #expect(house.health.verdict.out == 0b10)
        #expect(house.health.decide { $0.condition(of: 1) } == .down)
        house.servers[1].status = 302
        house.run(seconds: 6)
        #expect(house.health.verdict.out == 0)
    }

    @Test func probesSayWhatTheOriginExpects() throws {
        let house = try House()
        house.run(seconds: 1)
        let head = try #require(house.servers[0].heads.first)
        #expect(head.hasPrefix("GET /v1/up HTTP/1.1\r\nHost: 127.0.0.1:9001\r\n"))
        #expect(head.contains("x-key: k\r\n"))
    }

    @Test func silenceIsAFailureAndLeavesNoConnectionBehind() throws {
        let house = try House()
        house.servers[0].isSilent = true
        house.run(seconds: 9)
        #expect(house.health.verdict.out == 0b01)
        house.servers[0].isSilent = false
        house.run(seconds: 3)
        house.prober.retire()
        house.run(seconds: 3)
        // The two listeners.
        #expect(house.reactor.openSockets == 2)
    }

    @Test func theEndOfAnEjectionIsPublished() throws {
        let house = try House()
        for _ in 0..<5 {
            _ = house.health.decide {
                $0.record(.failure, member: 0, now: house.loop.now, jitter: 0)
            }
        }
        #expect(house.health.verdict.out == 0b01)
        house.run(seconds: 4)
        #expect(house.health.verdict.out == 0b01)
        house.run(seconds: 3)
        #expect(house.health.decide { $0.condition(of: 0) } == .probation)
        #expect(house.health.verdict.out == 0)
    }

    @Test func aReloadForgetsNothingAboutServersThatStay() throws {
        let house = try House()
        house.servers[1].status = 500
        house.run(seconds: 8)
        #expect(house.health.verdict.out == 0b10)
        let next = try Published(
            number: 2,
            configuration: house.published.configuration,
            tickets: TicketKeys(now: 0),
            vocabulary: house.published.vocabulary,
            replacing: house.published,
            now: house.loop.now
        )
        guard case .servers(let health, _) = next.origins.assets[0] else {
            preconditionFailure("an origin with servers")
        }
        #expect(health === house.health)
    }
}
