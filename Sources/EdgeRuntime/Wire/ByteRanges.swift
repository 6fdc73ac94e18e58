// `Range: bytes=…` (RFC 9110 §14.1) against the length of what is there, and `Content-Range` for the answer.
//
//   bytes=0-99     the first hundred     bytes=-100   the last hundred, or all where there is less
//   bytes=100-     all behind those      bytes=9-5    no range: the field is ignored
//
// One range is honoured wherever it lies. Several are honoured only in ascending order and without overlaps, and no
// more than `Limits.rangesMax`: everything else is either a mistake or an attempt to get much for little, and the
// whole is a correct answer to both. Ranges behind the end drop out; when none is left, none can be satisfied.

/// Ranges of one representation: ascending, apart from each other, none of them empty.
struct RangeList: Equatable {
    private var ranges = InlineArray<16, Range<Int64>>(repeating: 0..<0)
    private(set) var count = 0

    subscript(_ index: Int) -> Range<Int64> {
        precondition(index < count, "there are fewer ranges")
        return ranges[index]
    }

    /// Whether there was room and it belongs behind the others.
    mutating func append(_ range: Range<Int64>) -> Bool {
        guard count < Limits.rangesMax, !range.isEmpty,
            count == 0 || range.lowerBound >= ranges[count - 1].upperBound
        else { return false }
        ranges[count] = range
        count += 1
        return true
    }

    static func == (left: Self, right: Self) -> Bool {
        guard left.count == right.count else { return false }
        for index in 0..<left.count where left.ranges[index] != right.ranges[index] {
            return false
        }
        return true
    }
}

enum ByteRanges {
    enum Selection: Equatable {
        /// Another unit, a mistake, or more than we serve.
        case whole
        case one(Range<Int64>)
        case many(RangeList)
        case unsatisfiable
    }

    private enum Part {
        case range(Range<Int64>)
        /// Valid, but behind the end.
        case nothing
        case invalid
    }

    static func parse(_ value: Span<UInt8>, size: Int64) -> Selection {
        precondition(size >= 0, "lengths are not negative")
        guard value.count > 6, value.extracting(first: 6).equalsIgnoringCase("bytes=") else {
            return .whole
        }
        // No bytes can be named by `Content-Range`, so the empty whole is the answer to any valid suffix of it.
        var hasEmptySuffix = false
        var hasPart = false
        var fits = true
        var list = RangeList()
        var position = 6
        while let element = FieldSyntax.nextElement(value, &position) {
            let text = value.extracting(element)
            hasPart = true
            switch part(text, size) {
            case .invalid: return .whole
            case .nothing: break
            case .range(let range) where range.isEmpty: hasEmptySuffix = true
            // Not at once: a mistake further on and an overlap here have the same answer.
            case .range(let range): if !list.append(range) { fits = false }
            }
        }
        guard hasPart, fits, !hasEmptySuffix else { return .whole }
        switch list.count {
        case 0: return .unsatisfiable
        case 1: return .one(list[0])
        default: return .many(list)
        }
    }

    private static func part(_ text: Span<UInt8>, _ size: Int64) -> Part {
        guard let hyphen = text.firstIndex(of: 0x2D) else { return .invalid }
        let last = text.extracting((hyphen + 1)..<text.count)
        if hyphen == 0 {
            guard let length = number(last) else { return .invalid }
            return length == 0 ? .nothing : .range(max(0, size - length)..<size)
        }
        guard let start = number(text.extracting(first: hyphen)) else { return .invalid }
        var end = Int64.max
        if last.count > 0 {
            guard let named = number(last), isOrdered(text.extracting(first: hyphen), last) else {
                return .invalid
            }
            end = named
        }
        guard start < size else { return .nothing }
        return .range(start..<min(end, size - 1) + 1)
    }

    /// Digits only. A number that does not fit lies behind every end, which the largest one says as well.
    private static func number(_ text: Span<UInt8>) -> Int64? {
        guard text.count > 0 else { return nil }
        var value: Int64 = 0
        for index in text.indices {
            let digit = text[index] &- 0x30
            guard digit < 10 else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int64(digit))
            value = overflow || carry ? .max : sum
        }
        return value
    }

    /// Compares digits, for numbers that do not fit have an order as well.
    private static func isOrdered(_ first: Span<UInt8>, _ last: Span<UInt8>) -> Bool {
        var from = 0
        var to = 0
        while from < first.count, first[from] == 0x30 { from += 1 }
        while to < last.count, last[to] == 0x30 { to += 1 }
        guard first.count - from == last.count - to else {
            return first.count - from < last.count - to
        }
        while from < first.count {
            if first[from] != last[to] { return first[from] < last[to] }
            from += 1
            to += 1
        }
        return true
    }
}

enum ContentRange {
    /// `bytes 0-99/1000`, for 206.
    static func satisfied(_ range: Range<Int64>, of size: Int64, in arena: Arena) -> Slice {
        precondition(
            !range.isEmpty && range.lowerBound >= 0 && range.upperBound <= size,
            "such a range cannot be named"
        )
        let mark = arena.used
        _ = arena.append("bytes ")
        append(range.lowerBound, arena)
        _ = arena.append("-")
        append(range.upperBound - 1, arena)
        _ = arena.append("/")
        append(size, arena)
        return arena.slice(since: mark)
    }

    /// `bytes */1000`, for 416.
    static func unsatisfied(of size: Int64, in arena: Arena) -> Slice {
        let mark = arena.used
        _ = arena.append("bytes */")
        append(size, arena)
        return arena.slice(since: mark)
    }

    /// What an origin says of the part that it sends; nil where that is no single range of a known length.
    static func parse(_ value: Span<UInt8>) -> (range: Range<Int64>, size: Int64)? {
        guard value.count > 6, value.extracting(first: 6).equalsIgnoringCase("bytes "),
            let dash = value.firstIndex(of: UInt8(ascii: "-"), from: 6),
            let slash = value.firstIndex(of: UInt8(ascii: "/"), from: dash),
            let first = value.extracting(6..<dash).decimal,
            let last = value.extracting(dash + 1..<slash).decimal,
            let size = value.extracting(slash + 1..<value.count).decimal,
            first <= last, last < size
        else { return nil }
        return (first..<last + 1, size)
    }

    private static func append(_ value: Int64, _ arena: Arena) {
        _ = arena.append(DecimalDigits(value).span)
    }
}
