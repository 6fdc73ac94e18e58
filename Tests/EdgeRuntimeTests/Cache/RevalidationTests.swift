import Testing

@testable import EdgeRuntime

/// RFC 9111 §3.1, §3.2 and §4.3.4.
@Suite struct RevalidationTests {
    private static let now: Int64 = 784_111_777

    private static func date(_ offset: Int64) -> String {
        let text = HTTPDate.render(now + offset)
        return text.span.text
    }

    private static func response(
        _ lines: [String],
        status: UInt16 = 304,
        _ arena: Arena
    ) throws -> ResponseHead {
        var head = ResponseHead()
        let text = (["HTTP/1.1 \(status) X"] + lines).joined(separator: "\r\n") + "\r\n\r\n"
        try HeadParser.parseResponse(
            Array(text.utf8).span,
            into: &head,
            arena: arena,
            limits: HeadLimits(requestLine: 1000, head: 4000, fields: 50)
        )
        return head
    }

    private static func lines(_ head: borrowing ResponseHead, _ arena: Arena) -> [String] {
        var lines: [String] = []
        for index in 0..<head.fields.count {
            let field = head.fields[index]
            lines.append("\(arena.name(of: field).text.lowercased()): \(arena[field.value].text)")
        }
        return lines.sorted()
    }

    // MARK: §4.3.4, selecting

    @Test(
        arguments: [
            ("\"a\"", nil, ["ETag: \"a\""], true),
            ("\"a\"", nil, ["ETag: \"b\""], false),
            // Weak here where the edge has coded what is strong there.
            ("W/\"a\"", nil, ["ETag: \"a\""], true),
            ("\"a\"", nil, ["ETag: W/\"a\""], true),
            ("W/\"a\"", nil, ["ETag: W/\"b\""], false),
            ("", -9, ["ETag: \"a\""], false),
            ("", -9, ["Last-Modified: @-9"], true),
            ("", -9, ["Last-Modified: @-8"], false),
            ("\"a\"", nil, ["Last-Modified: @-9"], false),
            // The tag outranks the date.
            ("\"a\"", -9, ["ETag: \"a\"", "Last-Modified: @-8"], true),
            ("\"a\"", -9, ["ETag: \"b\"", "Last-Modified: @-9"], false),
            // Without either it answers what was asked.
            ("\"a\"", nil, ["Cache-Control: max-age=1"], true),
        ] as [(String, Int64?, [String], Bool)]
    )
    func whatA304IsAbout(
        _ etag: String,
        _ modified: Int64?,
        _ told: [String],
        _ expected: Bool
    ) throws {
        let arena = Arena()
        let head = try Self.response(
            told.map { line in
                guard let at = line.firstIndex(of: "@"),
                    let offset = Int64(line[line.index(after: at)...])
                else { return line }
                return line[..<at] + Self.date(offset)
            },
            arena
        )
        let selects = Revalidation.selects(
            head,
            arena,
            etag: Array(etag.utf8),
            lastModified: modified.map { Self.now + $0 },
            now: Self.now
        )
        #expect(selects == expected)
    }

    // MARK: §3.2, merging

    private static let stored = [
        "Date: old", "ETag: W/\"a\"", "Content-Length: 10", "Content-Encoding: br",
        "Content-Type: text/plain", "Cache-Control: max-age=1", "X-A: 1", "X-A: 2", "Link: a",
        "Expires: then",
    ]

    private func merge(_ new: [String]) throws -> [String] {
        let arena = Arena()
        let old = try Self.response(Self.stored, status: 200, arena)
        guard let head = StoredHead(old, arena) else { return ["no head"] }
        var merged = try Self.response(new, arena)
        Revalidation.merge(head, into: &merged, arena)
        #expect(merged.status == 200)
        return Self.lines(merged, arena)
    }

    @Test func a304ChangesWhatItNames() throws {
        let merged = try merge([
            "Date: new", "ETag: \"a\"", "Content-Length: 0", "Content-Encoding: gzip",
            "Content-Range: bytes 0-1/2", "Content-Digest: x", "Content-MD5: y", "Trailer: t",
            "Content-Type: text/html", "x-a: 3", "X-B: 4", "X-B: 5", "Cache-Control: max-age=9",
        ])
        #expect(
            merged
                == [
                    "date: new", "etag: W/\"a\"", "content-length: 10", "content-encoding: br",
                    "content-type: text/html", "x-a: 3", "x-b: 4", "x-b: 5", "link: a",
                    "expires: then", "cache-control: max-age=9",
                ].sorted()
        )
    }

    @Test func whatItDoesNotNameStaysSaveForTheTime() throws {
        let left = Self.stored.filter { !$0.hasPrefix("Date") }.map { line in
            String(line.prefix { $0 != ":" }).lowercased() + line.drop { $0 != ":" }
        }
        #expect(try merge(["X-C: 1"]) == (left + ["x-c: 1"]).sorted())
    }

    // MARK: §3.1, storing

    private func stored(_ lines: [String], _ rule: CacheRule = CacheRule()) throws -> [String] {
        let arena = Arena()
        var head = try Self.response(lines, status: 200, arena)
        StoredFields(head, arena, rule).reduce(&head.fields, arena, now: Self.now)
        return Self.lines(head, arena)
    }

    @Test func whatIsStored() throws {
        let lines = [
            "Cache-Control: no-cache=\"x-a, Link\", private=\"X-B\"", "X-A: 1", "x-b: 2",
            "X-C: 3", "Link: a", "Set-Cookie: c", "Age: 5", "Warning: 110 - x",
            "Date: \(Self.date(-5))",
        ]
        let kept = [
            "cache-control: no-cache=\"x-a, Link\", private=\"X-B\"", "date: \(Self.date(-5))",
            "x-c: 3",
        ]
        #expect(try stored(lines) == (kept + ["set-cookie: c"]).sorted())
        var forced = CacheRule()
        forced.minTTL = .seconds(1)
        #expect(try stored(lines, forced) == kept.sorted())
        forced.key = KeyRule(cookies: .all)
        #expect(try stored(lines, forced) == (kept + ["set-cookie: c"]).sorted())
    }

    /// RFC 9110 §6.6.1: otherwise each delivery would look as if it had just been made.
    @Test func aDateIsAddedWhereThereIsNone() throws {
        #expect(try stored(["X-A: 1"]) == ["date: \(Self.date(0))", "x-a: 1"])
    }
}
