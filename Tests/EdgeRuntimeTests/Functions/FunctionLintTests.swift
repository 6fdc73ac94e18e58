import Testing

@testable import EdgeRuntime

@Suite struct FunctionLintTests {
    /// `line:column: severity: message — remedy`, of a whole file.
    private func findings(_ text: String) throws -> [String] {
        let chunk = try LuaParser.parse(Array(text.utf8))
        return FunctionLint.check(chunk, path: "f.lua").map {
            String($0.description.dropFirst("f.lua:".utf8.count))
        }
    }

    private func findings(
        _ body: String,
        in stage: String
    ) throws -> [String] {
        try findings("return { \(stage) = function(event)\n\(body)\nend }")
    }

    // MARK: Globals

    @Test(
        arguments: [
            ("nothing()", "2:1: error: undefined global 'nothing'"),
            ("local a = nothing.field", "2:11: error: undefined global 'nothing'"),
            ("nothing:method()", "2:1: error: undefined global 'nothing'"),
            ("local a = nothing", "2:11: warning: undefined global 'nothing'"),
            ("if DEBUG then return end", "2:4: warning: undefined global 'DEBUG'"),
            ("repeat local done = 1 until dnoe", "2:29: warning: undefined global 'dnoe'"),
            ("for i = 1, 2 do end local a = i", "2:31: warning: undefined global 'i'"),
            ("do local b = 1 end local a = b", "2:30: warning: undefined global 'b'"),
            ("local c = c", "2:11: warning: undefined global 'c'"),
            ("Edge.log('x')", "2:1: error: undefined global 'Edge' — did you mean 'edge'?"),
            ("tosrting(1)", "2:1: error: undefined global 'tosrting' — did you mean 'tostring'?"),
            ("local count = 1 local a = conut", "did you mean 'count'?"),
            ("os.time()", "the time is edge.time.now()"),
            ("unpack({})", "in Lua 5.4 it is table.unpack"),
            ("made = 1", "2:1: warning: assigns to the global 'made' — declare it with local"),
            ("string = 1", "2:1: warning: hides the global 'string'"),
            ("function made() end", "2:10: warning: assigns to the global 'made'"),
            ("string.fnd('a', 'b')", "2:8: error: string has no 'fnd' — did you mean 'find'?"),
            ("local f = table.move2", "2:17: warning: table has no 'move2'"),
            ("string.extra = 1", "2:8: error: nothing can be assigned to 'extra' here"),
        ]
    )
    func globalsAreKnown(_ body: String, _ wanted: String) throws {
        let found = try findings(body, in: "viewer_request")
        #expect(found.count == 1 && found.first?.contains(wanted) == true, "\(found)")
    }

    @Test(
        arguments: [
            "made = 1 local a = made return made.field", "function made() end made() made:x()",
            "_ENV.x = 1 return x", "local _ENV = { y = 1 } return y", "_G.z = 1 return z.a",
            "setmetatable(_G, {}) return anything.at.all", "return _G.anything",
            "for k, v in pairs(_G) do end return anything()",
        ]
    )
    func whatAFileMakesItselfIsKnown(_ body: String) throws {
        let found = try findings(body, in: "viewer_request").filter {
            !$0.contains("assigns to the global")
        }
        #expect(found == [])
    }

    @Test func everyNameOfTheSandboxIsKnown() throws {
        for (name, members) in FunctionSandbox.names.sorted(by: { $0.key < $1.key }) {
            #expect(try findings("\(name)()", in: "viewer_request") == [])
            for member in members {
                #expect(try findings("\(name).\(member)()", in: "viewer_request") == [])
            }
        }
        for row in FunctionAPI.rows {
            #expect(try findings("edge.\(row.name)()", in: "viewer_request") == [])
        }
        for method in KeyValueAPI.methods {
            let body = "local s = edge.kv.store('s') s:\(method.name)('k')"
            #expect(try findings(body, in: "viewer_request") == [])
        }
        #expect(FunctionSandbox.names.count > 20, "the sandbox's names were not found")
        #expect(FunctionSandbox.names["string"]?.contains("gsub") == true)
        #expect(FunctionSandbox.names["io"] == nil)
    }

    // MARK: edge

    @Test(
        arguments: [
            ("edge.jso.decode('1')", "2:6: error: edge has no 'jso' — did you mean 'json'?"),
            (
                "edge.json.decod('1')",
                "2:11: error: edge.json has no 'decod' — did you mean 'decode'?"
            ),
            ("edge['lgo']('x')", "2:6: error: edge has no 'lgo' — did you mean 'log'?"),
            ("if edge.later then return end", "2:9: warning: edge has no 'later'"),
            ("local json = edge.json json.encod(1)", "2:29: error: edge.json has no 'encod'"),
            (
                "edge.kv.store('s'):gte('k')",
                "2:20: error: a store has no method 'gte' — did you mean 'get'?"
            ),
            (
                "edge.log = print",
                "2:6: error: nothing can be assigned to 'log' here — it is read-only"
            ),
        ]
    )
    func namesOfEdgeAreKnown(_ body: String, _ wanted: String) throws {
        let found = try findings(body, in: "viewer_request")
        #expect(found.count == 1 && found.first?.contains(wanted) == true, "\(found)")
    }

    // MARK: The event

    @Test(
        arguments: [
            (
                "viewer_request", "local r = event.response",
                "2:17: error: event.response does not exist in viewer_request — it is there in origin_response and viewer_response"
            ),
            (
                "viewer_request", "event.origin = 'b'",
                "2:7: error: event.origin cannot be assigned in viewer_request — do it in origin_request"
            ),
            (
                "viewer_response", "local o = event.origin.name",
                "2:17: error: event.origin does not exist in viewer_response — it is there in origin_request and origin_response"
            ),
            (
                "origin_response", "event.origin = 'b'",
                "2:7: error: event.origin cannot be assigned in origin_response"
            ),
            (
                "viewer_request", "local r = event.reqest",
                "2:17: error: event has no 'reqest' — did you mean 'request'?"
            ),
            ("viewer_request", "event.mine = 1", "2:7: error: event has no 'mine'"),
            (
                "viewer_request", "event.viewer.ip = '1'",
                "2:14: error: event.viewer.ip cannot be assigned — it can only be read"
            ),
            (
                "viewer_request", "event.request = {}",
                "2:7: error: event.request cannot be assigned — assign to the names that it has"
            ),
            (
                "viewer_response", "event.request.path = '/'",
                "2:15: error: event.request.path cannot be assigned in viewer_response — do it in viewer_request and origin_request"
            ),
            (
                "viewer_response", "event.request.headers.x = '1'",
                "2:23: error: request.headers cannot change in viewer_response: it was sent"
            ),
            (
                "viewer_response", "event.request.query:add('a', 'b')",
                "2:21: error: request.query cannot change in viewer_response: it was sent"
            ),
            (
                "viewer_response", "local b = event.request.body",
                "2:25: error: event.request.body does not exist in viewer_response"
            ),
            (
                "viewer_request", "event.request.headers:ad('a', 'b')",
                "2:23: error: request.headers has no method 'ad' — did you mean 'add'?"
            ),
            (
                "viewer_request", "event.request:header('a')",
                "2:15: error: request has no method 'header' — it has no methods"
            ),
            (
                "viewer_request", "local v = event.viewer.tls.verison",
                "2:28: error: viewer.tls has no 'verison' — did you mean 'version'?"
            ),
        ]
    )
    func namesOfAnEventAreThoseOfItsStage(
        _ stage: String,
        _ body: String,
        _ wanted: String
    ) throws {
        let found = try findings(body, in: stage)
        #expect(found.count == 1 && found.first?.contains(wanted) == true, "\(found)")
    }

    @Test func everyFieldIsKnownInItsStagesAndInNoOther() throws {
        for field in ViewField.allCases {
            for stage in Stage.allCases {
                let found = try findings("local a = \(field.path)", in: stage.name)
                #expect(found.isEmpty == field.row.readable.contains(stage), "\(field) \(found)")
                let written = try findings("\(field.path) = a.b", in: stage.name).filter {
                    !$0.contains("undefined")
                }
                let isWritable = field.row.writable.contains(stage)
                #expect(written.isEmpty == isWritable, "\(field) \(stage) \(written)")
            }
        }
    }

    @Test(
        arguments: [
            // Through locals, and functions of the file, whoever hands it on.
            "local function look(e) return e.response end\nlocal function viewer_request(event) return look(event) end\nreturn { viewer_request = viewer_request }",
            "local look\nlocal function viewer_request(event)\nlocal e, other = event, 1\nlocal r = e.response\nend\nreturn { viewer_request = viewer_request }",
            "local function last(e) return e.response end\nlocal function middle(e) last(e) end\nlocal function first(e) middle(e) end\nreturn { viewer_request = function(event) first(event) end }",
            "local M = {}\nfunction M.viewer_request(event) return event.response end\nreturn M",
            "local M = {}\nM.viewer_request = function(event) return event.response end\nreturn M",
            "local M = { viewer_request = function(event) return event.response end }\nreturn M",
            "return { ['viewer_request'] = function(event) edge.defer(function() print(event.response) end) end }",
        ]
    )
    func anEventIsFollowed(_ text: String) throws {
        let found = try findings(text)
        #expect(
            found.count == 1 && found[0].contains("event.response does not exist"),
            "\(found)"
        )
    }

    @Test(
        arguments: [
            // Both kinds of stages call it: it may look which one runs.
            "local function both(e) if e.response then e.response.status = 200 end end\nreturn { viewer_request = both, viewer_response = both }",
            "local function look(e) return e.response end\nreturn { viewer_request = function(e) look(e) end, viewer_response = function(e) look(e) end }",
            // Not the edge's event.
            "local function look(event) return event.anything end\nreturn { viewer_request = function(e) look({ anything = 1 }) end }",
            "return { viewer_request = function(event) event = { response = 1 } return event.response end }",
            "local function look(x) return x.anything end\nreturn { viewer_request = function(e) look(e) look({ anything = 1 }) end }",
            "local function look(x) return x.anything end\nlocal calls = { look }\nreturn { viewer_request = function(e) look(e) calls[1](1) end }",
            "local look = function(x) return x.anything end\nlook = print\nreturn { viewer_request = function(e) look(e) end }",
            "local function wrap(f) return function(event) return f(event) end end\nreturn { viewer_request = wrap(function(event) return event.anything end) }",
            "return { helper = function(event) return event.anything end }",
            "return function(event) return event.anything end",
            "return { viewer_request = function(event) local name = 'x' return event[name] end }",
            "return { viewer_request = function(event) event.state.mine = 1 event.log.mine = 1 return event.options.a.b end }",
            "return { viewer_request = function(event) local t = event.viewer.tls return t and t.version end }",
        ]
    )
    func whatCannotBeFollowedIsLeftAlone(_ text: String) throws {
        #expect(try findings(text) == [])
    }

    // MARK: Headers

    @Test(
        arguments: [
            (
                "event.response.headers['contnet-type'] = 'a'",
                "2:24: warning: the header 'contnet-type' looks like 'content-type' — did you mean 'content-type'?"
            ),
            ("local a = event.response.headers['Content_Type']", "did you mean 'content-type'?"),
            ("event.response.headers.cache_control = 'a'", "did you mean 'cache-control'?"),
            (
                "event.response.headers:add('set-cokie', 'a')",
                "2:28: warning: the header 'set-cokie'"
            ),
            ("event.response.headers:all('varyy')", ""),
            (
                "local h = event.response.headers h['strict-transport-securty'] = 'a'",
                "did you mean 'strict-transport-security'?"
            ),
            (
                "return { status = 200, headers = { ['contetn-type'] = 'a' } }",
                "2:37: warning: the header 'contetn-type'"
            ),
            (
                "return { status = 200, headers = { locaton = 'a' } }",
                "2:36: warning: the header 'locaton'"
            ),
            (
                "event.response.headers['x-frame-option'] = 'DENY'",
                "did you mean 'x-frame-options'?"
            ),
            (
                "event.response.headers['content-length'] = '1'",
                "2:24: error: the header 'content-length': framing and hop-by-hop fields belong to the edge"
            ),
            (
                "event.response.headers.via = nil",
                "2:24: error: the header 'via': the edge keeps it up itself"
            ),
            (
                "event.response.headers['a b'] = '1'",
                "2:24: error: the header 'a b': is not a field name"
            ),
        ]
    )
    func headersLookRight(_ body: String, _ wanted: String) throws {
        let found = try findings(body, in: "viewer_response")
        #expect(found.count == (wanted.isEmpty ? 0 : 1), "\(found)")
        #expect(wanted.isEmpty || found.first?.contains(wanted) == true, "\(found)")
    }

    @Test func noFieldLooksLikeAnother() {
        for name in HeaderName.allCases where name != .other {
            #expect(LintNames.misspelt(Array("\(name.canonical)".utf8)) == nil)
        }
        let own = [
            "x-device", "x-stage", "x-user", "x-real-id", "x-cached", "x-tenant", "x-api-key",
            "x-edge-ip", "tag", "dates", "hosts", "session", "x-forwarded-path", "sec-ch-ua-model",
            "x-forwarded-by", "x-request-start", "content-version", "cf-ray", "fastly-client-ip",
        ]
        for name in own { #expect(LintNames.misspelt(Array(name.utf8)) == nil, "\(name)") }
    }

    // MARK: Nothing that is right

    @Test(arguments: ["functions", "examples/quickstart/functions", "Tests/Fixtures/functions"])
    func whatShipsHasNoFindings(_ folder: String) throws {
        let files = ConfigReader.files(matching: Fixtures.path("../../\(folder)/*.lua")).filter {
            !$0.hasSuffix(".test.lua")
        }
        #expect(!files.isEmpty)
        for file in files {
            let bytes = try ConfigReader.read(file, bytesMax: 1 << 20).get()
            let found = FunctionLint.check(try LuaParser.parse(bytes), path: file)
            #expect(found.map(\.description) == [])
        }
    }

    /// Every snippet of a page that is a file of handlers.
    @Test(arguments: ["README.md", "docs/functions.md"])
    func whatPagesShowHasNoFindings(_ page: String) throws {
        let bytes = try ConfigReader.read(Fixtures.path("../../\(page)"), bytesMax: 1 << 20).get()
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: "```")
        let snippets = parts.filter { $0.hasPrefix("lua\n") && $0.contains("(event)") }
        #expect(!snippets.isEmpty)
        for snippet in snippets { #expect(try findings(String(snippet.dropFirst(4))) == []) }
    }

    /// A long chain of calls is followed, one that is longer than the bound is left alone, and both end.
    @Test(arguments: [(20, 1), (200, 0)])
    func theWalksAreBounded(_ length: Int, _ count: Int) throws {
        var text = "local function f0(e) return e.response end\n"
        for index in 1..<length {
            text += "local function f\(index)(e) return f\(index - 1)(e) end\n"
        }
        text += "return { viewer_request = function(event) f\(length - 1)(event) end }"
        #expect(try findings(text).count == count)
    }
}
