// docs/eviction.md: the order of eviction beside two others on traces that anybody can make again. The page is what
// this prints, so what it says of the order stays true when the order changes.

import Glibc
import Testing

@testable import EdgeRuntime

@Suite struct EvictionDocumentTests {
    private static let shares = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2]

    @Test func thePageSaysWhatIsMeasured() {
        let page = Page()
        let depth = "Tests/EdgeRuntimeTests/Cache/EvictionDocumentTests.swift".utf8.count
        let root = String(#filePath.utf8.dropLast(depth)) ?? ""
        if getenv("EDGED_WRITE_DOCS") != nil {
            TestFile.write(root + "docs/eviction.md", page.text)
            TestFile.write(root + "docs/eviction.svg", page.chart)
        }
        #expect(TestFile.read(root + "docs/eviction.md") == page.text)
        #expect(TestFile.read(root + "docs/eviction.svg") == page.chart)
        for row in page.rows {
            #expect(row.ours <= row.best, "nobody knows the future")
            #expect(row.ours >= row.lru - 0.005, "\(row.trace.name), \(row.size) objects")
        }
    }

    // MARK: Traces

    struct Trace {
        let name: String
        let requests: [Int32]
        let objects: Int

        /// Popularity falls with the rank: the object of rank r is asked for r^-0.9 times as often as the first.
        init(_ name: String, scans: Bool = false, drifts: Bool = false) {
            self.name = name
            var random = Random(seed: 42)
            let objects = 10_000
            var sums: [Double] = []
            var sum = 0.0
            for rank in 1...objects {
                sum += pow(Double(rank), -0.9)
                sums.append(sum)
            }
            var keys = (0..<Int32(objects)).map { $0 }
            var next = Int32(objects)
            var requests: [Int32] = []
            while requests.count < 60_000 {
                if scans, requests.count % 6000 == 5999 {
                    for _ in 0..<2000 {
                        requests.append(next)
                        next += 1
                    }
                }
                if drifts, requests.count % 3000 == 2999 {
                    for _ in 0..<300 {
                        keys[Int(random.next(below: UInt64(objects)))] = next
                        next += 1
                    }
                }
                let wanted = Double(random.next() >> 11) / Double(1 << 53) * sum
                var (low, high) = (0, objects - 1)
                while low < high {
                    let middle = (low + high) / 2
                    if sums[middle] < wanted { low = middle + 1 } else { high = middle }
                }
                requests.append(keys[low])
            }
            self.requests = requests
            self.objects = objects
        }
    }

    // MARK: Policies

    /// As `CacheIndex` has it: sixteen shards, of which each gives in turn.
    static func ours(_ trace: Trace, _ size: Int) -> Double {
        var shards = (0..<Limits.cacheShards).map { _ in EvictionOrder() }
        var slots: [Int32: EvictionOrder.Slot] = [:]
        var keys = shards.map { _ in [EvictionOrder.Slot: Int32]() }
        var (hits, turn) = (0, 0)
        for key in trace.requests {
            let hash = UInt64(key) &* 0x9e37_79b9_7f4a_7c15
            let shard = Int(hash >> 60)
            if let slot = slots[key] {
                hits += 1
                shards[shard].touch(slot)
                continue
            }
            let slot = shards[shard].insert(hash, bytes: 1)
            slots[key] = slot
            keys[shard][slot] = key
            while slots.count > size {
                turn = (turn + 1) % shards.count
                guard let victim = shards[turn].victim() else { continue }
                if let gone = keys[turn].removeValue(forKey: victim) { slots[gone] = nil }
            }
        }
        return Double(hits) / Double(trace.requests.count)
    }

    static func lru(_ trace: Trace, _ size: Int) -> Double {
        var last: [Int32: Int] = [:]
        var oldest = 0
        var hits = 0
        for (time, key) in trace.requests.enumerated() {
            if last.updateValue(time, forKey: key) != nil { hits += 1 }
            while last.count > size {
                // Whoever was asked for again since has moved on.
                let candidate = trace.requests[oldest]
                if last[candidate] == oldest { last[candidate] = nil }
                oldest += 1
            }
        }
        return Double(hits) / Double(trace.requests.count)
    }

    /// Belady: out goes what will be asked for last.
    static func best(_ trace: Trace, _ size: Int) -> Double {
        var upcoming = [Int](repeating: .max, count: trace.requests.count)
        var seen: [Int32: Int] = [:]
        for time in trace.requests.indices.reversed() {
            upcoming[time] = seen[trace.requests[time]] ?? .max
            seen[trace.requests[time]] = time
        }
        var heap = Farthest()
        var next: [Int32: Int] = [:]
        var hits = 0
        for (time, key) in trace.requests.enumerated() {
            if next.updateValue(upcoming[time], forKey: key) != nil { hits += 1 }
            heap.push((upcoming[time], key))
            while next.count > size, let (when, candidate) = heap.pop() {
                if next[candidate] == when { next[candidate] = nil }
            }
        }
        return Double(hits) / Double(trace.requests.count)
    }

    private struct Farthest {
        private var items: [(when: Int, key: Int32)] = []

        mutating func push(_ item: (Int, Int32)) {
            items.append(item)
            var place = items.count - 1
            while place > 0, items[place].when > items[(place - 1) / 2].when {
                items.swapAt(place, (place - 1) / 2)
                place = (place - 1) / 2
            }
        }

        mutating func pop() -> (Int, Int32)? {
            guard let first = items.first else { return nil }
            items[0] = items[items.count - 1]
            items.removeLast()
            var place = 0
            while true {
                var largest = place
                for child in [2 * place + 1, 2 * place + 2] where child < items.count {
                    if items[child].when > items[largest].when { largest = child }
                }
                if largest == place { return first }
                items.swapAt(place, largest)
                place = largest
            }
        }
    }

    // MARK: The page

    struct Row {
        let trace: Trace
        let size: Int
        let lru: Double
        let ours: Double
        let best: Double
    }

    struct Page {
        let rows: [Row]
        private static let traces = [
            Trace("Zipf"), Trace("Zipf with scans", scans: true),
            Trace("Zipf that drifts", drifts: true),
        ]

        init() {
            rows = Self.traces.flatMap { trace in
                EvictionDocumentTests.shares.map { share in
                    let size = Int(Double(trace.objects) * share)
                    return Row(
                        trace: trace,
                        size: size,
                        lru: EvictionDocumentTests.lru(trace, size),
                        ours: EvictionDocumentTests.ours(trace, size),
                        best: EvictionDocumentTests.best(trace, size)
                    )
                }
            }
        }

        private func percent(_ share: Double) -> String {
            let tenths = Int((share * 1000).rounded())
            return "\(tenths / 10).\(tenths % 10)"
        }

        var text: String {
            var text = """
                # Which object goes when memory is short?

                The one that the order of S3-FIFO names: what is new waits in a small queue, a tenth of the bytes, and only
                what is asked for twice while it waits gets into the large one. What has gone from the small queue
                is remembered for a while, and comes back into the large one. So a scan, a crawler or a backup, passes through the
                small queue and leaves the rest alone, and a hit costs a count up to three instead of a move in a list.

                ![Hit ratio by size of the cache, three traces](eviction.svg)

                Hit ratio in percent. Three traces of 60,000 requests for 10,000 objects of one size, whose popularity falls
                with the rank to the power of 0.9; *with scans*, where of every 6,000 requests 2,000 are for objects that are
                asked for once and never again; and *that drifts*, where with every 3,000 requests 300 objects
                give their place to new ones. The cache holds so many objects. The optimum knows the future.

                | Trace | Objects held | LRU | S3-FIFO, as here | Optimum |
                |---|---|---|---|---|

                """
            for row in rows {
                text += "| \(row.trace.name) | \(row.size) | \(percent(row.lru)) "
                text += "| \(percent(row.ours)) | \(percent(row.best)) |\n"
            }
            text += """

                Measured through the order that the cache itself uses, in its sixteen shards of which each gives in turn;
                `make test` measures it again and compares it with this page.

                """
            return text
        }

        var chart: String {
            let (wide, high) = (250, 180)
            var svg = """
                <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 270" font-family="system-ui,sans-serif" \
                font-size="12" fill="none">
                <rect width="860" height="270" fill="#fff"/>

                """
            for (panel, trace) in Self.traces.enumerated() {
                let left = 40 + panel * (wide + 25)
                svg +=
                    "<text x=\"\(left)\" y=\"24\" fill=\"#1d2433\" font-weight=\"600\">\(trace.name)</text>\n"
                svg += "<path d=\"M\(left) 36v\(high)h\(wide)\" stroke=\"#9aa4ba\"/>\n"
                let own = rows.filter { $0.trace.name == trace.name }
                let lines: [(String, String, (Row) -> Double)] = [
                    ("optimum", "#9aa4ba", \.best), ("S3-FIFO", "#e4572e", \.ours),
                    ("LRU", "#5b7db1", \.lru),
                ]
                for (place, (name, colour, value)) in lines.enumerated() {
                    let points = own.enumerated().map { index, row in
                        let x = left + index * wide / (own.count - 1)
                        return "\(x),\(36 + high - Int(value(row) * Double(high) / 0.8))"
                    }
                    svg +=
                        "<polyline points=\"\(points.joined(separator: " "))\" stroke=\"\(colour)\" "
                    svg += "stroke-width=\"2\"/>\n"
                    let y = 150 + place * 18
                    svg +=
                        "<text x=\"\(left + wide - 70)\" y=\"\(y)\" fill=\"\(colour)\">\(name)</text>\n"
                }
                for (index, row) in own.enumerated() {
                    let x = left + index * wide / (own.count - 1)
                    svg +=
                        "<text x=\"\(x)\" y=\"234\" text-anchor=\"middle\" fill=\"#1d2433\">\(row.size)</text>\n"
                }
                for tenths in [2, 4, 6, 8] {
                    let y = 36 + high - tenths * high / 8
                    svg +=
                        "<text x=\"\(left - 6)\" y=\"\(y + 4)\" text-anchor=\"end\" fill=\"#1d2433\">\(tenths)0</text>\n"
                }
            }
            svg +=
                "<text x=\"430\" y=\"258\" text-anchor=\"middle\" fill=\"#1d2433\">objects held, of 10,000; "
            svg += "hits in percent</text>\n</svg>\n"
            return svg
        }
    }
}
