import Testing

@testable import EdgeRuntime

/// Which facts a stage has, what may be assigned there, and what a function may answer.
@Suite struct EventTests {
    // MARK: Fields by stage

    @Test(arguments: Stage.allCases) func aStageReadsWhatItsRowsSay(_ stage: Stage) throws {
        for field in ViewField.allCases {
            let told = try FunctionProbe.run("local value = \(field.path)", at: stage)
            let isReadable = field.row.readable.contains(stage)
            #expect((told.failure == nil) == isReadable, "\(field.path) in \(stage.name)")
            guard !isReadable else { continue }
            let words = told.failure?.message ?? ""
            #expect(words.contains("does not exist in \(stage.name)"), "\(field.path): \(words)")
        }
    }

    /// A value that the field takes, where any value is taken.
    private func value(_ field: ViewField) -> String {
        switch field {
        case .requestMethod: "'PUT'"
        case .requestPath: "'/x'"
        case .requestQueryString: "'a=1'"
        case .responseStatus: "404"
        case .requestCache: "'pass'"
        case .responseTTL: "60"
        default: "'x'"
        }
    }

    @Test(arguments: Stage.allCases) func aStageAssignsWhatItsRowsSay(_ stage: Stage) throws {
        for field in ViewField.allCases {
            let told = try FunctionProbe.run("\(field.path) = \(value(field))", at: stage)
            let isWritable = field.row.writable.contains(stage)
            #expect((told.failure == nil) == isWritable, "\(field.path) in \(stage.name)")
            guard !isWritable else { continue }
            let words = told.failure?.message ?? ""
            let isTold = words.contains("cannot be assigned") || words.contains("does not exist")
            #expect(isTold, "\(field.path): \(words)")
        }
    }

    @Test func whatCanBeAssignedCanBeRead() {
        for field in ViewField.allCases {
            let row = field.row
            #expect(row.readable.isSuperset(of: row.writable), "\(field.path)")
        }
    }

    @Test(arguments: [
        ("event.request.method = 'GE T'", "method's name"),
        ("event.request.method = 5", "method's name"),
        ("event.request.path = 'x'", "must begin with '/'"),
        ("event.request.path = '/a?b'", "assign the query to query_string"),
        ("event.request.path = '/a b'", "escape it"),
        ("event.request.path = '/a#b'", "escape it"),
        ("event.request.path = '/a\\r\\nb'", "escape it"),
        ("event.request.path = '/' .. ('x'):rep(8192)", "longer than 8192 bytes"),
        ("event.request.query_string = 'a b'", "escape it"),
        ("event.request.query_string = {}", "takes a string or nil"),
        ("event.request.headers.host = 'a b'", "is not a host name"),
        ("event.request.cache = 'skip'", "takes \"pass\" or nil"),
        ("event.request.cache_key = {}", "takes a string or nil"),
        ("event.request.cache_key = ('x'):rep(1025)", "longer than 1024 bytes"),
        ("event.requst = 1", "did you mean 'request'?"),
        ("event.request.headrs.x = 1", "did you mean 'headers'?"),
    ]) func refused(code: String, words: String) throws {
        let told = try FunctionProbe.run(code)
        #expect(told.failure?.message.contains(words) == true, "\(told.failure?.message ?? "")")
    }

    @Test(arguments: ["199", "600", "'x'", "200.5", "nil"]) func noStatus(_ status: String) throws {
        let told = try FunctionProbe.run("event.response.status = \(status)", at: .viewerResponse)
        #expect(told.failure?.kind == .invalid)
    }

    // MARK: Answers

    struct Answer: Sendable, CustomTestStringConvertible {
        var code: String
        var status = 200
        var body = ""
        var fields: [String] = []
        var testDescription: String { code }
    }

    static let answers = [
        Answer(code: "return {}"),
        Answer(code: "return { status = 404 }", status: 404),
        Answer(code: "return { status = 200.0 }"),
        Answer(code: "return { body = 'text' }", body: "text"),
        Answer(code: "return { body = 42 }", body: "42"),
        Answer(code: "return { body = '' , status = 204 }", status: 204),
        Answer(code: "return { status = 304 }", status: 304),
        Answer(code: "return { headers = { b = '2', a = '1' } }", fields: ["a: 1", "b: 2"]),
        Answer(code: "return { headers = { a = { '1', '2' } } }", fields: ["a: 1", "a: 2"]),
        Answer(
            code: "return { headers = { ['set-cookie'] = { 'a=1', 'b=2' } } }",
            fields: ["set-cookie: a=1", "set-cookie: b=2"]
        ),
        Answer(code: "return { headers = { A = 7 } }", fields: ["a: 7"]),
        Answer(code: "return {}, 'more'"),
    ]

    @Test(arguments: answers) func answered(_ row: Answer) throws {
        for stage in Stage.allCases {
            let told = try FunctionProbe.run(row.code, at: stage, response: ["old: field"])
            #expect(told.failure?.message == nil)
            #expect(told.answer == row.body)
            #expect(told.status == row.status)
            #expect(told.response == row.fields)
        }
    }

    @Test(arguments: [
        "", "return", "return nil", "return event", "return event.request", "return nil, {}",
    ])
    func goesOn(_ code: String) throws {
        let told = try FunctionProbe.run(code)
        #expect(told.failure?.message == nil)
        #expect(told.answer == nil)
    }

    @Test(arguments: [
        ("return 7", "it returned number"), ("return 'x'", "it returned string"),
        ("return true", "it returned boolean"), ("return print", "it returned function"),
        ("return edge.json.null()", "no response"),
        ("return { status = 99 }", "200 to 599"), ("return { status = 600 }", "200 to 599"),
        ("return { status = 'x' }", "200 to 599"), ("return { status = 200.5 }", "200 to 599"),
        ("return { body = {} }", "body is not a string"),
        ("return { body = true }", "body is not a string"),
        ("return { status = 204, body = 'x' }", "a 204 has no body"),
        ("return { status = 304, body = 'x' }", "a 304 has no body"),
        ("return { headers = 'x' }", "headers are not a table"),
        ("return { headers = { 'x' } }", "name is not a string"),
        ("return { headers = { ['a b'] = 'x' } }", "is not a field name"),
        ("return { headers = { connection = 'close' } }", "belong to the edge"),
        ("return { headers = { a = 'x\\r\\ny: z' } }", "control character"),
        ("return { headers = { a = true } }", "not a boolean"),
        ("return { stauts = 200 }", "did you mean 'status'?"),
        ("return { 200 }", "there are status, headers, body"),
        ("return { body = ('x'):rep((1 << 20) + 1) }", "functions.limits.response"),
    ]) func noAnswer(code: String, words: String) throws {
        let told = try FunctionProbe.run(code)
        #expect(told.failure?.kind == .invalid)
        #expect(told.failure?.message.contains(words) == true, "\(told.failure?.message ?? "")")
        #expect(told.answer == nil)
    }

    /// What a function tried and caught is no reason to call a later error of its own, or of another request, invalid.
    @Test func anInvalidAssignmentThatWasCaughtIsForgotten() throws {
        let (runtime, attachment) = try TestRun.runtime(
            """
            local calls = 0
            return { viewer_request = function(event)
              calls = calls + 1
              if calls == 2 then error("my own") end
              pcall(function() event.request.headers.connection = "close" end)
            end }
            """
        )
        let run = FunctionProbe(runtime: runtime, loop: try FunctionProbe.loop())
        #expect(run.told(attachment, .viewerRequest, Heads()).failure?.message == nil)
        #expect(run.told(attachment, .viewerRequest, Heads()).failure?.kind == .raised)
    }

    // MARK: Views that were kept

    @Test(arguments: [
        "kept.stage", "kept.request.path", "request.path", "headers.a", "headers:all('a')",
        "pairs(headers)(headers)", "query.a", "cookies.a", "body:read()", "kept.state",
    ]) func aKeptViewShowsNothing(_ code: String) throws {
        let (runtime, attachment) = try TestRun.runtime(
            """
            local kept, request, headers, query, cookies, body
            return { viewer_request = function(event)
              if kept then
                event.state.out = select(2, pcall(function() return \(code) end))
                return
              end
              kept, request = event, event.request
              headers, query, cookies, body = request.headers, request.query, request.cookies, request.body
            end }
            """
        )
        let loop = try FunctionProbe.loop()
        let run = FunctionProbe(runtime: runtime, loop: loop)
        _ = run.told(attachment, .viewerRequest, Heads())
        // The next request has the same place, and the one after it the same object.
        let other = FunctionProbe(runtime: runtime, loop: loop)
        for next in [other, run] {
            let told = next.told(attachment, .viewerRequest, Heads())
            let words = told.out ?? "nil"
            #expect(
                words.contains("this event is over") || words.contains("with a colon"),
                "\(words)"
            )
        }
    }
}
