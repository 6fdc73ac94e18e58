import Testing

@testable import EdgeRuntime

/// The maps of an event: what reading shows, what assigning does to the head, and what is refused with which words.
@Suite struct EventMapTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var before: [String]
        var code: String
        var after: [String]
        var out: String?

        init(_ before: [String], _ code: String, _ after: [String]? = nil, out: String? = nil) {
            self.before = before
            self.code = code
            self.after = after ?? before.map(Self.spelled)
            self.out = out
        }

        var testDescription: String { code }

        /// As the probe tells it: names in small letters.
        private static func spelled(_ line: String) -> String {
            let name = line.prefix { $0 != ":" }
            return name.lowercased() + line.dropFirst(name.count)
        }
    }

    private static let repeated = ["a: 1", "b: 2", "A: 3"]

    // MARK: Header fields

    static let headers = [
        Row(["a: 1", "a: 2"], "out = h.A", out: "1, 2"),
        Row(["a: 1"], "out = tostring(h.b)", out: "nil"),
        Row(["a: 1"], "out = tostring(h[1])", out: "nil"),
        Row(["accept: x"], "out = h.ACCEPT", out: "x"),
        Row(repeated, "out = table.concat(h:all('a'), '|')", out: "1|3"),
        Row(repeated, "out = #h:all('none')", out: "0"),
        Row(
            repeated,
            "out = '' for n, v in pairs(h) do out = out .. n .. '=' .. v .. ' ' end",
            out: "a=1, 3 b=2 "
        ),
        Row(repeated, "h.a = 'x'", ["a: x", "b: 2"]),
        Row(repeated, "h.A = 7", ["a: 7", "b: 2"]),
        Row(repeated, "h.a = 1.5", ["a: 1.5", "b: 2"]),
        Row(repeated, "h.a = nil", ["b: 2"]),
        Row(repeated, "h.a = { 'x', 'y' }", ["b: 2", "a: x", "a: y"]),
        Row(repeated, "h:add('a', 'x')", ["a: 1", "b: 2", "a: 3", "a: x"]),
        Row(repeated, "h.c = 'new'", ["a: 1", "b: 2", "a: 3", "c: new"]),
        Row(repeated, "h.c = nil"),
        Row([], "h.a = ''", ["a: "]),
        Row([], "h.a = 'x\\ty'", ["a: x\ty"]),
        Row([], "h.a = '\\xC3\\xA9'", ["a: é"]),
        Row([], "h.a = ('v'):rep(16384)", ["a: " + String(repeating: "v", count: 16384)]),
    ]

    @Test(arguments: headers) func requestFields(_ row: Row) throws {
        let told = try FunctionProbe.run(
            "local h, out = event.request.headers\n\(row.code)\nevent.state.out = out",
            request: row.before
        )
        #expect(told.failure?.message == nil)
        #expect(told.request == row.after)
        #expect(told.out == row.out)
    }

    @Test(arguments: headers) func responseFields(_ row: Row) throws {
        let told = try FunctionProbe.run(
            "local h, out = event.response.headers\n\(row.code)\nevent.state.out = out",
            at: .viewerResponse,
            response: row.before
        )
        #expect(told.failure?.message == nil)
        #expect(told.response == row.after)
        #expect(told.out == row.out)
    }

    private static let faults: [(code: String, words: String)] = [
        ("h[''] = 'x'", "is not a field name"),
        ("h['a b'] = 'x'", "is not a field name"),
        ("h['a:'] = 'x'", "is not a field name"),
        ("h[1] = 'x'", "a name is a string"),
        ("h.a = 'x\\r\\nb: y'", "control character"),
        ("h.a = 'x\\ny'", "control character"),
        ("h.a = 'x\\0y'", "control character"),
        ("h.a = 'x\\127y'", "control character"),
        ("h.a = ' x'", "blank"),
        ("h.a = 'x\\t'", "blank"),
        ("h.a = ('v'):rep(16385)", "longer than 16384 bytes"),
        ("h.a = true", "not a boolean"),
        ("h.a = print", "not a function"),
        ("h.a = {}", "list of 1 to"),
        ("h.a = { {} }", "takes a list of strings"),
        ("h.a = { 'x', 'y\\n' }", "control character"),
        ("local l = {} for i = 1, 129 do l[i] = 'x' end h.a = l", "list of 1 to 128"),
    ]
    private static let ours: [(code: String, words: String)] = [
        "connection", "content-length", "transfer-encoding", "keep-alive", "te", "trailer",
        "upgrade", "proxy-connection", "expect",
        "proxy-authenticate", "proxy-authorization",
    ].map { (code: "h['\($0)'] = '1'", words: "belong to the edge") }
    private static let told: [(code: String, words: String)] = [
        "h['X-Cache'] = 'mine'", "h['x-edge-id'] = 'x'", "h:add('X-Edge-Any', 'x')",
    ].map { (code: $0, words: "only the edge sets it") }
    private static let kept: [(code: String, words: String)] = ["via", "cdn-loop"].map {
        (code: "h['\($0)'] = nil", words: "keeps it up itself")
    }
    private static let full =
        "local l = {} for i = 1, 128 do l[i] = 'x' end for i = 1, 9 do h['a' .. i] = l end"
    private static let crowded: [(code: String, words: String)] = [
        "h:add('b', 'x')", "h.b = 'x'", "h.b = l",
    ].map { (code: "\(full) \($0)", words: "too many fields") }
    static let refusedHeaders = faults + ours + told + kept + crowded

    @Test(arguments: refusedHeaders) func refusedFields(code: String, words: String) throws {
        for (name, stage) in [("request", Stage.viewerRequest), ("response", .originResponse)] {
            let told = try FunctionProbe.run("local h = event.\(name).headers \(code)", at: stage)
            let failure = try #require(told.failure, "\(code) at \(name)")
            #expect(failure.kind == .invalid)
            #expect(failure.message.contains(words), "\(failure.message)")
        }
    }

    /// What is refused has not happened, whoever catches the error.
    @Test func refusedAssignmentsLeaveAllAsItWas() throws {
        let fields = ["host: a.example", "b: 1", "b: 2", "cookie: a=1; flag; c=\"x\""]
        for code in [
            "event.request.headers.host = 'a b'", "event.request.query.a = ('v'):rep(9000)",
            "event.request.headers.b = { 'x', 'y\\n' }", "event.request.method = 'CONNECT'",
        ] {
            let told = try FunctionProbe.run(
                """
                local caught = pcall(function() \(code) end)
                event.state.out = tostring(caught) .. event.request.method
                """,
                request: fields,
                query: "a=1"
            )
            #expect(told.failure?.message == nil)
            #expect(told.out == "falseGET", "\(code)")
            #expect(told.query == "a=1", "\(code)")
            #expect(told.request == fields, "\(code)")
        }
    }

    @Test func anErrorAfterACaughtOneIsTheFunctionsOwn() throws {
        let caught = "local good, why = pcall(function() event.request.method = {} end)"
        #expect(try FunctionProbe.run("\(caught) error('genuine')").failure?.kind == .raised)
        #expect(try FunctionProbe.run("\(caught) error(why)").failure?.kind == .invalid)
        #expect(try FunctionProbe.run("\(caught) error(why, 0)").failure?.kind == .invalid)
    }

    @Test func anErrorThatIsNoTextIsShown() throws {
        let told = try FunctionProbe.run("error('no item caf\\xE9')")
        #expect(told.failure?.message.hasSuffix("no item caf\\xE9") == true)
    }

    @Test func oneCookieLeavesTheOthersAsTheyWere() throws {
        for (code, expected) in [
            ("event.request.cookies.gone = nil", ["cookie: a=1; flag; c=\"x\"", "cookie: z= 9"]),
            (
                "event.request.cookies.gone = 'n'",
                ["cookie: a=1; flag; gone=n; c=\"x\"", "cookie: z= 9"]
            ),
            ("event.request.cookies.z = nil", ["cookie: a=1;flag;gone=1; c=\"x\""]),
            (
                "event.request.cookies.new = '1'",
                ["cookie: a=1;flag;gone=1; c=\"x\"", "cookie: z= 9; new=1"]
            ),
        ] {
            let told = try FunctionProbe.run(
                code,
                request: ["cookie: a=1;flag;gone=1; c=\"x\"", "cookie: z= 9"]
            )
            #expect(told.failure?.message == nil)
            #expect(told.request == expected, "\(code)")
        }
    }

    /// Cubic before: 4000 arguments would take minutes.
    @Test func walksOverManyNamesAreLinear() throws {
        let names = (0..<1000).map { "\($0)=" }
        let query = try FunctionProbe.run(
            "local n = 0 for k, v in pairs(event.request.query) do n = n + 1 end event.state.out = n",
            query: (names + names).joined(separator: "&")
        )
        #expect(query.failure?.message == nil)
        #expect(query.out == "1000")
        let cookies = try FunctionProbe.run(
            """
            local n = 0
            for k, v in pairs(event.request.cookies) do
              n = n + 1
              for _ in pairs(event.request.query) do end
            end
            event.state.out = n
            """,
            request: ["cookie: \(names.joined(separator: ";"))"],
            query: "a=1"
        )
        #expect(cookies.failure?.message == nil)
        #expect(cookies.out == "1000")
    }

    @Test func whatWasSentDoesNotChange() throws {
        for code in [
            "event.request.headers.a = '1'", "event.request.headers:add('a', '1')",
            "event.request.query.a = '1'", "event.request.query:add('a', '1')",
            "event.request.cookies.a = '1'", "event.request.method = 'GET'",
        ] {
            for stage in [Stage.originResponse, .viewerResponse] {
                let told = try FunctionProbe.run(code, at: stage)
                #expect(told.failure?.kind == .invalid, "\(code)")
                #expect(told.failure?.message.contains("cannot") == true, "\(code)")
            }
        }
    }

    // MARK: The query

    static let queries = [
        Row(["a=1&b=2&a=3"], "out = q.a", out: "1"),
        Row(["a=1+2%26"], "out = q.a", out: "1 2&"),
        Row(["%61=1"], "out = q.a", out: "1"),
        Row(["a"], "out = q.a", out: ""),
        Row(["a=1"], "out = tostring(q.b)", out: "nil"),
        Row(["a=1&b=2&a=3"], "out = table.concat(q:all('a'), '|')", out: "1|3"),
        Row(
            ["a=1&b=2&a=3"],
            "out = '' for n, v in pairs(q) do out = out .. n .. v end",
            out: "a1b2"
        ),
        Row(["x=%2f&a=1&y&a=3"], "q.a = 'n w'", ["x=%2f&a=n+w&y"]),
        Row(["a=1&b=2"], "q.a = nil", ["b=2"]),
        Row(["a=1"], "q.a = nil", []),
        Row(["a=1&b=2"], "q.a = { '3', '4' }", ["a=3&a=4&b=2"]),
        Row(["a=1"], "q.a = {}", []),
        Row(["a=1"], "q.b = 7", ["a=1&b=7"]),
        Row([], "q.b = '&='", ["b=%26%3D"]),
        Row(["a=1"], "q:add('a', '2')", ["a=1&a=2"]),
    ]

    @Test(arguments: queries) func arguments(_ row: Row) throws {
        let told = try FunctionProbe.run(
            "local q, out = event.request.query\n\(row.code)\nevent.state.out = out",
            query: row.before.first
        )
        #expect(told.failure?.message == nil)
        #expect(told.query == row.after.first)
        #expect(told.out == row.out)
    }

    @Test(arguments: [
        ("q.a = true", "takes a string"), ("q.a = { {} }", "list of strings"),
        ("q.a = ('x'):rep(9000)", "too long"), ("q:add('a', ('x'):rep(9000))", "too long"),
    ]) func refusedArguments(code: String, words: String) throws {
        let told = try FunctionProbe.run("local q = event.request.query \(code)")
        #expect(told.failure?.kind == .invalid)
        #expect(told.failure?.message.contains(words) == true, "\(told.failure?.message ?? "")")
    }

    // MARK: Cookies

    static let cookies = [
        Row(["cookie: a=1; b=2; a=3"], "out = c.a", out: "1"),
        Row(["cookie: a=1", "cookie: b=2"], "out = c.b", out: "2"),
        Row(["cookie: A=1"], "out = tostring(c.a)", out: "nil"),
        Row(["cookie: a=1; b=2; a=3"], "out = table.concat(c:all('a'), '|')", out: "1|3"),
        Row(
            ["cookie: a=1; b=2"],
            "out = '' for n, v in pairs(c) do out = out .. n .. v end",
            out: "a1b2"
        ),
        Row(["cookie: a=1; b=2; a=3"], "c.a = 'x'", ["cookie: a=x; b=2"]),
        Row(["cookie: a=1; b=2"], "c.a = nil", ["cookie: b=2"]),
        Row(["cookie: a=1"], "c.a = nil", []),
        Row(["cookie: a=1"], "c.b = 'x'", ["cookie: a=1; b=x"]),
        Row([], "c.b = 5", ["cookie: b=5"]),
    ]

    @Test(arguments: cookies) func requestCookies(_ row: Row) throws {
        let told = try FunctionProbe.run(
            "local c, out = event.request.cookies\n\(row.code)\nevent.state.out = out",
            request: row.before
        )
        #expect(told.failure?.message == nil)
        #expect(told.request == row.after)
        #expect(told.out == row.out)
    }

    static let setCookies = [
        Row(["set-cookie: a=1; Path=/"], "out = c.a", out: "1"),
        Row(["set-cookie: a=1"], "out = tostring(c.b)", out: "nil"),
        Row(
            ["set-cookie: a=1; Path=/", "set-cookie: b=2"],
            "c.a = 'x'",
            ["set-cookie: b=2", "set-cookie: a=x"]
        ),
        Row(["set-cookie: a=1"], "c.a = nil", []),
        Row(
            [],
            "c.a = { value = 'x', path = '/', domain = 'example.com', max_age = 60, same_site = 'lax', secure = true, http_only = true }",
            [
                "set-cookie: a=x; Max-Age=60; Domain=example.com; Path=/; Secure; HttpOnly; SameSite=Lax"
            ]
        ),
        Row(
            ["set-cookie: a=1"],
            "out = table.concat(event.response.headers:all('set-cookie'))",
            out: "a=1"
        ),
    ]

    @Test(arguments: setCookies) func responseCookies(_ row: Row) throws {
        let told = try FunctionProbe.run(
            "local c, out = event.response.cookies\n\(row.code)\nevent.state.out = out",
            at: .viewerResponse,
            response: row.before
        )
        #expect(told.failure?.message == nil)
        #expect(told.response.map(Self.sorted) == row.after.map(Self.sorted))
        #expect(told.out == row.out)
    }

    /// The order of attributes means nothing.
    private static func sorted(_ line: String) -> [String] {
        line.split(separator: ";").map { String($0.drop { $0 == " " }) }.sorted()
    }

    @Test(arguments: [
        ("request.cookies['a b'] = '1'", "not a cookie's name"),
        ("request.cookies.a = '1;b=2'", "no cookie may have"),
        ("request.cookies.a = '1 2'", "no cookie may have"),
        ("request.cookies.a = true", "takes a string or nil"),
    ]) func refusedRequestCookies(code: String, words: String) throws {
        let told = try FunctionProbe.run("event.\(code)")
        #expect(told.failure?.kind == .invalid)
        #expect(told.failure?.message.contains(words) == true, "\(told.failure?.message ?? "")")
    }

    @Test(arguments: [
        ("response.cookies[''] = '1'", "not a cookie's name"),
        ("response.cookies.a = '1; Path=/'", "no browser would keep it"),
        ("response.cookies.a = { path = '/' }", "needs a value"),
        ("response.cookies.a = { value = '1', pth = '/' }", "did you mean 'path'?"),
        ("response.cookies.a = { value = '1', same_site = 'Some' }", "Strict, Lax or None"),
        ("response.cookies.a = true", "takes a string, a table or nil"),
        ("state.out = event.response.headers['set-cookie']", "cannot be joined"),
    ]) func refusedResponseCookies(code: String, words: String) throws {
        let told = try FunctionProbe.run(
            "event.\(code)",
            at: .viewerResponse,
            response: ["set-cookie: z=1"]
        )
        #expect(told.failure?.message.contains(words) == true, "\(told.failure?.message ?? "")")
    }
}
