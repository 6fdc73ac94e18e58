import Testing

@testable import EdgeRuntime

@Suite struct CacheKeyTests {
    private static let secret = CacheSecret([UInt8](repeating: 7, count: 16).span)

    /// One request as the builder gets it.
    struct Case: Sendable {
        var distribution = "shop"
        var method = EdgeRuntime.Method.get
        var path = "/a"
        var query: String?
        var lines: [String] = []
        var encoding = NormalizedEncoding.none
        var own: String?
    }

    private func key(
        _ given: Case,
        _ rule: KeyRule = KeyRule(),
        secret: CacheSecret = Self.secret
    ) -> CacheKey {
        let message = TestHead(given.method, given.lines)
        let arena = message.arena
        func slice(_ text: String) -> Slice { arena.append(array: Array(text.utf8)) }
        var cache = CacheRule()
        cache.key = rule
        return CacheKeyBuilder.key(
            distribution: Array(given.distribution.utf8).span,
            request: message.head,
            path: slice(given.path),
            query: given.query.map(slice),
            arena: arena,
            rule: cache,
            acceptEncoding: given.encoding,
            secret: secret,
            own: given.own.map(slice)
        )
    }

    private func areSame(_ left: Case, _ right: Case, _ rule: KeyRule = KeyRule()) -> Bool {
        key(left, rule) == key(right, rule)
    }

    private static func only(_ names: String...) -> NameFilter {
        .only(NameSet(names, isCaseSensitive: true))
    }

    private static func except(_ names: String...) -> NameFilter {
        .except(NameSet(names, isCaseSensitive: true))
    }

    // MARK: The base

    @Test func distributionPathAndMethod() {
        #expect(areSame(Case(), Case(method: .head)))
        #expect(areSame(Case(), Case(method: .post)))
        #expect(!areSame(Case(), Case(method: .options)))
        #expect(!areSame(Case(), Case(distribution: "shop2")))
        for path in ["/A", "/a/", "/%61", "//a", "/a/../a", "/", ""] {
            #expect(!areSame(Case(), Case(path: path)))
        }
        // Host and scheme have no part in it.
        #expect(areSame(Case(lines: ["Host: a"]), Case(lines: ["Host: b"])))
    }

    @Test func partsDoNotRunIntoEachOther() {
        #expect(!areSame(Case(distribution: "a", path: "bc"), Case(distribution: "ab", path: "c")))
        #expect(!areSame(Case(path: "/a", query: "b"), Case(path: "/ab", query: "")))
        #expect(!areSame(Case(path: "/a?b"), Case(path: "/a", query: "b")))
        let two = KeyRule(headers: ["x-a", "x-b"])
        #expect(
            !areSame(Case(lines: ["X-A: 12", "X-B: 3"]), Case(lines: ["X-A: 1", "X-B: 23"]), two)
        )
        #expect(!areSame(Case(lines: ["X-A: 1"]), Case(lines: ["X-B: 1"]), two))
    }

    @Test func theSecretCounts() {
        let other = CacheSecret([UInt8](repeating: 8, count: 16).span)
        #expect(key(Case()) != key(Case(), secret: other))
        var random = SecureRandom.repeatable(Random(seed: 1))
        #expect(CacheSecret(from: &random) != CacheSecret(from: &random))
    }

    @Test func encodings() {
        var keys: Set<CacheKey> = []
        for encoding in NormalizedEncoding.allCases { keys.insert(key(Case(encoding: encoding))) }
        #expect(keys.count == 4)
        #expect(areSame(Case(encoding: .none), Case(encoding: .identity)))
    }

    /// A function's key tells apart, and never makes one of two.
    @Test func aFunctionsKey() {
        let rule = KeyRule(headers: ["x-a"], cookies: .all)
        let own = Case(own: "k")
        #expect(areSame(own, Case(own: "k"), rule))
        #expect(!areSame(own, Case(path: "/b", own: "k"), rule))
        #expect(!areSame(own, Case(query: "c", own: "k"), rule))
        #expect(!areSame(own, Case(lines: ["X-A: 1"], own: "k"), rule))
        #expect(!areSame(own, Case(own: "l")))
        #expect(!areSame(own, Case()))
        #expect(!areSame(Case(path: "k"), own))
        #expect(!areSame(own, Case(distribution: "b", own: "k")))
        #expect(!areSame(own, Case(method: .options, own: "k")))
        #expect(!areSame(own, Case(encoding: .gzip, own: "k")))
        #expect(!areSame(Case(), Case(own: "")))
    }

    // MARK: Query

    @Test func theWholeQuery() {
        #expect(!areSame(Case(), Case(query: "")))
        #expect(!areSame(Case(query: "a=1&b=2"), Case(query: "b=2&a=1")))
        #expect(!areSame(Case(query: "a=1"), Case(query: "A=1")))
        #expect(!areSame(Case(query: "a=1;b"), Case(query: "a=1&b")))
        let none = KeyRule(query: .none)
        #expect(areSame(Case(), Case(query: "a=1"), none))
    }

    @Test func someArguments() {
        let rule = KeyRule(query: Self.only("a", "b"))
        #expect(areSame(Case(query: "a=1&x=2"), Case(query: "y&a=1"), rule))
        #expect(areSame(Case(query: "x=2"), Case(), rule))
        #expect(!areSame(Case(query: "a=1&b=2"), Case(query: "b=2&a=1"), rule))
        #expect(!areSame(Case(query: "a=1&a=1"), Case(query: "a=1"), rule))
        #expect(!areSame(Case(query: "a"), Case(query: "a="), rule))
        #expect(areSame(Case(query: "A=1"), Case(), rule))
        #expect(areSame(Case(query: "a=1;b=2"), Case(query: "a=1;b=2&c"), rule))
        #expect(!areSame(Case(query: "a=1&b=2"), Case(query: "a=1b=2"), rule))
        let except = KeyRule(query: Self.except("utm"))
        #expect(areSame(Case(query: "a=1&utm=2"), Case(query: "utm=3&a=1"), except))
        #expect(!areSame(Case(query: "a=1&b=2"), Case(query: "a=1"), except))
    }

    // MARK: Headers

    @Test func headers() {
        let rule = KeyRule(headers: ["Origin", "x-mine"])
        #expect(areSame(Case(lines: ["X-Other: 1"]), Case(), rule))
        #expect(!areSame(Case(lines: ["Origin:"]), Case(), rule))
        #expect(!areSame(Case(lines: ["Origin: a"]), Case(lines: ["Origin: A"]), rule))
        #expect(areSame(Case(lines: ["oRIGIN: a"]), Case(lines: ["Origin: a"]), rule))
        #expect(areSame(Case(lines: ["X-MINE: a"]), Case(lines: ["x-mine: a"]), rule))
        let ordered = ["Origin: a", "X-Mine: b"]
        #expect(areSame(Case(lines: ordered), Case(lines: ordered.reversed()), rule))
        // Repeated fields are one (RFC 9110 §5.3), in their order.
        #expect(
            areSame(Case(lines: ["X-Mine: a", "X-Mine: b"]), Case(lines: ["X-Mine: a, b"]), rule)
        )
        #expect(
            !areSame(
                Case(lines: ["X-Mine: a", "X-Mine: b"]),
                Case(lines: ["X-Mine: b", "X-Mine: a"]),
                rule
            )
        )
    }

    @Test func theOrderOfTheRuleMeansNothing() {
        let lines = ["B: 1", "Accept: 2", "C: 3"]
        let rules = [["b", "accept", "c"], ["C", "B", "Accept", "b"]].map { KeyRule(headers: $0) }
        #expect(key(Case(lines: lines), rules[0]) == key(Case(lines: lines), rules[1]))
        #expect(rules[1].headers.names == ["accept", "b", "c"])
    }

    /// What was stored while less told objects apart is not found afterwards.
    @Test func anotherRuleIsAnotherKey() {
        let rules = [
            KeyRule(), KeyRule(query: .none), KeyRule(cookies: .all), KeyRule(headers: ["a"]),
            KeyRule(headers: ["b"]), KeyRule(headers: ["a", "b"]), KeyRule(headers: ["ab"]),
            KeyRule(cookies: Self.only("a")), KeyRule(cookies: Self.only("b")),
            KeyRule(cookies: Self.except("a")), KeyRule(query: Self.only("a")),
            KeyRule(query: Self.only("a", "b")), KeyRule(query: Self.only("a1:b")),
            KeyRule(query: Self.except("a")),
        ]
        #expect(Set(rules.map { key(Case(), $0) }).count == rules.count)
        let written = KeyRule(cookies: Self.only("b", "a"), query: Self.except("d", "c"))
        let otherwise = KeyRule(cookies: Self.only("a", "b"), query: Self.except("c", "d", "c"))
        #expect(key(Case(), written) == key(Case(), otherwise))
    }

    // MARK: Cookies

    @Test func cookies() {
        let all = KeyRule(cookies: .all)
        func cookie(_ value: String) -> Case { Case(lines: ["Cookie: \(value)"]) }
        #expect(areSame(cookie("a=1"), Case()))
        #expect(!areSame(cookie("a=1"), Case(), all))
        #expect(areSame(cookie("a=1; b=2"), cookie("b=2;a=1"), all))
        #expect(!areSame(cookie("a=1; a=2"), cookie("a=2; a=1"), all))
        #expect(!areSame(cookie("a=1; a=1"), cookie("a=1"), all))
        #expect(!areSame(cookie("a=1"), cookie("A=1"), all))
        #expect(!areSame(cookie("a=x"), cookie("a=X"), all))
        #expect(!areSame(cookie("a=\"x\""), cookie("a=x"), all))
        #expect(!areSame(cookie("a"), cookie("=a"), all))
        #expect(!areSame(cookie("a"), cookie("a="), all))
        #expect(areSame(cookie(""), Case(), all))
        #expect(areSame(cookie(" ; a=1 ;"), cookie("a=1"), all))
        #expect(areSame(cookie("ab=1; a=2; b=3"), cookie("b=3; ab=1; a=2"), all))
        #expect(!areSame(cookie("a=1; b=2"), cookie("a=1b=2"), all))
        #expect(
            areSame(Case(lines: ["Cookie: b=2", "Cookie: a=1"]), cookie("a=1; b=2"), all)
        )
        let some = KeyRule(cookies: Self.only("a"))
        #expect(areSame(cookie("a=1; b=2"), cookie("c=2; a=1"), some))
        #expect(areSame(cookie("b=2"), Case(), some))
        let except = KeyRule(cookies: Self.except("a"))
        #expect(areSame(cookie("a=1; b=2"), cookie("b=2"), except))
    }

    @Test func manyCookiesAreSorted() {
        let names = (0..<3000).map { "c\($0)=\($0)" }
        var random = Random(seed: 3)
        let all = KeyRule(cookies: .all)
        let first = Case(lines: ["Cookie: \(names.joined(separator: "; "))"])
        let second = Case(lines: [
            "Cookie: \(names.shuffled(using: &random).joined(separator: "; "))"
        ])
        #expect(areSame(first, second, all))
    }

    // MARK: All together

    /// The keys of two requests are equal exactly when a slow, plain description of what counts is equal.
    @Test func keysTellApartWhatCounts() {
        var random = Random(seed: 0x5157)
        func text(_ alphabet: String, _ count: UInt64) -> String {
            let letters = Array(alphabet)
            return String(
                (0..<random.next(below: count)).map { _ in
                    letters[Int(random.next(below: UInt64(letters.count)))]
                }
            )
        }
        let rules = [
            KeyRule(), KeyRule(query: .none),
            KeyRule(headers: ["x-b", "accept"], cookies: .all, query: Self.only("a")),
            KeyRule(headers: ["accept"], cookies: Self.only("a", "b"), query: Self.except("a")),
        ]
        var keys: [String: CacheKey] = [:]
        var seen: [CacheKey: String] = [:]
        for _ in 0..<6000 {
            let place = Int(random.next(below: 4))
            var given = Case(path: "/" + text("ab", 3))
            given.distribution = text("ab/", 3)
            if random.next(below: 2) == 0 { given.query = text("ab=&", 6) }
            for name in ["Accept", "X-B", "X-C"] where random.next(below: 2) == 0 {
                given.lines.append("\(name): \(text("ab, ", 4).trimmingBlanks)")
            }
            for _ in 0..<random.next(below: 3) {
                given.lines.append("Cookie: \(text("ab=; ", 8).trimmingBlanks)")
            }
            if random.next(below: 8) == 0 { given.own = text("ab", 3) }
            let described = Self.describe(given, rules[place], place)
            let found = key(given, rules[place])
            if let other = keys[described] { #expect(found == other, "\(described)") }
            if let other = seen[found] { #expect(described == other) }
            keys[described] = found
            seen[found] = described
        }
        // Enough of both: repeated ones and different ones.
        #expect(keys.count > 1000 && keys.count < 5500)
    }

    private static func describe(_ given: Case, _ rule: KeyRule, _ place: Int) -> String {
        func keeps(_ filter: NameFilter, _ part: String) -> Bool {
            let name = String(part.prefix { $0 != "=" }).trimmingBlanks
            return filter.keeps(Array(name.utf8).span)
        }
        var query = given.query.map { [$0] }
        switch rule.query {
        case .none: query = nil
        case .all: break
        case .only, .except:
            query = (given.query ?? "").split(separator: "&").map(String.init).filter {
                keeps(rule.query, $0)
            }
        }
        let headers = rule.headers.names.map { name in
            let values = given.lines.filter { $0.lowercased().hasPrefix("\(name):") }
                .map { String($0.dropFirst(name.count + 2)) }
            return values.isEmpty ? nil : values.joined(separator: ", ")
        }
        var cookies = given.lines.filter { $0.hasPrefix("Cookie: ") }
            .flatMap { $0.dropFirst(8).split(separator: ";") }
            .map { String($0).trimmingBlanks }
            .filter { !$0.isEmpty && keeps(rule.cookies, $0.contains("=") ? $0 : "=") }
        let order = cookies.enumerated().sorted { left, right in
            func name(_ text: String) -> String {
                text.contains("=") ? String(text.prefix { $0 != "=" }).trimmingBlanks : ""
            }
            let (mine, others) = (name(left.element), name(right.element))
            return mine == others ? left.offset < right.offset : mine < others
        }
        cookies = order.map(\.element)
        return
            "\(place) \([given.distribution, given.path]) \([given.own]) \(query ?? ["-"]) \(query == nil) \(headers) \(cookies)"
    }
}

extension String {
    fileprivate var trimmingBlanks: String {
        let kept = drop { $0 == " " }
        return String(kept.reversed().drop { $0 == " " }.reversed())
    }
}
