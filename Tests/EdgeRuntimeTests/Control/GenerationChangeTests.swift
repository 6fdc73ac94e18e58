import Testing

@testable import EdgeRuntime

@Suite struct GenerationChangeTests {
    private static func tree(_ parts: String) throws -> ConfigNode {
        let loaded = ConfigCheck.load(text: "return {\n\(parts)\n}", environment: { _ in nil })
        return try #require(loaded.tree, "\(loaded.diagnostics)")
    }

    private static let listen = #"listen = { { address = "127.0.0.1:80" } },"#
    private static let origins = #"origins = { a = { url = "http://a.example" } },"#
    private static let sites = site("s", "a")

    private static func site(_ name: String, _ origin: String, _ domain: String = "*") -> String {
        #"distributions = { \#(name) = { domains = { "\#(domain)" }, "#
            + #"behaviors = { { path = "*", origin = "\#(origin)", cache = "off" } } } },"#
    }

    /// What is written anew → what is told of it.
    @Test(arguments: [
        ("", "", "", ""),
        // Its default, spelled out, and other places of the same.
        ("", "\n\n", #"limits = { idle_timeout = "60s" },"#, ""),
        ("", "", #"limits = { idle_timeout = "61s" },"#, "settings ~limits"),
        ("", "", #"log = { access = "off" }, limits = { fields = 100 },"#, "settings ~limits ~log"),
        ("", "", "workers = 3,", ""),
        (
            #"listen = { { address = "127.0.0.1:81" } },"#, "", "",
            "listeners +127.0.0.1:81 -127.0.0.1:80"
        ),
        (
            #"listen = { { address = "127.0.0.1:80", proxy_protocol_from = { "10.0.0.0/8" } } },"#,
            "",
            "", "listeners ~127.0.0.1:80"
        ),
        ("", #"origins = { a = { url = "http://b.example" } },"#, "", "origins ~a"),
        (
            "",
            #"origins = { a = { url = "http://a.example" }, z = { url = "http://z.example" } },"#,
            "", "origins +z"
        ),
        ("", "", "sites:" + site("t", "a"), "distributions +t -s"),
        ("", "", "sites:" + site("s", "a", "x.example"), "distributions ~s"),
        (
            "", "",
            #"trusted_proxies = { "10.0.0.0/8" }, limits = { fields = 100 }, reload = { watch = true },"#,
            "settings ~limits ~reload ~trusted_proxies"
        ),
    ])
    func whatIsTold(listen: String, origins: String, more: String, told: String) throws {
        let old = try Self.tree(Self.listen + Self.origins + Self.sites)
        let isSite = more.hasPrefix("sites:")
        let new = try Self.tree(
            (listen.isEmpty ? Self.listen : listen)
                + (origins.allSatisfy(\.isNewline) ? origins + Self.origins : origins)
                + (isSite ? String(more.dropFirst(6)) : Self.sites + more)
        )
        let change = GenerationChange(from: old, to: new)
        var lines = GenerationChange.Part.allCases.compactMap { part in
            change[part].isEmpty ? nil : "\(part.word) \(change[part].text)"
        }
        if !change.settings.isEmpty {
            lines.append("settings " + change.settings.map { "~\($0)" }.joined(separator: " "))
        }
        #expect(lines.joined(separator: "; ") == told)
        #expect(change.isEmpty == told.isEmpty)
    }

    @Test func aCertificateIsToldByWhatItIsNotByItsFile() {
        func facts(_ file: String, _ mark: UInt8) -> CertificateFacts {
            CertificateFacts(
                file: file,
                subject: "CN=a",
                names: [],
                notBefore: 0,
                notAfter: 1,
                fingerprint: [mark]
            )
        }
        let none = ConfigNode(
            value: .table([]),
            position: SourcePosition(file: "", line: 1, column: 1)
        )
        let change = GenerationChange(
            from: none,
            to: none,
            certificates: (
                [facts("a", 1), facts("b", 1), facts("c", 1)], [facts("a", 1), facts("b", 2)]
            )
        )
        #expect(change[.certificates].text == "-c ~b")
    }

    @Test func aLongListIsCutForPeopleOnly() {
        var names = GenerationChange.Names()
        names.added = (0..<(Limits.changesShown + 2)).map { "d\($0)" }
        #expect(names.text.hasSuffix(" and 2 more"))
    }
}

@Suite struct ReloadOutcomeTests {
    private static var report: ReloadReport {
        var report = ReloadReport(from: 3, to: 4)
        report.change[.distributions] = GenerationChange.Names(added: ["new"], removed: ["old"])
        report.change.settings = ["log"]
        report.restarts = ["workers: 4 in the file, 2 running"]
        return report
    }

    private static let reason = Diagnostic(
        severity: .error,
        position: SourcePosition(file: "/e/edge.lua", line: 3, column: 7),
        key: "listen[2]",
        message: "cannot listen on 127.0.0.1:80",
        remedy: "choose another \"port\""
    )

    @Test func aReportHasALineForEachPart() {
        #expect(
            ReloadOutcome.published(Self.report).text == """
                generation 3 → 4
                distributions: +new -old
                settings: ~log
                needs a restart: workers: 4 in the file, 2 running

                """
        )
        let nothing = ReloadOutcome.published(ReloadReport(from: 1, to: 2))
        #expect(nothing.text == "generation 1 → 2\nnothing changed\n")
    }

    @Test func programsAreToldEverything() {
        let json = ReloadOutcome.published(Self.report).json
        for part in [
            #""result":"published","generation":{"from":3,"to":4}"#,
            #""distributions":{"added":["new"],"removed":["old"],"changed":[]}"#,
            #""certificates":{"added":[],"removed":[],"changed":[]}"#, #""settings":["log"]"#,
            #""needs_restart":["workers: 4 in the file, 2 running"]"#,
        ] { #expect(json.contains(part), "\(part)") }
    }

    @Test(arguments: [
        (ReloadRefusal.Cause.mistakes, 422), (.unattainable, 424), (.state, 409),
    ])
    func aRefusalTellsEveryReasonAndItsKind(cause: ReloadRefusal.Cause, status: Int) {
        let refusal = ReloadRefusal(
            cause: cause,
            generation: 3,
            reasons: [Self.reason, Self.reason]
        )
        let outcome = ReloadOutcome.refused(refusal)
        #expect(outcome.status == status)
        let line =
            "/e/edge.lua:3:7: error: listen[2]: cannot listen on 127.0.0.1:80 — choose another \"port\"\n"
        #expect(outcome.text == line + line)
        #expect(outcome.json.contains(#""line":3,"column":7,"key":"listen[2]""#))
        #expect(
            outcome.json.hasPrefix(
                #"{"result":"refused","cause":"\#(cause.word)","generation":3,"errors":[{"#
            )
        )
    }
}
