import Testing

@testable import EdgeRuntime

@Suite struct URLTextTests {
    /// RFC 3986 §5.4.1 and §5.4.2, in the strict reading.
    @Test(arguments: [
        ("g:h", "g:h"), ("g", "http://a/b/c/g"), ("./g", "http://a/b/c/g"),
        ("g/", "http://a/b/c/g/"), ("/g", "http://a/g"), ("//g", "http://g"),
        ("?y", "http://a/b/c/d;p?y"), ("g?y", "http://a/b/c/g?y"), ("#s", "http://a/b/c/d;p?q#s"),
        ("g#s", "http://a/b/c/g#s"), ("g?y#s", "http://a/b/c/g?y#s"), (";x", "http://a/b/c/;x"),
        ("g;x", "http://a/b/c/g;x"), ("g;x?y#s", "http://a/b/c/g;x?y#s"),
        ("", "http://a/b/c/d;p?q"), (".", "http://a/b/c/"), ("./", "http://a/b/c/"),
        ("..", "http://a/b/"), ("../", "http://a/b/"), ("../g", "http://a/b/g"),
        ("../..", "http://a/"), ("../../", "http://a/"), ("../../g", "http://a/g"),
        ("../../../g", "http://a/g"), ("../../../../g", "http://a/g"), ("/./g", "http://a/g"),
        ("/../g", "http://a/g"), ("g.", "http://a/b/c/g."), (".g", "http://a/b/c/.g"),
        ("g..", "http://a/b/c/g.."), ("..g", "http://a/b/c/..g"), ("./../g", "http://a/b/g"),
        ("./g/.", "http://a/b/c/g/"), ("g/./h", "http://a/b/c/g/h"), ("g/../h", "http://a/b/c/h"),
        ("g;x=1/./y", "http://a/b/c/g;x=1/y"), ("g;x=1/../y", "http://a/b/c/y"),
        ("g?y/./x", "http://a/b/c/g?y/./x"), ("g?y/../x", "http://a/b/c/g?y/../x"),
        ("g#s/./x", "http://a/b/c/g#s/./x"), ("g#s/../x", "http://a/b/c/g#s/../x"),
        ("http:g", "http:g"),
        // Not in the table: a slash that is kept, an escape that is no dot, an empty segment.
        ("../", "http://a/b/"), ("%2e%2e/g", "http://a/b/c/%2e%2e/g"),
        ("g//../h", "http://a/b/c/g/h"),
        ("//", "http://"), ("?", "http://a/b/c/d;p?"), ("#", "http://a/b/c/d;p?q#"),
        ("/..//g", "http://a//g"),
    ])
    func references(reference: String, expected: String) throws {
        #expect(try resolve(reference, "http://a/b/c/d;p?q") == expected)
    }

    @Test(arguments: [
        ("http://a", "g", "http://a/g"), ("http://a?q", "g", "http://a/g"),
        ("http://a?q", "", "http://a?q"), ("http://a?q#f", "#g", "http://a?q#g"),
        ("http://a/b", "//u@[::1]:80/x", "http://u@[::1]:80/x"), ("m:a/b", "../../c", "m:c"),
        // Without a host `//x` would become one.
        ("m:/a/b", "..//x", "m:/.//x"), ("m:/a", "/.//x", "m:/.//x"),
    ])
    func otherBases(base: String, reference: String, expected: String) throws {
        #expect(try resolve(reference, base) == expected)
    }

    @Test func aBaseIsAbsolute() {
        #expect(throws: URLError.notAbsolute) { try resolve("g", "/b/c") }
    }

    private func resolve(_ reference: String, _ base: String) throws(URLError) -> String {
        let reference = Array(reference.utf8)
        let base = Array(base.utf8)
        let bytes = try URLText.resolve(reference.span, against: base.span)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// scheme | user | host | port | path | query | fragment
    private func parts(_ text: String) throws(URLError) -> String {
        let bytes = Array(text.utf8)
        let parts = try URLText.split(bytes.span)
        let told = [
            parts.scheme, parts.userInfo, parts.host, nil, parts.path, parts.query, parts.fragment,
        ].map { range in range.map { String(decoding: bytes[$0], as: UTF8.self) } ?? "-" }
        var columns = told
        columns[3] = parts.port.map { "\($0)" } ?? "-"
        return columns.joined(separator: "|")
    }

    @Test(arguments: [
        ("http://example.com/a?b#c", "http|-|example.com|-|/a|b|c"),
        ("HTTPS://u:p@Example.com:8443", "HTTPS|u:p|Example.com|8443||-|-"),
        ("http://[2001:db8::1]:80/", "http|-|[2001:db8::1]|80|/|-|-"),
        ("http://a:/", "http|-|a|-|/|-|-"),
        ("/a//b?", "-|-|-|-|/a//b||-"), ("", "-|-|-|-||-|-"), ("//h/p", "-|-|h|-|/p|-|-"),
        ("mailto:a@b", "mailto|-|-|-|a@b|-|-"), ("file:///x", "file|-||-|/x|-|-"),
        ("a/b:c", "-|-|-|-|a/b:c|-|-"), ("?a=b?c#d?e#f", "-|-|-|-||a=b?c|d?e#f"),
        ("http://h?x=http://y/", "http|-|h|-||x=http://y/|-"), ("/ü?ü", "-|-|-|-|/ü|ü|-"),
        ("/a?b\\c", "-|-|-|-|/a|b\\c|-"), ("/x:y", "-|-|-|-|/x:y|-|-"),
        ("http://h#a@b", "http|-|h|-||-|a@b"), ("http://h/a@b", "http|-|h|-|/a@b|-|-"),
    ])
    func splitting(text: String, expected: String) throws {
        #expect(try parts(text) == expected)
    }

    @Test(arguments: [
        ("http://a b/", URLError.badByte), ("http://a/\n", .badByte), ("http://a/\u{0}", .badByte),
        ("http://a\\@b/", .badByte), ("/a\\b", .badByte), ("\u{7f}", .badByte),
        ("1http://a", .badScheme), (":x", .badScheme), ("a b:c", .badByte), ("a_b:c", .badScheme),
        ("http://a@b@c/", .badHost), ("http://a..b/", .badHost), ("http://[::1/", .badHost),
        ("http://[zz]/", .badHost), ("http://ü/", .badHost), ("http://a%2fb/", .badHost),
        ("http://:80/", .badHost), ("http://u@/", .badHost), ("http://a:80:90/", .badHost),
        ("http://a:65536/", .badPort), ("http://a:99999999999999999999/", .badPort),
        ("http://a:8x/", .badHost), ("http://a:-1/", .badHost), ("http://::1/", .badHost),
    ])
    func refusals(text: String, reason: URLError) {
        #expect(throws: reason) { try parts(text) }
    }

    @Test func lengthIsBounded() {
        let long = String(repeating: "a", count: Limits.urlBytesMax + 1)
        #expect(throws: URLError.tooLong) { try parts(long) }
    }
}

@Suite struct PercentTextTests {
    private func encode(_ text: String, _ plain: PercentText.Plain) -> String {
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        PercentText.encode(bytes.span, plain, into: &out)
        return String(decoding: out, as: UTF8.self)
    }

    private func decode(
        _ text: String,
        plusIsSpace: Bool = false,
        _ malformed: PercentText.Malformed = .refused
    ) throws(URLError) -> String {
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        try PercentText.decode(bytes.span, plusIsSpace: plusIsSpace, malformed, into: &out)
        return String(decoding: out, as: UTF8.self)
    }

    @Test func sets() {
        let text = "aZ9-._~ !\"#$%&'()*+,/:;<=>?@[\\]^`{|}é"
        #expect(
            encode(text, .component)
                == "aZ9-._~%20%21%22%23%24%25%26%27%28%29%2A%2B%2C%2F%3A%3B%3C%3D%3E%3F%40%5B%5C%5D"
                + "%5E%60%7B%7C%7D%C3%A9"
        )
        #expect(
            encode(text, .path)
                == "aZ9-._~%20!%22%23$%25&'()*+,/:;%3C=%3E%3F@%5B%5C%5D%5E%60%7B%7C%7D%C3%A9"
        )
        #expect(
            encode(text, .query)
                == "aZ9-._~%20!%22%23$%25&'()*+,/:;%3C=%3E?@%5B%5C%5D%5E%60%7B%7C%7D%C3%A9"
        )
        #expect(encode("a b+c", .form) == "a+b%2Bc")
    }

    @Test func decoding() throws {
        #expect(try decode("%41%62%2f%2F+") == "Ab//+")
        #expect(try decode("a+b%2B", plusIsSpace: true) == "a b+")
        #expect(try decode("%25%34%31") == "%41")
        for text in ["%", "%4", "%4g", "%g4", "a%%41", "%-1"] {
            #expect(throws: URLError.badEscape) { try decode(text) }
        }
        #expect(try decode("%", .kept) == "%")
        #expect(try decode("100%&%zz%4", .kept) == "100%&%zz%4")
        #expect(try decode("%%41", .kept) == "%A")
    }

    @Test func everyByteComesBack() throws {
        let bytes = (0...255).map { UInt8($0) }
        for plain in [PercentText.Plain.component, .form, .path, .query] {
            var text: [UInt8] = []
            PercentText.encode(bytes.span, plain, into: &text)
            #expect(text.allSatisfy { $0 > 0x20 && $0 < 0x7f })
            var again: [UInt8] = []
            try PercentText.decode(text.span, plusIsSpace: plain == .form, into: &again)
            #expect(again == bytes)
        }
    }

    private func pairs(_ text: String) -> [String] {
        let bytes = Array(text.utf8)
        var position = 0
        var told: [String] = []
        while let pair = QueryText.nextPair(bytes.span, &position) {
            let name = QueryText.decode(bytes.span.extracting(pair.name))
            let value = pair.value.map { QueryText.decode(bytes.span.extracting($0)) }
            told.append(
                String(decoding: name, as: UTF8.self)
                    + (value.map { "=" + String(decoding: $0, as: UTF8.self) } ?? "")
            )
        }
        return told
    }

    @Test(
        arguments: [
            ("", []), ("a=1&b=2&a=3", ["a=1", "b=2", "a=3"]), ("a", ["a"]), ("a=", ["a="]),
            ("=1", ["=1"]), ("&&a&", ["a"]), ("a=b=c", ["a=b=c"]), ("a+b=c%20d%26", ["a b=c d&"]),
            ("%", ["%"]), ("a=%zz", ["a=%zz"]), ("=", ["="]), ("a;b=1", ["a;b=1"]), ("&", []),
        ] as [(String, [String])]
    )
    func queries(text: String, expected: [String]) {
        #expect(pairs(text) == expected)
    }

    @Test func queriesComeBack() {
        var query: [UInt8] = []
        let names = ["a", "a b", "&=", "é", ""]
        for name in names {
            let bytes = Array(name.utf8)
            QueryText.append(name: bytes.span, value: bytes.span, to: &query)
            QueryText.append(name: bytes.span, to: &query)
        }
        let text = String(decoding: query, as: UTF8.self)
        #expect(text.hasPrefix("a=a&a&a+b=a+b&a+b&%26%3D=%26%3D&"))
        #expect(pairs(text).filter { $0.contains("é") } == ["é=é", "é"])
    }
}
