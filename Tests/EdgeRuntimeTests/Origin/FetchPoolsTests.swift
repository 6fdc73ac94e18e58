// Pools of servers that functions name: how many there are, which one goes, and what is reached.

import Testing

@testable import EdgeRuntime

@Suite struct FetchPoolsTests {
    private final class Client: OriginClient {
        var refusal: EdgeError?
        override func originRefused(_ error: EdgeError) { refusal = error }
    }

    private final class House {
        let loop: EventLoop
        let pools: FetchPools

        init(refusesPrivate: Bool = false) throws {
            loop = EventLoop(
                reactor: .simulated(SimulatedReactor(seed: 1)),
                blocking: try BlockingPool(threads: 0),
                random: Random(seed: 2)
            )
            pools = FetchPools(
                loop: loop,
                resolver: Resolver(loop: loop) { _, _ in nil },
                tls: try TLSContext.client(TLSClientSettings()),
                headLimits: HeadLimits(requestLine: 8192, head: 65536, fields: 100),
                refusesPrivate: refusesPrivate
            )
        }

        deinit { loop.dissolve() }

        func server(_ port: Int) -> OriginServer {
            OriginServer(host: "127.0.0.1", port: UInt16(port), isTLS: false)
        }
    }

    @Test("the pool that was asked longest ago makes room, if nobody uses it")
    func room() throws {
        let house = try House()
        let first = try #require(house.pools.pool(for: house.server(1)))
        // A connection that does not come yet.
        let client = Client()
        first.lease(client, fresh: false)
        #expect(first.isInUse)
        let second = try #require(house.pools.pool(for: house.server(2)))
        for port in 3...Limits.fetchPoolsMax { _ = house.pools.pool(for: house.server(port)) }
        #expect(house.pools.pool(for: house.server(2)) === second)
        _ = house.pools.pool(for: house.server(1000))
        #expect(house.pools.pool(for: house.server(1)) === first)
        #expect(house.pools.pool(for: house.server(2)) === second)
        var count = 0
        house.pools.eachPool { _ in count += 1 }
        #expect(count == Limits.fetchPoolsMax)
        first.cancel(client)
    }

    @Test("a pool that is made after the generation has ended holds it no longer than its work")
    func retired() throws {
        let house = try House()
        house.pools.retire()
        let pool = try #require(house.pools.pool(for: house.server(1)))
        #expect(pool.isDrained)
    }

    @Test("a private address is refused before anything is connected to")
    func reach() throws {
        let house = try House(refusesPrivate: true)
        let pool = try #require(house.pools.pool(for: house.server(80)))
        let client = Client()
        pool.lease(client, fresh: false)
        #expect(client.refusal == .addressNotAllowed && !pool.isInUse)
    }
}
