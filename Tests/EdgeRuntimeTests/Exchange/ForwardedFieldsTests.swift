import Testing

@testable import EdgeRuntime

@Suite struct ForwardedFieldsTests {
    private func keepUp(
        _ lines: [String],
        peer: String? = "192.0.2.1",
        trusted: Bool = false,
        tls: Bool = false,
        host: String = "a.example"
    ) throws -> TestHead {
        let test = TestHead(.get, lines, host: host)
        try ForwardedFields.keepUp(
            &test.head,
            hop: .init(
                peer: peer.flatMap { IPAddress($0.utf8.span) },
                peerIsTrusted: trusted,
                isTLS: tls,
                version: .http11
            ),
            host: test.head.authority,
            name: "edge-1".utf8.span,
            in: test.arena
        )
        return test
    }

    @Test func aFirstHopWritesItsFields() throws {
        let test = try keepUp([])
        #expect(
            test.lines == [
                "CDN-Loop: edge-1", "Via: 1.1 edge-1", "X-Forwarded-For: 192.0.2.1",
                "X-Forwarded-Proto: http", "Forwarded: for=192.0.2.1;proto=http;host=a.example",
            ]
        )
    }

    @Test func aLaterHopAppendsAndJoins() throws {
        let test = try keepUp(
            [
                "Via: 1.0 fred", "X-Forwarded-For: 10.0.0.1, 10.0.0.2", "via: 1.1 p",
                "X-Forwarded-For: 10.0.0.3", "CDN-Loop: other; v=1",
                "Forwarded: for=10.0.0.1", "X-Forwarded-Proto: https",
            ],
            peer: "2001:db8::1",
            tls: true,
            host: "a.example:8443"
        )
        #expect(test.value(.via) == "1.0 fred, 1.1 p, 1.1 edge-1")
        #expect(test.value(.xForwardedFor) == "10.0.0.1, 10.0.0.2, 10.0.0.3, 2001:db8::1")
        #expect(test.value(.cdnLoop) == "other; v=1, edge-1")
        #expect(
            test.value(.forwarded)
                == "for=10.0.0.1, for=\"[2001:db8::1]\";proto=https;host=\"a.example:8443\""
        )
        #expect(test.head.fields.count(of: .via) == 1)
        #expect(test.head.fields.count(of: .xForwardedFor) == 1)
    }

    @Test func onlyOurProxiesSayTheScheme() throws {
        let lie = try keepUp(["X-Forwarded-Proto: https"])
        #expect(lie.value(.xForwardedProto) == "http")
        let told = try keepUp(["X-Forwarded-Proto: https"], trusted: true)
        #expect(told.value(.xForwardedProto) == "https")
        let nonsense = try keepUp(["X-Forwarded-Proto: gopher"], trusted: true, tls: true)
        #expect(nonsense.value(.xForwardedProto) == "https")
    }

    @Test func aUnixPeerHasNoAddress() throws {
        let test = try keepUp([], peer: nil)
        #expect(test.value(.xForwardedFor) == nil)
        #expect(test.value(.forwarded) == "for=unknown;proto=http;host=a.example")
    }

    @Test func loopsEnd() throws {
        for lines in [
            ["CDN-Loop: edge-1"], ["CDN-Loop: x, EDGE-1"],
            ["CDN-Loop: x", "CDN-Loop: y, edge-1; v=2"],
            ["CDN-Loop: " + String(repeating: "a, ", count: 2000)],
        ] {
            #expect(throws: EdgeError.loopDetected) { try keepUp(lines) }
        }
        #expect(try keepUp(["CDN-Loop: edge-11, edge-1x, \"edge-1\""]).lines.count == 5)
    }

    @Test func theOldestHopsAreLeftOut() throws {
        let many = (0..<1000).map { "10.0.\($0 / 256).\($0 % 256)" }.joined(separator: ", ")
        let test = try keepUp(["X-Forwarded-For: \(many)", "X-Forwarded-For: 10.9.9.9"])
        let value = try #require(test.value(.xForwardedFor))
        #expect(value.utf8.count <= Limits.forwardedBytesMax + 20)
        #expect(value.hasSuffix("10.0.3.231, 10.9.9.9, 192.0.2.1"))
        #expect(value.hasPrefix("10.0."))
    }

    @Test(arguments: [
        (Version.http10, [], "1.0 edge-1"),
        (
            .http11, ["Via: 1.0 origin", "X: y", "Via: 1.1 other (a, b)"],
            "1.0 origin, 1.1 other (a, b), 1.1 edge-1"
        ),
        (.http2, ["Via: "], "2.0 edge-1"),
    ])
    func eachHopSaysInWhatItReceived(version: Version, lines: [String], via: String) {
        let test = TestHead(.get, lines)
        ForwardedFields.via(
            &test.head.fields,
            received: version,
            name: "edge-1".utf8.span,
            in: test.arena
        )
        #expect(test.value(.via) == via)
        #expect(test.head.fields.count(of: .via) == 1)
    }

    @Test func aLongWayIsCutAtItsFarEnd() throws {
        let test = TestHead(.get, (0..<300).map { "Via: 1.1 a-hop-of-some-length-\($0)" })
        ForwardedFields.via(
            &test.head.fields,
            received: .http11,
            name: "edge-1".utf8.span,
            in: test.arena
        )
        let via = try #require(test.value(.via))
        #expect(via.utf8.count <= Limits.forwardedBytesMax + 20)
        #expect(via.hasSuffix("1.1 a-hop-of-some-length-299, 1.1 edge-1"))
    }

    @Test(
        arguments: [
            ("192.0.2.1", ["X-Forwarded-For: 10.0.0.9"], "192.0.2.1"),
            ("10.0.0.1", [], "10.0.0.1"),
            ("10.0.0.1", ["X-Forwarded-For: 198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", ["X-Forwarded-For: 1.2.3.4, 198.51.100.7, 10.0.0.2"], "198.51.100.7"),
            ("10.0.0.1", ["X-Forwarded-For: 1.2.3.4", "X-Forwarded-For: 10.0.0.2"], "1.2.3.4"),
            ("10.0.0.1", ["X-Forwarded-For: 10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", ["X-Forwarded-For: 1.2.3.4, nonsense, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", ["X-Forwarded-For: 1.2.3.4:5678"], "1.2.3.4"),
            ("10.0.0.1", ["X-Forwarded-For: [2001:db8::9]:443"], "2001:db8::9"),
            ("10.0.0.1", ["X-Forwarded-For: , ,2001:db8::9, ,"], "2001:db8::9"),
            ("10.0.0.1", ["X-Forwarded-For: ["], "10.0.0.1"),
        ]
    )
    func theViewerIsTheRightmostStranger(peer: String, lines: [String], viewer: String) {
        let test = TestHead(.get, lines)
        let decided = ViewerAddress.decide(
            peer: IPAddress(peer.utf8.span),
            trusted: [AddressPrefix("10.0.0.0/8")!],
            fields: test.head.fields,
            in: test.arena
        )
        #expect(decided?.description == viewer)
    }
}
