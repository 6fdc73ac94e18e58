import Testing

@testable import EdgeRuntime

@Suite struct OriginRequestFieldsTests {
    private func apply(
        _ policy: OriginRequestPolicy,
        _ lines: [String],
        query: String? = nil,
        headers: [(String, String)] = [],
        prefix: String = ""
    ) throws -> TestHead {
        let test = TestHead(.get, lines, host: "viewer.example")
        if let query { test.head.query = test.arena.append(Array(query.utf8).span) }
        try OriginRequestFields.filter(
            policy,
            authority: test.arena.append("origin.example:8443"),
            of: &test.head,
            in: test.arena
        )
        try OriginRequestFields.complete(
            &test.head,
            headers: headers.map {
                OriginHeader(
                    name: Array($0.0.utf8),
                    value: Secret(name: nil, value: Array($0.1.utf8))
                )
            },
            pathPrefix: test.arena.append(Array(prefix.utf8).span),
            in: test.arena
        )
        return test
    }

    private func policy(
        _ headers: NameFilter = .all,
        cookies: NameFilter = .all,
        query: NameFilter = .all,
        host: Bool = false
    ) -> OriginRequestPolicy {
        OriginRequestPolicy(headers: headers, cookies: cookies, query: query, forwardsHost: host)
    }

    @Test func whatNoViewerMaySayIsRemoved() throws {
        let test = try apply(
            .all,
            [
                "X-Edge-Id: 1", "x-edge-key: 2", "Proxy-Authorization: 3", "Proxy-Foo: 4",
                "Proxy: 5", "X-Real-IP: 6", "X-HTTP-Method-Override: PUT", "Accept: a",
                "User-Agent: curl",
            ]
        )
        #expect(test.lines == ["Accept: a", "User-Agent: curl", "Host: origin.example:8443"])
    }

    @Test func listsChooseFieldsAndKeepWhatARequestNeeds() throws {
        let lines = [
            "Accept: a", "X-One: 1", "Range: bytes=0-1", "Content-Type: t", "User-Agent: curl",
        ]
        let only = try apply(policy(.only(.fields(["x-one"]))), lines)
        #expect(
            only.lines == [
                "X-One: 1", "Range: bytes=0-1", "Content-Type: t", "User-Agent: edge",
                "Host: origin.example:8443",
            ]
        )
        let none = try apply(policy(.none), ["X-One: 1", "Authorization: b"])
        #expect(none.lines == ["Host: origin.example:8443"])
        let except = try apply(policy(.except(.fields(["x-one"]))), lines)
        #expect(except.value(.accept) == "a" && except.value(.userAgent) == "curl")
        #expect(!except.lines.contains("X-One: 1"))
    }

    @Test(
        arguments: [
            ("a=1; b=2; c=3", "b=2"), ("b=2", "b=2"), ("a=1", nil), ("b; B=1;b=x=y", "b; b=x=y"),
            ("", nil),
        ] as [(String, String?)]
    )
    func cookiesAreChosenByName(cookie: String, expected: String?) throws {
        let only = NameFilter.only(NameSet(["b"], isCaseSensitive: true))
        let test = try apply(policy(cookies: only), ["Cookie: \(cookie)"])
        #expect(test.value(.cookie) == expected)
    }

    @Test(
        arguments: [
            ("a=1&b=2&c=3", "b=2"), ("a=1", nil), ("b=1&b=2&&a", "b=1&b=2"), ("b", "b"), ("", nil),
        ] as [(String, String?)]
    )
    func argumentsAreChosenByName(query: String, expected: String?) throws {
        let only = NameFilter.only(NameSet(["b"], isCaseSensitive: true))
        let test = try apply(policy(query: only), [], query: query)
        let rest = test.head.query
        guard let rest else {
            #expect(expected == nil)
            return
        }
        #expect(test.text(rest) == expected)
    }

    @Test func aWholeQueryIsLeftAlone() throws {
        let test = try apply(.all, [], query: "b=1&&a=%20&")
        let query = test.head.query
        let rest = try #require(query)
        #expect(test.text(rest) == "b=1&&a=%20&")
    }

    @Test func hostIsTheOriginsUnlessThePolicySaysOtherwise() throws {
        let own = try apply(.all, ["Host: viewer.example"])
        #expect(own.lines == ["Host: origin.example:8443"])
        let forwarded = try apply(policy(host: true), ["Host: viewer.example"])
        #expect(forwarded.lines == ["Host: viewer.example"])
    }

    @Test func theOperatorsFieldsOverwrite() throws {
        let test = try apply(
            .all,
            ["X-Edge-Key: stolen", "X-Key: a", "x-key: b", "Authorization: c"],
            headers: [("x-edge-key", "real"), ("x-key", "k"), ("authorization", "d")]
        )
        #expect(
            test.lines == [
                "Host: origin.example:8443", "x-edge-key: real", "x-key: k", "Authorization: d",
            ]
        )
    }

    @Test func theOriginsPathComesFirst() throws {
        let test = try apply(.all, [], prefix: "/v2")
        #expect(test.text(test.head.path) == "/v2/")
    }
}
