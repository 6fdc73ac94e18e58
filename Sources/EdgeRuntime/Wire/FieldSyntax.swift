// The grammar that field values share (RFC 9110 §5.6): lists, parameters, quoted strings, weights.
//
// Everything takes a span and answers ranges in it; a position that the caller keeps is the iterator's whole state,
// because a span cannot be stored. Recipients are told to be lenient about lists (§5.6.1), so empty elements are
// skipped; an unclosed quote runs to the end of the value.

enum FieldSyntax {
    /// The next element of a comma-separated list, trimmed. Commas inside of quotes do not separate.
    static func nextElement(_ value: Span<UInt8>, _ position: inout Int) -> Range<Int>? {
        while position < value.count {
            let start = position
            let end = endOfPart(value, from: start, separator: .comma)
            position = end + 1
            let element = value.trimmed(start, end)
            if !element.isEmpty { return element }
        }
        return nil
    }

    /// Whether an element of the list is this token, without regard to case.
    static func list(_ value: Span<UInt8>, contains token: StaticString) -> Bool {
        if value.count == token.utf8CodeUnitCount { return value.equalsIgnoringCase(token) }
        var position = 0
        while let element = nextElement(value, &position) {
            if value.extracting(element).equalsIgnoringCase(token) { return true }
        }
        return false
    }

    struct Parameter: Equatable {
        var name: Range<Int>
        /// Without its quotes, but with its backslashes: see `unquote`.
        var value: Range<Int>
        var isQuoted: Bool
    }

    /// What stands before the first `;`, trimmed: the media type, the coding, the range.
    static func head(_ element: Span<UInt8>) -> Range<Int> {
        element.trimmed(0, endOfPart(element, from: 0, separator: .semicolon))
    }

    /// The next `;name=value`. `position` starts at 0; parts without `=` have an empty value.
    static func nextParameter(_ element: Span<UInt8>, _ position: inout Int) -> Parameter? {
        if position == 0 {
            position = endOfPart(element, from: 0, separator: .semicolon) + 1
        }
        while position < element.count {
            let start = position
            let end = endOfPart(element, from: start, separator: .semicolon)
            position = end + 1
            let part = element.trimmed(start, end)
            guard !part.isEmpty else { continue }
            var equals = part.lowerBound
            while equals < part.upperBound, element[equals] != 0x3D { equals += 1 }
            let name = element.trimmed(part.lowerBound, equals)
            guard equals < part.upperBound else {
                return Parameter(name: name, value: equals..<equals, isQuoted: false)
            }
            let value = element.trimmed(equals + 1, part.upperBound)
            guard !value.isEmpty, element[value.lowerBound] == .quote else {
                return Parameter(name: name, value: value, isQuoted: false)
            }
            let closed = value.count >= 2 && element[value.upperBound - 1] == .quote
            let inner = (value.lowerBound + 1)..<(closed ? value.upperBound - 1 : value.upperBound)
            return Parameter(name: name, value: inner, isQuoted: true)
        }
        return nil
    }

    /// A quoted string's content with its escapes resolved. The slice of the arena is the text.
    static func unquote(_ inner: Span<UInt8>, into arena: Arena) -> Slice {
        let mark = arena.used
        var at = 0
        while at < inner.count {
            if inner[at] == .backslash, at + 1 < inner.count { at += 1 }
            arena.append(byte: inner[at])
            at += 1
        }
        return arena.slice(since: mark)
    }

    /// The element's weight in thousandths (RFC 9110 §12.4.2): 1000 without one, 0 when it cannot be read, so that a
    /// preference nobody understands is never preferred.
    static func quality(_ element: Span<UInt8>) -> Int {
        var position = 0
        while let parameter = nextParameter(element, &position) {
            guard element.extracting(parameter.name).equalsIgnoringCase("q") else { continue }
            return weight(element.extracting(parameter.value))
        }
        return 1000
    }

    /// `0`, `0.5`, `1.000`: at most three digits after the point, nothing above one.
    private static func weight(_ text: Span<UInt8>) -> Int {
        guard text.count > 0, text.count <= 5, text[0] == 0x30 || text[0] == 0x31 else { return 0 }
        var value = Int(text[0] - 0x30) * 1000
        guard text.count > 1 else { return value }
        guard text[1] == 0x2E else { return 0 }
        var scale = 100
        for index in 2..<max(2, text.count) {
            guard text[index].isDigit else { return 0 }
            value += Int(text[index] - 0x30) * scale
            scale /= 10
        }
        return value <= 1000 ? value : 0
    }

    private static func endOfPart(
        _ value: Span<UInt8>,
        from start: Int,
        separator: UInt8
    ) -> Int {
        var at = start
        var isQuoted = false
        while at < value.count {
            let byte = value[at]
            if isQuoted {
                if byte == .backslash { at += 1 } else if byte == .quote { isQuoted = false }
            } else if byte == separator {
                return at
            } else if byte == .quote {
                isQuoted = true
            }
            at += 1
        }
        return min(at, value.count)
    }
}
