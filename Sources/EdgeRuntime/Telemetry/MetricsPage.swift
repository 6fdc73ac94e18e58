// The page that Prometheus reads: text exposition format 0.0.4.
//
// Gauges and series with one label are there from the start, so that a rate does not miss the first event; counters
// with two labels appear when they have counted, or forty failure words for every origin would drown the page.
// Histograms are kept finer than they are shown: the page has a bound for each power of two from 16 µs to 67 s.

/// What only the process knows.
struct ProcessFacts {
    struct Certificate {
        var name: String
        var expires: Int64
    }

    var version = ""
    var commit = ""
    var compiler = ""
    var startTime: Int64 = 0
    var generation: UInt64 = 0
    var certificates: [Certificate] = []
    var accessLogLines: UInt64 = 0
    var accessLogLinesDropped: UInt64 = 0
    var cache = CacheFacts()
    var eventLogLinesDropped: UInt64 = 0
}

struct MetricsPage {
    static let contentType: StaticString = "text/plain; version=0.0.4; charset=utf-8"

    /// Exponents of the bounds shown, in microseconds.
    static let shownExponents = 4...26

    private var out: [UInt8] = []

    static func render(loops: [LoopMetrics], facts: ProcessFacts) -> [UInt8] {
        var page = Self()
        page.out.reserveCapacity(32 << 10)
        if let widest = loops.max(by: { $0.layout.slotCount < $1.layout.slotCount }) {
            let vocabulary = widest.layout.vocabulary
            for metric in Metric.allCases { page.write(metric, of: loops, vocabulary) }
        }
        for metric in ProcessMetric.allCases { page.write(metric, facts) }
        return page.out
    }

    // MARK: One family

    private mutating func write(
        _ metric: Metric,
        of loops: [LoopMetrics],
        _ vocabulary: MetricVocabulary
    ) {
        let row = metric.row
        let labels = row.labels
        writeHead(row)
        let firstCount = labels.first.map { vocabulary.count(of: $0) } ?? 1
        let secondCount = labels.count == 2 ? vocabulary.count(of: labels[1]) : 1
        for first in 0..<firstCount {
            for second in 0..<secondCount {
                var pairs: [(String, String)] = []
                if let label = labels.first {
                    pairs.append(("\(label.label)", vocabulary.word(first, of: label)))
                }
                if labels.count == 2 {
                    pairs.append(("\(labels[1].label)", vocabulary.word(second, of: labels[1])))
                }
                if row.kind == .histogram {
                    var histogram = Histogram()
                    for loop in loops { histogram.merge(loop.histogram(metric, first)) }
                    write(histogram, "\(row.name)", pairs)
                    continue
                }
                let value = loops.reduce(0) { $0 + $1.value(metric, first, second) }
                if labels.count == 2, row.kind == .counter, value == 0 { continue }
                write(sample: "\(row.name)", pairs, value, row.unit)
            }
        }
    }

    private static func value(of metric: ProcessMetric, _ disk: DiskFacts) -> Int {
        switch metric {
        case .diskBytes: disk.bytes
        case .diskRecords: disk.records
        case .diskHits: disk.hits
        case .diskMisses: disk.misses
        case .diskWritten: disk.written
        case .diskWrittenBytes: disk.writtenBytes
        case .diskDropped: disk.dropped
        case .diskFaults: disk.faults
        case .diskFailing: disk.failure == nil ? 0 : 1
        default: preconditionFailure("nothing of the disk")
        }
    }

    private mutating func write(_ metric: ProcessMetric, _ facts: ProcessFacts) {
        let row = metric.row
        let name = "\(row.name)"
        writeHead(row)
        switch metric {
        case .buildInfo:
            let words = [facts.version, facts.commit, facts.compiler]
            let pairs = zip(metric.labels, words).map { ("\($0)", $1) }
            write(sample: name, pairs, 1, row.unit)
        case .startTime: write(sample: name, [], facts.startTime, row.unit)
        case .generation:
            write(sample: name, [], Int64(clamping: facts.generation), row.unit)
        case .certificateExpiry:
            for certificate in facts.certificates {
                let pairs = [("\(metric.labels[0])", certificate.name)]
                write(sample: name, pairs, certificate.expires, row.unit)
            }
        case .accessLogLines:
            write(sample: name, [], Int64(clamping: facts.accessLogLines), row.unit)
        case .cacheBytes: write(sample: name, [], Int64(facts.cache.bytes), row.unit)
        case .cacheObjects: write(sample: name, [], Int64(facts.cache.objects), row.unit)
        case .cacheEvictions: write(sample: name, [], Int64(facts.cache.evictions), row.unit)
        case .cacheFills: write(sample: name, [], Int64(facts.cache.fills), row.unit)
        case .cachePurges: write(sample: name, [], Int64(facts.cache.purges), row.unit)
        case .cachePurgeRules:
            write(sample: name, [], Int64(facts.cache.purgeRules), row.unit)
        case .diskBytes, .diskRecords, .diskHits, .diskMisses, .diskWritten, .diskWrittenBytes,
            .diskDropped, .diskFaults, .diskFailing:
            let disk = facts.cache.disk ?? DiskFacts()
            write(sample: name, [], Int64(Self.value(of: metric, disk)), row.unit)
        case .accessLogLinesDropped:
            write(sample: name, [], Int64(clamping: facts.accessLogLinesDropped), row.unit)
        case .eventLogLinesDropped:
            write(sample: name, [], Int64(clamping: facts.eventLogLinesDropped), row.unit)
        }
    }

    private mutating func writeHead(_ row: MetricRow) {
        write("# HELP \(row.name) ")
        for byte in "\(row.help)".utf8 {
            switch byte {
            case 0x5c: write("\\\\")
            case 0x0a: write("\\n")
            default: out.append(byte)
            }
        }
        write("\n# TYPE \(row.name) \(row.kind.word)\n")
    }

    private mutating func write(
        _ histogram: Histogram,
        _ name: String,
        _ pairs: [(String, String)]
    ) {
        for exponent in Self.shownExponents {
            let bound = UInt64(1) << UInt64(exponent)
            let count = histogram.cumulative(through: Histogram.bucket(of: bound))
            let le = Self.decimal(millionths: Int64(bound))
            write(sample: name + "_bucket", pairs + [("le", le)], Int64(clamping: count), .count)
        }
        let count = Int64(clamping: histogram.count)
        write(sample: name + "_bucket", pairs + [("le", "+Inf")], count, .count)
        write(sample: name + "_sum", pairs, Int64(clamping: histogram.sum), .seconds)
        write(sample: name + "_count", pairs, count, .count)
    }

    // MARK: One line

    private mutating func write(
        sample name: String,
        _ pairs: [(String, String)],
        _ value: Int64,
        _ unit: MetricRow.Unit
    ) {
        write(name)
        for (index, pair) in pairs.enumerated() {
            write(index == 0 ? "{" : ",")
            write(pair.0)
            write("=\"")
            writeEscaped(label: pair.1)
            write("\"")
        }
        write(pairs.isEmpty ? " " : "} ")
        switch unit {
        case .count, .bytes, .timestamp: write("\(value)")
        case .seconds, .ratio: write(Self.decimal(millionths: value))
        }
        write("\n")
    }

    private mutating func writeEscaped(label: String) {
        for byte in label.utf8 {
            switch byte {
            case 0x5c: write("\\\\")
            case 0x22: write("\\\"")
            case 0x0a: write("\\n")
            default: out.append(byte)
            }
        }
    }

    private mutating func write(_ text: String) { out.append(contentsOf: text.utf8) }

    /// A number of millionths as a decimal without trailing zeros: 1500000 is "1.5".
    static func decimal(millionths value: Int64) -> String {
        let magnitude = value.magnitude
        var text = (value < 0 ? "-" : "") + "\(magnitude / 1_000_000)"
        let rest = magnitude % 1_000_000
        guard rest > 0 else { return text }
        var digits = "\(rest + 1_000_000)".dropFirst()
        while digits.last == "0" { digits = digits.dropLast() }
        text += "." + digits
        return text
    }
}

/// What is stored in the process, for all loops.
struct CacheFacts {
    var bytes = 0
    var objects = 0
    var evictions = 0
    var fills = 0
    var purges = 0
    var purgeRules = 0
    /// Nil: nothing is kept on disk.
    var disk: DiskFacts?
}

/// What is stored on disk.
struct DiskFacts: Equatable {
    var bytes = 0
    var bytesMax = 0
    var records = 0
    var hits = 0
    var misses = 0
    var written = 0
    var writtenBytes = 0
    /// Not written: no room to wait in, or the disk failed.
    var dropped = 0
    /// Read, and not what was written; or not readable.
    var faults = 0
    /// The word of what is wrong with it now.
    var failure: String?
}
