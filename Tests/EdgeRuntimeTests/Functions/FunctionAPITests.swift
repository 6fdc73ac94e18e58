import Glibc
import Testing

@testable import EdgeRuntime

/// Runs a handler for real, on heads of its own, and looks at what it left in `event.state`.
final class TestRun: StageRun {
    var state = LuaReference.none
    var lines: [String] = []
    var failures: [FunctionFailure] = []

    override func push(_ field: ViewField, on stack: LuaStack) -> Bool {
        guard field == .eventState else { return false }
        if state.isNone {
            stack.pushTable()
            state = stack.keep()
        }
        stack.push(state)
        return true
    }

    override func log(_ level: EventLevel, _ text: String) { lines.append(text) }
    override func report(_ failure: FunctionFailure, parked: Bool) { failures.append(failure) }

    /// A machine with one file.
    static func runtime(_ source: String) throws -> (FunctionRuntime, FunctionAttachment) {
        let folder = TestFile.folder()
        TestFile.write("\(folder)/f.lua", source)
        let attachment = FunctionAttachment(name: "f")
        let hook = FunctionLibrary.Hook(
            attachment: attachment,
            stage: .viewerRequest,
            title: "f@1",
            secrets: [:],
            timeout: .seconds(5)
        )
        let library = FunctionLibrary(
            generation: 1,
            settings: FunctionSettings(),
            hooks: [hook],
            modules: []
        )
        let sources = FunctionSources(folder: folder, shelf: nil)
        let runtime = try #require(FunctionRuntime(library: library, sources: sources))
        try runtime.bind(0)
        return (runtime, attachment)
    }

    /// What a handler with this body leaves under `event.state.out`, as text; nil for nil.
    static func out(_ body: String) throws -> String? {
        let (runtime, attachment) = try runtime(
            "return { viewer_request = function(event)\n\(body)\nend }"
        )
        let loop = EventLoop(
            reactor: .simulated(SimulatedReactor(seed: 1)),
            blocking: try BlockingPool(threads: 1),
            random: Random(seed: 1)
        )
        let run = TestRun(runtime: runtime, loop: loop)
        let heads = Heads()
        let ending = run.begin(.viewerRequest, [attachment], heads: heads)
        #expect(run.failures.map(\.message) == [])
        #expect(ending != nil)
        let stack = runtime.state.stack
        guard !run.state.isNone else { return nil }
        stack.push(run.state)
        stack.pushField("out", of: -1)
        return stack.text(at: -1).map { String(decoding: $0, as: UTF8.self) }
    }
}

/// One row or more for each name of `edge.*`.
@Suite struct FunctionAPITests {
    static let rows: [(code: String, out: String)] = [
        (
            #"edge.json.encode({ b = { 1, 2.5, "x" }, a = true, n = edge.json.null() })"#,
            #"{"a":true,"b":[1,2.5,"x"],"n":null}"#
        ),
        (#"edge.json.encode(edge.json.array({}))"#, "[]"),
        (#"edge.json.encode({})"#, "{}"),
        (
            #"select(2, pcall(edge.json.array, edge)):match("edge is read%-only") or "marked""#,
            "edge is read-only"
        ),
        (
            #"tostring(pcall(edge.json.array, string)) .. tostring(pcall(rawset, string, "a", 1))"#,
            "falsefalse"
        ),
        (#"tostring(pcall(edge.json.array, event.secrets))"#, "false"),
        (#"tostring(pcall(edge.json.array, _G))"#, "false"),
        (
            #"edge.json.encode(edge.json.decode('{"a":[],"b":{"c":[1,{"d":"\\u00e9"}]}}'))"#,
            #"{"a":[],"b":{"c":[1,{"d":"é"}]}}"#
        ),
        (#"select(2, edge.json.decode('{"a":1,}'))"#, "1:8: name-expected"),
        (#"select(2, edge.json.encode({ f = print }))"#, "a function is not JSON"),
        (#"tostring(edge.json.is_null(edge.json.decode("null")))"#, "true"),
        (#"edge.base64.encode("any carnal pleas")"#, "YW55IGNhcm5hbCBwbGVhcw=="),
        (#"edge.base64.decode("YW55IGNhcm5hbCBwbGVhcw==")"#, "any carnal pleas"),
        (#"select(2, edge.base64.decode("????"))"#, "bad-byte"),
        (#"edge.base64.encode_url("\xfb\xff\xfe")"#, "-__-"),
        (#"edge.hex.encode(edge.base64.decode_url("-__-"))"#, "fbfffe"),
        (#"edge.hex.decode("6869")"#, "hi"),
        (#"edge.url.encode("a b/ü")"#, "a%20b%2F%C3%BC"),
        (#"edge.url.decode("a+b%2F")"#, "a b/"),
        (#"edge.url.parse("https://h:8/p?q#f").port"#, "8"),
        (#"edge.url.parse("https://h:8/p?q#f").path"#, "/p"),
        (#"edge.url.resolve("../c", "http://h/a/b/x")"#, "http://h/a/c"),
        (#"edge.url.query({ b = "2 3", a = 1 })"#, "a=1&b=2+3"),
        (#"edge.cookie.parse("a=1; b=2; a=3").a"#, "1"),
        (
            #"edge.cookie.format("s", { value = "1", path = "/", secure = true, same_site = "lax" })"#,
            "s=1; Path=/; Secure; SameSite=Lax"
        ),
        (#"edge.hex.encode(edge.crypto.sha1("abc"))"#, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (
            #"edge.hex.encode(edge.crypto.sha256("abc"))"#,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        ),
        (#"#edge.crypto.sha384("abc") + #edge.crypto.sha512("abc")"#, "112"),
        (
            #"edge.hex.encode(edge.crypto.hmac("sha256", "Jefe", "what do ya want for nothing?"))"#,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        (#"tostring(edge.crypto.equal("abc", "abd"))"#, "false"),
        (#"#edge.crypto.random(20)"#, "20"),
        (verified("signed text"), "true"),
        (verified("another text"), "false"),
        (
            #"edge.crypto.decrypt(("k"):rep(32), edge.crypto.encrypt(("k"):rep(32), "text", "ctx"), "ctx")"#,
            "text"
        ),
        (
            #"select(2, edge.crypto.decrypt(("k"):rep(32), edge.crypto.encrypt(("k"):rep(32), "text", "ctx"), "other"))"#,
            "forged"
        ),
        (#"edge.time.http(784111777)"#, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (#"edge.time.parse_http("Sun, 06 Nov 1994 08:49:37 GMT")"#, "784111777"),
        (#"edge.time.rfc3339(0)"#, "1970-01-01T00:00:00Z"),
        (#"math.tointeger(edge.time.parse_rfc3339("1970-01-01T00:00:10Z"))"#, "10"),
        (#"type(edge.time.now())"#, "number"),
        (#"edge.all({ function() return 7 end, function() error("x") end })[1][1]"#, "7"),
        (#"select(2, pcall(edge.fetch, "ftp://a/")):match("neither")"#, "neither"),
        (#"select(2, edge.jwt.verify("x", { algorithms = { "HS256" }, key = "s" }))"#, "malformed"),
        (
            #"edge.jwt.verify("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZSJ9." .. edge.base64.encode_url(edge.crypto.hmac("sha256", "s", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZSJ9")), { algorithms = { "HS256" }, key = "s" }).sub"#,
            "me"
        ),
        (
            #"select(2, edge.jwt.verify("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZSJ9.AAAA", { algorithms = { "HS256" }, key = "s" }))"#,
            "bad-signature"
        ),
        (#"select(2, pcall(edge.crypto.hmac, "md5", "k", "d")):match("sha256") or "?""#, "sha256"),
        (
            #"select(2, pcall(edge.kv.store, "x"))"#,
            "there is no store 'x': write kv = { x = {} }"
        ),
        (
            #"select(2, pcall(edge.every, 1, print))"#,
            "edge.every belongs at the top of a file, not in a handler"
        ),
        (#"tostring(pcall(edge.defer, print))"#, "true"),
        (
            #"select(2, pcall(function() edge.json = 1 end)):match("read%-only") or "writable""#,
            "read-only"
        ),
    ]

    private static func verified(_ text: String) -> String {
        let key =
            #"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAR1MHOz3uNaD6nY3LBRgyQ1m7iXu9wKJbIvFtxLDqBZY=\n-----END PUBLIC KEY-----\n"#
        let signature =
            "544599076b6a1460d1b81532059ae5073b90587997a5e8408b12e88698f66b51"
            + "37ae46b561c3e4b39b9adab70baaa2334293c3e854c3a936522e21ee6fbf0a06"
        return
            #"tostring(edge.crypto.verify("ed25519", "\#(key)", edge.hex.decode("\#(signature)"), "\#(text)"))"#
    }

    @Test(arguments: rows) func answers(code: String, out: String) throws {
        #expect(try TestRun.out("event.state.out = (\(code))") == out)
    }

    /// Every name has a row above, save those that need a run of their own: some other test calls them.
    @Test func everyNameIsTried() throws {
        let folders = [
            "EdgeRuntimeTests/*/*.swift", "SimulationTests/*.swift", "EndToEnd/*.py",
            "Fixtures/functions/*.lua",
            "../functions/*.test.lua",
        ]
        let tests = try folders.flatMap { ConfigReader.files(matching: Fixtures.path("../\($0)")) }
            .map {
                String(decoding: try ConfigReader.read($0, bytesMax: 1 << 20).get(), as: UTF8.self)
            }
        #expect(tests.count > 100)
        let calls =
            FunctionAPI.rows.filter { row in
                !Self.rows.contains { $0.code.contains("edge.\(row.name)") }
            }
            .map { "edge.\($0.name)(" }
            + KeyValueAPI.methods.map { ":\($0.name)(" }
            + ViewMethod.allCases.map { ":\($0.name)(" }
        for call in calls {
            #expect(tests.contains { $0.contains(call) }, "\(call) is tried nowhere")
        }
    }

    /// The page and the stubs have all of them, spelled as they are called.
    @Test func everyNameHasARowAndAStub() {
        let page = FunctionReference.page
        let stubs = FunctionReference.stubs
        for field in ViewField.allCases {
            let name = field.row.name
            #expect(page.contains("| `\(name)`"), "\(field.path)")
            #expect(stubs.contains("---@field \(name) "), "\(field.path)")
        }
        for row in FunctionAPI.rows {
            let last = "\(row.name)".split(separator: ".").last ?? ""
            #expect("\(row.signature)".hasPrefix("\(last)("), "edge.\(row.name)")
            let group = "\(row.name)".dropLast(last.count)
            #expect(page.contains("| `edge.\(group)\(row.signature)` |"), "edge.\(row.name)")
            #expect(stubs.contains("function edge.\(row.name)("), "edge.\(row.name)")
        }
        let methods =
            ViewMethod.allCases.map { ($0.name, $0.signature) }
            + KeyValueAPI.methods.map { ($0.name, $0.signature) }
        for (name, signature) in methods {
            #expect("\(signature)".hasPrefix("\(name)("), "\(name)")
            #expect(page.contains("| `:\(signature)` |"), "\(name)")
            #expect(stubs.contains("---@field \(name) fun("), "\(name)")
        }
    }

    /// A view that was kept shows nothing of the next request, which has its place but is another run.
    // MARK: Work that one instruction does

    /// How a handler with this body failed.
    private func failure(of body: String) throws -> String? {
        let (runtime, attachment) = try TestRun.runtime(
            "return { viewer_request = function(event) \(body) end }"
        )
        let loop = try FunctionProbe.loop()
        defer { loop.dissolve() }
        let run = TestRun(runtime: runtime, loop: loop)
        let heads = Heads()
        _ = run.begin(.viewerRequest, [attachment], heads: heads)
        for _ in 0..<10_000 where !run.isIdle { run.expired() }
        #expect(run.isIdle)
        return run.failures.first?.message
    }

    /// They come to their end, in 0.4 to 2 seconds, where nobody counts what an instruction costs.
    @Test(arguments: [
        "local k = 14 local t, s = {}, (1 << (k + 1)) - 1 for i = 1, (1 << k) + 1 do t[i * s] = 1 end",
        "local k = 14 local t, s = {}, (1 << (k + 1)) - 1 for i = 1, (1 << k) + 1 do t[i * s + 0.0] = 1 end",
        // The same size again and again.
        """
        local k, t = 13, {} local s = (1 << k) - 1
        while true do for i = 1, 1 << k do t[i * s] = 1 end for i = 1, 1 << k do t[i * s] = nil end end
        """,
    ]) func keysThatCollideCountForWhatTheyCost(body: String) throws {
        let failure = try failure(of: body)
        #expect(failure?.contains("instruction limit") == true, "\(failure ?? "none")")
    }

    @Test func largeTablesOfUsualKeysGrow() throws {
        for body in [
            "local t = {} for i = 1, 40000 do t['k' .. i] = i end",
            "local t = {} for i = 40000, 1, -1 do t[i] = i end",
            "local t = {} for i = 1, 40000 do t[i * 1000] = i end",
            "local t = {} for i = 1, 40000 do t[i / 7] = i end",
        ] {
            #expect(try failure(of: body) == nil, "\(body)")
        }
    }

    @Test func aKeptViewIsOver() throws {
        let (runtime, attachment) = try TestRun.runtime(
            """
            local kept
            return { viewer_request = function(event)
              if kept then event.state.out = select(2, pcall(function() return kept.stage end)) end
              kept = event
            end }
            """
        )
        let loop = EventLoop(
            reactor: .simulated(SimulatedReactor(seed: 1)),
            blocking: try BlockingPool(threads: 1),
            random: Random(seed: 1)
        )
        _ = TestRun(runtime: runtime, loop: loop).begin(
            .viewerRequest,
            [attachment],
            heads: Heads()
        )
        let next = TestRun(runtime: runtime, loop: loop)
        _ = next.begin(.viewerRequest, [attachment], heads: Heads())
        runtime.state.stack.push(next.state)
        runtime.state.stack.pushField("out", of: -1)
        let out = runtime.state.stack.string(at: -1)
        #expect(out?.contains("this event is over") ?? false, "\(out ?? "nil")")
    }

    @Test func thePageIsTheOneInTheRepository() {
        let depth = "Tests/EdgeRuntimeTests/Functions/FunctionAPITests.swift".utf8.count
        let path = String(#filePath.utf8.dropLast(depth)).map { $0 + "docs/lua-api.md" } ?? ""
        if getenv("EDGED_WRITE_DOCS") != nil { TestFile.write(path, FunctionReference.page) }
        #expect(TestFile.read(path) == FunctionReference.page)
    }

    @Test func stubsKnowWhatAStageHasNot() throws {
        let stubs = FunctionReference.stubs
        let begin = try #require(stubs.firstRange(of: "---@class edged.viewer_request.event"))
        let end = try #require(stubs.firstRange(of: "---@class edged.origin_request.event"))
        let section = stubs[begin.lowerBound..<end.lowerBound]
        #expect(section.contains("---@field request edged.request"))
        #expect(!section.contains("---@field response"))
        for row in FunctionAPI.rows { #expect(stubs.contains("function edge.\(row.name)(")) }
    }
}
