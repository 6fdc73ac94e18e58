import Testing

@testable import EdgeRuntime

@Suite struct HeadParserTests {
    @Test func aRequestIsReadTheSameHoweverItArrives() {
        let feeder = SplitFeeder(kind: .request)
        let text =
            "GET /a/b?x=1&y HTTP/1.1\r\nHost: Shop.Example:8080\r\nX-Odd:  two words\t\r\n\r\n"
        #expect(
            feeder.answer(text)
                == "GET /a/b?x=1&y origin path=/a/b query=x=1&y authority=Shop.Example:8080"
                + " host=shop.example port=8080 HTTP/1.1 [Host=Shop.Example:8080]"
                + " [X-Odd=two words] none keep=true length=\(text.utf8.count)"
        )
    }

    @Test func aNeighbourIsLeftAlone() {
        let feeder = SplitFeeder(kind: .request)
        let first = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        #expect(feeder.answer(first) == feeder.answer(first + "POST /b HTTP/1.1\r\nHost:"))
        #expect(feeder.answer(first) == feeder.answer(first + "\u{0}\n\r rubbish"))
    }

    @Test func aResponseIsReadTheSameHoweverItArrives() {
        let feeder = SplitFeeder(kind: .response)
        let text = "HTTP/1.1 404 Not Here\r\nContent-Length: 3\r\nETag: \"a\"\r\n\r\n"
        #expect(
            feeder.answer(text)
                == "404 'Not Here' HTTP/1.1 [Content-Length=3] [ETag=\"a\"] length(3) keep=true"
                + " length=\(text.utf8.count)"
        )
    }

    private func target(_ line: String, _ host: String = "Host: b:1") -> String {
        SplitFeeder(kind: .request).answer("\(line) HTTP/1.1\r\n\(host)\r\n\r\n")
    }

    @Test func everyFormOfTarget() {
        #expect(
            target("GET http://A.b:81/x?y").hasPrefix(
                "GET http://A.b:81/x?y absolute path=/x query=y authority=A.b:81 host=a.b port=81"
                    + " HTTP/1.1 [Host=A.b:81] none"
            )
        )
        #expect(target("GET HTTPS://a").contains("absolute path=/ authority=a host=a HTTP"))
        #expect(target("GET http://a?q").contains("path=/ query=q authority=a host=a HTTP"))
        #expect(target("OPTIONS http://a").contains("path=* authority=a host=a HTTP"))
        #expect(target("OPTIONS *").contains("asterisk path=* authority=b:1 host=b port=1 HTTP"))
        #expect(target("CONNECT a:443").contains("authority path= authority=a:443 host=a port=443"))
        #expect(target("GET /?").contains("path=/ query= authority=b:1"))
        #expect(target("GET //x/../%2F?a?b").contains("path=//x/../%2F query=a?b"))
    }

    @Test func everyFormOfHost() {
        #expect(target("GET /", "Host: [2001:DB8::1]:80").contains("host=2001:db8::1 port=80"))
        #expect(target("GET /", "Host: A.Example.").contains("host=a.example HTTP"))
        #expect(target("GET /", "Host: a:").contains("authority=a: host=a HTTP"))
        #expect(target("GET /", "Host: 192.0.2.1").contains("host=192.0.2.1 HTTP"))
        #expect(target("GET /", "Host: a_b-c.d").contains("host=a_b-c.d HTTP"))
    }

    @Test func oldAndNewMinorVersions() {
        let feeder = SplitFeeder(kind: .request)
        let old = feeder.answer("GET / HTTP/1.0\r\n\r\n")
        #expect(old.contains("authority= host= HTTP/1.0 none keep=false"))
        #expect(
            feeder.answer("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").contains("keep=true")
        )
        #expect(feeder.answer("GET / HTTP/1.2\r\nHost: a\r\n\r\n").contains("HTTP/1.1"))
        let closing = "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n"
        #expect(feeder.answer(closing).contains("keep=false"))
    }

    @Test func emptyLinesBeforeARequestAreForgiven() {
        let feeder = SplitFeeder(kind: .request)
        let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        #expect(feeder.answer("\r\n\r\n" + request).contains("path=/ authority=a"))
        #expect(feeder.answer(String(repeating: "\r\n", count: 5)) == "client bad_request_line")
    }

    @Test(arguments: 20...140) func limitsHoldAtEveryPosition(limit: Int) {
        let text = "GET /abcdefghij HTTP/1.1\r\nHost: a\r\nX: 0123456789\r\nY: z\r\n\r\n"
        let count = text.utf8.count
        var feeder = SplitFeeder(kind: .request)
        feeder.limits.head = limit
        let head = feeder.answer(text)
        #expect(limit < count ? head == "client head_too_large" : head.contains("path=/abc"))
        feeder.limits = HeadLimits(requestLine: limit)
        let line = feeder.answer(text)
        #expect(limit < 24 ? line == "client request_line_too_long" : line.contains("path=/abc"))
        feeder.limits = HeadLimits(fields: limit % 5)
        let fields = feeder.answer(text)
        #expect(limit % 5 < 3 ? fields == "client too_many_fields" : fields.contains("path=/abc"))
    }

    @Test func whatOriginsSend() {
        let feeder = SplitFeeder(kind: .response)
        #expect(feeder.answer("HTTP/1.1 200\r\n\r\n").hasPrefix("200 '' HTTP/1.1 untilClose"))
        #expect(feeder.answer("HTTP/1.1 200 \r\n\r\n").hasPrefix("200 '' HTTP/1.1 untilClose"))
        #expect(feeder.answer("HTTP/1.0 200 OK\r\n\r\n").hasSuffix("keep=false length=19"))
        #expect(feeder.answer("HTTP/1.1 101 S\r\n\r\n").contains("tunnel"))
        #expect(
            feeder.answer("HTTP/1.1 204 N\r\nContent-Length: 0\r\n\r\n").contains("none keep=true")
        )
        #expect(
            feeder.answer("HTTP/1.1 204 N\r\nContent-Length: 5\r\n\r\n").contains("none keep=false")
        )
        #expect(
            feeder.answer("HTTP/1.1 304 N\r\nContent-Length: 5\r\n\r\n").contains("none keep=true")
        )
        #expect(
            feeder.answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n")
                .contains("chunked keep=true")
        )
    }
}
