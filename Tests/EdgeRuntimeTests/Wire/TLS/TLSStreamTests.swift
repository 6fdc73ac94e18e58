import Testing

@testable import EdgeRuntime

@Suite struct TLSStreamTests {
    private static let versions: [TLSVersion] = [.tls12, .tls13]

    private func pair(_ version: TLSVersion) throws -> TLSPair {
        TLSPair(
            client: try Fixture.client { $0.maximumVersion = version },
            server: try Fixture.server("shop")
        )
    }

    @Test(arguments: versions, [1, 2, 3, 7, 100, 70_000])
    func handshakeAndEchoInPieces(version: TLSVersion, piece: Int) throws {
        let pair = try self.pair(version)
        pair.run(pieces: { piece }, capacity: 64)
        #expect(pair.isEstablished)
        pair.client.write("GET / HTTP/1.1\r\n\r\n")
        pair.run(pieces: { piece }, capacity: 5)
        #expect(String(decoding: pair.server.text, as: UTF8.self) == "GET / HTTP/1.1\r\n\r\n")
        pair.server.write("HTTP/1.1 204 No Content\r\n\r\n")
        pair.run(pieces: { piece }, capacity: 5)
        #expect(
            String(decoding: pair.client.text, as: UTF8.self) == "HTTP/1.1 204 No Content\r\n\r\n"
        )
        let stream = pair.server.stream
        #expect(stream.version == version)
        #expect(stream.negotiatedProtocol == .http11)
        #expect(stream.serverName == "shop.example.com")
        #expect(stream.cipher != .other)
        #expect(!stream.wasResumed)
    }

    @Test(arguments: 0..<20) func randomPieces(seed: UInt64) throws {
        var random = Random(seed: seed)
        let pair = try self.pair(seed % 2 == 0 ? .tls12 : .tls13)
        let pieces = { Int(random.next(below: 400)) + 1 }
        pair.run(pieces: pieces)
        var expected: [UInt8] = []
        for _ in 0..<10 {
            let bytes = (0..<Int(random.next(below: 30_000))).map { UInt8(truncatingIfNeeded: $0) }
            expected += bytes
            #expect(pair.server.stream.write(bytes.span) == .bytes(bytes.count))
            pair.run(pieces: pieces, capacity: 777)
        }
        #expect(pair.client.text == expected)
    }

    @Test func alpnTakesOursFirstAndRefusesStrangers() throws {
        let server = try Fixture.server("shop") { $0.protocols = [.h2, .http11] }
        let both = TLSPair(
            client: try Fixture.client { $0.protocols = [.http11, .h2] },
            server: server
        )
        both.run()
        #expect(both.server.stream.negotiatedProtocol == .h2)
        #expect(both.client.stream.negotiatedProtocol == .h2)
        let stranger = TLSPair(
            client: try Fixture.client { $0.protocols = [.h2] },
            server: try Fixture.server("shop")
        )
        stranger.run()
        #expect(stranger.server.last == .failed(.noApplicationProtocol))
        #expect(stranger.client.last == .failed(.noApplicationProtocol))
        let silent = TLSPair(client: try Fixture.client { $0.protocols = [] }, server: server)
        silent.run()
        #expect(silent.isEstablished)
        #expect(silent.server.stream.negotiatedProtocol == nil)
    }

    @Test func versionsThatDoNotMeet() throws {
        let pair = TLSPair(
            client: try Fixture.client { $0.maximumVersion = .tls12 },
            server: try Fixture.server("shop") { $0.minimumVersion = .tls13 }
        )
        pair.run()
        #expect(pair.server.last == .failed(.unsupportedVersion))
        #expect(pair.client.last == .failed(.unsupportedVersion))
    }

    @Test(arguments: versions) func aLargeTransferHoldsBack(version: TLSVersion) throws {
        let pair = try self.pair(version)
        pair.run()
        let total = 3 << 20
        let bytes = (0..<total).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        var sent = 0
        var wasFull = false
        var most = 0
        while sent < total {
            // The writer offers all it has until the stream refuses; only then is the wire served.
            while sent < total {
                let progress = pair.server.stream.write(bytes.span.extracting(droppingFirst: sent))
                guard case .bytes(let count) = progress else {
                    #expect(progress == .outputFull)
                    wasFull = true
                    break
                }
                sent += count
            }
            most = max(most, pair.server.pool.leasedBytes)
            pair.run(pieces: { 60_000 }, capacity: 1000)
        }
        #expect(wasFull)
        #expect(most <= 3 * Limits.chunkLargeBytes)
        #expect(pair.client.text == bytes)
        #expect(pair.client.pool.leasedBytes == 0)
        #expect(pair.server.pool.leasedBytes == 0)
    }

    @Test func bothEndsCloseCleanly() throws {
        let pair = try self.pair(.tls13)
        pair.run()
        pair.client.write("last words")
        pair.client.stream.closeNotify()
        #expect(pair.client.write("more") == .closed)
        pair.run()
        #expect(pair.server.text == Array("last words".utf8))
        #expect(pair.server.last == .closed)
        // The other direction is still open.
        pair.server.write("answer")
        pair.server.stream.closeNotify()
        pair.run()
        #expect(pair.client.text == Array("answer".utf8))
        #expect(pair.client.last == .closed)
        pair.client.end()
        #expect(pair.client.last == .closed)
    }

    /// It may come with the last bytes, and the socket says nothing more.
    @Test func anEndBehindBytesWaitsToBeRead() throws {
        let pair = try self.pair(.tls13)
        pair.run()
        pair.client.write("last words")
        pair.client.stream.closeNotify()
        let wire = pair.client.sent()
        let server = pair.server.stream
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 100) { target in
            guard let base = target.baseAddress else { return }
            #expect(server.receive(wire.span, into: base, capacity: 100) == .bytes(10))
            #expect(server.hasUnreadInput)
            #expect(server.read(into: base, capacity: 100) == .closed)
            #expect(!server.hasUnreadInput)
        }
    }

    @Test func aTransportThatEndsIsTruncation() throws {
        let pair = try self.pair(.tls13)
        pair.run()
        pair.server.write("half of it")
        pair.run()
        pair.client.end()
        #expect(pair.client.last == .failed(.truncated))
        #expect(pair.client.write("x") == .failed(.truncated))
        let early = try self.pair(.tls13)
        early.server.end()
        #expect(early.server.last == .failed(.closedInHandshake))
    }

    @Test(arguments: ["GET / HTTP/1.1\r\n", "DELETE /", "P", "OPTIONS * HTTP/1.1\r\n\r\n"])
    func plainHTTPIsRecognised(text: String) throws {
        let end = TLSEnd(try Fixture.server("shop"), .server)
        end.take(Array(text.utf8), pieces: { 1 })
        #expect(end.last == .failed(.plainHTTP))
        #expect(!end.stream.hasOutput)
    }

    @Test func oldStreamsOutliveTheirContext() throws {
        var server: TLSContext? = try Fixture.server("shop")
        let pair = TLSPair(client: try Fixture.client(), server: try #require(server))
        server = nil
        pair.run()
        let next = TLSPair(
            client: try Fixture.client(),
            server: try Fixture.server("rsa"),
            name: "rsa.example.com"
        )
        next.run()
        pair.server.write("still here")
        pair.run()
        #expect(pair.client.text == Array("still here".utf8))
        #expect(next.isEstablished)
    }

    /// What the peer sends after its close_notify is dropped, so it never keeps the driver waiting for a read.
    @Test func nothingIsReadAfterTheEnd() throws {
        let pair = try self.pair(.tls13)
        pair.run()
        pair.client.stream.closeNotify()
        let wire = pair.client.sent() + [23, 3, 3, 0, 1, 0]
        pair.server.take(wire, pieces: { 1000 })
        #expect(pair.server.last == .closed)
        #expect(!pair.server.stream.hasUnreadInput)
        pair.server.take([1, 2, 3], pieces: { 3 })
        #expect(pair.server.last == .closed)
        #expect(pair.server.pool.leasedBytes == 0)
    }

    @Test func aSlowReaderKeepsCiphertextBounded() throws {
        let pair = try self.pair(.tls13)
        pair.run()
        let bytes = [UInt8](repeating: 7, count: 40_000)
        #expect(pair.client.stream.write(bytes.span) == .bytes(40_000))
        let wire = pair.client.sent()
        let server = pair.server
        var read = 0
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 10) { target in
            guard let base = target.baseAddress else { return }
            server.stream.receive(wire.span)
            #expect(server.stream.hasUnreadInput)
            while case .bytes(let count) = server.stream.read(into: base, capacity: 10) {
                read += count
            }
        }
        #expect(read == 40_000)
        #expect(!server.stream.hasUnreadInput)
        #expect(server.pool.leasedBytes == 0)
    }

    @Test func nothingIsLeftOfAThousandStreams() throws {
        let pool = ChunkPool()
        let context = try Fixture.server("shop")
        let client = try Fixture.client()
        for index in 0..<1000 {
            let stream = TLSStream(context, role: .server, pool: pool)
            let other = TLSStream(
                client,
                role: .client(serverName: "a", verifyName: "a"),
                pool: pool
            )
            _ = other.handshake()
            // Dropped with unread input and undrained output.
            let bytes = [UInt8](repeating: 22, count: index % 50)
            stream.receive(bytes.span)
        }
        #expect(pool.leasedBytes == 0)
    }
}
