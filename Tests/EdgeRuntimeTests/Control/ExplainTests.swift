import Testing

@testable import EdgeRuntime

@Suite struct ExplainTests {
    private func head(_ question: ExplainQuestion) -> String? {
        do throws(ExplainQuestion.Mistake) {
            return String(decoding: try question.head(), as: UTF8.self)
        } catch { return nil }
    }

    @Test(arguments: [
        ("https://a.example/b?c", "GET https://a.example/b?c HTTP/1.1\r\nHost: a.example\r\n\r\n"),
        ("http://a:81", "GET http://a:81/ HTTP/1.1\r\nHost: a:81\r\n\r\n"),
        ("http://a?x", "GET http://a/?x HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("http://a/b#c", "GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("a/b", nil), ("", nil), ("http://", nil), ("http:///b", nil),
    ])
    func aURLBecomesAHead(url: String, expected: String?) {
        #expect(head(ExplainQuestion(url: url)) == expected)
    }

    @Test(arguments: [
        ("X-A: b", true), ("X-A:b", true), ("X-A:", true), ("X-A", false), (": b", false),
        ("X-A: b\r\nX-C: d", false), ("X-A: \u{1b}[2J", false),
    ])
    func fieldsAreOneLineEach(field: String, isTaken: Bool) {
        #expect((head(ExplainQuestion(url: "http://a/", headers: [field])) != nil) == isTaken)
    }

    @Test func aHostFieldStandsForTheURLs() {
        let question = ExplainQuestion(url: "https://a/b", headers: ["hOst: c:81"])
        #expect(head(question) == "GET https://c:81/b HTTP/1.1\r\nHost: c:81\r\n\r\n")
    }

    @Test func theCommandSaysWhatTheServerReads() throws {
        let call = ExplainCall(url: "http://a/\"\\", method: nil, headers: ["A: \t\"b\""])
        let question = try ExplainQuestion.read(call.body)
        #expect(question.url == "http://a/\"\\")
        #expect(question.method == "GET")
        #expect(question.headers == ["A: \t\"b\""])
    }

    @Test(arguments: ["", "[]", "{", #"{"url":1}"#, #"{"headers":[1]}"#, #"{"uri":"a"}"#])
    func otherBodiesAreRefused(body: String) {
        #expect(throws: ExplainQuestion.Mistake.self) {
            try ExplainQuestion.read(Array(body.utf8))
        }
    }

    @Test func bothSpellingsSayTheSame() {
        var explanation = Explanation()
        explanation.add("a word", "b\u{7}\n")
        explanation.add("table", .table([.init("n", .number(7)), .init("l", .list(["x", "y"]))]))
        explanation.add("none", .list([]))
        explanation.add("flag", .flag(true))
        #expect(
            explanation.text
                == "a word: \"b\\u0007\\n\"\ntable\n  n: 7\n  l: x, y\nnone: none\nflag: yes\n"
        )
        #expect(
            explanation.json
                == #"{"a_word":"b\u0007\n","table":{"n":7,"l":["x","y"]},"none":[],"flag":true}"#
                + "\n"
        )
    }
}
