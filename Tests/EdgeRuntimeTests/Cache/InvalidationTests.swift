import Testing

@testable import EdgeRuntime

@Suite struct InvalidationTests {
    private static let secret = CacheSecret([UInt8](repeating: 7, count: 16).span)
    private static let shop = CacheTags.hash("shop", secret: secret)
    private static let blog = CacheTags.hash("blog", secret: secret)

    private func facts(
        _ target: String,
        tags: [String] = [],
        of distribution: UInt64 = shop,
        since: UInt64 = 0
    )
        -> ObjectFacts
    {
        ObjectFacts(
            distribution: distribution,
            target: Array(target.utf8),
            pathLength: target.utf8.prefix { $0 != UInt8(ascii: "?") }.count,
            tags: tags.map {
                CacheTags.hash($0.utf8.span, of: distribution, secret: Self.secret)
            },
            sequence: since
        )
    }

    private func rules(
        _ targets: [InvalidationRules.Target],
        _ strength: PurgeStrength = .hard
    )
        -> InvalidationRules
    {
        var rules = InvalidationRules(secret: Self.secret)
        for target in targets { _ = rules.add(target, of: Self.shop, strength) }
        return rules
    }

    private func path(_ text: String) -> InvalidationRules.Target { .path(Array(text.utf8)) }
    private func tag(_ text: String) -> InvalidationRules.Target { .tag(Array(text.utf8)) }

    /// §5.1 of the contract, and a star anywhere.
    @Test func pathsMatchAsTheyAreWritten() {
        let rows: [(String, String, Bool)] = [
            ("/a.jpg", "/a.jpg", true), ("/a.jpg", "/A.jpg", false),
            ("/a.jpg", "/a.jpg?x=1", false),
            ("/a.jpg?x=1", "/a.jpg?x=1", true), ("/a.jpg?x=1", "/a.jpg", false),
            ("/a.jpg*", "/a.jpg?x=1", true), ("/a.jpg*", "/a.jpg", true),
            ("/images", "/images/", false), ("/dir/*", "/dir/b/c", true), ("/dir/*", "/dir", false),
            ("/dir*", "/dir2", true), ("/*", "/anything?at=all", true), ("*", "/", true),
            ("/dir/name.*", "/dir/name.css", true), ("/*.css", "/a/b.css", true),
            ("/*.css", "/a/b.css?x", false), ("/*/x/*", "/a/x/b", true),
            ("/*/x/*", "/a/y/b", false),
        ]
        for (rule, target, isPurged) in rows {
            let verdict = rules([path(rule)]).verdict(on: facts(target))
            #expect((verdict == .hard) == isPurged, "\(rule) on \(target)")
        }
    }

    @Test func onlyOfTheDistribution() {
        let rules = rules([.everything, path("/a"), path("/b*"), tag("t")])
        #expect(rules.verdict(on: facts("/a", tags: ["t"], of: Self.blog)) == nil)
        #expect(rules.verdict(on: facts("/zzz")) == .hard)
    }

    @Test func tagsMatchWhole() {
        let rules = rules([tag("product-1")])
        #expect(rules.verdict(on: facts("/a", tags: ["x", "product-1"])) == .hard)
        #expect(rules.verdict(on: facts("/a", tags: ["product-11"])) == nil)
        #expect(rules.verdict(on: facts("/a")) == nil)
    }

    @Test func whatWasFetchedLaterIsNotPurged() {
        for target in [.everything, path("/a"), path("/a*"), tag("t")] {
            let rules = rules([tag("other"), target])
            #expect(rules.verdict(on: facts("/a", tags: ["t"], since: 1)) == .hard)
            #expect(rules.verdict(on: facts("/a", tags: ["t"], since: 2)) == nil)
        }
    }

    @Test func theStrongerWinsWhateverTheOrder() {
        for order in [[PurgeStrength.soft, .hard], [.hard, .soft]] {
            for target in [.everything, path("/a"), path("/a*"), tag("t")] {
                var rules = InvalidationRules(secret: Self.secret)
                for strength in order { _ = rules.add(target, of: Self.shop, strength) }
                #expect(rules.verdict(on: facts("/a", tags: ["t"])) == .hard)
            }
            var mixed = InvalidationRules(secret: Self.secret)
            _ = mixed.add(path("/a"), of: Self.shop, order[0])
            _ = mixed.add(tag("t"), of: Self.shop, order[1])
            #expect(mixed.verdict(on: facts("/a", tags: ["t"])) == .hard)
        }
        #expect(rules([path("/a")], .soft).verdict(on: facts("/a")) == .soft)
    }

    @Test func whatMayHaveBeenForgottenIsPurged() {
        var rules = rules([path("/a"), path("/b")])
        rules.forget(through: 1)
        #expect(rules.count == 1)
        // Its fetch began before a rule that is gone: nobody knows whether it matched.
        #expect(rules.verdict(on: facts("/c", since: 0)) == .hard)
        #expect(rules.verdict(on: facts("/b", since: 1)) == .hard)
        #expect(rules.verdict(on: facts("/c", since: 1)) == nil)
        // But one that has been looked at since is known not to have.
        #expect(rules.verdict(on: facts("/c", since: 0), since: 1) == nil)
        rules.forget(through: 2)
        #expect(rules.count == 0 && rules.sequence == 2)
    }

    @Test func tooManyPatternsPurgeEverything() {
        var rules = InvalidationRules(secret: Self.secret)
        for index in 0...Limits.purgePatternsMax {
            _ = rules.add(path("/\(index)/*"), of: Self.shop, .hard)
        }
        #expect(rules.verdict(on: facts("/elsewhere")) == .hard)
        #expect(rules.verdict(on: facts("/elsewhere", of: Self.blog)) == nil)
        #expect(rules.count <= Limits.purgePatternsMax + 1)
    }

    @Test func starsMatchAsInTheirDefinition() {
        func slowly(_ pattern: Substring, _ text: Substring) -> Bool {
            guard let first = pattern.first else { return text.isEmpty }
            if first == "*" {
                return slowly(pattern.dropFirst(), text)
                    || (!text.isEmpty && slowly(pattern, text.dropFirst()))
            }
            return text.first == first && slowly(pattern.dropFirst(), text.dropFirst())
        }
        var random = Random(seed: 5)
        for _ in 0..<20_000 {
            let pattern = String(
                (0..<random.next() % 7).map { _ in "ab*".randomElement(using: &random) ?? "a" }
            )
            let text = String(
                (0..<random.next() % 8).map { _ in "ab".randomElement(using: &random) ?? "a" }
            )
            let said = InvalidationRules.matches(pattern.utf8.span, text.utf8.span)
            #expect(said == slowly(pattern[...], text[...]), "\(pattern) on \(text)")
        }
    }
}
