// A strict reader of the text exposition format 0.0.4: what it does not expect is an error, and so are a sample
// without its TYPE, a family that is taken up again, a series that comes twice and a histogram that does not add up.

struct ExpositionParser {
    struct Failure: Error {
        var line: Int
        var reason: String
    }

    struct Family {
        var help = ""
        var type = ""
        var samples: [(name: String, labels: [(String, String)], value: Double)] = []
    }

    private(set) var families: [String: Family] = [:]
    private var order: [String] = []
    private var series: Set<String> = []
    private var line = 0

    static func parse(_ text: String) throws -> [String: Family] {
        var parser = Self()
        guard text.last == "\n" else { throw Failure(line: 0, reason: "no final newline") }
        for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
            parser.line += 1
            try parser.take(Array(line))
        }
        try parser.checkHistograms()
        return parser.families
    }

    func series(_ family: String, _ labels: [String: String]) -> Double? {
        Self.value(in: families, family, family, labels)
    }

    static func value(
        in families: [String: Family],
        _ family: String,
        _ name: String,
        _ labels: [String: String]
    ) -> Double? {
        families[family]?.samples.first { sample in
            sample.name == name && sample.labels.count == labels.count
                && sample.labels.allSatisfy { labels[$0.0] == $0.1 }
        }?.value
    }

    private func fail(_ reason: String) -> Failure { Failure(line: line, reason: reason) }

    private mutating func take(_ text: [Character]) throws {
        if text.starts(with: "# HELP ") {
            let (name, rest) = try word(text.dropFirst(7))
            guard families[name] == nil else { throw fail("second HELP of \(name)") }
            families[name] = Family(help: String(rest))
            order.append(name)
        } else if text.starts(with: "# TYPE ") {
            let (name, rest) = try word(text.dropFirst(7))
            guard order.last == name else { throw fail("TYPE of \(name) away from its HELP") }
            let type = String(rest)
            guard ["counter", "gauge", "histogram"].contains(type) else {
                throw fail("type \(type)")
            }
            families[name]?.type = type
        } else {
            try takeSample(text)
        }
    }

    private func word(
        _ text: ArraySlice<Character>
    ) throws -> (String, ArraySlice<Character>) {
        guard let space = text.firstIndex(of: " ") else { throw fail("no space") }
        let name = text[..<space]
        try check(name: name)
        return (String(name), text[(space + 1)...])
    }

    private func check(name: ArraySlice<Character>) throws {
        guard let first = name.first, first.isASCII, first.isLetter || first == "_",
            name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") })
        else { throw fail("name \(String(name))") }
    }

    private mutating func takeSample(_ text: [Character]) throws {
        guard let end = text.firstIndex(where: { $0 == "{" || $0 == " " }) else {
            throw fail("no value")
        }
        try check(name: text[..<end])
        let name = String(text[..<end])
        var rest = text[end...]
        var labels: [(String, String)] = []
        if rest.first == "{" {
            rest = rest.dropFirst()
            repeat {
                let (label, value) = try takeLabel(&rest)
                guard !labels.contains(where: { $0.0 == label }) else { throw fail("label twice") }
                labels.append((label, value))
                guard let next = rest.popFirst(), next == "," || next == "}" else {
                    throw fail("neither , nor }")
                }
                if next == "}" { break }
            } while true
        }
        guard rest.popFirst() == " ", let value = Double(String(rest)), !rest.contains(" ") else {
            throw fail("value \(String(rest))")
        }
        let identity = name + labels.sorted { $0.0 < $1.0 }.map { "|\($0.0)=\($0.1)" }.joined()
        guard series.insert(identity).inserted else { throw fail("series twice: \(identity)") }
        guard let family = order.last, let type = families[family]?.type, !type.isEmpty else {
            throw fail("sample before TYPE")
        }
        let isMember =
            type == "histogram"
            ? ["_bucket", "_sum", "_count"].contains { family + $0 == name } : family == name
        guard isMember else { throw fail("\(name) within \(family)") }
        guard type == "gauge" || value >= 0 else { throw fail("negative \(type)") }
        families[family]?.samples.append((name, labels, value))
    }

    private func takeLabel(_ rest: inout ArraySlice<Character>) throws -> (String, String) {
        guard let equals = rest.firstIndex(of: "=") else { throw fail("no =") }
        try check(name: rest[..<equals])
        let label = String(rest[..<equals])
        rest = rest[(equals + 1)...]
        guard rest.popFirst() == "\"" else { throw fail("no quote") }
        var value = ""
        while let character = rest.popFirst(), character != "\"" {
            guard character == "\\" else {
                value.append(character)
                continue
            }
            switch rest.popFirst() {
            case "\\": value.append("\\")
            case "\"": value.append("\"")
            case "n": value.append("\n")
            default: throw fail("escape")
            }
        }
        return (label, value)
    }

    private func checkHistograms() throws {
        for (name, family) in families where family.type == "histogram" {
            var buckets: [String: [(le: Double, count: Double)]] = [:]
            var counts: [String: Double] = [:]
            var sums: Set<String> = []
            for sample in family.samples {
                let key = sample.labels.filter { $0.0 != "le" }.map { "\($0.0)=\($0.1)" }.joined()
                switch sample.name {
                case name + "_bucket":
                    guard let le = sample.labels.first(where: { $0.0 == "le" })?.1,
                        let bound = le == "+Inf" ? .infinity : Double(le)
                    else { throw fail("bucket of \(name) without le") }
                    buckets[key, default: []].append((bound, sample.value))
                case name + "_sum": sums.insert(key)
                default: counts[key] = sample.value
                }
            }
            guard Set(buckets.keys) == Set(counts.keys), Set(counts.keys) == sums else {
                throw fail("\(name) misses a part")
            }
            for (key, list) in buckets {
                for (before, after) in zip(list, list.dropFirst()) {
                    guard before.le < after.le, before.count <= after.count else {
                        throw fail("\(name){\(key)} is not cumulative")
                    }
                }
                guard list.last?.le == .infinity, list.last?.count == counts[key] else {
                    throw fail("\(name){\(key)} does not end with its count")
                }
            }
        }
    }
}
