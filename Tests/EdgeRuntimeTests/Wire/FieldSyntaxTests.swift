import Testing

@testable import EdgeRuntime

@Suite struct FieldSyntaxTests {
    private func elements(_ text: String) -> [String] {
        let bytes = Array(text.utf8)
        var found: [String] = []
        var position = 0
        while let range = FieldSyntax.nextElement(bytes.span, &position) {
            found.append(bytes.span.extracting(range).text)
        }
        return found
    }

    private func parameters(_ text: String) -> [String] {
        let bytes = Array(text.utf8)
        var found: [String] = []
        var position = 0
        while let parameter = FieldSyntax.nextParameter(bytes.span, &position) {
            let name = bytes.span.extracting(parameter.name).text
            let arena = Arena()
            let value = FieldSyntax.unquote(bytes.span.extracting(parameter.value), into: arena)
            found.append("\(name)=\(arena[value].text)")
        }
        return found
    }

    @Test func lists() {
        #expect(elements("a, b ,c") == ["a", "b", "c"])
        #expect(elements(", ,a,,\t") == ["a"])
        #expect(elements("") == [])
        #expect(elements(#""a,b";x="c,\"d", e"#) == [#""a,b";x="c,\"d""#, "e"])
        #expect(elements(#""open, b"#) == [#""open, b"#])
        #expect(elements(#""open\"#) == [#""open\"#])
        let list = Array("gzip, Close".utf8)
        let whole = FieldSyntax.list(list.span, contains: "close")
        let part = FieldSyntax.list(list.span, contains: "clos")
        #expect(whole && !part)
    }

    @Test func parametersAndQuotes() {
        #expect(parameters("text/html; charset=utf-8;q = 0.5") == ["charset=utf-8", "q=0.5"])
        #expect(parameters(#"a;b="x;\"y\\";;c;d="#) == ["b=x;\"y\\", "c=", "d="])
        #expect(parameters("text/html") == [])
        #expect(parameters(#"a;b=""#) == ["b="])
    }

    @Test(arguments: [
        ("a", 1000), ("a;q=0", 0), ("a;q=1", 1000), ("a;q=0.5", 500), ("a;Q=0.125", 125),
        ("a;q=1.000", 1000), ("a;q=1.001", 0), ("a;q=2", 0), ("a;q=", 0), ("a;q=0.1234", 0),
        ("a;q=.5", 0), ("a;q=0.", 0), ("a;q=-1", 0), ("a;x=1;q=0.3", 300),
    ]) func weights(text: String, expected: Int) {
        let bytes = Array(text.utf8)
        let quality = FieldSyntax.quality(bytes.span)
        #expect(quality == expected)
    }
}
