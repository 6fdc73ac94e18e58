import Testing

@testable import EdgeRuntime

@Suite struct HeadWriterTests {
    private func text(_ queue: inout WriteQueue) -> String {
        var out: [UInt8] = []
        while let range = queue.front {
            for index in 0..<range.count { out.append(range.bytes[index]) }
            queue.didSend(range.count)
        }
        return String(decoding: out, as: UTF8.self)
    }

    private func answer(
        _ head: String,
        _ framing: OutgoingFraming,
        _ connection: ConnectionOption = .keepAlive,
        to version: Version = .http11,
        change: (inout ResponseHead, Arena) -> Void = { _, _ in }
    ) throws -> String {
        let arena = Arena()
        var response = ResponseHead()
        let bytes = Array(head.utf8)
        try HeadParser.parseResponse(
            bytes.span,
            into: &response,
            arena: arena,
            limits: HeadLimits()
        )
        change(&response, arena)
        var queue = WriteQueue(pool: ChunkPool())
        HeadWriter.write(
            response: response,
            arena: arena,
            framing: framing,
            connection: connection,
            to: version,
            into: &queue
        )
        return text(&queue)
    }

    @Test func untouchedFieldsGoOutAsTheyCame() throws {
        let head =
            "HTTP/1.1 200 Fine\r\ncontent-type: text/plain\r\nX-a:b\r\nX-c:  d \r\neTag: \"x\"\r\n\r\n"
        #expect(
            try answer(head, .length(5))
                == "HTTP/1.1 200 Fine\r\ncontent-type: text/plain\r\nX-a: b\r\nX-c: d\r\neTag: \"x\"\r\n"
                + "Content-Length: 5\r\n\r\n"
        )
    }

    @Test func framingAndConnectionAreOurs() throws {
        let head =
            "HTTP/1.0 404 \r\nA: 1\r\nConnection: x\r\nContent-Length: 7\r\nKeep-Alive: 1\r\nB: 2\r\n"
            + "Upgrade: x\r\nTE: y\r\nProxy-Connection: z\r\nC: 3\r\n\r\n"
        let start = "HTTP/1.1 404 Not Found\r\nA: 1\r\nB: 2\r\nC: 3\r\n"
        #expect(try answer(head, .none) == start + "\r\n")
        #expect(
            try answer(head, .chunked, .close)
                == start + "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        )
        #expect(
            try answer(head, .length(7), .keepAlive, to: .http10)
                == start + "Content-Length: 7\r\nConnection: keep-alive\r\n\r\n"
        )
    }

    @Test func changedFieldsAreSpelledAnew() throws {
        let head = "HTTP/1.1 200 OK\r\nServer: x\r\nAge: 1\r\nX-Y: z\r\n\r\n"
        let out = try answer(head, .length(0)) { response, arena in
            response.fields.set(.server, value: arena.append("edge"))
            response.fields.append(.xCache, value: arena.append("Hit from edge"))
            response.fields.removeAll(.age)
        }
        #expect(
            out == "HTTP/1.1 200 OK\r\nServer: edge\r\nX-Y: z\r\nX-Cache: Hit from edge\r\n"
                + "Content-Length: 0\r\n\r\n"
        )
    }

    /// A value that was cut short in place must not drag the rest of its old line along.
    @Test func aShortenedValueIsNotALine() throws {
        let out = try answer("HTTP/1.1 200 OK\r\nVia: abc\r\n\r\n", .none) { response, _ in
            var field = response.fields[0]
            field.value.length = 1
            response.fields[0] = field
        }
        #expect(out == "HTTP/1.1 200 OK\r\nVia: a\r\n\r\n")
    }

    @Test func aRequestNamesItsHostFirst() throws {
        let arena = Arena()
        var head = RequestHead()
        let bytes = Array(
            "BREW /pot?x HTTP/1.1\r\nA: 1\r\nHost: a\r\nContent-Length: 3\r\nB: 2\r\n\r\n".utf8
        )
        try HeadParser.parseRequest(bytes.span, into: &head, arena: arena, limits: HeadLimits())
        head.fields.set(.host, value: arena.append("origin.example"))
        var queue = WriteQueue(pool: ChunkPool())
        HeadWriter.write(
            request: head,
            arena: arena,
            framing: .chunked,
            connection: .upgrade(arena.append("websocket")),
            into: &queue
        )
        #expect(
            text(&queue)
                == "BREW /pot?x HTTP/1.1\r\nHost: origin.example\r\nA: 1\r\nB: 2\r\n"
                + "Transfer-Encoding: chunked\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
        )
    }

    @Test(arguments: [10, 5000, 100_000]) func aHeadOfAnySizeFits(size: Int) throws {
        let arena = Arena()
        var response = ResponseHead()
        for _ in 0..<size { arena.append(byte: 0x61) }
        response.fields.append(.server, value: arena.slice(since: 0))
        var queue = WriteQueue(pool: ChunkPool())
        queue.append("before ")
        HeadWriter.write(
            response: response,
            arena: arena,
            framing: .length(9_223_372_036_854_775_807),
            connection: .close,
            to: .http11,
            into: &queue
        )
        let out = text(&queue)
        #expect(out.hasPrefix("before HTTP/1.1 200 OK\r\nServer: aaaaa"))
        #expect(
            out.hasSuffix("aaa\r\nContent-Length: 9223372036854775807\r\nConnection: close\r\n\r\n")
        )
    }

    @Test func chunksAreFramed() {
        let arena = Arena()
        var queue = WriteQueue(pool: ChunkPool())
        let body = Array(String(repeating: "x", count: 300).utf8)
        ChunkWriter.write(ChunkRange(chunk: Chunk(body.span), start: 0, end: 26), into: &queue)
        ChunkWriter.write(body.span.extracting(first: 1), into: &queue)
        ChunkWriter.write(body.span.extracting(first: 0), into: &queue)
        ChunkWriter.write(body.span, into: &queue)
        var trailers = HeaderFields()
        trailers.append(.serverTiming, value: arena.append("a;dur=1"))
        trailers.append(.contentLength, value: arena.append("1"))
        ChunkWriter.writeLast(trailers: trailers, arena: arena, into: &queue)
        let x26 = String(repeating: "x", count: 26)
        let x300 = String(repeating: "x", count: 300)
        #expect(
            text(&queue)
                == "1a\r\n\(x26)\r\n1\r\nx\r\n12c\r\n\(x300)\r\n0\r\nServer-Timing: a;dur=1\r\n\r\n"
        )
    }
}
