import Testing

@testable import EdgeRuntime

@Suite struct HeaderFieldsTests {
    private func named(_ bytes: [UInt8]) -> HeaderName { HeaderName.named(bytes.span) }

    @Test(arguments: HeaderName.allCases.filter { $0 != .other })
    func everyNameIsFoundInAnyCase(name: HeaderName) {
        let text = name.canonical.description
        #expect(text.utf8.count <= HeaderName.longestName)
        for spelling in [text, text.lowercased(), text.uppercased()] {
            #expect(named(Array(spelling.utf8)) == name)
        }
        for index in text.utf8.indices {
            var bytes = Array(text.utf8)
            let offset = text.utf8.distance(from: text.utf8.startIndex, to: index)
            bytes[offset] ^= 0x20
            let isLetter = bytes[offset] & 0x40 != 0
            #expect(named(bytes) == (isLetter ? name : .other))
            bytes[offset] = 0x5F
            #expect(named(bytes) == .other)
        }
        #expect(named(Array((text + "x").utf8)) == .other)
    }

    private func found(
        _ name: String,
        in fields: borrowing HeaderFields,
        _ arena: Arena
    ) -> Int? {
        fields.firstIndex(named: Array(name.utf8).span, in: arena)
    }

    /// What the fields say about `id`: is it there, how often, with which first value.
    private func view(
        _ id: HeaderName,
        _ fields: borrowing HeaderFields,
        _ arena: Arena
    ) -> String {
        let value = fields.value(of: id).map { arena[$0].text } ?? "nil"
        return "\(fields.contains(id)) \(fields.count(of: id)) \(value)"
    }

    @Test func presenceFollowsTheFields() {
        let arena = Arena()
        var fields = HeaderFields()
        let a = arena.append("a")
        let b = arena.append("b")
        let name = arena.append("X-Mine")
        fields.append(.via, value: a)
        fields.append(Field(.other, name: name, value: a))
        fields.append(.via, value: b)
        let via = view(.via, fields, arena)
        #expect(via == "true 2 a")
        let mine = found("x-mINE", in: fields, arena)
        #expect(mine == 1)
        let known = found("via", in: fields, arena)
        #expect(known == 0)
        fields.set(.via, value: b)
        let set = SplitFeeder.describe(fields, arena)
        #expect(set == " [Via=b] [X-Mine=a]")
        fields[0] = Field(.server, value: a)
        let replaced = view(.via, fields, arena) + " " + view(.server, fields, arena)
        #expect(replaced == "false 0 nil true 1 a")
        fields.set(.age, value: b)
        fields.remove(at: 0)
        let removed = view(.server, fields, arena)
        #expect(removed == "false 0 nil")
        fields.removeAll(.other)
        let left = SplitFeeder.describe(fields, arena)
        #expect(left == " [Age=b]")
        fields.reset()
        let empty = view(.age, fields, arena) + " \(fields.count)"
        #expect(empty == "false 0 nil 0")
    }

    private func stripped(_ lines: String) throws -> String {
        let arena = Arena()
        var head = RequestHead()
        let text = Array("GET / HTTP/1.1\r\nHost: a\r\n\(lines)\r\n".utf8)
        try HeadParser.parseRequest(text.span, into: &head, arena: arena, limits: HeadLimits())
        try HopByHop.remove(from: &head.fields, arena)
        return SplitFeeder.describe(head.fields, arena)
    }

    /// Fields that were received lie close together and move as one piece; those of our making do not.
    @Test(
        arguments: [
            (lines: "X-A: 1\r\nX-Empty:\r\nVia: x\r\n", dropped: HeaderName.host, gap: 0),
            (lines: "X-A: 1\r\nVia: x\r\n", dropped: HeaderName.via, gap: 0),
            (lines: "X-A: 1\r\nVia: x\r\n", dropped: HeaderName.via, gap: 5000),
            (lines: "", dropped: HeaderName.host, gap: 0),
            (lines: "", dropped: HeaderName.host, gap: 5000),
        ]
    )
    func copiedFieldsSayTheSame(lines: String, dropped: HeaderName, gap: Int) throws {
        let arena = Arena()
        var head = RequestHead()
        let text = Array("GET / HTTP/1.1\r\nHost: a\r\n\(lines)\r\n".utf8)
        try HeadParser.parseRequest(text.span, into: &head, arena: arena, limits: HeadLimits())
        head.fields.removeAll(dropped)
        for _ in 0..<gap { arena.append(byte: 0x20) }
        if gap > 0 { head.fields.append(.server, value: arena.append("edge")) }
        for used in [0, 3, 4000] {
            let other = Arena()
            for _ in 0..<used { other.append(byte: 0x21) }
            var copy = HeaderFields()
            copy.append(.age, value: other.append("7"))
            copy.append(head.fields, from: arena, into: other)
            let said = SplitFeeder.describe(copy, other)
            let meant = " [Age=7]" + SplitFeeder.describe(head.fields, arena)
            #expect(said == meant)
        }
    }

    @Test func fieldsForWhichThereIsNoRoomAreNotCopied() throws {
        let arena = Arena()
        var fields = HeaderFields()
        fields.append(Field(.other, name: arena.append("x-mine"), value: arena.append("value")))
        let full = Arena()
        while full.used < Limits.arenaBytesMax { full.append(byte: 0x21) }
        var copy = HeaderFields()
        copy.append(fields, from: arena, into: full)
        let count = copy.count
        #expect(full.isOverflown && count == 0)
    }

    @Test func hopByHopFieldsAndNominatedOnesGo() throws {
        let lines =
            "X-A: 1\r\nConnection: close, x-a\r\nX-B: 2\r\nX-A: 3\r\nConnection: X-B, Cookie, Host\r\n"
            + "TE: trailers\r\nUpgrade: h2c\r\nKeep-Alive: 1\r\nCookie: c\r\nX-C: 4\r\n"
            + "Proxy-Connection: x\r\nProxy-Authorization: y\r\nTransfer-Encoding: chunked\r\n"
        #expect(try stripped(lines) == " [Host=a] [X-C=4]")
        #expect(
            try stripped("Via: x\r\nConnection: via, content-length\r\n") == " [Host=a] [Via=x]"
        )
        let many = "Connection: " + String(repeating: "x,", count: 33) + "\r\n"
        #expect(throws: EdgeError.tooManyConnectionOptions) { try stripped(many) }
    }
}
