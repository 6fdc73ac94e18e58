// Storms: many viewers and origins at once, under every weather, from seeds that repeat.
//
//   EDGED_SIM_SEED=n       runs that one seed under every weather and prints what happens
//   EDGED_SIM_WEATHER=w    only that weather
//   EDGED_SOAK_SECONDS=n   goes on with new seeds for so long (`make soak`)

import Glibc
import Testing

@testable import EdgeRuntime

@Suite(.serialized) struct StormTests {
    @Test(arguments: Weather.all.map(\.name)) func stormsPassWithoutATrace(_ name: String) throws {
        guard Self.setting("EDGED_SIM_SEED") == nil else { return }
        var completions = 0
        for seed in 1...Self.seedsPerWeather {
            let world = try Self.run(seed, name)
            completions += world.completions
            guard Self.report(world) else { return }
        }
        #expect(completions > 0)
    }

    @Test func oneSeedIsTold() throws {
        guard let seed = Self.setting("EDGED_SIM_SEED").flatMap(UInt64.init) else { return }
        let wanted = Self.setting("EDGED_SIM_WEATHER")
        for weather in Weather.all where wanted == nil || wanted == weather.name {
            print("seed \(seed), weather \(weather.name)")
            _ = Self.report(try Self.run(seed, weather.name, isVerbose: true))
        }
    }

    @Test func theSameSeedTellsTheSameStory() throws {
        let first = try Self.run(7, "everything")
        let again = try Self.run(7, "everything")
        let other = try Self.run(8, "everything")
        #expect(first.trace == again.trace)
        #expect(first.trace != other.trace)
    }

    @Test func soak() throws {
        guard let seconds = Self.setting("EDGED_SOAK_SECONDS").flatMap(Int64.init) else { return }
        let end = Clock.monotonic() + .seconds(seconds)
        var seed = UInt64(truncatingIfNeeded: Clock.wall().seconds) << 20
        var exchanges = 0
        while Clock.monotonic() < end {
            for weather in Weather.all {
                // Should the server trap, this is the line that repeats it.
                let line = "EDGED_SIM_SEED=\(seed) EDGED_SIM_WEATHER=\(weather.name)\n"
                _ = Glibc.write(2, line, line.utf8.count)
                let world = try Self.run(seed, weather.name)
                exchanges += world.completions
                guard Self.report(world) else { return }
            }
            seed += 1
        }
        print("soak: \(exchanges) exchanges")
    }

    private static let seedsPerWeather: UInt64 = 12

    private static func run(
        _ seed: UInt64,
        _ name: String,
        isVerbose: Bool = false
    ) throws -> World {
        let weather = try #require(Weather.all.first { $0.name == name })
        let world = try World(seed: seed, weather: weather, isVerbose: isVerbose)
        try world.storm(viewers: 10, exchanges: 60)
        return world
    }

    private static func report(_ world: World) -> Bool {
        guard !world.failures.isEmpty else { return true }
        let place = "seed \(world.seed), weather \(world.weather.name)"
        Issue.record("\(place): \(world.failures.joined(separator: "; "))")
        return false
    }

    private static func setting(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }
}
