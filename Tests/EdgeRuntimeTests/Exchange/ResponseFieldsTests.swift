import Testing

@testable import EdgeRuntime

@Suite struct ResponseFieldsTests {
    private func cors(
        _ origins: [CORSPolicy.AllowedOrigin],
        credentials: Bool = false,
        overrides: Bool = true
    ) -> CORSPolicy {
        CORSPolicy(
            origins: origins,
            methods: Array("GET, PUT".utf8),
            headers: Array("*".utf8),
            exposes: Array("ETag".utf8),
            allowsCredentials: credentials,
            maxAge: Array("600".utf8),
            overrides: overrides
        )
    }

    private func apply(
        _ policy: HeaderPolicy,
        _ lines: [String],
        request: [String] = [],
        method: EdgeRuntime.Method = .get
    ) throws -> [String] {
        // One arena for both heads, as in an exchange.
        let test = TestHead(method, request)
        let facts = ResponseFields.Request(test.head)
        test.head.fields.reset()
        for line in lines { test.add(line) }
        try ResponseFields.apply(policy, request: facts, to: &test.head.fields, in: test.arena)
        return test.lines
    }

    private let app: CORSPolicy.AllowedOrigin = .exact(Array("https://app.example".utf8))

    @Test func removingComesBeforeAdding() throws {
        let policy = HeaderPolicy(
            removes: .fields(["server", "x-powered-by", "x-a"]),
            cors: nil,
            fields: [
                .init("x-a", "ours"), .init("x-b", "ours", overrides: false),
                .init("x-c", "ours", overrides: false), .init("x-frame-options", "DENY"),
            ]
        )
        let lines = [
            "Server: nginx", "X-Powered-By: php", "X-A: theirs", "X-B: theirs",
            "X-Frame-Options: SAMEORIGIN", "x-frame-options: ALLOW",
        ]
        #expect(
            try apply(policy, lines) == [
                "X-B: theirs", "x-a: ours", "x-c: ours", "X-Frame-Options: DENY",
            ]
        )
    }

    @Test func corsIsForCorsRequests() throws {
        let policy = HeaderPolicy(removes: .empty, cors: cors([app]), fields: [])
        #expect(try apply(policy, []) == ["Vary: Origin"])
        #expect(
            try apply(policy, [], request: ["Origin: https://app.example"]) == [
                "Vary: Origin", "Access-Control-Allow-Origin: https://app.example",
                "Access-Control-Expose-Headers: ETag",
            ]
        )
        #expect(
            try apply(policy, ["Vary: Accept, origin"], request: ["Origin: https://evil.example"])
                == ["Vary: Accept, origin"]
        )
    }

    @Test func preflightsSayWhatIsAllowed() throws {
        let policy = HeaderPolicy(
            removes: .empty,
            cors: cors([.any], credentials: true),
            fields: []
        )
        let request = [
            "Origin: https://x.example", "Access-Control-Request-Method: PUT",
            "Access-Control-Request-Headers: x-a, x-b",
        ]
        #expect(
            try apply(policy, [], request: request, method: .options) == [
                "Vary: Origin", "Access-Control-Allow-Origin: https://x.example",
                "Access-Control-Allow-Credentials: true",
                "Access-Control-Allow-Methods: GET, PUT",
                "Access-Control-Allow-Headers: x-a, x-b", "Access-Control-Max-Age: 600",
            ]
        )
        let plain = HeaderPolicy(removes: .empty, cors: cors([.any]), fields: [])
        #expect(
            try apply(plain, [], request: request) == [
                "Access-Control-Allow-Origin: *", "Access-Control-Expose-Headers: ETag",
            ]
        )
    }

    @Test func theOriginsOwnAnswerStaysWithoutOverride() throws {
        let origin = ["Access-Control-Allow-Origin: https://other.example"]
        let request = ["Origin: https://app.example"]
        let keeps = HeaderPolicy(removes: .empty, cors: cors([app], overrides: false), fields: [])
        #expect(try apply(keeps, origin, request: request) == origin)
        let replaces = HeaderPolicy(removes: .empty, cors: cors([app]), fields: [])
        #expect(
            try apply(replaces, origin, request: request) == [
                "Vary: Origin", "Access-Control-Allow-Origin: https://app.example",
                "Access-Control-Expose-Headers: ETag",
            ]
        )
    }
}

@Suite struct EdgeErrorPageTests {
    @Test(
        arguments: [
            ("", EdgeErrorPage.Form.html), ("*/*", .html), ("application/json", .json),
            ("text/plain", .plain), ("text/html,application/xhtml+xml,*/*;q=0.8", .html),
            ("application/json, text/html;q=0.9", .json), ("text/*", .html),
            ("application/*", .json),
            ("text/html;q=0, */*", .json), ("image/png", .html), ("nonsense", .html),
            ("application/problem+json", .json), ("text/plain;q=0.5, text/html;q=0.4", .plain),
        ]
    )
    func acceptChoosesTheForm(accept: String, form: EdgeErrorPage.Form) {
        #expect(EdgeErrorPage.form(accept: accept.utf8.span) == form)
    }

    private func render(_ form: EdgeErrorPage.Form, _ id: String) -> String {
        let arena = Arena()
        let error = EdgeError.originRefused
        let slice = EdgeErrorPage.render(
            form,
            status: error.status,
            word: error.word,
            requestID: id.utf8.span,
            into: arena
        )
        return arena[slice].text
    }

    @Test func thePageSaysStatusReasonAndId() {
        for form in EdgeErrorPage.Form.allCases {
            let page = render(form, "abc123==")
            #expect(page.contains("502"))
            #expect(page.contains("origin_refused"))
            #expect(page.contains("edge (edged)"))
            #expect(page.contains("abc123=="))
        }
        #expect(render(.html, "a").contains("<h1>502 ERROR</h1>"))
        #expect(
            render(.json, "a")
                == "{\"status\":502,\"error\":\"origin_refused\",\"message\":\"Bad Gateway\","
                + "\"generated_by\":\"edge (edged)\",\"request_id\":\"a\"}\n"
        )
    }

    @Test func anIdCannotSpeakHTMLOrJSON() {
        #expect(!render(.html, "<script>&\"'").contains("<script"))
        #expect(render(.json, "\"},\u{1}\\").contains("\"request_id\":\"_____\""))
    }
}
