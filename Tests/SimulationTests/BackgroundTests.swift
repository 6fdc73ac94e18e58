// Work of functions without a request, driven by the virtual clock.

import CLinux
import Glibc
import Testing

@testable import EdgeRuntime

@Suite struct BackgroundTests {
    private func folder(_ source: String) -> String {
        var template = Array("/tmp/edge-background-XXXXXX".utf8CString)
        let path = template.withUnsafeMutableBufferPointer {
            String(cString: mkdtemp($0.baseAddress!))
        }
        let file = fopen("\(path)/tasks.lua", "w")!
        fwrite(source, 1, source.utf8.count, file)
        fclose(file)
        return path
    }

    private func config(_ folder: String) -> String {
        """
        return {
          listen = { { address = "10.0.0.1:80" } },
          log = { access = "off", events = "off" },
          kv = { counts = {} },
          functions = { folder = "\(folder)", limits = { origin_timeout = "120s" } },
          origins = { a = { url = "http://10.1.0.1:80" } },
          distributions = { sim = { domains = { "*" }, behaviors = {
            { path = "*", origin = "a", cache = "off", functions = { viewer_request = { "tasks" } } },
          } } },
        }
        """
    }

    private func count(_ world: World, _ key: String) -> KeyValue? {
        world.published.stores.rows[0].store.value(
            Array(key.utf8).span,
            now: world.loop.now
        )
    }

    @Test func periodsAreThoseOfTheClock() throws {
        let folder = folder(
            """
            local counts = edge.kv.store("counts")
            edge.every(3600, function() counts:incr("hours") end)
            edge.every(60, function()
              edge.sleep(90)
              counts:incr("slow")
            end)
            edge.every(600, function() error("never works") end)
            return {
              init = function()
                edge.sleep(5)
                counts:set("begun", true, { ttl = 7200 })
              end,
              viewer_request = function() end,
            }
            """
        )
        defer {
            unlink("\(folder)/tasks.lua")
            rmdir(folder)
        }
        let world = try World(seed: 1, weather: Weather.all[0], config: config(folder))
        world.worker.beginBackground()
        world.run(for: .seconds(4))
        #expect(count(world, "begun") == nil)
        world.run(for: .seconds(2))
        #expect(count(world, "begun") == .boolean(true))
        world.run(for: .seconds(36_000))
        #expect(count(world, "hours") == .integer(10))
        // It sleeps through every second of its minutes.
        #expect(count(world, "slow") == .integer(299))
        #expect(count(world, "begun") == nil)

        // The old generation begins nothing more, and what runs ends.
        try world.reload(World.config)
        world.run(for: .seconds(36_000))
        #expect(world.published.stores.rows.isEmpty)
        #expect(world.loop.memberCount > 0)
        #expect(world.failures.isEmpty)
    }

    /// The numbers are the loop's, so the same seed gives the same ones.
    @Test func randomNumbersComeFromTheSeed() throws {
        let folder = folder(
            """
            local counts = edge.kv.store("counts")
            return {
              init = function() counts:set("drawn", math.random(0)) end,
              viewer_request = function() end,
            }
            """
        )
        defer {
            unlink("\(folder)/tasks.lua")
            rmdir(folder)
        }
        var drawn: [KeyValue?] = []
        for seed in [1, 1, 2] as [UInt64] {
            let world = try World(seed: seed, weather: Weather.all[0], config: config(folder))
            world.worker.beginBackground()
            world.run(for: .seconds(1))
            drawn.append(count(world, "drawn"))
        }
        #expect(drawn[0] != nil)
        #expect(drawn[0] == drawn[1])
        #expect(drawn[0] != drawn[2])
    }
}
