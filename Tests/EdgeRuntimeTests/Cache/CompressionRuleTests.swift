import Testing

@testable import EdgeRuntime

/// Each row of §9 of the contract by itself: all the others hold.
@Suite struct CompressionRuleTests {
    private func behavior(
        compress: Bool = true,
        cache: CacheRule? = CacheRule()
    ) -> Behavior {
        Behavior(path: "*", target: .origin(0), compress: compress, cache: cache)
    }

    private func judge(
        status: UInt16 = 200,
        _ lines: [String] = ["Content-Type: text/html"],
        behavior: Behavior? = nil,
        viewer: NormalizedEncoding = .brotliAndGzip,
        range: Bool = false,
        function: Bool = false,
        length: CompressionRule.Length = .known(5000)
    ) -> CompressionRule.Verdict {
        let message = TestHead(.get, lines)
        var response = ResponseHead()
        response.status = status
        let arena = Arena()
        response.fields.append(message.head.fields, from: message.arena, into: arena)
        return CompressionRule.judge(
            response,
            arena,
            for: behavior ?? self.behavior(),
            viewer,
            asksForRange: range,
            functionTakesBody: function,
            length: length
        )
    }

    // MARK: The behaviour

    @Test func theBehaviourHasToAskForIt() {
        #expect(judge() == .encode(.brotli))
        #expect(judge(behavior: behavior(compress: false)) == .identity(.off))
        #expect(judge(behavior: behavior(cache: nil)) == .identity(.notCached))
        var never = CacheRule()
        never.defaultTTL = 0
        never.maxTTL = 0
        #expect(judge(behavior: behavior(cache: never)) == .identity(.notCached))
        never.maxTTL = .seconds(1)
        #expect(judge(behavior: behavior(cache: never)) == .encode(.brotli))
        var keyed = CacheRule()
        keyed.key = KeyRule(headers: ["X-Tenant", "Accept-Encoding"])
        #expect(judge(behavior: behavior(cache: keyed)) == .identity(.encodingInKey))
        #expect(!CompressionRule.isOn(behavior(cache: keyed)))
        #expect(CompressionRule.isOn(behavior()))
    }

    // MARK: The viewer

    @Test(arguments: NormalizedEncoding.allCases)
    func theViewerHasToTakeIt(_ viewer: NormalizedEncoding) {
        let expected: CompressionRule.Verdict =
            switch viewer {
            case .none, .identity: .identity(.viewer)
            case .gzip: .encode(.gzip)
            case .brotli, .brotliAndGzip: .encode(.brotli)
            }
        #expect(judge(viewer: viewer) == expected)
    }

    @Test func rangesAreOfWhatTheOriginHas() {
        #expect(judge(range: true) == .identity(.range))
    }

    @Test func functionsOfTheViewerWorkOnTheBytesThemselves() {
        #expect(judge(function: true) == .identity(.functionTakesBody))
    }

    // MARK: The response

    @Test(arguments: [
        (200, true), (403, true), (404, true), (201, false), (203, false), (204, false),
        (206, false), (301, false), (304, false), (400, false), (410, false), (500, false),
        (503, false),
    ])
    func statusesThatAreCoded(_ status: UInt16, _ isCoded: Bool) {
        #expect(judge(status: status) == (isCoded ? .encode(.brotli) : .identity(.status)))
    }

    @Test(arguments: [
        (CompressionRule.Length.known(0), CompressionRule.Verdict.identity(.tooSmall)),
        (.known(999), .identity(.tooSmall)),
        (.known(1000), .encode(.brotli)),
        (.known(10_000_000), .encode(.brotli)),
        (.known(10_000_001), .identity(.tooLarge)),
        (.unknown, .identity(.lengthUnknown)),
        (.changed, .encode(.brotli)),
    ])
    func lengthsThatAreCoded(_ length: CompressionRule.Length, _ expected: CompressionRule.Verdict)
    {
        #expect(judge(length: length) == expected)
    }

    @Test(arguments: ["gzip", "br", "identity", "zstd", ""])
    func whatIsCodedStaysAsItIs(_ coding: String) {
        let lines = ["Content-Type: text/html", "Content-Encoding: \(coding)"]
        #expect(judge(lines) == .identity(.alreadyCoded))
    }

    @Test(arguments: [
        ("text/html", true),
        ("text/html; charset=utf-8", true),
        ("Text/HTML ;charset=utf-8", true),
        ("application/json", true),
        ("APPLICATION/JavaScript", true),
        ("image/svg+xml", true),
        ("font/ttf", true),
        ("application/vnd.ms-fontobject", true),
        ("application/wasm", true),
        ("vnd.apple.mpegurl", true),
        ("text/event-stream", false),
        ("text/markdown", false),
        ("text/htmlx", false),
        ("text", false),
        ("image/png", false),
        ("font/woff2", false),
        ("video/mp4", false),
        ("application/octet-stream", false),
        ("application/ld+json", false),
        ("", false),
    ])
    func typesThatAreCoded(_ type: String, _ isCoded: Bool) {
        let expected: CompressionRule.Verdict =
            isCoded ? .encode(.brotli) : .identity(.contentType)
        #expect(judge(["Content-Type: \(type)"]) == expected)
    }

    @Test func withoutATypeNobodyKnows() {
        #expect(judge([]) == .identity(.contentType))
        #expect(Set(CompressionRule.types.map(\.description)).count == CompressionRule.types.count)
        for type in CompressionRule.types {
            #expect(type.description == type.description.lowercased())
        }
    }

    @Test(arguments: [
        (["Cache-Control: no-transform"], true),
        (["Cache-Control: public, No-Transform"], true),
        (["Cache-Control: max-age=60", "Cache-Control: no-transform"], true),
        (["CDN-Cache-Control: max-age=60, no-transform"], true),
        (["CDN-Cache-Control: max-age=60", "Cache-Control: no-transform"], true),
        (["Cache-Control: max-age=60"], false),
        (["Pragma: no-transform"], false),
    ])
    func theOriginMayForbidIt(_ lines: [String], _ isForbidden: Bool) {
        #expect(
            judge(["Content-Type: text/css"] + lines)
                == (isForbidden ? .identity(.noTransform) : .encode(.brotli))
        )
    }

    // MARK: What is said of it

    @Test(arguments: CompressionRule.Reason.allCases)
    func theWordIsTheCase(_ reason: CompressionRule.Reason) {
        let word = "\(reason)".map { $0.isUppercase ? "_\($0.lowercased())" : "\($0)" }.joined()
        #expect(reason.word.description == word)
    }

    @Test func whatAnotherViewerWouldGetCodedVaries() {
        for (viewer, range) in [(NormalizedEncoding.identity, false), (.gzip, true)] {
            guard case .identity(let reason) = judge(viewer: viewer, range: range) else {
                Issue.record("coded")
                continue
            }
            #expect(reason.isOfThisRequest)
        }
        // For whoever asks it is the same.
        guard case .identity(let reason) = judge([], viewer: .identity) else {
            Issue.record("coded")
            return
        }
        #expect(!reason.isOfThisRequest)
    }

    @Test(arguments: [
        (
            [
                "Content-Type: text/html", "Content-Length: 5000", "ETag: \"x\"",
                "Accept-Ranges: bytes", "Content-MD5: a", "Content-Digest: b", "Digest: c",
                "Repr-Digest: d", "Last-Modified: e", "X-Own: f",
            ],
            [
                "Content-Type: text/html", "ETag: W/\"x\"", "Last-Modified: e", "X-Own: f",
                "Content-Encoding: br", "Vary: Accept-Encoding",
            ]
        ),
        (["ETag: W/\"x\""], ["ETag: W/\"x\"", "Content-Encoding: br", "Vary: Accept-Encoding"]),
        (["ETag: x"], ["Content-Encoding: br", "Vary: Accept-Encoding"]),
        (["ETag: w/\"x\""], ["Content-Encoding: br", "Vary: Accept-Encoding"]),
        (["Vary: *"], ["Vary: *", "Content-Encoding: br"]),
        (
            ["Vary: Origin, accept-ENCODING"],
            ["Vary: Origin, accept-ENCODING", "Content-Encoding: br"]
        ),
        (["Vary: Origin"], ["Vary: Origin", "Content-Encoding: br", "Vary: Accept-Encoding"]),
    ])
    func theHeadSaysWhatWasDone(_ lines: [String], _ expected: [String]) {
        let message = TestHead(.get, lines)
        CompressionRule.rewrite(&message.head.fields, message.arena, as: .brotli)
        #expect(message.lines == expected)
        // After a 304 it is done again.
        CompressionRule.rewrite(&message.head.fields, message.arena, as: .brotli)
        #expect(message.lines == expected)
    }
}
