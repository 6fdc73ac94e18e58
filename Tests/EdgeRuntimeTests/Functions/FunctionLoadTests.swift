import Glibc
import Testing

@testable import EdgeRuntime

/// Files of a folder together: what they may require, and what they see of each other.
@Suite struct FunctionLoadTests {
    /// A machine with these files, of which `attached` are bound in their order.
    private func runtime(
        _ files: [String: String],
        attached: [String]
    ) throws -> (FunctionRuntime, [FunctionAttachment]) {
        let folder = TestFile.folder()
        for (name, text) in files { TestFile.write("\(folder)/\(name).lua", text) }
        let attachments = attached.enumerated().map { place, name in
            var attachment = FunctionAttachment(name: name)
            attachment.id = place
            return attachment
        }
        let hooks = attachments.map {
            FunctionLibrary.Hook(
                attachment: $0,
                stage: .viewerRequest,
                title: "\($0.name)@1",
                secrets: [:],
                timeout: .seconds(5)
            )
        }
        let library = FunctionLibrary(
            generation: 1,
            settings: FunctionSettings(),
            hooks: hooks,
            modules: []
        )
        let sources = FunctionSources(folder: folder, shelf: nil)
        let runtime = try #require(FunctionRuntime(library: library, sources: sources))
        for id in hooks.indices { try runtime.bind(id) }
        return (runtime, attachments)
    }

    private func failure(_ files: [String: String]) throws -> String {
        do {
            _ = try runtime(files, attached: ["a"])
            return "none"
        } catch let failure as FunctionRuntime.LoadFailure {
            return failure.text
        }
    }

    private static let handler = "return { viewer_request = function() end }"

    @Test func aCircleOfRequiresIsNamed() throws {
        let circle = ["a": "require 'b'", "b": "require 'c'", "c": "require 'a'"]
        #expect(try failure(circle).contains("files require one another: a → b → c → a"))
        #expect(try failure(["a": "require 'a'"]).contains("a → a"))
    }

    @Test func requiresMayBeDeepButNotForEver() throws {
        var files: [String: String] = ["a": "require 'm1' \(Self.handler)"]
        for depth in 1..<49 { files["m\(depth)"] = "return require 'm\(depth + 1)'" }
        files["m49"] = "return 1"
        #expect(try failure(files) == "none")
        files["m49"] = "return require 'm50'"
        files["m50"] = "return 1"
        #expect(try failure(files).contains("too deeply"))
    }

    @Test(arguments: [
        "../a", "/etc/passwd", "a/../b", "a//b", "", "a.", ".a", "a\\0b", "*", "a'b", "~", "-",
        "socket", "io", "os", "debug", "package", "shelf/none",
    ]) func onlyFilesOfTheFolderAreFound(_ name: String) throws {
        let told = try failure(["a": "require(\"\(name)\") \(Self.handler)", "z": ""])
        #expect(told.contains("there is no file for require"), "\(name): \(told)")
    }

    @Test func aFileRunsOnceForAllThatRequireIt() throws {
        let (runtime, attachments) = try runtime(
            [
                "a":
                    "local m = require 'm' return { viewer_request = function(e) e.state.out = m.next() end }",
                "b":
                    "local m = require 'm' return { viewer_request = function(e) e.state.out = m.next() end }",
                "m": "local n = 0 return { next = function() n = n + 1 return n end }",
            ],
            attached: ["a", "b"]
        )
        let run = FunctionProbe(runtime: runtime, loop: try FunctionProbe.loop())
        #expect(run.told(attachments[0], .viewerRequest, Heads()).out == "1")
        #expect(run.told(attachments[1], .viewerRequest, Heads()).out == "2")
    }

    /// Ways to leave something behind for another file. None may work, and most say so.
    static let traces = [
        "leaked = 'seen'", "_G.leaked = 'seen'", "rawset(_G, 'leaked', 'seen')",
        "_ENV.leaked = 'seen'", "load(\"leaked = 'seen'\")()",
        "string.leaked = 'seen'", "rawset(string, 'leaked', 'seen')",
        "table.insert(string, 'seen')", "setmetatable(string, { __index = { leaked = 'seen' } })",
        "getmetatable('').__index = { leaked = 'seen' }", "getmetatable('').leaked = 'seen'",
        "edge.leaked = 'seen'", "edge.json.leaked = 'seen'", "rawset(edge, 'leaked', 'seen')",
        "rawset(edge.json, 'decode', nil)", "setmetatable(edge, nil)",
        "getmetatable(_G).__index.leaked = 'seen'", "setmetatable(_G, { __index = {} })",
        "getmetatable(event).__index = function() return 'seen' end",
        "math.random = nil", "string.format = nil", "print = nil", "require = nil",
        "table.move({ 'seen' }, 1, 1, 1, string)", "table.sort(string)",
        "next(string)", "table.remove(string)",
    ]

    @Test(arguments: traces) func whatAFileLeavesBehindIsItsOwn(_ code: String) throws {
        let looks = """
            local seen = {}
            for _, place in ipairs { _G, string, table, math, edge, edge.json, utf8, coroutine } do
              if place.leaked or place[1] then seen[#seen + 1] = "leaked" end
            end
            if leaked or ("").leaked then seen[#seen + 1] = "leaked" end
            for name, value in pairs { pairs, print, require, math.random, string.format, edge.json.decode } do
              if type(value) ~= "function" then seen[#seen + 1] = name end
            end
            if not (print and require and math.random and string.format and edge.json.decode) then seen[#seen + 1] = "gone" end
            """
        let (runtime, attachments) = try runtime(
            [
                "a":
                    "return { viewer_request = function(event) pcall(function() \(code) end) end }",
                "b":
                    "return { viewer_request = function(event) \(looks) event.state.out = table.concat(seen, ' ') end }",
            ],
            attached: ["a", "b"]
        )
        let run = FunctionProbe(runtime: runtime, loop: try FunctionProbe.loop())
        #expect(run.told(attachments[0], .viewerRequest, Heads()).failure?.message == nil)
        let told = run.told(attachments[1], .viewerRequest, Heads())
        #expect(told.failure?.message == nil)
        #expect(told.out == "", "after \(code)")
    }

    @Test(arguments: [
        "io", "os", "debug", "package", "dofile", "loadfile", "collectgarbage", "string.dump",
        "jit", "ffi", "module", "unpack", "loadstring",
    ]) func whatIsNotThere(_ name: String) throws {
        #expect(try FunctionProbe.run("event.state.out = type(\(name))").out == "nil")
    }

    @Test func noBytecodeIsLoaded() throws {
        let told = try FunctionProbe.run(
            #"local f, why = load("\27Lua" .. ("x"):rep(100), "=x", "b") event.state.out = tostring(f) .. tostring(why)"#
        )
        #expect(told.out?.hasPrefix("nil") == true)
    }
}

@Suite struct FunctionMessageTests {
    @Test(
        arguments: [
            ("f.lua:3: no luck", "f.lua", 3, "no luck"),
            ("/a/b.lua:12: x: y: z", "/a/b.lua", 12, "x: y: z"),
            ("no place", nil, nil, "no place"),
            ("what: is it", nil, nil, "what: is it"),
            ("f.lua:x: no line", nil, nil, "f.lua:x: no line"),
            ("f.lua:7:", "f.lua", 7, ""),
            ("", nil, nil, ""),
            (":", nil, nil, ":"),
        ] as [(String, String?, Int?, String)]
    ) func takenApart(
        _ message: String,
        file: String?,
        line: Int?,
        text: String
    ) {
        let told = FunctionMessage(message)
        #expect(told.file == file)
        #expect(told.line == line)
        #expect(told.text == text)
    }
}
