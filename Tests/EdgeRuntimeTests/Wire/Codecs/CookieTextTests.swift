import Testing

@testable import EdgeRuntime

@Suite struct CookieTextTests {
    private func pairs(_ text: String) -> [String] {
        let bytes = Array(text.utf8)
        var position = 0
        var told: [String] = []
        while let pair = CookieText.nextPair(bytes.span, &position) {
            let name = bytes.span.extracting(pair.name).text
            let value = bytes.span.extracting(pair.value).text
            told.append("\(name)=\(value)")
        }
        return told
    }

    @Test(
        arguments: [
            ("", []), ("SID=31d4d96e407aad42", ["SID=31d4d96e407aad42"]),
            ("SID=31d4; lang=en-US", ["SID=31d4", "lang=en-US"]), ("a=1;b=2", ["a=1", "b=2"]),
            ("a=b=c", ["a=b=c"]), ("a", ["=a"]), ("=a", ["=a"]), ("a=", ["a="]),
            (" a = b ", ["a=b"]),
            (";; a=1 ;;", ["a=1"]), ("a=\"1\"", ["a=\"1\""]), ("a=1; a=2", ["a=1", "a=2"]),
            ("a=1,b=2", ["a=1,b=2"]), ("a=\"x;y\"", ["a=\"x", "=y\""]), ("a=\t1\t", ["a=1"]),
        ] as [(String, [String])]
    )
    func whatBrowsersSend(text: String, expected: [String]) {
        #expect(pairs(text) == expected)
    }

    private func write(_ cookie: SetCookie) throws(CookieError) -> String {
        var out: [UInt8] = []
        try cookie.append(to: &out)
        return String(decoding: out, as: UTF8.self)
    }

    private func cookie(
        _ name: String = "a",
        _ value: String = "1",
        _ change: (inout SetCookie) -> Void = { _ in }
    ) -> SetCookie {
        var cookie = SetCookie(name: Array(name.utf8), value: Array(value.utf8))
        change(&cookie)
        return cookie
    }

    @Test func whatWeSet() throws {
        #expect(try write(cookie()) == "a=1")
        #expect(try write(cookie("a", "")) == "a=")
        #expect(try write(cookie("a", "\"x\"")) == "a=\"x\"")
        let full = cookie("__Secure-id", "x") { cookie in
            cookie.domain = Array("shop.example.com".utf8)
            cookie.path = Array("/a b".utf8)
            cookie.expires = 784_111_777
            cookie.maxAge = -1
            cookie.isSecure = true
            cookie.isHTTPOnly = true
            cookie.sameSite = SameSite.none
            cookie.isPartitioned = true
        }
        let text = try write(full)
        #expect(
            text == "__Secure-id=x; Domain=shop.example.com; Path=/a b; "
                + "Expires=Sun, 06 Nov 1994 08:49:37 GMT; Max-Age=-1; Secure; HttpOnly; "
                + "SameSite=None; Partitioned"
        )
        let bytes = Array(text.utf8)
        #expect(SetCookie.parse(bytes.span) == full)
    }

    @Test func whatBrowsersWouldDropIsAnError() {
        let path = Array("/".utf8)
        let rows: [(SetCookie, CookieError)] = [
            (cookie(""), .badName), (cookie("a b"), .badName), (cookie("a=b"), .badName),
            (cookie("a;b"), .badName), (cookie("é"), .badName), (cookie("a\n"), .badName),
            (cookie("a", "b;c"), .badValue), (cookie("a", "b c"), .badValue),
            (cookie("a", "b\r\nSet-Cookie: x=y"), .badValue), (cookie("a", "b,c"), .badValue),
            (cookie("a", "b\\"), .badValue), (cookie("a", "é"), .badValue),
            (cookie("a", "\""), .badValue), (cookie("a", "\"a\"b\""), .badValue),
            (cookie("a", String(repeating: "x", count: Limits.cookieBytesMax)), .tooLong),
            (cookie { $0.domain = [] }, .badDomain),
            (cookie { $0.domain = Array(".example.com".utf8) }, .badDomain),
            (cookie { $0.domain = Array("a;b".utf8) }, .badDomain),
            (cookie { $0.domain = Array("a:80".utf8) }, .badDomain),
            (cookie { $0.domain = Array("[::1]".utf8) }, .badDomain),
            (cookie { $0.path = [] }, .badPath), (cookie { $0.path = Array("a".utf8) }, .badPath),
            (cookie { $0.path = Array("/a;b".utf8) }, .badPath),
            (cookie { $0.path = Array("/\n".utf8) }, .badPath),
            (
                cookie { $0.path = [0x2f] + [UInt8](repeating: 0x61, count: 1024) }, .tooLong
            ),
            (cookie { $0.expires = .max }, .badExpires),
            (cookie { $0.expires = .min }, .badExpires),
            (cookie { $0.sameSite = SameSite.none }, .needsSecure),
            (cookie { $0.isPartitioned = true }, .needsSecure),
            (cookie("__Secure-a"), .needsSecure),
            (cookie("__host-a") { $0.path = path }, .needsSecure),
            (cookie("__Host-a") { $0.isSecure = true }, .badPrefix),
            (
                cookie("__Host-a") { cookie in
                    cookie.isSecure = true
                    cookie.path = path
                    cookie.domain = Array("example.com".utf8)
                }, .badPrefix
            ),
        ]
        for (row, reason) in rows {
            #expect(throws: reason, "\(row)") { try write(row) }
        }
    }

    /// What user agents make of what servers send (RFC 6265 §5.2).
    @Test func readingIsLenient() throws {
        func parse(_ text: String) -> SetCookie? {
            let bytes = Array(text.utf8)
            return SetCookie.parse(bytes.span)
        }
        #expect(
            parse("SID=31d4; Path=/; Domain=Example.com")
                == cookie("SID", "31d4") { cookie in
                    cookie.path = Array("/".utf8)
                    cookie.domain = Array("example.com".utf8)
                }
        )
        #expect(
            parse(" a = b ;secure;HTTPONLY; samesite = LAX ")
                == cookie("a", "b") { cookie in
                    cookie.isSecure = true
                    cookie.isHTTPOnly = true
                    cookie.sameSite = .lax
                }
        )
        #expect(parse("a")?.name == [] && parse("a")?.value == Array("a".utf8))
        #expect(parse("") == nil && parse(";secure") == nil && parse("=") == nil)
        #expect(parse("a=\u{1}") == nil && parse("a=b\r\nx: y") == nil)
        #expect(parse("a=b; domain=.x.com")?.domain == Array("x.com".utf8))
        #expect(parse("a=b; domain=")?.domain == nil && parse("a=b; path=x; path")?.path == nil)
        #expect(parse("a=b; path=/x; path=/y")?.path == Array("/y".utf8))
        #expect(parse("a=b; path=/x; path=y")?.path == nil)
        #expect(parse("a=b; samesite=odd")?.sameSite == nil)
        #expect(parse("a=b; max-age=10; max-age=x")?.maxAge == 10)
        #expect(parse("a=b; max-age=-10")?.maxAge == -10 && parse("a=b; max-age=+1")?.maxAge == nil)
        #expect(parse("a=b; max-age=99999999999999999999")?.maxAge == .max)
        #expect(parse("a=b; max-age=1.5")?.maxAge == nil && parse("a=b; max-age=")?.maxAge == nil)
        #expect(parse("a=b; expires=Wed, 21-Oct-2015 07:28:00 GMT")?.expires == 1_445_412_480)
        #expect(parse("a=\"x\"; foo=bar") == cookie("a", "\"x\""))
        let long = String(repeating: "x", count: Limits.cookieBytesMax)
        #expect(parse("a=\(long)") == nil)
        #expect(parse("a=b; path=/\(long)")?.path == nil)
    }

    @Test(
        arguments: [
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777),
            ("Sun Nov  6 08:49:37 1994", 784_111_777), ("6 nov 1994 8:49:37", 784_111_777),
            ("08:49:37 1994 November 6th", 784_111_777), ("Thu, 01-Jan-1970 00:00:00 GMT", 0),
            ("Thu, 01 Jan 69 00:00:00", 3_124_224_000), ("1 Jan 1600 00:00:00", nil),
            ("30 Feb 2000 00:00:00", nil), ("1 Jan 2000 24:00:00", nil),
            ("1 Jan 2000 00:00:60", nil),
            ("1 Jan 2000", nil), ("Jan 2000 00:00:00", nil), ("", nil), ("0", nil),
            ("1 Jan 20000 00:00:00", nil), ("1 Jan 2000 000:00:00", nil),
            ("32 Jan 2000 00:00:00", nil),
        ] as [(String, Int64?)]
    )
    func dates(text: String, expected: Int64?) {
        let bytes = Array(text.utf8)
        let date = CookieDate.parse(bytes.span)
        #expect(date == expected)
    }
}
