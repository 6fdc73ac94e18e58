// A loop that is over takes everything that lived on it along: nothing that a worker owns holds the worker's loop.

import Testing

@testable import EdgeRuntime

@Suite struct LifetimeTests {
    private struct Remains {
        weak var world: World?
        weak var loop: EventLoop?
        weak var worker: Worker?
        weak var context: EdgeContext?
        weak var reactor: SimulatedReactor?

        init(_ world: World) {
            self.world = world
            loop = world.loop
            worker = world.worker
            context = world.worker.context
            reactor = world.reactor
        }

        /// In words, because a failed check would print what is left of them.
        var left: [String] {
            [
                world.map { _ in "world" }, loop.map { _ in "loop" }, worker.map { _ in "worker" },
                context.map { _ in "context" }, reactor.map { _ in "reactor" },
            ].compactMap(\.self)
        }
    }

    @Test func aWorldThatWasNeverUsedGoes() throws {
        let remains = Remains(try World(seed: 1, weather: Weather(name: "calm")))
        let left = remains.left
        #expect(left == [])
    }

    @Test func aWorldGoesAfterItsStorm() throws {
        func storm() throws -> Remains {
            let world = try World(seed: 1, weather: Weather(name: "delays"))
            try world.storm(viewers: 4, exchanges: 20)
            #expect(world.completions > 0)
            #expect(world.failures == [])
            return Remains(world)
        }
        let remains = try storm()
        let left = remains.left
        #expect(left == [])
    }

    /// The chores of a worker too, and connections that rest.
    @Test func aWorldGoesWithItsChoresAndItsIdleConnections() throws {
        func rest() throws -> Remains {
            let world = try World(seed: 1, weather: Weather(name: "calm"))
            try world.addOrigin("a", at: "10.1.0.1:80")
            world.worker.beginChores(world.published)
            world.ready()
            var plan = Plan(id: 0, seed: 1)
            plan.responseBytes = 1000
            world.plan { _ in plan }
            let probe = try Probe(world, [.get(plan.path), .until(.never)])
            world.run(for: .seconds(5))
            #expect(probe.status == 200)
            #expect(world.worker.context.connectionCount == 1)
            return Remains(world)
        }
        let remains = try rest()
        let left = remains.left
        #expect(left == [])
    }
}
