import Testing

@testable import EdgeRuntime

/// Each row is what a message says and what is understood. The words of the right side are the directives' own.
@Suite struct CacheControlTests {
    private func response(_ lines: [String]) -> String {
        let message = TestHead(.get, lines)
        return Self.describe(CacheDirectives(response: message.head.fields, message.arena), message)
    }

    private func response(_ value: String) -> String { response(["Cache-Control: \(value)"]) }

    private func request(_ lines: [String]) -> String {
        let message = TestHead(.get, lines)
        return Self.describe(CacheDirectives(request: message.head.fields, message.arena), message)
    }

    private func request(_ value: String) -> String { request(["Cache-Control: \(value)"]) }

    static func describe(_ directives: CacheDirectives, _ message: TestHead) -> String {
        var words: [String] = []
        let names: [(CacheDirectives.Flags, String)] = [
            (.noStore, "no-store"), (.noCache, "no-cache"), (.private, "private"),
            (.public, "public"), (.mustRevalidate, "must-revalidate"),
            (.proxyRevalidate, "proxy-revalidate"), (.mustUnderstand, "must-understand"),
            (.immutable, "immutable"), (.noTransform, "no-transform"),
            (.onlyIfCached, "only-if-cached"), (.targeted, "targeted"),
        ]
        for (flag, name) in names where directives.contains(flag) { words.append(name) }
        let numbers: [(Int64?, String)] = [
            (directives.maxAge, "max-age"), (directives.sMaxage, "s-maxage"),
            (directives.staleWhileRevalidate, "stale-while-revalidate"),
            (directives.staleIfError, "stale-if-error"), (directives.minFresh, "min-fresh"),
            (directives.maxStale, "max-stale"),
        ]
        for (number, name) in numbers {
            if let number { words.append(number == .max ? name : "\(name)=\(number)") }
        }
        if let list = directives.noCacheFields { words.append("no-cache[\(message.text(list))]") }
        if let list = directives.privateFields { words.append("private[\(message.text(list))]") }
        return words.joined(separator: " ")
    }

    @Test(arguments: [
        ("", ""),
        ("max-age=60", "max-age=60"),
        ("no-store", "no-store"),
        ("no-cache", "no-cache"),
        ("private", "private"),
        ("public", "public"),
        ("must-revalidate, proxy-revalidate", "must-revalidate proxy-revalidate"),
        ("must-understand, no-store", "no-store must-understand"),
        ("immutable, no-transform", "immutable no-transform"),
        ("s-maxage=10", "s-maxage=10"),
        (
            "stale-while-revalidate=1, stale-if-error=2",
            "stale-while-revalidate=1 stale-if-error=2"
        ),
        // RFC 9111 §5.2: names have no case, what nobody knows is ignored.
        ("MAX-AGE=60, No-Store", "no-store max-age=60"),
        ("foo, bar=1, baz=\"a, no-store\", max-age=1", "max-age=1"),
        ("max-ages=1, xmax-age=2, max-age-=3", ""),
        // Requests' directives mean nothing here.
        ("only-if-cached, max-stale, min-fresh=3", ""),
        // §5.6.1 of RFC 9110: empty elements.
        (" , max-age=60 ,, no-cache,", "no-cache max-age=60"),
        ("max-age=60,no-cache\t,\tpublic", "no-cache public max-age=60"),
    ])
    func whatResponsesSay(_ value: String, _ expected: String) {
        #expect(response(value) == expected)
    }

    @Test(arguments: [
        ("max-age=\"60\"", "max-age=60"),
        ("max-age=0060", "max-age=60"),
        ("max-age=2147483647", "max-age=2147483647"),
        ("max-age=2147483648", "max-age=2147483648"),
        ("max-age=2147483649", "max-age=2147483648"),
        ("max-age=99999999999999999999999999999", "max-age=2147483648"),
        // §4.2.1: invalid freshness information is staleness.
        ("max-age", "max-age=0"),
        ("max-age=", "max-age=0"),
        ("max-age=\"\"", "max-age=0"),
        ("max-age=abc", "max-age=0"),
        ("max-age=60s", "max-age=0"),
        ("max-age=-1", "max-age=0"),
        ("max-age=+1", "max-age=0"),
        ("max-age=1.5", "max-age=0"),
        ("max-age=1e3", "max-age=0"),
        ("max-age=60 60", "max-age=0"),
        ("max-age=\"60\"x", "max-age=0"),
        ("max-age=\"60", "max-age=0"),
        ("max-age=60\"", "max-age=0"),
        ("max-age=\"6\\0\"", "max-age=0"),
        ("max-age = 60", "max-age=0"),
        ("max-age= 60", "max-age=0"),
        ("max-age =60", "max-age=0"),
        ("max-age:60", "max-age=0"),
        ("s-maxage=abc, max-age=60", "max-age=60 s-maxage=0"),
        ("stale-if-error, stale-while-revalidate=x", "stale-while-revalidate=0 stale-if-error=0"),
        // Twice: the smaller.
        ("max-age=60, max-age=10", "max-age=10"),
        ("max-age=10, max-age=60", "max-age=10"),
        ("max-age=10, max-age=x", "max-age=0"),
        ("s-maxage=10, s-maxage=60", "s-maxage=10"),
    ])
    func numbersInDoubtAreStrict(_ value: String, _ expected: String) {
        #expect(response(value) == expected)
    }

    @Test(arguments: [
        ("no-store=1", "no-store"),
        ("no-store=\"\"", "no-store"),
        ("no-store foo", "no-store"),
        ("no-store ; max-age=60", "no-store max-age=60"),
        ("max-age=60; private", "private max-age=0"),
        ("private; max-age=60", "private max-age=60"),
        ("must-revalidate=0", "must-revalidate"),
        ("public=1, immutable=1, must-understand=1", ""),
        ("public; x", ""),
        ("public x", ""),
        ("\"no-cache\"", ""),
        ("x\", no-store, \"", "no-store"),
        ("foo=\"a, no-store", "no-store"),
        ("foo=\"a\\\", no-store", "no-store"),
        ("foo=\"a\\\", no-store\"", ""),
        ("=, =60, no-cache", "no-cache"),
    ])
    func whatRestrictsCountsAndWhatPermitsMustBeWhole(_ value: String, _ expected: String) {
        #expect(response(value) == expected)
    }

    /// RFC 9111 §5.2.2.4 and §5.2.2.7.
    @Test(arguments: [
        ("no-cache=\"Set-Cookie\"", "no-cache[Set-Cookie]"),
        ("no-cache=\"a, b\" , private=\"c\"", "no-cache[a, b] private[c]"),
        ("no-cache=Set-Cookie", "no-cache[Set-Cookie]"),
        ("no-cache=\" , a ,\"", "no-cache[ , a ,]"),
        ("no-cache=\"\"", "no-cache"),
        ("no-cache=\" , \"", "no-cache"),
        ("no-cache=", "no-cache"),
        ("no-cache=\"a b\"", "no-cache"),
        ("no-cache=\"a\\b\"", "no-cache"),
        ("no-cache=\"a", "no-cache"),
        ("no-cache=\"a\";x", "no-cache"),
        ("no-cache=\"a\", no-cache", "no-cache"),
        ("no-cache, no-cache=\"a\"", "no-cache"),
        ("no-cache=\"a\", no-cache=\"b\"", "no-cache"),
        ("private=\"a\", private", "private"),
        ("private=\"a\", no-cache", "no-cache private[a]"),
    ])
    func listsOfFields(_ value: String, _ expected: String) {
        #expect(response(value) == expected)
    }

    @Test func listsAreAskedByName() {
        let message = TestHead(.get, ["Cache-Control: no-cache=\"set-cookie, X-A\""])
        let arena = message.arena
        let directives = CacheDirectives(response: message.head.fields, arena)
        func isNamed(_ name: String, in list: Slice?) -> Bool {
            CacheDirectives.names(list, Array(name.utf8).span, arena)
        }
        #expect(isNamed("Set-Cookie", in: directives.noCacheFields))
        #expect(isNamed("x-a", in: directives.noCacheFields))
        #expect(!isNamed("x-b", in: directives.noCacheFields))
        #expect(!isNamed("set", in: directives.noCacheFields))
        #expect(!isNamed("x-a", in: directives.privateFields))
    }

    @Test func allFieldsOfTheNameCount() {
        #expect(
            response(["Cache-Control: max-age=60", "X: y", "cache-control: no-store, max-age=5"])
                == "no-store max-age=5"
        )
        // A quote does not reach into the next line.
        #expect(
            response(["Cache-Control: a=\"b", "Cache-Control: c\", no-store"]) == "no-store"
        )
    }

    // MARK: Requests

    @Test(arguments: [
        ("no-cache", "no-cache"),
        ("no-cache=\"a\"", "no-cache"),
        ("no-store, no-transform, only-if-cached", "no-store no-transform only-if-cached"),
        ("max-age=0", "max-age=0"),
        ("max-age=x", "max-age=0"),
        ("max-age=5, max-age=3", "max-age=3"),
        ("max-stale", "max-stale"),
        ("max-stale=\"7\"", "max-stale=7"),
        ("max-stale=x", "max-stale=0"),
        ("max-stale, max-stale=7", "max-stale=7"),
        ("min-fresh=3", "min-fresh=3"),
        ("min-fresh=3, min-fresh=5", "min-fresh=5"),
        ("min-fresh", "min-fresh=2147483648"),
        ("stale-if-error=9", "stale-if-error=9"),
        ("only-if-cached=1", ""),
        ("private, public, s-maxage=1, must-revalidate, immutable, must-understand", ""),
    ])
    func whatRequestsSay(_ value: String, _ expected: String) {
        #expect(request(value) == expected)
    }

    /// RFC 9111 §5.4.
    @Test func pragmaIsReadInRequestsWithoutCacheControl() {
        #expect(request(["Pragma: no-cache"]) == "no-cache")
        #expect(request(["Pragma: foo", "Pragma: bar, No-Cache"]) == "no-cache")
        #expect(request(["Pragma: foo"]) == "")
        #expect(request(["Pragma: no-cache", "Cache-Control: max-age=5"]) == "max-age=5")
        #expect(request(["Pragma: no-cache", "Cache-Control: "]) == "")
        #expect(response(["Pragma: no-cache"]) == "")
        #expect(request(["CDN-Cache-Control: no-store"]) == "")
    }

    // MARK: RFC 9213

    @Test(arguments: [
        ("max-age=60", "targeted max-age=60"),
        ("no-store", "no-store targeted"),
        ("no-store=?1, private=?0", "no-store targeted"),
        (
            "max-age=60, no-cache=\"set-cookie\", private=\"a, b\"",
            "targeted max-age=60 no-cache[set-cookie] private[a, b]"
        ),
        ("max-age=60;x=1; y=\"z\", public", "public targeted max-age=60"),
        (
            "foo=(1 \"a\" b;q=1), bar=:aGk=:, baz=@12, qux=%\"a%c3%bc\", max-age=5",
            "targeted max-age=5"
        ),
        ("max-age=999999999999999", "targeted max-age=2147483648"),
        // The later holds.
        ("max-age=60, max-age=70", "targeted max-age=70"),
        ("no-store, no-store=?0", "targeted"),
        ("private, private=\"a\"", "targeted private[a]"),
        // Of the wrong type: not used, and not fresh by it.
        ("max-age=\"60\"", "targeted max-age=0"),
        ("max-age=1.5", "targeted max-age=0"),
        ("max-age=-1", "targeted max-age=0"),
        ("max-age", "targeted max-age=0"),
        ("max-age=(1)", "targeted max-age=0"),
        ("no-store=5, public=5", "no-store targeted"),
        ("no-cache=5", "no-cache targeted"),
        ("only-if-cached", "targeted"),
        ("foo", "targeted"),
    ])
    func theTargetedFieldReplacesTheOther(_ value: String, _ expected: String) {
        let lines = ["Cache-Control: s-maxage=9", "CDN-Cache-Control: \(value)"]
        #expect(response(lines) == expected)
    }

    @Test(arguments: [
        "", " ", "Max-Age=60", "max-age=60,", ",max-age=60", "max-age=60,,public", "max-age = 60",
        "max-age= 60", "max-age=60 public", "max-age=60;", "max-age=1234567890123456",
        "max-age=\"60",
        "a=\"\u{7}\"", "a=\"\\n\"", "a=?2", "a=(1", "a=(1\t2)", "a=:a", "a=1.", "a=1.2345", "a=-",
        "a=%\"%zz\"", "a=@1.5", "a=&", "\tmax-age=60", "max-age=60 x", "a;B=1",
    ])
    func aTargetedFieldThatIsNoDictionaryIsIgnored(_ value: String) {
        let lines = ["Cache-Control: s-maxage=9", "CDN-Cache-Control: \(value)"]
        #expect(response(lines) == "s-maxage=9")
    }

    @Test func targetedLinesAreOneField() {
        #expect(
            response(["CDN-Cache-Control: max-age=60", "CDN-Cache-Control: max-age=5, private"])
                == "private targeted max-age=5"
        )
        #expect(
            response([
                "CDN-Cache-Control: max-age=60", "CDN-Cache-Control: Bad", "Cache-Control: public",
            ]) == "public"
        )
    }

    /// Nothing traps, and one more directive that restricts is never lost, whatever stands before it on its line.
    @Test func noiseHidesNoRestriction() {
        var random = Random(seed: 0x9111)
        let alphabet = Array("max-age=no-cache\"\\,; =0159\tprivate".utf8)
        for _ in 0..<4000 {
            let noise = (0..<random.next(below: 24)).map { _ in
                alphabet[Int(random.next(below: UInt64(alphabet.count)))]
            }
            let text = String(decoding: noise, as: UTF8.self)
            // A quote before it may only swallow it together with one behind it.
            #expect(response("\(text), no-store").contains("no-store"), "\(text)")
            _ = request(text)
            _ = response(["CDN-Cache-Control: \(text)"])
        }
    }
}
