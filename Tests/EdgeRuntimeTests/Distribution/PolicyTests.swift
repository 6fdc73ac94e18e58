import Testing

@testable import EdgeRuntime

@Suite struct PolicyTests {
    @Test(arguments: [
        ("GET", true, true, true), ("HEAD", true, true, true), ("OPTIONS", false, true, true),
        ("POST", false, false, true), ("PUT", false, false, true), ("PATCH", false, false, true),
        ("DELETE", false, false, true), ("TRACE", false, false, false),
        ("get", false, false, false),
        ("CONNECT", false, false, false), ("", false, false, false), ("QUERY", false, false, false),
    ])
    func methods(name: String, read: Bool, options: Bool, all: Bool) {
        let bytes = Array(name.utf8)
        #expect(MethodSet.read.allows(bytes.span) == read)
        #expect(MethodSet.readAndOptions.allows(bytes.span) == options)
        #expect(MethodSet.all.allows(bytes.span) == all)
    }

    @Test func nameSetsCompareAsTheirKindDoes() {
        let fields = NameSet.fields(["Authorization", "x-key"])
        let cookies = NameSet(["Session"], isCaseSensitive: true)
        for (name, isField, isCookie) in [
            ("authorization", true, false), ("X-KEY", true, false), ("x-kez", false, false),
            ("Session", false, true), ("session", false, false), ("", false, false),
        ] {
            #expect(fields.contains(name) == isField)
            #expect(cookies.contains(name) == isCookie)
        }
        let long = String(repeating: "n", count: 80)
        let set = NameSet.fields([long])
        #expect(set.contains(long))
        #expect(!set.contains(String(repeating: "n", count: 81)))
    }

    @Test func essentialFieldsPassEveryPolicyThatDoesNotNameThem() {
        let none = OriginRequestPolicy(
            headers: .none,
            cookies: .none,
            query: .none,
            forwardsHost: false
        )
        let except = OriginRequestPolicy(
            headers: .except(.fields(["range"])),
            cookies: .except(NameSet(["a"], isCaseSensitive: true)),
            query: .only(NameSet(["q"], isCaseSensitive: true)),
            forwardsHost: false
        )
        for (name, byNone, byExcept) in [
            ("Content-Type", true, true), ("Range", true, false), ("Authorization", false, true),
        ] {
            #expect(none.keepsHeader(name) == byNone)
            #expect(except.keepsHeader(name) == byExcept)
        }
        for (name, cookie, query) in [("a", false, false), ("q", true, true), ("b", true, false)] {
            #expect(except.keepsCookie(name) == cookie)
            #expect(except.keepsQueryName(name) == query)
        }
        #expect(OriginRequestPolicy.all.keepsWholeQuery)
        #expect(!except.keepsAllCookies)
    }

    @Test func unionsFollowTheContract() {
        func set(_ names: String...) -> NameSet { NameSet(names, isCaseSensitive: true) }
        func kept(_ filter: NameFilter) -> [String] {
            ["a", "b", "c"].filter { filter.keeps($0.utf8.span) }
        }
        let table: [(NameFilter, NameFilter, [String])] = [
            (.none, .none, []), (.none, .only(set("a")), ["a"]), (.all, .none, ["a", "b", "c"]),
            (.only(set("a")), .only(set("b")), ["a", "b"]),
            (.only(set("a")), .except(set("a", "b")), ["a", "c"]),
            (.except(set("a", "b")), .except(set("b", "c")), ["a", "c"]),
            (.except(set("a")), .all, ["a", "b", "c"]),
        ]
        for (left, right, expected) in table {
            #expect(kept(left.union(right, isCaseSensitive: true)) == expected)
            #expect(kept(right.union(left, isCaseSensitive: true)) == expected)
        }
    }

    @Test(arguments: [
        ("https://app.example.com", CORSPolicy.Decision.echo), ("https://x.example.org", .echo),
        ("https://a.b.example.org", .echo), ("https://.example.org", .refuse),
        ("https://example.org", .refuse), ("http://x.example.org", .refuse),
        ("https://evil.com/.example.org", .refuse), ("https://evil.com:1.example.org", .refuse),
        ("https://app.example.com.evil", .refuse), ("null", .refuse), ("", .refuse),
    ])
    func corsOrigins(origin: String, decision: CORSPolicy.Decision) {
        let policy = CORSPolicy(
            origins: [
                .exact(Array("https://app.example.com".utf8)),
                .wildcard(before: Array("https://".utf8), after: Array(".example.org".utf8)),
            ],
            allowsCredentials: false,
            overrides: true
        )
        #expect(policy.decide(origin: origin) == decision)
    }

    @Test func anyOriginIsNamedOnceCredentialsAreAllowed() {
        var policy = CORSPolicy(origins: [.any], allowsCredentials: false, overrides: true)
        #expect(policy.decide(origin: "https://a.example") == .any)
        policy.allowsCredentials = true
        #expect(policy.decide(origin: "https://a.example") == .echo)
    }

    @Test func deniedAddressesStayOutWhateverAllowsThem() {
        var rule = AccessRule()
        #expect(rule.admits(.loopbackIPv4))
        rule.allowAddresses = [AddressPrefix("10.0.0.0/8")!]
        rule.denyAddresses = [AddressPrefix("10.1.0.0/16")!]
        #expect(rule.admits(IPAddress("10.2.0.1")!))
        #expect(!rule.admits(IPAddress("10.1.0.1")!))
        #expect(!rule.admits(.loopbackIPv6))
    }
}
