// A dictionary of structured fields (RFC 9651 §3.2), member by member.
//
// The format is all or nothing: one byte out of place and the whole field is to be ignored, so a reader acts only when
// `.end` was reached. Values are checked in full and told as far as somebody asks for them: numbers with a point, byte
// sequences, dates, display strings and lists within are `.other`. Parameters are checked and passed over. Of a key
// that is there twice the later one holds; that is the reader's to do.

struct StructuredMember: Equatable {
    enum Value: Equatable {
        case boolean(Bool)
        case integer(Int64)
        /// Without its quotes, but with its backslashes.
        case string(Range<Int>)
        case token(Range<Int>)
        case other
    }

    /// Small letters, digits, `_`, `-`, `.` and `*`.
    var key: Range<Int>
    var value: Value
}

enum StructuredDictionary {
    enum Step: Equatable {
        case member(StructuredMember)
        case end
        case failure
    }

    /// `position` starts at 0 and is the whole state. Fields on several lines are to be joined by commas before.
    static func next(_ text: Span<UInt8>, _ position: inout Int) -> Step {
        let isFirst = position == 0
        if isFirst { skipSpaces(text, &position) }
        guard position < text.count else { return .end }
        if !isFirst {
            guard skip(.comma, text, &position) else { return .failure }
            skipBlanks(text, &position)
        }
        guard let key = key(text, &position) else { return .failure }
        var value = StructuredMember.Value.boolean(true)
        if skip(UInt8(ascii: "="), text, &position) {
            let isList = position < text.count && text[position] == UInt8(ascii: "(")
            if isList {
                guard innerList(text, &position) else { return .failure }
                value = .other
            } else {
                guard let item = bareItem(text, &position) else { return .failure }
                value = item
            }
        }
        guard parameters(text, &position) else { return .failure }
        skipBlanks(text, &position)
        guard position == text.count || text[position] == .comma else { return .failure }
        return .member(StructuredMember(key: key, value: value))
    }

    // MARK: Parts

    private static func key(_ text: Span<UInt8>, _ position: inout Int) -> Range<Int>? {
        let start = position
        guard start < text.count, isSmall(text[start]) || text[start] == UInt8(ascii: "*") else {
            return nil
        }
        while position < text.count, isKeyByte(text[position]) { position += 1 }
        return start..<position
    }

    private static func parameters(_ text: Span<UInt8>, _ position: inout Int) -> Bool {
        while skip(.semicolon, text, &position) {
            skipSpaces(text, &position)
            guard key(text, &position) != nil else { return false }
            if skip(UInt8(ascii: "="), text, &position), bareItem(text, &position) == nil {
                return false
            }
        }
        return true
    }

    private static func innerList(_ text: Span<UInt8>, _ position: inout Int) -> Bool {
        position += 1
        while true {
            skipSpaces(text, &position)
            if skip(UInt8(ascii: ")"), text, &position) { return true }
            guard bareItem(text, &position) != nil, parameters(text, &position),
                position < text.count,
                text[position] == .space || text[position] == UInt8(ascii: ")")
            else { return false }
        }
    }

    private static func bareItem(
        _ text: Span<UInt8>,
        _ position: inout Int
    ) -> StructuredMember.Value? {
        guard position < text.count else { return nil }
        switch text[position] {
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            return number(text, &position)
        case .quote:
            return string(text, &position).map { .string($0) }
        case UInt8(ascii: "?"):
            return boolean(text, &position)
        case .colon:
            return bytes(text, &position)
        case UInt8(ascii: "@"):
            position += 1
            guard case .integer = number(text, &position) else { return nil }
            return .other
        case UInt8(ascii: "%"):
            return displayString(text, &position)
        default:
            return token(text, &position)
        }
    }

    /// At most 15 digits, or 12 before the point and 3 behind it.
    private static func number(
        _ text: Span<UInt8>,
        _ position: inout Int
    ) -> StructuredMember.Value? {
        let isNegative = skip(UInt8(ascii: "-"), text, &position)
        let start = position
        while position < text.count, text[position].isDigit { position += 1 }
        let digits = start..<position
        guard !digits.isEmpty, digits.count <= 15 else { return nil }
        guard skip(UInt8(ascii: "."), text, &position) else {
            guard let value = text.extracting(digits).decimal else { return nil }
            return .integer(isNegative ? -value : value)
        }
        let point = position
        while position < text.count, text[position].isDigit { position += 1 }
        guard digits.count <= 12, (1...3).contains(position - point) else { return nil }
        return .other
    }

    private static func string(_ text: Span<UInt8>, _ position: inout Int) -> Range<Int>? {
        let start = position + 1
        var at = start
        while at < text.count, text[at] != .quote {
            guard text[at] >= 0x20, text[at] < 0x7F else { return nil }
            if text[at] == .backslash {
                at += 1
                guard at < text.count, text[at] == .quote || text[at] == .backslash else {
                    return nil
                }
            }
            at += 1
        }
        guard at < text.count else { return nil }
        position = at + 1
        return start..<at
    }

    private static func token(
        _ text: Span<UInt8>,
        _ position: inout Int
    ) -> StructuredMember.Value? {
        let start = position
        let first = text[start]
        guard first.lowercased &- 0x61 < 26 || first == UInt8(ascii: "*") else { return nil }
        while position < text.count,
            text[position].isTokenByte || text[position] == .colon
                || text[position] == UInt8(ascii: "/")
        {
            position += 1
        }
        return .token(start..<position)
    }

    private static func boolean(
        _ text: Span<UInt8>,
        _ position: inout Int
    ) -> StructuredMember.Value? {
        guard position + 1 < text.count, text[position + 1] & 0xFE == 0x30 else { return nil }
        let isTrue = text[position + 1] == 0x31
        position += 2
        return .boolean(isTrue)
    }

    private static func bytes(
        _ text: Span<UInt8>,
        _ position: inout Int
    ) -> StructuredMember.Value? {
        var at = position + 1
        while at < text.count, text[at] != .colon {
            let byte = text[at]
            guard
                byte.isDigit || byte.lowercased &- 0x61 < 26 || byte == UInt8(ascii: "+")
                    || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "=")
            else { return nil }
            at += 1
        }
        guard at < text.count else { return nil }
        position = at + 1
        return .other
    }

    /// `%"…"`, where `%` and two small hexadecimal digits stand for a byte. That the bytes are UTF-8 is not checked:
    /// no member that anybody reads is one.
    private static func displayString(
        _ text: Span<UInt8>,
        _ position: inout Int
    ) -> StructuredMember.Value? {
        var at = position + 1
        guard at < text.count, text[at] == .quote else { return nil }
        at += 1
        while at < text.count, text[at] != .quote {
            guard text[at] >= 0x20, text[at] < 0x7F else { return nil }
            if text[at] == UInt8(ascii: "%") {
                guard at + 2 < text.count, isSmallHex(text[at + 1]), isSmallHex(text[at + 2]) else {
                    return nil
                }
                at += 2
            }
            at += 1
        }
        guard at < text.count else { return nil }
        position = at + 1
        return .other
    }

    // MARK: Bytes

    private static func skip(_ byte: UInt8, _ text: Span<UInt8>, _ position: inout Int) -> Bool {
        guard position < text.count, text[position] == byte else { return false }
        position += 1
        return true
    }

    private static func skipSpaces(_ text: Span<UInt8>, _ position: inout Int) {
        while position < text.count, text[position] == .space { position += 1 }
    }

    private static func skipBlanks(_ text: Span<UInt8>, _ position: inout Int) {
        while position < text.count, text[position].isBlank { position += 1 }
    }

    private static func isSmall(_ byte: UInt8) -> Bool { byte &- 0x61 < 26 }

    private static func isSmallHex(_ byte: UInt8) -> Bool { byte.isDigit || byte &- 0x61 < 6 }

    private static func isKeyByte(_ byte: UInt8) -> Bool {
        isSmall(byte) || byte.isDigit || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
            || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "*")
    }
}
