// docs/metrics.md is written from the catalogue: `EDGED_WRITE_DOCS=1 swift test --filter MetricsDocumentTests`.

import Glibc
import Testing

@testable import EdgeRuntime

@Suite struct MetricsDocumentTests {
    private static let introduction = """
        # Metrics

        `GET /metrics` on the admin socket answers in the Prometheus text format 0.0.4. Every loop counts for itself
        without locks; the page adds the loops up. Counters never go back while the process lives, also not on a reload.

        - Histograms have a bound for each power of two from 16 µs to 67 s.
        - Gauges and series with one label are always there. A counter with two labels appears when it has counted.
        - `result` is the word of the access log's `x-edge-result-type`, `reason` the word of its `x-edge-reason`.

        This page is generated from `Sources/EdgeRuntime/Telemetry/MetricCatalog.swift`.

        | Metric | Kind | Unit | Labels | Meaning |
        |---|---|---|---|---|

        """

    private static func line(_ row: MetricRow, _ labels: [StaticString]) -> String {
        let names = labels.map { "`\($0)`" }.joined(separator: ", ")
        return "| `\(row.name)` | \(row.kind.word) | \(row.unit.word) | \(names) | \(row.help) |\n"
    }

    private static var document: String {
        var text = introduction
        for metric in Metric.allCases {
            text += line(metric.row, metric.row.labels.map(\.label))
        }
        for metric in ProcessMetric.allCases { text += line(metric.row, metric.labels) }
        text += "\n## Words of the labels\n\n"
        let words: [(String, [StaticString])] = [
            ("`class`", StatusClass.allCases.map(\.word)),
            ("`result`", RequestResult.allCases.map(\.word)),
            ("`state`", OriginConnectionState.allCases.map(\.word)),
            ("`kind`", HandshakeKind.allCases.map(\.word)),
            (
                "`reason` of `edged_viewer_connections_closed_total`",
                CloseReason.allCases.map(\.word)
            ),
            ("`reason` of `edged_sheds_total`", ShedReason.allCases.map(\.word)),
            (
                "`reason` of `edged_function_failures_total`",
                FunctionFailureReason.allCases.map(\.word)
            ),
        ]
        for (label, list) in words {
            text += "- \(label): \(list.map { "`\($0)`" }.joined(separator: ", "))\n"
        }
        return text
    }

    @Test func theDocumentIsCurrent() {
        let depth = "Tests/EdgeRuntimeTests/Telemetry/MetricsDocumentTests.swift".utf8.count
        let path = String(#filePath.utf8.dropLast(depth)).map { $0 + "docs/metrics.md" } ?? ""
        if getenv("EDGED_WRITE_DOCS") != nil {
            TestFile.write(path, Self.document)
        }
        #expect(TestFile.read(path) == Self.document)
    }
}
