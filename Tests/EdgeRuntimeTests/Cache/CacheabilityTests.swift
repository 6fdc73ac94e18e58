import Testing

@testable import EdgeRuntime

/// One row for each rule; the paragraph is of RFC 9111, or of the contract where it begins with §2.
@Suite struct CacheabilityTests {
    private static let now: Int64 = 1_000_000_000

    private func judge(
        _ status: UInt16,
        _ fields: String,
        _ rule: CacheRule = CacheRule(),
        sendsAuthorization: Bool = false,
        ttl: Int64? = nil,
        took: Int64 = 0
    ) throws -> Storability {
        let arena = Arena()
        var head = ResponseHead()
        let lines =
            fields.isEmpty ? "" : fields.split(separator: "|").joined(separator: "\r\n") + "\r\n"
        let bytes = Array("HTTP/1.1 \(status) X\r\n\(lines)\r\n".utf8)
        try HeadParser.parseResponse(
            bytes.span,
            into: &head,
            arena: arena,
            limits: HeadLimits(requestLine: 1000, head: 4000, fields: 50)
        )
        return Cacheability(rule).judge(
            head,
            arena,
            sendsAuthorization: sendsAuthorization,
            ttl: ttl,
            requestedAt: Self.now - took,
            now: Self.now
        )
    }

    private func rule(
        min: Int64 = 0,
        default standard: Int64 = 86_400,
        max: Int64 = 31_536_000
    ) -> CacheRule {
        var rule = CacheRule()
        rule.minTTL = .seconds(min)
        rule.defaultTTL = .seconds(standard)
        rule.maxTTL = .seconds(max)
        return rule
    }

    private static func date(_ offset: Int64) -> String {
        let text = HTTPDate.render(now + offset)
        return text.span.text
    }

    private func refused(_ storability: Storability) -> PassReason? {
        if case .refuse(let reason) = storability { return reason }
        return nil
    }

    private func freshness(_ storability: Storability) -> Freshness? {
        if case .store(let freshness) = storability { return freshness }
        return nil
    }

    @Test func whatForbids() throws {
        let rows: [(String, UInt16, String, PassReason?)] = [
            ("§5.2.2.5 no-store", 200, "Cache-Control: no-store, max-age=60", .noStore),
            (
                "§5.2.2.3 must-understand", 200,
                "Cache-Control: no-store, must-understand, max-age=60", nil
            ),
            ("§5.2.2.7 private", 200, "Cache-Control: private, max-age=60", .private),
            ("§5.2.2.7 private of a field", 200, "Cache-Control: private=\"x-a\", max-age=60", nil),
            ("§4.1 Vary: *", 200, "Cache-Control: max-age=60|Vary: accept, *", .varyStar),
            ("§2.8 Set-Cookie", 200, "Cache-Control: max-age=60|Set-Cookie: a=b", .setCookie),
            (
                "§2.7 Set-Cookie named", 200,
                "Cache-Control: max-age=60, no-cache=\"Set-Cookie\"|Set-Cookie: a=b", nil
            ),
            (
                "§5.2.2.3 must-understand of what is not", 299,
                "Cache-Control: no-store, must-understand, max-age=60", .status
            ),
            ("§5.2.2.4 no-cache without a validator", 200, "Cache-Control: no-cache", .noValidator),
            ("§5.2.2.4 with a tag", 200, "Cache-Control: no-cache|ETag: W/\"a\"", nil),
            (
                "§5.2.2.4 with a date", 200,
                "Cache-Control: no-cache|Last-Modified: Thu, 01 Jan 1998 00:00:00 GMT", nil
            ),
            ("§5.2.2.4 of a field", 200, "Cache-Control: no-cache=\"x-a\", max-age=60", nil),
            ("§5.2.2.7 private, upper case", 200, "cache-control: PRIVATE", .private),
            ("§5.4 Pragma is no word of origins", 200, "Pragma: no-cache", nil),
            (
                "§4.1 more names than are looked at", 200,
                "Vary: \((0..<17).map { "x\($0)" }.joined(separator: ","))", .varyTooWide
            ),
            (
                "§4.1 as many names as are looked at", 200,
                "Vary: \((0..<16).map { "x\($0)" }.joined(separator: ","))", nil
            ),
            ("§4.1 a star in a second line", 200, "Vary: accept|Vary: *", .varyStar),
            ("§3 unknown status", 299, "Cache-Control: max-age=60", .status),
            ("§3.3 a part", 206, "Cache-Control: max-age=60|Content-Range: bytes 0-0/2", .status),
            ("§2.8 1xx and 304", 304, "Cache-Control: max-age=60", .status),
            ("§2.9 an error that nobody names", 418, "Cache-Control: max-age=60", .status),
            ("§2.9 416", 416, "Cache-Control: max-age=60", .status),
            ("§2.9 403 without a lifetime", 403, "", .noLifetime),
            ("§4.2.2 302 without a lifetime", 302, "Location: /", .noLifetime),
            ("§4.2.2 302 that is public", 302, "Location: /|Cache-Control: public", nil),
            ("RFC 9213", 200, "Cache-Control: max-age=60|CDN-Cache-Control: no-store", .noStore),
            (
                "RFC 9213 the other way", 200,
                "Cache-Control: no-store|CDN-Cache-Control: max-age=60", nil
            ),
        ]
        for (name, status, fields, reason) in rows {
            #expect(refused(try judge(status, fields)) == reason, "\(name)")
        }
    }

    @Test func authorizationIsOfOneViewer() throws {
        let rows: [(String, PassReason?)] = [
            ("Cache-Control: max-age=60", .authorization), ("", .authorization),
            ("Cache-Control: public", nil), ("Cache-Control: s-maxage=1", nil),
            ("Cache-Control: must-revalidate, max-age=1", nil),
            ("Cache-Control: proxy-revalidate, max-age=1", .authorization),
        ]
        for (fields, reason) in rows {
            #expect(
                refused(try judge(200, fields, sendsAuthorization: true)) == reason,
                "§3.5 \(fields)"
            )
        }
    }

    /// §7.3 of RFC 9111, §2.8 of the contract.
    @Test func cookiesAreOfOneViewer() throws {
        var keyed = rule()
        keyed.key = KeyRule(cookies: .all)
        var forced = keyed
        forced.minTTL = .seconds(1)
        let rows: [(String, CacheRule, PassReason?)] = [
            ("max-age=9", rule(), .setCookie), ("public, s-maxage=9", rule(), .setCookie),
            ("max-age=9, no-cache=\"set-cookie\"", rule(), nil),
            ("max-age=9, private=\"a, Set-Cookie\"", rule(), nil),
            // The key tells viewers apart, but those who come for the first time all look the same.
            ("max-age=9", keyed, nil), ("public", keyed, .setCookie), ("", keyed, .setCookie),
            ("", rule(min: 1), nil), ("", forced, nil),
        ]
        for (control, rule, reason) in rows {
            let fields = "Cache-Control: \(control)|Set-Cookie: a=b"
            #expect(refused(try judge(200, fields, rule)) == reason, "\(control)")
        }
    }

    /// What `min_ttl` above zero overrules, and what it does not.
    @Test func theOperatorsWord() throws {
        let rows: [(String, UInt16, String, PassReason?)] = [
            ("§2.7 no-store", 200, "Cache-Control: no-store", nil),
            ("§2.7 private", 200, "Cache-Control: private", nil),
            ("§2.7 no-cache", 200, "Cache-Control: no-cache", nil),
            ("§2.8 Vary: *", 200, "Vary: *", nil),
            ("§2.9 an error", 503, "Cache-Control: no-store", nil),
            ("§2.7 but not a 501", 501, "Cache-Control: no-store", .noStore),
            ("§3 nor a status that nobody knows", 299, "", .status),
        ]
        for (name, status, fields, reason) in rows {
            #expect(refused(try judge(status, fields, rule(min: 1))) == reason, "\(name)")
        }
        let mine = try judge(
            200,
            "Cache-Control: max-age=9",
            rule(min: 1),
            sendsAuthorization: true
        )
        #expect(refused(mine) == .authorization)
    }

    /// The operator's time begins when the answer comes; `Age` stays what it is.
    @Test func ownTimesBeginHere() throws {
        let rows: [(UInt16, String, CacheRule, Int64, Int64)] = [
            (200, "Age: 20|Cache-Control: max-age=60", rule(), 40, 20),
            (200, "Age: 20|Cache-Control: max-age=60", rule(min: 50), 50, 20),
            (200, "Age: 20|Cache-Control: max-age=600", rule(min: 50), 580, 20),
            (200, "Age: 500|Cache-Control: max-age=60", rule(min: 50), 50, 500),
            (404, "Age: 500", rule(), 10, 500),
            (404, "Age: 5|Cache-Control: max-age=60", rule(), 55, 5),
        ]
        for (status, fields, rule, remaining, age) in rows {
            let found = freshness(try judge(status, fields, rule))
            #expect(found?.remaining(at: Self.now) == remaining, "\(fields)")
            #expect(found?.initialAge == age, "\(fields)")
        }
        var half = CacheRule()
        half.minTTL = .milliseconds(500)
        #expect(freshness(try judge(200, "Cache-Control: max-age=0", half))?.lifetime == 1)
    }

    /// §2.7 of the contract, with our deviations: the origin's prohibitions hold unless min_ttl is above zero.
    @Test func lifetimes() throws {
        let soon = Self.date(100)
        let past = Self.date(-100)
        let date = "Date: \(Self.date(0))"
        let capped = rule(min: 50, default: 70, max: 200)
        let rows: [(String, CacheRule, String, Int64, FreshnessBasis)] = [
            ("nothing", rule(), "", 86_400, .defaultTTL),
            (
                "nothing, min above default", rule(min: 90_000, default: 90_000), "", 90_000,
                .defaultTTL
            ),
            ("max-age", rule(), "Cache-Control: max-age=60", 60, .maxAge),
            (
                "max-age and s-maxage", rule(), "Cache-Control: max-age=60, s-maxage=30", 30,
                .sMaxage
            ),
            (
                "max-age before Expires", rule(), "Cache-Control: max-age=60|Expires: \(soon)", 60,
                .maxAge
            ),
            ("Expires", rule(), "\(date)|Expires: \(soon)", 100, .expires),
            (
                "Expires against Date, not our clock", rule(), "Date: \(past)|Expires: \(soon)",
                200, .expires
            ),
            ("Expires in the past", rule(), "\(date)|Expires: \(past)", 0, .expires),
            ("Expires: 0", rule(), "Expires: 0", 0, .expires),
            ("Expires twice", rule(), "Expires: \(soon)|Expires: \(soon)", 0, .expires),
            ("below min_ttl", capped, "Cache-Control: max-age=10", 50, .minTTL),
            ("above max_ttl", capped, "Cache-Control: max-age=1000", 200, .maxAge),
            ("between", capped, "Cache-Control: max-age=60", 60, .maxAge),
            ("min_ttl over no-store", capped, "Cache-Control: no-store", 70, .defaultTTL),
            ("min_ttl over no-cache", capped, "Cache-Control: no-cache, max-age=0", 50, .minTTL),
            (
                "CDN-Cache-Control over Expires", rule(),
                "\(date)|Expires: \(soon)|CDN-Cache-Control: max-age=7", 7, .maxAge
            ),
        ]
        for (name, rule, fields, seconds, basis) in rows {
            let found = freshness(try judge(200, fields, rule))
            #expect(found?.lifetime == seconds, "\(name)")
            #expect(found?.basis == basis, "\(name)")
        }
    }

    /// §2.9.
    @Test func errors() throws {
        var rule = rule(max: 300)
        rule.errorTTL = .seconds(10)
        let rows: [(UInt16, String, Int64, FreshnessBasis)] = [
            (404, "", 10, .errorTTL), (500, "", 10, .errorTTL),
            (404, "Cache-Control: max-age=5", 10, .errorTTL),
            (404, "Cache-Control: max-age=50", 50, .maxAge),
            (503, "Cache-Control: s-maxage=1000", 300, .sMaxage),
            (403, "Cache-Control: max-age=50", 50, .maxAge),
            (403, "Cache-Control: max-age=1", 10, .errorTTL),
        ]
        for (status, fields, seconds, basis) in rows {
            let found = freshness(try judge(status, fields, rule))
            #expect(found?.lifetime == seconds, "\(status) \(fields)")
            #expect(found?.basis == basis, "\(status) \(fields)")
        }
        #expect(refused(try judge(503, "Cache-Control: no-store", rule)) == .noStore)
    }

    @Test func ages() throws {
        let rows: [(String, String, Int64, Int64)] = [
            ("§4.2.3 nothing is told", "", 0, 0),
            ("§4.2.3 the request took time", "", 7, 7),
            ("§4.2.3 Age", "Age: 20", 0, 20), ("§4.2.3 Age and the time it took", "Age: 20", 3, 23),
            ("§4.2.3 an old Date", "Date: \(Self.date(-30))", 0, 30),
            ("§4.2.3 the larger of both", "Date: \(Self.date(-30))|Age: 20", 0, 30),
            ("§4.2.3 a Date ahead of us", "Date: \(Self.date(30))", 0, 0),
            ("§4.2.3 Date twice", "Date: \(Self.date(-30))|Date: \(Self.date(-60))", 0, 0),
            ("§4.2.3 our clock went back", "Age: 4", -100, 4),
            ("§5.1 a list", "Age: 30, 60", 0, 30), ("§5.1 twice", "Age: 60|Age: 30", 0, 60),
            ("§5.1 a list of nothing", "Age: x, 30", 0, 0),
            ("§5.1 no number", "Age: -1", 0, 0), ("§5.1 no number", "Age: 1.5", 0, 0),
            ("§1.2.2 beyond", "Age: 99999999999999", 0, 1 << 31),
        ]
        for (name, fields, took, age) in rows {
            let control = fields.isEmpty ? "" : fields + "|"
            let found = freshness(
                try judge(200, control + "Cache-Control: max-age=4000000000", took: took)
            )
            #expect(found?.initialAge == age, "\(name): \(fields)")
            #expect(found?.age(at: Self.now + 5) == age + 5, "\(name)")
            #expect(found?.age(at: Self.now - 500) == age, "a clock that goes back")
        }
    }

    @Test func verdicts() throws {
        let rows: [(String, String, Int64, FreshnessVerdict, Bool)] = [
            ("fresh", "max-age=60", 59, .fresh, true),
            ("§4.2 on the second", "max-age=60", 60, .stale, true),
            (
                "RFC 5861 §3", "max-age=60, stale-while-revalidate=30", 89, .staleWhileRevalidate,
                true
            ),
            ("RFC 5861 §3 over", "max-age=60, stale-while-revalidate=30", 90, .stale, true),
            ("RFC 5861 §4", "max-age=60, stale-if-error=30", 89, .stale, true),
            ("RFC 5861 §4 over", "max-age=60, stale-if-error=30", 90, .stale, false),
            ("§2.7 stale-if-error=0", "max-age=60, stale-if-error=0", 60, .stale, false),
            (
                "§5.2.2.2 must-revalidate", "max-age=60, must-revalidate, stale-while-revalidate=9",
                61, .stale, false
            ),
            ("§5.2.2.8 proxy-revalidate", "max-age=60, proxy-revalidate", 61, .stale, false),
            ("§5.2.2.10 s-maxage", "s-maxage=60", 60, .stale, false),
            ("§5.2.2.10 with a word", "s-maxage=60, stale-if-error=9", 60, .stale, true),
            (
                "§5.2.2.10 with another", "s-maxage=60, stale-while-revalidate=9", 60,
                .staleWhileRevalidate, false
            ),
            ("§5.2.2.4 of a field", "max-age=60, no-cache=\"x\"", 1, .fresh, true),
            ("§5.2.2.4 no-cache", "max-age=60, no-cache", 1, .stale, false),
            (
                "§2.7 never past max_ttl", "max-age=60, stale-while-revalidate=9999999", 99,
                .staleWhileRevalidate, true
            ),
            ("§2.7 past max_ttl", "max-age=60, stale-while-revalidate=9999999", 100, .stale, false),
        ]
        for (name, control, after, verdict, mayHide) in rows {
            let rule = name.contains("max_ttl") ? rule(default: 60, max: 100) : rule()
            let found = freshness(
                try judge(200, "ETag: \"a\"|Cache-Control: \(control)", rule)
            )
            #expect(found?.judge(at: Self.now + after) == verdict, "\(name)")
            #expect(found?.mayHideError(at: Self.now + after) == mayHide, "\(name)")
        }
    }

    /// §5.2.1, where the behaviour listens. What a viewer takes reaches no further than what may hide an error.
    @Test func whatViewersWant() throws {
        let rows: [(String, Int64, String, FreshnessVerdict)] = [
            ("max-age=60", 10, "no-cache", .unwanted), ("max-age=60", 10, "max-age=10", .fresh),
            ("max-age=60", 11, "max-age=10", .unwanted), ("max-age=60", 0, "max-age=0", .fresh),
            ("max-age=60", 1, "max-age=0", .unwanted), ("max-age=60", 50, "min-fresh=10", .fresh),
            ("max-age=60", 51, "min-fresh=10", .unwanted), ("max-age=60", 50, "max-stale", .fresh),
            ("max-age=60", 70, "max-stale", .staleAccepted),
            ("max-age=60", 70, "max-stale=10", .staleAccepted),
            ("max-age=60", 71, "max-stale=10", .stale),
            ("max-age=60", 70, "max-stale=10, max-age=65", .stale),
            ("max-age=60", 64, "max-stale=10, max-age=65", .staleAccepted),
            ("max-age=60", 64, "max-stale=10, min-fresh=1", .stale),
            // §5.2.2.2, §5.2.2.8, §5.2.2.10: no viewer overrules these.
            ("max-age=60, must-revalidate", 61, "max-stale", .stale),
            ("max-age=60, proxy-revalidate", 61, "max-stale", .stale),
            ("s-maxage=60", 61, "max-stale", .stale), ("no-cache", 1, "max-stale", .stale),
            ("max-age=60, stale-if-error=5", 64, "max-stale", .staleAccepted),
            ("max-age=60, stale-if-error=5", 65, "max-stale", .stale),
            // Who speaks of freshness does not want stale.
            ("max-age=60, stale-while-revalidate=30", 70, "max-age=100", .stale),
            ("max-age=60, stale-while-revalidate=30", 70, "min-fresh=1", .stale),
            ("max-age=60, stale-while-revalidate=30", 70, "no-cache", .stale),
            ("max-age=60, stale-while-revalidate=30", 70, "no-transform", .staleWhileRevalidate),
            ("max-age=60", 10, "no-store, only-if-cached", .fresh),
        ]
        for (control, after, viewer, expected) in rows {
            let found = freshness(try judge(200, "ETag: \"a\"|Cache-Control: \(control)"))
            let message = TestHead(.get, ["Cache-Control: \(viewer)"])
            let wishes = CacheDirectives(request: message.head.fields, message.arena)
            let verdict = found?.judge(at: Self.now + after, for: wishes)
            #expect(verdict == expected, "\(control) after \(after) s for \(viewer)")
        }
    }

    @Test func aFunctionSetsTheTime() throws {
        let rows: [(UInt16, String, Int64?)] = [
            (200, "Cache-Control: max-age=9|Age: 3", 60), (200, "", 60), (302, "", 60),
            (404, "", 60), (403, "", 60), (200, "Cache-Control: no-store", nil),
            (200, "Cache-Control: private", nil), (418, "", nil), (200, "Set-Cookie: a=b", nil),
        ]
        for (status, fields, remaining) in rows {
            let found = freshness(try judge(status, fields, rule(max: 30), ttl: 60))
            #expect(found?.remaining(at: Self.now) == remaining, "\(status) \(fields)")
            #expect(found == nil || found?.basis == .function)
        }
        #expect(freshness(try judge(200, "", ttl: 0))?.isNeverFresh == true)
    }

    /// An object never becomes better with time.
    @Test func timeMakesNothingFresh() throws {
        var random = Random(seed: 11)
        let words = [
            "max-age=40", "s-maxage=20", "stale-while-revalidate=30", "stale-if-error=50",
            "no-cache", "must-revalidate", "public",
        ]
        for _ in 0..<500 {
            let chosen = words.filter { _ in random.next() % 2 == 0 }.joined(separator: ", ")
            let fields = "ETag: \"a\"|Age: 3" + (chosen.isEmpty ? "" : "|Cache-Control: \(chosen)")
            guard let found = freshness(try judge(200, fields)) else { continue }
            var worst = 0
            for second in stride(from: 0, through: 200, by: 5) {
                let now = Self.now + Int64(second)
                let rank: Int
                switch found.judge(at: now) {
                case .fresh: rank = 0
                case .staleWhileRevalidate: rank = 1
                case .staleAccepted, .unwanted: rank = 4
                case .stale: rank = found.mayHideError(at: now) ? 2 : 3
                }
                #expect(rank >= worst, "\(fields) after \(second) s")
                worst = max(worst, rank)
            }
        }
    }
}
