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
}
