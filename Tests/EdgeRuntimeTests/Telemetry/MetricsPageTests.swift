import Testing

@testable import EdgeRuntime

@Suite struct MetricsPageTests {
    private func page(
        origins: [String] = ["app"],
        facts: ProcessFacts = ProcessFacts(),
        _ fill: (LoopMetrics) -> Void = { _ in }
    ) -> String {
        let vocabulary = MetricVocabulary(
            origins: origins,
            loops: 2,
            failures: ["connect_refused"],
            handshakeFailures: ["no_shared_cipher"],
            verdicts: ["fresh", "absent"]
        )
        let loops = [LoopMetrics(vocabulary), LoopMetrics(vocabulary)]
        for loop in loops { fill(loop) }
        return String(decoding: MetricsPage.render(loops: loops, facts: facts), as: UTF8.self)
    }

    @Test func everyMetricIsOnThePageOnce() throws {
        let families = try ExpositionParser.parse(page())
        let rows = Metric.allCases.map(\.row) + ProcessMetric.allCases.map(\.row)
        #expect(families.count == rows.count)
        for row in rows {
            let family = families["\(row.name)"]
            #expect(family?.type == "\(row.kind.word)")
            #expect(family?.help == "\(row.help)")
        }
    }

    @Test func loopsAreSummedAndUnitsAreBaseUnits() throws {
        let families = try ExpositionParser.parse(
            page { loop in
                loop.countRequest(status: 200, result: .hit)
                loop.observe(.requestTime, nanoseconds: 16_000)
                loop.observe(.requestTime, nanoseconds: 16_001)
                loop.add(.viewerConnections, by: 2)
                loop.countClose(.idle)
                loop.set(.loopBusy, 0, to: 125_000)
            }
        )
        func value(_ family: String, _ name: String, _ labels: [String: String]) -> Double? {
            ExpositionParser.value(in: families, family, name, labels)
        }
        let requests = "edged_requests_total"
        #expect(value(requests, requests, ["class": "2xx", "result": "Hit"]) == 2)
        let time = "edged_request_seconds"
        #expect(value(time, time + "_bucket", ["le": "0.000016"]) == 2)
        #expect(value(time, time + "_bucket", ["le": "0.000032"]) == 4)
        #expect(value(time, time + "_sum", [:]) == 0.000066)
        #expect(value(time, time + "_count", [:]) == 4)
        #expect(value("edged_viewer_connections", "edged_viewer_connections", [:]) == 2)
        let closed = "edged_viewer_connections_closed_total"
        #expect(value(closed, closed, ["reason": "idle"]) == 2)
        #expect(value(closed, closed, ["reason": "drain"]) == 0)
        #expect(value("edged_loop_busy_ratio", "edged_loop_busy_ratio", ["loop": "0"]) == 0.25)
    }

    @Test func counterPairsAppearWithTheirFirstCount() throws {
        let labels = ["origin": "app", "reason": "connect_refused"]
        let name = "edged_origin_failures_total"
        let before = try ExpositionParser.parse(page())
        #expect(ExpositionParser.value(in: before, name, name, labels) == nil)
        let after = try ExpositionParser.parse(page { $0.add(.originFailures, 0, 0) })
        #expect(ExpositionParser.value(in: after, name, name, labels) == 2)
    }

    @Test func labelsAreEscaped() throws {
        let hostile = "a\"b\\c\nd"
        let families = try ExpositionParser.parse(page(origins: [hostile]))
        let name = "edged_origin_requests_total"
        #expect(ExpositionParser.value(in: families, name, name, ["origin": hostile]) == 0)
    }

    @Test func processFacts() throws {
        let facts = ProcessFacts(
            version: "1.2",
            commit: "abc",
            compiler: "6.3",
            startTime: 1_700_000_000,
            generation: 7,
            certificates: [.init(name: "example.com", expires: 1_800_000_000)],
            accessLogLines: 10,
            accessLogLinesDropped: 3,
            eventLogLinesDropped: 1
        )
        let families = try ExpositionParser.parse(page(facts: facts))
        func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
            ExpositionParser.value(in: families, name, name, labels)
        }
        let build = ["version": "1.2", "commit": "abc", "compiler": "6.3"]
        #expect(value("edged_build_info", build) == 1)
        #expect(value("edged_generation") == 7)
        let expiry = "edged_certificate_expiry_timestamp_seconds"
        #expect(value(expiry, ["certificate": "example.com"]) == 1_800_000_000)
        #expect(value("edged_access_log_dropped_lines_total") == 3)
    }

    @Test func decimals() {
        #expect(MetricsPage.decimal(millionths: 0) == "0")
        #expect(MetricsPage.decimal(millionths: 1) == "0.000001")
        #expect(MetricsPage.decimal(millionths: 1_500_000) == "1.5")
        #expect(MetricsPage.decimal(millionths: -250_000) == "-0.25")
        #expect(MetricsPage.decimal(millionths: 67_108_864) == "67.108864")
    }
}
