import Testing

@testable import EdgeRuntime

@Suite struct LoopMetricsTests {
    static let vocabulary = MetricVocabulary(
        origins: ["app", "files"],
        loops: 2,
        failures: ["connect_refused", "connect_timeout"],
        handshakeFailures: ["no_shared_cipher"],
        verdicts: ["fresh", "absent"]
    )

    @Test func everyLabelHasItsOwnPlace() {
        let metrics = LoopMetrics(Self.vocabulary)
        var expected: Int64 = 0
        for metric in Metric.allCases where metric.row.kind != .histogram {
            let place = metrics.layout.places[Int(metric.rawValue)]
            for first in 0..<place.firstCount {
                for second in 0..<place.secondCount {
                    expected += 1
                    metrics.add(metric, first, second, by: Int(expected))
                }
            }
        }
        expected = 0
        for metric in Metric.allCases where metric.row.kind != .histogram {
            let place = metrics.layout.places[Int(metric.rawValue)]
            for first in 0..<place.firstCount {
                for second in 0..<place.secondCount {
                    expected += 1
                    #expect(metrics.value(metric, first, second) == expected)
                }
            }
        }
    }

    @Test func observationsRoundUpToMicroseconds() {
        let metrics = LoopMetrics(Self.vocabulary)
        metrics.observe(.originTime, 1, nanoseconds: 1)
        metrics.observe(.originTime, 1, nanoseconds: 1_000)
        metrics.observe(.originTime, 1, nanoseconds: 1_001)
        let histogram = metrics.histogram(.originTime, 1)
        #expect(histogram.buckets[0] == 2)
        #expect(histogram.buckets[1] == 1)
        #expect(histogram.sum == 4)
        #expect(metrics.histogram(.originTime, 0).count == 0)
    }

    @Test func reloadKeepsCountsAndIndices() {
        let metrics = LoopMetrics(Self.vocabulary)
        metrics.add(.originRequests, 1, by: 5)
        metrics.add(.originFailures, 1, 1, by: 2)
        metrics.observe(.requestTime, nanoseconds: 5_000_000)
        metrics.countRequest(status: 404, result: .miss)
        let wider = Self.vocabulary.adding(origins: ["media", "app"])
        #expect(wider.origins == ["app", "files", "media"])
        let next = metrics.carryOver(to: wider)
        #expect(next.value(.originRequests, 1) == 5)
        #expect(next.value(.originFailures, 1, 1) == 2)
        #expect(next.value(.originRequests, 2) == 0)
        #expect(metrics.value(.originRequests, 2) == 0)
        #expect(next.histogram(.requestTime).count == 1)
        let status = Int(StatusClass.clientError.rawValue)
        #expect(next.value(.requests, status, Int(RequestResult.miss.rawValue)) == 1)
    }

    @Test func functionsKeepTheirCountsAndIndices() {
        let first = Self.vocabulary.adding(functions: ["b", "a"])
        let metrics = LoopMetrics(first)
        metrics.add(.functionRuns, 1, by: 7)
        metrics.add(.functionFailures, 1, Int(FunctionFailureReason.timeout.rawValue))
        let wider = first.adding(functions: ["a", "c"])
        #expect(wider.functions == ["b", "a", "c"])
        #expect(first.isNarrower(than: wider) && !wider.isNarrower(than: first))
        let next = metrics.carryOver(to: wider)
        #expect(next.value(.functionRuns, 1) == 7)
        #expect(next.value(.functionRuns, 2) == 0)
        let timeouts = next.value(
            .functionFailures,
            1,
            Int(FunctionFailureReason.timeout.rawValue)
        )
        #expect(timeouts == 1)
    }

    @Test func statusClasses() {
        #expect(StatusClass(status: 101) == .informational)
        #expect(StatusClass(status: 206) == .successful)
        #expect(StatusClass(status: 599) == .serverError)
        #expect(StatusClass(status: 0) == .none)
        #expect(StatusClass(status: 999) == .none)
    }

    @Test func readersSeeWholeValuesWhileLoopsCount() throws {
        let metrics = Metrics(vocabulary: Self.vocabulary)
        let loops = metrics.all
        let rounds = 20_000
        let writers = try loops.map { loop in
            try Thread.start(name: "writer") {
                for _ in 0..<rounds {
                    loop.add(.viewerSentBytes, by: 3)
                    loop.observe(.requestTime, nanoseconds: 2_000)
                }
            }
        }
        var last: Int64 = 0
        for _ in 0..<200 {
            let now = metrics.total(.viewerSentBytes)
            #expect(now >= last && now % 3 == 0)
            last = now
        }
        for writer in writers { writer.join() }
        #expect(metrics.total(.viewerSentBytes) == Int64(2 * 3 * rounds))
        #expect(metrics.histogram(.requestTime).count == UInt64(2 * rounds))
    }
}
