// JSON (RFC 8259) as a sequence of events. Pull: the caller asks for the next one and builds what it wants of it.
//
//   value → true | false | null | number | string | [ values ] | { names and values }
//
//     expectsValue ──value──▶ afterValue ──,──▶ expectsValue (in a list) or expectsName (in a table)
//          ▲  └─[─▶ expectsFirst…                └──] or }──▶ afterValue of what is around, or ended
//          └──────── name : ───────── expectsName
//
// Strict: no comments, no trailing commas, no blanks but the four, UTF-8 only, no half of a surrogate pair. A number
// without point and exponent that fits in 64 bits is an integer (but `-0` is not, it has a sign), every other one is
// the nearest double; one beyond all doubles is refused. Names may repeat: the scanner reports each, and who
// builds a table says which one counts.
//
// A text of n bytes costs O(n) and, besides what the caller keeps, no memory: the open lists and tables are one bit
// each. The span is given anew with every call because it cannot be stored; it must be the same each time.

struct JSONError: Error, Equatable {
    enum Reason: UInt8, CaseIterable {
        case endsTooEarly
        case valueExpected
        case nameExpected
        case colonMissing
        /// In a list: neither `,` nor `]`.
        case listUnclosed
        /// In a table: neither `,` nor `}`.
        case tableUnclosed
        case stringUnclosed
        case controlByte
        case badEscape
        case badUnicodeEscape
        case halfPair
        case notUTF8
        case badNumber
        case numberRange
        case tooDeep
        case tooLong
        case textAfterEnd

        var word: StaticString {
            switch self {
            case .endsTooEarly: "ends-too-early"
            case .valueExpected: "value-expected"
            case .nameExpected: "name-expected"
            case .colonMissing: "colon-missing"
            case .listUnclosed: "list-unclosed"
            case .tableUnclosed: "table-unclosed"
            case .stringUnclosed: "string-unclosed"
            case .controlByte: "control-byte"
            case .badEscape: "bad-escape"
            case .badUnicodeEscape: "bad-unicode-escape"
            case .halfPair: "half-pair"
            case .notUTF8: "not-utf-8"
            case .badNumber: "bad-number"
            case .numberRange: "number-range"
            case .tooDeep: "too-deep"
            case .tooLong: "too-long"
            case .textAfterEnd: "text-after-end"
            }
        }
    }

    var reason: Reason
    /// In the text, from 0.
    var offset: Int

    func place(in text: Span<UInt8>) -> TextPlace {
        var place = TextPlace()
        place.advance(to: offset, in: text)
        return place
    }
}

/// A line and a column, both from 1, columns in bytes; it walks forward through one text.
struct TextPlace: Equatable {
    private(set) var line = 1
    private(set) var column = 1
    private var offset = 0

    mutating func advance(to target: Int, in text: Span<UInt8>) {
        while offset < target, offset < text.count {
            if text[offset] == 0x0a {
                line += 1
                column = 1
            } else {
                column += 1
            }
            offset += 1
        }
    }
}

/// What stands between two quotes: a range of the text, checked.
struct JSONString: Equatable {
    var range: Range<Int>
    /// Without one the range is the string.
    var hasEscapes: Bool
}

enum JSONEvent: Equatable {
    case beginTable
    case endTable
    case beginList
    case endList
    /// A member's name. Its value comes next.
    case name(JSONString)
    case string(JSONString)
    case integer(Int64)
    case number(Double)
    case boolean(Bool)
    case null
}

struct JSONScanner {
    private enum State {
        case expectsValue
        /// Right after `[`.
        case expectsFirstValue
        case expectsName
        /// Right after `{`.
        case expectsFirstName
        case afterValue
        case ended
    }

    private var state = State.expectsValue
    /// Where the next byte is.
    private(set) var offset = 0
    /// Where the last event began; for an error, `JSONError.offset` says it.
    private(set) var eventStart = 0
    private(set) var depth = 0
    /// The innermost in the lowest bit: 1 is a table.
    private var tables: UInt128 = 0
    private let depthMax: Int
    private let bytesMax: Int

    init(depthMax: Int = Limits.jsonDepthMax, bytesMax: Int = Limits.jsonBytesMax) {
        precondition(depthMax <= UInt128.bitWidth, "no bit for so deep a table")
        self.depthMax = depthMax
        self.bytesMax = bytesMax
    }

    /// nil after the value has ended and nothing but blanks follows.
    mutating func next(_ text: Span<UInt8>) throws(JSONError) -> JSONEvent? {
        guard text.count <= bytesMax else { throw JSONError(reason: .tooLong, offset: bytesMax) }
        skipBlanks(text)
        if state == .afterValue {
            if depth == 0 {
                state = .ended
            } else if try close(text) {
                return end()
            }
        }
        eventStart = offset
        switch state {
        case .ended:
            guard offset == text.count else { throw failure(.textAfterEnd) }
            return nil
        case .expectsFirstName:
            if peek(text) == UInt8(ascii: "}") { return end() }
            return try name(text)
        case .expectsName: return try name(text)
        case .expectsFirstValue:
            if peek(text) == UInt8(ascii: "]") { return end() }
            return try value(text)
        case .expectsValue: return try value(text)
        case .afterValue: preconditionFailure("settled above")
        }
    }

    // MARK: Between values

    /// Takes the comma or sees the end: true for the end, which `end` then takes.
    private mutating func close(_ text: Span<UInt8>) throws(JSONError) -> Bool {
        let isTable = tables & 1 == 1
        switch peek(text) {
        case UInt8(ascii: ","):
            offset += 1
            skipBlanks(text)
            state = isTable ? .expectsName : .expectsValue
            return false
        case UInt8(ascii: "}") where isTable, UInt8(ascii: "]") where !isTable: return true
        default: throw failure(isTable ? .tableUnclosed : .listUnclosed)
        }
    }

    /// The end of the innermost list or table, whose bracket is the next byte.
    private mutating func end() -> JSONEvent {
        let isTable = tables & 1 == 1
        eventStart = offset
        offset += 1
        tables >>= 1
        depth -= 1
        state = .afterValue
        return isTable ? .endTable : .endList
    }

    private mutating func name(_ text: Span<UInt8>) throws(JSONError) -> JSONEvent {
        guard let byte = peek(text) else { throw failure(.endsTooEarly) }
        guard byte == UInt8(ascii: "\"") else { throw failure(.nameExpected) }
        let name = try string(text)
        skipBlanks(text)
        guard peek(text) == UInt8(ascii: ":") else { throw failure(.colonMissing) }
        offset += 1
        state = .expectsValue
        return .name(name)
    }

    private mutating func skipBlanks(_ text: Span<UInt8>) {
        while let byte = peek(text), byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 {
            offset &+= 1
        }
    }

    @inline(__always)
    private func peek(_ text: Span<UInt8>) -> UInt8? {
        offset < text.count ? text[unchecked: offset] : nil
    }

    private func failure(_ reason: JSONError.Reason, at place: Int? = nil) -> JSONError {
        JSONError(reason: reason, offset: place ?? offset)
    }

    // MARK: Values

    private mutating func value(_ text: Span<UInt8>) throws(JSONError) -> JSONEvent {
        guard let byte = peek(text) else { throw failure(.endsTooEarly) }
        switch byte {
        case UInt8(ascii: "{"):
            try enter(isTable: 1)
            state = .expectsFirstName
            return .beginTable
        case UInt8(ascii: "["):
            try enter(isTable: 0)
            state = .expectsFirstValue
            return .beginList
        case UInt8(ascii: "\""):
            let content = try string(text)
            state = .afterValue
            return .string(content)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            let number = try number(text)
            state = .afterValue
            return number
        default:
            let rest = text.extracting(offset...)
            state = .afterValue
            if rest.starts(with: "true") {
                offset += 4
                return .boolean(true)
            }
            if rest.starts(with: "false") {
                offset += 5
                return .boolean(false)
            }
            if rest.starts(with: "null") {
                offset += 4
                return .null
            }
            throw failure(.valueExpected)
        }
    }

    private mutating func enter(isTable: UInt128) throws(JSONError) {
        guard depth < depthMax else { throw failure(.tooDeep) }
        tables = tables << 1 | isTable
        depth += 1
        offset += 1
    }

    private mutating func number(_ text: Span<UInt8>) throws(JSONError) -> JSONEvent {
        let start = offset
        let isNegative = take(UInt8(ascii: "-"), text)
        let first = offset
        takeDigits(text)
        guard offset > first, text[first] != 0x30 || offset == first + 1 else {
            throw failure(.badNumber, at: first)
        }
        let whole = text.extracting(first..<offset)
        var isInteger = true
        if take(UInt8(ascii: "."), text) {
            isInteger = false
            try needDigits(text)
        }
        if take(UInt8(ascii: "e"), text) || take(UInt8(ascii: "E"), text) {
            isInteger = false
            if !take(UInt8(ascii: "+"), text) { _ = take(UInt8(ascii: "-"), text) }
            try needDigits(text)
        }
        if isInteger, let integer = Self.integer(whole, isNegative: isNegative) {
            return .integer(integer)
        }
        guard offset - start <= Limits.jsonNumberBytesMax else {
            throw failure(.numberRange, at: start)
        }
        guard let value = Decimal.double(text.extracting(start..<offset)) else {
            throw failure(.numberRange, at: start)
        }
        return .number(value)
    }

    private static func integer(_ digits: Span<UInt8>, isNegative: Bool) -> Int64? {
        guard digits.count <= 19 else { return nil }
        var magnitude: UInt64 = 0
        for index in digits.indices {
            magnitude = magnitude &* 10 &+ UInt64(digits[unchecked: index] &- 0x30)
        }
        guard isNegative else { return Int64(exactly: magnitude) }
        // -0 has a sign, which an integer could not keep.
        guard magnitude > 0, magnitude <= Int64.min.magnitude else { return nil }
        return Int64(truncatingIfNeeded: 0 &- magnitude)
    }

    private mutating func take(_ wanted: UInt8, _ text: Span<UInt8>) -> Bool {
        guard peek(text) == wanted else { return false }
        offset += 1
        return true
    }

    private mutating func takeDigits(_ text: Span<UInt8>) {
        while let byte = peek(text), byte.isDigit { offset &+= 1 }
    }

    private mutating func needDigits(_ text: Span<UInt8>) throws(JSONError) {
        guard peek(text)?.isDigit == true else { throw failure(.badNumber) }
        takeDigits(text)
    }

    // MARK: Strings

    private mutating func string(_ text: Span<UInt8>) throws(JSONError) -> JSONString {
        let opening = offset
        offset += 1
        let start = offset
        var hasEscapes = false
        while let byte = peek(text) {
            switch byte {
            case UInt8(ascii: "\""):
                offset += 1
                return JSONString(range: start..<(offset - 1), hasEscapes: hasEscapes)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                try skipEscape(text)
            case 0x00..<0x20: throw failure(.controlByte)
            case 0x20..<0x80: offset &+= 1
            default:
                let length = UTF8Sequence.length(in: text, at: offset)
                guard length > 0 else { throw failure(.notUTF8) }
                offset += length
            }
        }
        throw failure(.stringUnclosed, at: opening)
    }

    private mutating func skipEscape(_ text: Span<UInt8>) throws(JSONError) {
        let start = offset
        offset += 1
        guard let byte = peek(text) else { throw failure(.stringUnclosed) }
        switch byte {
        case 0x22, 0x5c, 0x2f, 0x62, 0x66, 0x6e, 0x72, 0x74: offset += 1
        case UInt8(ascii: "u"):
            let unit = try skipUnit(text)
            switch unit >> 10 {
            case 0x36:
                guard take(0x5c, text), peek(text) == UInt8(ascii: "u"),
                    try skipUnit(text) >> 10 == 0x37
                else { throw failure(.halfPair, at: start) }
            case 0x37: throw failure(.halfPair, at: start)
            default: break
            }
        default: throw failure(.badEscape, at: start)
        }
    }

    /// `uXXXX`, of which the `u` is there.
    private mutating func skipUnit(_ text: Span<UInt8>) throws(JSONError) -> UInt32 {
        guard let unit = JSONString.unit(text, at: offset + 1) else {
            throw failure(.badUnicodeEscape, at: offset - 1)
        }
        offset += 5
        return unit
    }
}

extension JSONString {
    /// Four hexadecimal digits.
    fileprivate static func unit(_ text: Span<UInt8>, at start: Int) -> UInt32? {
        guard start + 4 <= text.count else { return nil }
        var value: UInt32 = 0
        for index in start..<(start + 4) {
            guard let digit = text[index].hexDigit else { return nil }
            value = value << 4 | UInt32(digit)
        }
        return value
    }

    /// Appends what the string says. It cannot fail: the scanner has read every escape.
    func append(of text: Span<UInt8>, to out: inout [UInt8]) {
        let end = range.upperBound
        var at = range.lowerBound
        while at < end {
            var run = at
            while run < end, text[run] != 0x5c { run &+= 1 }
            text.extracting(at..<run).withUnsafeBufferPointer { out.append(contentsOf: $0) }
            guard run < end else { return }
            let byte = text[run + 1]
            at = run + 2
            switch byte {
            case UInt8(ascii: "b"): out.append(0x08)
            case UInt8(ascii: "f"): out.append(0x0c)
            case UInt8(ascii: "n"): out.append(0x0a)
            case UInt8(ascii: "r"): out.append(0x0d)
            case UInt8(ascii: "t"): out.append(0x09)
            case UInt8(ascii: "u"):
                var scalar = Self.unit(text, at: at) ?? 0xfffd
                at += 4
                if scalar >> 10 == 0x36 {
                    let low = Self.unit(text, at: at + 2) ?? 0xdc00
                    scalar = 0x10000 + (scalar & 0x3ff) << 10 + low & 0x3ff
                    at += 6
                }
                let character = Unicode.Scalar(scalar) ?? "\u{fffd}"
                out.append(contentsOf: UTF8.encode(character) ?? UTF8.encodedReplacementCharacter)
            default: out.append(byte)
            }
        }
    }

    func bytes(of text: Span<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(range.count)
        append(of: text, to: &out)
        return out
    }

    /// Whether the string says this.
    func equals(_ wanted: StaticString, in text: Span<UInt8>) -> Bool {
        guard hasEscapes else { return text.extracting(range).equals(wanted) }
        let bytes = bytes(of: text)
        return bytes.span.equals(wanted)
    }
}
