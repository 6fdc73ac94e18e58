// Ordered path patterns → the behaviour that serves a path (§2.1 of the contract).
//
// `*` stands for any bytes, `/` included, `?` for exactly one; the whole path must match, case counts, the query
// does not take part. One leading slash is dropped from both sides. Nearly every pattern in use has one of four
// shapes that need no backtracking, so patterns are sorted into shapes when the configuration is built:
//
//   any      *                 always
//   exact    /favicon.ico      compare
//   prefix   /api/*            compare the beginning
//   suffix   *.jpg             compare the end
//   glob     the rest          two pointers, backtracking to the last star
//
// The bytes of all patterns lie in one array, so a match touches two blocks of memory and retains nothing.

struct PathIndex: Sendable {
    private enum Shape: UInt8 {
        case any
        case exact
        case prefix
        case suffix
        case glob
    }

    private struct Row {
        var shape: Shape
        var start: Int
        var end: Int
    }

    private let rows: [Row]
    private let text: [UInt8]

    init(patterns: [String]) {
        var rows: [Row] = []
        var text: [UInt8] = []
        for pattern in patterns {
            var bytes = Array(pattern.utf8)
            if bytes.first == UInt8(ascii: "/") { bytes.removeFirst() }
            let shape = Self.shape(of: bytes)
            switch shape {
            case .any: bytes = []
            case .prefix: bytes.removeLast()
            case .suffix: bytes.removeFirst()
            case .exact, .glob: break
            }
            rows.append(Row(shape: shape, start: text.count, end: text.count + bytes.count))
            text += bytes
        }
        self.rows = rows
        self.text = text
    }

    /// The place of the first pattern that matches `path`, which is given as received, slash included.
    @inline(__always)
    func firstMatch(_ path: Span<UInt8>) -> Int? {
        let hasSlash = path.count > 0 && path[0] == UInt8(ascii: "/")
        let path = hasSlash ? path.extracting(droppingFirst: 1) : path
        let text = text.span
        let rows = rows.span
        for index in rows.indices {
            let row = rows[index]
            let pattern = text.extracting(row.start..<row.end)
            if Self.matches(row.shape, pattern, path) { return index }
        }
        return nil
    }

    @inline(__always)
    private static func matches(
        _ shape: Shape,
        _ pattern: Span<UInt8>,
        _ path: Span<UInt8>
    ) -> Bool {
        switch shape {
        case .any: true
        case .exact: path.equals(pattern)
        case .prefix:
            path.count >= pattern.count && path.extracting(first: pattern.count).equals(pattern)
        case .suffix:
            path.count >= pattern.count && path.extracting(last: pattern.count).equals(pattern)
        case .glob: Glob.matches(pattern, path)
        }
    }

    private static func shape(of pattern: [UInt8]) -> Shape {
        let star = UInt8(ascii: "*")
        guard !pattern.contains(UInt8(ascii: "?")) else { return .glob }
        switch pattern.count(where: { $0 == star }) {
        case 0: return .exact
        case 1 where pattern.count == 1: return .any
        case 1 where pattern.last == star: return .prefix
        case 1 where pattern.first == star: return .suffix
        default: return .glob
        }
    }
}

/// `*` and `?` over bytes.
enum Glob {
    /// Quadratic at worst: on a mismatch only the last star is tried again, one byte further.
    static func matches(_ pattern: Span<UInt8>, _ text: Span<UInt8>) -> Bool {
        var inPattern = 0
        var inText = 0
        var afterStar = -1
        var retryAt = 0
        while inText < text.count {
            if inPattern < pattern.count, pattern[inPattern] == UInt8(ascii: "*") {
                inPattern += 1
                afterStar = inPattern
                retryAt = inText
            } else if inPattern < pattern.count,
                pattern[inPattern] == text[inText] || pattern[inPattern] == UInt8(ascii: "?")
            {
                inPattern += 1
                inText += 1
            } else if afterStar >= 0 {
                inPattern = afterStar
                retryAt += 1
                inText = retryAt
            } else {
                return false
            }
        }
        while inPattern < pattern.count, pattern[inPattern] == UInt8(ascii: "*") { inPattern += 1 }
        return inPattern == pattern.count
    }
}
