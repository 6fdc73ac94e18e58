import Testing

@testable import EdgeRuntime

/// The representation of all tables: 1000 bytes, changed at `changed`, asked for an hour later.
@Suite struct ConditionalTests {
    private static let changed: Int64 = 784_111_777
    private static let then = "Sun, 06 Nov 1994 08:49:37 GMT"
    private static let before = "Sun, 06 Nov 1994 08:49:36 GMT"
    private static let after = "Sun, 06 Nov 1994 08:49:38 GMT"

    private func judge(
        _ lines: [String],
        _ method: EdgeRuntime.Method = .get,
        as role: Conditional.Role = .origin,
        etag: String = #""v1""#,
        changed: Int64? = Self.changed,
        size: Int64? = 1000,
        now: Int64 = Self.changed + 3600
    ) -> Conditional.Verdict {
        let arena = Arena()
        var head = RequestHead()
        head.method = method
        for line in lines {
            let colon = line.firstIndex(of: ":") ?? line.endIndex
            let name = Array(line[..<colon].utf8)
            let value = Array(line[colon...].dropFirst(2).utf8)
            let slice = arena.append(value.span)
            head.fields.append(Field(HeaderName.named(name.span), value: slice))
        }
        let tag = Array(etag.utf8)
        return Conditional.judge(
            head,
            arena,
            as: role,
            etag: tag.span,
            lastModified: changed,
            size: size,
            now: now
        )
    }

    @Test func withoutConditionsItIsTheWhole() {
        for method in [EdgeRuntime.Method.get, .head, .post, .put, .other] {
            #expect(judge([], method) == .full)
        }
        #expect(judge([], size: 0) == .full)
    }

    // MARK: 1 and 2

    @Test func ifMatchIsStrong() {
        #expect(judge([#"If-Match: "v1""#]) == .full)
        #expect(judge([#"If-Match: "a,b", "v1""#]) == .full)
        #expect(judge([#"If-Match: "v0""#, #"If-Match: "v1""#]) == .full)
        #expect(judge(["If-Match: *"]) == .full)
        #expect(judge(["If-Match: *"], etag: "") == .full)
        for value in [#""v2""#, #"W/"v1""#, "v1", "", #""v1" x"#, #""v2", *"#, #""x,"v1"""#] {
            #expect(judge(["If-Match: \(value)"]) == .preconditionFailed)
            #expect(judge(["If-Match: \(value)"], .put) == .preconditionFailed)
        }
        #expect(judge([#"If-Match: W/"v1""#], etag: #"W/"v1""#) == .preconditionFailed)
        #expect(judge([#"If-Match: "v1""#], etag: "") == .preconditionFailed)
    }

    @Test func ifUnmodifiedSince() {
        #expect(judge(["If-Unmodified-Since: \(Self.then)"]) == .full)
        #expect(judge(["If-Unmodified-Since: \(Self.after)"], .post) == .full)
        #expect(judge(["If-Unmodified-Since: \(Self.before)"]) == .preconditionFailed)
        #expect(judge(["If-Unmodified-Since: \(Self.before)"], .delete) == .preconditionFailed)
        #expect(judge(["If-Unmodified-Since: yesterday"]) == .full)
        #expect(judge(["If-Unmodified-Since: \(Self.before)"], changed: nil) == .full)
        let twice = "If-Unmodified-Since: \(Self.before)"
        #expect(judge([twice, twice]) == .full)
    }

    @Test func aTagOutranksADate() {
        let old = "If-Unmodified-Since: \(Self.before)"
        let recent = "If-Unmodified-Since: \(Self.after)"
        #expect(judge([#"If-Match: "v1""#, old]) == .full)
        #expect(judge([recent, #"If-Match: "v2""#]) == .preconditionFailed)
        let unchanged = "If-Modified-Since: \(Self.then)"
        let changed = "If-Modified-Since: \(Self.before)"
        #expect(judge([unchanged, #"If-None-Match: "v2""#]) == .full)
        #expect(judge([changed, #"If-None-Match: "v1""#]) == .notModified)
        #expect(judge([unchanged, "If-None-Match: "]) == .full)
    }

    @Test func whatProtectsTheOriginComesFirst() {
        let lines = [#"If-None-Match: "v1""#, "Range: bytes=0-1"]
        #expect(judge(lines + [#"If-Match: "v2""#]) == .preconditionFailed)
        #expect(judge(lines + [#"If-Match: "v1""#]) == .notModified)
        #expect(judge(lines + ["If-Unmodified-Since: \(Self.before)"]) == .preconditionFailed)
    }

    @Test func aCacheDoesNotAnswerForTheOrigin() {
        #expect(judge([#"If-Match: "v2""#], as: .cache) == .full)
        #expect(judge(["If-Unmodified-Since: \(Self.before)"], as: .cache) == .full)
        #expect(judge([#"If-Match: "v2""#, #"If-None-Match: "v1""#], as: .cache) == .notModified)
        #expect(judge(["Range: bytes=0-1"], as: .cache) == .partial(0..<2))
    }

    // MARK: 3 and 4

    @Test func ifNoneMatchIsWeak() {
        for value in [
            #""v1""#, #"W/"v1""#, "*", #""v0", "v1""#, #""a,b",W/"v1""#, #","v1","#, #""\","v1""#,
        ] {
            #expect(judge(["If-None-Match: \(value)"]) == .notModified)
            #expect(judge(["If-None-Match: \(value)"], .head) == .notModified)
            #expect(judge(["If-None-Match: \(value)"], .put) == .preconditionFailed)
            #expect(judge(["If-None-Match: \(value)"], etag: #"W/"v1""#) == .notModified)
        }
        for value in [#""v2""#, "v1", "", #""v2", *"#, #""x","v""#, #""V1""#, #"w/"v1""#] {
            #expect(judge(["If-None-Match: \(value)"]) == .full)
            #expect(judge(["If-None-Match: \(value)"], .put) == .full)
        }
        #expect(judge([#"If-None-Match: "v0""#, #"If-None-Match: "v1""#]) == .notModified)
        #expect(judge(["If-None-Match: *", #"If-None-Match: "v2""#]) == .full)
        #expect(judge([#"If-None-Match: "v1""#], etag: "") == .full)
        #expect(judge(["If-None-Match: *"], etag: "") == .notModified)
        #expect(judge(["If-None-Match: v1"], etag: "v1") == .notModified)
    }

    @Test func ifModifiedSince() {
        for date in [Self.then, Self.after, "Sunday, 06-Nov-94 08:49:37 GMT"] {
            #expect(judge(["If-Modified-Since: \(date)"]) == .notModified)
            #expect(judge(["If-Modified-Since: \(date)"], .head) == .notModified)
            #expect(judge(["If-Modified-Since: \(date)"], .post) == .full)
            #expect(judge(["If-Modified-Since: \(date)"], changed: nil) == .full)
        }
        for date in [Self.before, "", "0", "Sun, 32 Nov 1994 08:49:37 GMT", "\(Self.then); x"] {
            #expect(judge(["If-Modified-Since: \(date)"]) == .full)
        }
        let twice = "If-Modified-Since: \(Self.then)"
        #expect(judge([twice, twice]) == .full)
    }

    @Test func someMethodsKnowNoConditions() {
        let lines = [
            #"If-Match: "v2""#, #"If-None-Match: "v1""#, "If-Unmodified-Since: \(Self.before)",
            "Range: bytes=0-1",
        ]
        for method in [EdgeRuntime.Method.options, .trace, .connect] {
            #expect(judge(lines, method) == .full)
        }
    }

    // MARK: 5 and 6

    @Test func rangesAreForGet() {
        #expect(judge(["Range: bytes=0-1"]) == .partial(0..<2))
        #expect(judge(["Range: bytes=1000-"]) == .unsatisfiable)
        for method in [EdgeRuntime.Method.head, .post, .put, .other] {
            #expect(judge(["Range: bytes=0-1"], method) == .full)
            #expect(judge(["Range: bytes=1000-"], method) == .full)
        }
        #expect(judge(["Range: bytes=0-1", "Range: bytes=4-5"]) == .full)
        #expect(judge(["Range: bytes=0-1"], size: nil) == .full)
        var list = RangeList()
        let fits = list.append(0..<2) && list.append(4..<6)
        #expect(fits)
        #expect(judge(["Range: bytes=0-1,4-5"]) == .multipart(list))
        #expect(judge([#"If-None-Match: "v1""#, "Range: bytes=1000-"]) == .notModified)
        #expect(judge([#"If-None-Match: "v2""#, "Range: bytes=0-1"]) == .partial(0..<2))
    }

    @Test func ifRangeIsStrong() {
        let range = "Range: bytes=0-1"
        #expect(judge([#"If-Range: "v1""#, range]) == .partial(0..<2))
        #expect(judge(["If-Range: \(Self.then)", range]) == .partial(0..<2))
        for value in [
            #""v2""#, #"W/"v1""#, "v1", "", "*", #""v1", "v2""#, Self.before, Self.after,
            "Sun, 06 Nov 1994 08:49:37", "nonsense",
        ] {
            #expect(judge(["If-Range: \(value)", range]) == .full)
            // The range would be past the end, were it asked for.
            #expect(judge(["If-Range: \(value)", "Range: bytes=1000-"]) == .full)
        }
        #expect(judge([#"If-Range: W/"v1""#, range], etag: #"W/"v1""#) == .full)
        #expect(judge([#"If-Range: "v1""#, range], etag: #"W/"v1""#) == .full)
        #expect(judge([#"If-Range: "v1""#, range], etag: "") == .full)
        #expect(judge([#"If-Range: "v1""#, #"If-Range: "v1""#, range]) == .full)
        #expect(judge([#"If-Range: "v2""#]) == .full)
    }

    @Test func aDateIsStrongWhenItsSecondIsOver() {
        let lines = ["If-Range: \(Self.then)", "Range: bytes=0-1"]
        #expect(judge(lines, now: Self.changed) == .full)
        #expect(judge(lines, now: Self.changed - 10) == .full)
        #expect(judge(lines, now: Self.changed + 1) == .partial(0..<2))
        #expect(judge(lines, changed: nil) == .full)
    }
}
