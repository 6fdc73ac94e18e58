// The vocabulary of the schema: what a setting may be. Checking, defaults, JSON Schema and the reference page are
// all generated from rows of these.

indirect enum SettingType: Sendable {
    case boolean
    case integer(ClosedRange<Int64>)
    case number(ClosedRange<Double>)
    /// `512` or `"64KB"`, in bytes.
    case size(ClosedRange<Int64>)
    /// `"250ms"`, in nanoseconds.
    case duration(ClosedRange<Int64>)
    case word([String])
    case text(TextKind)
    /// A string, or `secret "name"`.
    case secretText
    case list(SettingType, ClosedRange<Int>)
    /// Names that the operator chooses.
    case map(TextKind, SettingType)
    case record([Setting])
    case either([SettingType])
    /// Whatever a function understands.
    case anything
}

enum TextKind: String, Sendable {
    case plain = "text"
    case path
    case file = "path of a file"
    case folder = "path of a folder"
    case address = "socket address"
    case prefix = "address or prefix"
    case url = "URL"
    case domain = "domain"
    case pattern = "path pattern"
    case urlPath = "URL path"
    case originPath = "URL path without a closing slash"
    case rootObject = "path without a leading slash"
    case fieldName = "header name"
    case fieldValue = "header value"
    case identifier = "name"
    case country = "country code"
    case corsOrigin = "origin"
    case mediaType = "media type"
    case status = "status code"
    case fieldPattern = "form field pattern"
}

struct Setting: Sendable {
    enum Availability: Sendable {
        case now
        /// Shape-checked, and refused at run.
        case later
        /// Shape-checked, and without effect for the time being: leaving it out is safe.
        case passive
    }

    var name: String
    var type: SettingType
    /// As it is written in JSON; `nil`: none.
    var defaultText: String?
    var isRequired = false
    var availability = Availability.now
    var sentence: String

    init(
        _ name: String,
        _ type: SettingType,
        _ defaultText: String?,
        _ availability: Availability,
        _ sentence: String
    ) {
        self.name = name
        self.type = type
        self.defaultText = defaultText
        self.availability = availability
        self.sentence = sentence
    }

    init(_ name: String, _ type: SettingType, _ defaultText: String, _ sentence: String) {
        self.init(name, type, defaultText, .now, sentence)
    }

    /// A setting without a default.
    init(_ name: String, _ type: SettingType, required: Bool = false, _ sentence: String) {
        self.init(name, type, nil, .now, sentence)
        isRequired = required
    }
}

/// Sizes and durations as people write them.
enum Quantity {
    static let sizeUnits: [(String, Int64)] = [
        ("B", 1), ("KB", 1 << 10), ("MB", 1 << 20), ("GB", 1 << 30), ("TB", 1 << 40),
    ]
    static let durationUnits: [(String, Int64)] = [
        ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000),
        ("d", 86_400_000_000_000),
    ]

    enum Problem: Error, Equatable {
        case notANumber
        case noUnit
        case unknownUnit(String)
        case tooLarge
    }

    static func size(_ text: String) -> Result<Int64, Problem> { parse(text, sizeUnits) }
    static func duration(_ text: String) -> Result<Int64, Problem> { parse(text, durationUnits) }

    private static func parse(
        _ text: String,
        _ units: [(String, Int64)]
    ) -> Result<Int64, Problem> {
        let digits = text.prefix { $0.isASCII && $0.isWholeNumber }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }
        guard !digits.isEmpty else { return .failure(.notANumber) }
        guard let count = Int64(digits) else { return .failure(.tooLarge) }
        guard !unit.isEmpty else { return .failure(.noUnit) }
        guard let factor = units.first(where: { $0.0 == unit })?.1 else {
            return .failure(.unknownUnit(String(unit)))
        }
        let (product, overflow) = count.multipliedReportingOverflow(by: factor)
        return overflow ? .failure(.tooLarge) : .success(product)
    }

    /// The shortest text that means the same.
    static func sizeText(_ value: Int64) -> String { text(value, sizeUnits, zero: "0B") }
    static func durationText(_ value: Int64) -> String { text(value, durationUnits, zero: "0s") }

    private static func text(_ value: Int64, _ units: [(String, Int64)], zero: String) -> String {
        guard value != 0 else { return zero }
        let unit = units.reversed().first { value % $0.1 == 0 } ?? ("", 1)
        return "\(value / unit.1)\(unit.0)"
    }
}

/// The known word nearest to a mistyped one.
package enum Suggestion {
    package static func nearest(to word: String, among known: [String]) -> String? {
        let lowered = word.lowercased()
        let best = known.map { ($0, distance(lowered, $0.lowercased())) }.min { $0.1 < $1.1 }
        guard let best, best.1 <= max(1, (word.count + 1) / 3) else { return nil }
        return best.0
    }

    /// Insertions, deletions, replacements and swaps of neighbours that make one word of the other.
    static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left.utf8)
        let right = Array(right.utf8)
        var before: [Int] = []
        var last = Array(0...right.count)
        for row in 0..<left.count {
            var line = [row + 1]
            for column in 0..<right.count {
                let replaced = last[column] + (left[row] == right[column] ? 0 : 1)
                var cost = min(replaced, last[column + 1] + 1, line[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1],
                    left[row - 1] == right[column]
                {
                    cost = min(cost, before[column - 1] + 1)
                }
                line.append(cost)
            }
            before = last
            last = line
        }
        return last[right.count]
    }
}
