// One loop's counters: an array of integers with one writer, the loop, and any number of readers.
//
// Because there is one writer, a count is a relaxed load, an addition and a relaxed store: no locked instruction
// and no lock. A reader sees every integer whole, and values that may be a moment apart from each other; sums over
// loops are made by who reads. Where a metric lies is worked out once, from its labels' vocabulary:
//
//   ┌────────────┬──────────────────────────┬──────────────────────┬───
//   │ plain      │ [class][result]          │ [origin][125 + sum]  │ …
//   └────────────┴──────────────────────────┴──────────────────────┴───
//
// A reload that brings new origins makes a larger array; the loop itself carries its counts over (`carryOver`).

import Synchronization

/// Where each metric's integers lie for one vocabulary.
struct MetricLayout: Sendable {
    struct Place: Sendable {
        var base = 0
        var firstCount = 1
        var secondCount = 1
        /// Integers to each combination of labels: one, or a histogram's buckets and its sum.
        var width = 1
    }

    let vocabulary: MetricVocabulary
    let places: [Place]
    let slotCount: Int

    static let histogramWidth = Histogram.bucketCount + 1

    init(_ vocabulary: MetricVocabulary) {
        self.vocabulary = vocabulary
        var places: [Place] = []
        var next = 0
        for metric in Metric.allCases {
            let row = metric.row
            precondition(row.labels.count <= 2, "a metric has at most two labels")
            var place = Place(base: next)
            if let first = row.labels.first { place.firstCount = vocabulary.count(of: first) }
            if row.labels.count == 2 { place.secondCount = vocabulary.count(of: row.labels[1]) }
            if row.kind == .histogram { place.width = Self.histogramWidth }
            next += place.firstCount * place.secondCount * place.width
            places.append(place)
        }
        self.places = places
        slotCount = next
    }
}

final class LoopMetrics: @unchecked Sendable {
    // Guard: the array is fixed; its elements are atomics that only the owning loop stores to.
    let layout: MetricLayout
    private let slots: UnsafeMutablePointer<Atomic<Int64>>

    init(_ vocabulary: MetricVocabulary) {
        layout = MetricLayout(vocabulary)
        slots = .allocate(capacity: layout.slotCount)
        for index in 0..<layout.slotCount { (slots + index).initialize(to: Atomic(0)) }
    }

    deinit {
        slots.deinitialize(count: layout.slotCount)
        slots.deallocate()
    }

    /// Counts. The indices are those of the metric's labels, in the order of its row.
    @inline(__always)
    func add(_ metric: Metric, _ first: Int = 0, _ second: Int = 0, by amount: Int = 1) {
        let slot = slots + slot(metric, first, second)
        let before = slot.pointee.load(ordering: .relaxed)
        slot.pointee.store(before &+ Int64(amount), ordering: .relaxed)
    }

    /// For gauges that are known rather than kept.
    @inline(__always)
    func set(_ metric: Metric, _ first: Int = 0, _ second: Int = 0, to value: Int) {
        (slots + slot(metric, first, second)).pointee.store(Int64(value), ordering: .relaxed)
    }

    @inline(__always)
    func observe(_ metric: Metric, _ first: Int = 0, nanoseconds: Nanoseconds) {
        // Rounded up, so that a value lies in the bucket whose bound it does not exceed.
        let microseconds = (UInt64(max(0, nanoseconds)) &+ 999) / 1000
        let start = slots + slot(metric, first, 0)
        let bucket = start + Histogram.bucket(of: microseconds)
        let sum = start + Histogram.bucketCount
        bucket.pointee.store(bucket.pointee.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
        sum.pointee.store(
            sum.pointee.load(ordering: .relaxed)
                &+ Int64(truncatingIfNeeded: microseconds),
            ordering: .relaxed
        )
    }

    /// What was counted; zero for labels that this loop has not heard of yet.
    func value(_ metric: Metric, _ first: Int = 0, _ second: Int = 0) -> Int64 {
        guard knows(metric, first, second) else { return 0 }
        return slots[slot(metric, first, second)].load(ordering: .relaxed)
    }

    func histogram(_ metric: Metric, _ first: Int = 0) -> Histogram {
        var result = Histogram()
        guard knows(metric, first, 0) else { return result }
        let start = slot(metric, first, 0)
        for index in 0..<Histogram.bucketCount {
            let count = slots[start + index].load(ordering: .relaxed)
            result.buckets[index] = UInt64(bitPattern: count)
        }
        let sum = slots[start + Histogram.bucketCount].load(ordering: .relaxed)
        result.sum = UInt64(bitPattern: sum)
        return result
    }

    /// The counters of the next generation, with everything that was counted so far. Only on the owning loop.
    func carryOver(to vocabulary: MetricVocabulary) -> LoopMetrics {
        let next = LoopMetrics(vocabulary)
        for metric in Metric.allCases {
            let old = layout.places[Int(metric.rawValue)]
            let new = next.layout.places[Int(metric.rawValue)]
            precondition(
                new.firstCount >= old.firstCount && new.secondCount == old.secondCount,
                "words keep their index"
            )
            for offset in 0..<old.firstCount * old.secondCount * old.width {
                let value = slots[old.base + offset].load(ordering: .relaxed)
                next.slots[new.base + offset].store(value, ordering: .relaxed)
            }
        }
        return next
    }

    @inline(__always)
    private func slot(_ metric: Metric, _ first: Int, _ second: Int) -> Int {
        let place = layout.places[Int(metric.rawValue)]
        precondition(
            first >= 0 && first < place.firstCount && second >= 0 && second < place.secondCount,
            "a label without a word"
        )
        return place.base &+ (first &* place.secondCount &+ second) &* place.width
    }

    private func knows(_ metric: Metric, _ first: Int, _ second: Int) -> Bool {
        let place = layout.places[Int(metric.rawValue)]
        return first < place.firstCount && second < place.secondCount
    }
}

extension LoopMetrics {
    @inline(__always)
    func countRequest(status: UInt16, result: RequestResult) {
        add(.requests, Int(StatusClass(status: status).rawValue), Int(result.rawValue))
    }

    @inline(__always)
    func countClose(_ reason: CloseReason) {
        add(.viewerConnectionsClosed, Int(reason.rawValue))
        add(.viewerConnections, by: -1)
    }

    @inline(__always)
    func countShed(_ reason: ShedReason) { add(.sheds, Int(reason.rawValue)) }

    @inline(__always)
    func countHandshake(_ kind: HandshakeKind) { add(.handshakes, Int(kind.rawValue)) }
}

/// The counters of all loops, for whoever reads them. A loop that carried its counters over puts the new ones in.
final class Metrics: Sendable {
    private let loops: Locked<[LoopMetrics]>

    init(vocabulary: MetricVocabulary) {
        loops = Locked((0..<vocabulary.loops).map { _ in LoopMetrics(vocabulary) })
    }

    var all: [LoopMetrics] { loops.withLock { $0 } }

    func replace(_ loop: Int, with metrics: LoopMetrics) {
        loops.withLock { $0[loop] = metrics }
    }

    func total(_ metric: Metric, _ first: Int = 0, _ second: Int = 0) -> Int64 {
        all.reduce(0) { $0 + $1.value(metric, first, second) }
    }

    func histogram(_ metric: Metric, _ first: Int = 0) -> Histogram {
        var result = Histogram()
        for loop in all { result.merge(loop.histogram(metric, first)) }
        return result
    }
}

extension MetricVocabulary {
    /// With the words of this program.
    init(origins: [String], loops: Int, verdicts: [StaticString]) {
        self.init(
            origins: origins,
            loops: loops,
            failures: EdgeError.Kind.allCases.map { EdgeError($0).word },
            handshakeFailures: TLSFailure.allCases.map(\.word),
            verdicts: verdicts
        )
    }
}

extension LoopMetrics {
    @inline(__always)
    func countOriginFailure(_ origin: Int, _ error: EdgeError) {
        add(.originFailures, origin, Int(error.kind.rawValue))
    }

    @inline(__always)
    func countHandshakeFailure(_ failure: TLSFailure) {
        add(.handshakesFailed, Int(failure.rawValue))
    }
}
