import Testing

@testable import EdgeRuntime

@Suite struct StoredHeadTests {
    private func stored(_ text: String) throws -> (StoredHead, Arena) {
        let arena = Arena()
        var head = ResponseHead()
        let bytes = Array(text.utf8)
        try HeadParser.parseResponse(
            bytes.span,
            into: &head,
            arena: arena,
            limits: HeadLimits(requestLine: 1000, head: 1000, fields: 20)
        )
        let stored = StoredHead(head, arena)
        return (try #require(stored), arena)
    }

    private func fields(_ head: StoredHead) -> [String] {
        let arena = Arena()
        var response = ResponseHead()
        // Slices of what was there before stay right.
        _ = arena.append("before")
        head.restore(into: &response, arena)
        return (0..<response.fields.count).map { index in
            let field = response.fields[index]
            let name = arena.name(of: field).text
            return "\(name): \(arena[field.value].text)"
        }
    }

    private static let text =
        "HTTP/1.1 203 Fine\r\nETag: \"a\"\r\nx-Own: 1\r\nSet-Cookie: b=c\r\nSET-COOKIE: d=e\r\nEmpty:\r\n\r\n"

    @Test func comesBackInOrderAndSpelledAsItWas() throws {
        let (head, _) = try stored(Self.text)
        #expect(head.status == 203)
        #expect(
            fields(head) == [
                "ETag: \"a\"", "x-Own: 1", "Set-Cookie: b=c", "SET-COOKIE: d=e", "Empty: ",
            ]
        )
    }

    @Test func livesThroughItsBytes() throws {
        let (head, _) = try stored(Self.text)
        let (status, count, bytes) = head.encoded
        let again = try #require(StoredHead(status: status, fieldCount: count, bytes: bytes))
        #expect(fields(again) == fields(head))
    }

    @Test func bytesThatAreNoHeadAreRefused() throws {
        let (head, _) = try stored(Self.text)
        let (status, count, bytes) = head.encoded
        for cut in 0..<bytes.count {
            #expect(
                StoredHead(status: status, fieldCount: count, bytes: Array(bytes[..<cut])) == nil
            )
        }
        #expect(StoredHead(status: status, fieldCount: count + 1, bytes: bytes) == nil)
        #expect(StoredHead(status: status, fieldCount: -1, bytes: bytes) == nil)
        var unknown = bytes
        unknown[0] = 255
        #expect(StoredHead(status: status, fieldCount: count, bytes: unknown) == nil)
    }
}
