// Text → words of Lua 5.4 (§3.1 of its manual), with line and column.
//
// Works on bytes: Lua does not know encodings, and columns are what editors jump to by byte. Numbers follow
// `lobject.c`: a decimal that does not fit an integer becomes a float, a hexadecimal one wraps around.

import Glibc

struct LuaLexer {
    private let bytes: [UInt8]
    private var at = 0
    private var line = 1
    private var lineStart = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    private var position: LuaPosition { LuaPosition(line: line, column: at - lineStart + 1) }

    private func peek(_ offset: Int = 0) -> UInt8? {
        at + offset < bytes.count ? bytes[at + offset] : nil
    }

    mutating func next() throws(LuaSyntaxError) -> LuaToken {
        try skipBlanks()
        let start = at
        let place = position
        guard let byte = peek() else {
            return LuaToken(kind: .end, position: place, end: place, range: start..<start)
        }
        let kind: LuaToken.Kind
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "_"):
            kind = word()
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            kind = try number()
        case UInt8(ascii: ".") where peek(1)?.isDigit == true:
            kind = try number()
        case UInt8(ascii: "\""), UInt8(ascii: "'"):
            kind = .string(try quoted(byte))
        case UInt8(ascii: "[") where longBracketLevel() != nil:
            kind = .string(try longBracket(of: "string"))
        default:
            kind = .symbol(try symbol())
        }
        return LuaToken(kind: kind, position: place, end: position, range: start..<at)
    }

    // MARK: Blanks and comments

    private mutating func skipBlanks() throws(LuaSyntaxError) {
        while let byte = peek() {
            switch byte {
            case 0x0a, 0x0d:
                endLine()
            case 0x20, 0x09, 0x0b, 0x0c:
                at += 1
            case UInt8(ascii: "-") where peek(1) == UInt8(ascii: "-"):
                at += 2
                if peek() == UInt8(ascii: "["), longBracketLevel() != nil {
                    _ = try longBracket(of: "comment")
                } else {
                    while let other = peek(), other != 0x0a, other != 0x0d { at += 1 }
                }
            default:
                return
            }
        }
    }

    /// `\n`, `\r`, `\r\n` and `\n\r` each end one line.
    private mutating func endLine() {
        let first = bytes[at]
        at += 1
        if let second = peek(), second == 0x0a || second == 0x0d, second != first { at += 1 }
        line += 1
        lineStart = at
    }

    // MARK: Words and numbers

    private static func isNameByte(_ byte: UInt8) -> Bool {
        byte.isDigit || byte == UInt8(ascii: "_") || byte.lowercased &- 0x61 < 26
    }

    private mutating func word() -> LuaToken.Kind {
        let start = at
        while let byte = peek(), Self.isNameByte(byte) { at += 1 }
        let text = String(decoding: bytes[start..<at], as: UTF8.self)
        return LuaKeyword(rawValue: text).map { .keyword($0) } ?? .name(text)
    }

    private mutating func number() throws(LuaSyntaxError) -> LuaToken.Kind {
        let start = at
        let place = position
        var exponent = UInt8(ascii: "e")
        if bytes[at] == UInt8(ascii: "0"), let mark = peek(1), mark | 0x20 == UInt8(ascii: "x") {
            exponent = UInt8(ascii: "p")
            at += 2
        }
        while let byte = peek() {
            if byte | 0x20 == exponent {
                at += 1
                if let sign = peek(), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
                    at += 1
                }
            } else if Self.isNameByte(byte) || byte == UInt8(ascii: ".") {
                at += 1
            } else {
                break
            }
        }
        let text = String(decoding: bytes[start..<at], as: UTF8.self)
        if let kind = Self.numeral(text) { return kind }
        throw LuaSyntaxError(
            position: place,
            message: "malformed number near '\(text)'",
            remedy: "write a number, or quote it if it is text"
        )
    }

    /// What Lua makes of a numeral; `nil` if it is none.
    static func numeral(_ text: String) -> LuaToken.Kind? {
        let lowered = text.lowercased()
        if lowered.hasPrefix("0x") {
            let digits = lowered.dropFirst(2)
            if !digits.isEmpty, digits.allSatisfy(\.isHexDigit) {
                let wrapped = digits.reduce(UInt64(0)) { value, digit in
                    value << 4 | UInt64(digit.hexDigitValue ?? 0)
                }
                return .integer(Int64(bitPattern: wrapped))
            }
            return isHexadecimalFloat(digits) ? .float(strtod(text, nil)) : nil
        }
        if text.utf8.allSatisfy(\.isDigit) {
            return Int64(text).map { .integer($0) } ?? .float(strtod(text, nil))
        }
        return isDecimalFloat(Substring(lowered)) ? .float(strtod(text, nil)) : nil
    }

    private static func isDecimalFloat(_ text: Substring) -> Bool {
        isFloat(text, exponent: "e") { $0.isWholeNumber && $0.isASCII }
    }

    private static func isHexadecimalFloat(_ text: Substring) -> Bool {
        isFloat(text, exponent: "p") { $0.isHexDigit }
    }

    private static func isFloat(
        _ text: Substring,
        exponent: Character,
        isDigit: (Character) -> Bool
    ) -> Bool {
        let halves = text.split(separator: exponent, omittingEmptySubsequences: false)
        guard halves.count <= 2, let mantissa = halves.first else { return false }
        let parts = mantissa.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.contains(where: { !$0.isEmpty }),
            parts.allSatisfy({ $0.allSatisfy(isDigit) })
        else { return false }
        guard halves.count == 2 else { return true }
        var power = halves[1]
        if let sign = power.first, sign == "+" || sign == "-" { power.removeFirst() }
        return !power.isEmpty && power.allSatisfy { $0.isASCII && $0.isWholeNumber }
    }

    // MARK: Symbols

    private mutating func symbol() throws(LuaSyntaxError) -> LuaSymbol {
        for length in [3, 2, 1] where at + length <= bytes.count {
            let text = String(decoding: bytes[at..<at + length], as: UTF8.self)
            if let symbol = LuaSymbol(rawValue: text) {
                at += length
                return symbol
            }
        }
        let place = position
        let byte = bytes[at]
        let shown =
            byte > 0x20 && byte < 0x7f
            ? "'\(Character(UnicodeScalar(byte)))'" : "byte \(byte)"
        let remedy =
            switch byte {
            case UInt8(ascii: "!"): "\"not equal\" is ~= and \"not\" is the word not"
            case UInt8(ascii: "@"), UInt8(ascii: "$"), UInt8(ascii: "`"), UInt8(ascii: "\\"),
                UInt8(ascii: "?"):
                "put text into quotes"
            default:
                "text outside of quotes is ASCII only; look for an invisible or curly character"
            }
        throw LuaSyntaxError(
            position: place,
            message: "unexpected \(shown)",
            remedy: remedy
        )
    }
}

// MARK: Strings

extension LuaLexer {
    /// The number of `=` of a long bracket that opens here; `nil` if none does.
    private func longBracketLevel() -> Int? {
        var offset = 1
        while peek(offset) == UInt8(ascii: "=") { offset += 1 }
        return peek(offset) == UInt8(ascii: "[") ? offset - 1 : nil
    }

    private mutating func longBracket(of kind: String) throws(LuaSyntaxError) -> [UInt8] {
        let place = position
        let level = longBracketLevel() ?? 0
        at += level + 2
        if let byte = peek(), byte == 0x0a || byte == 0x0d { endLine() }
        var content: [UInt8] = []
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: "]"):
                var offset = 1
                while peek(offset) == UInt8(ascii: "="), offset <= level { offset += 1 }
                if offset - 1 == level, peek(offset) == UInt8(ascii: "]") {
                    at += level + 2
                    return content
                }
                content.append(byte)
                at += 1
            case 0x0a, 0x0d:
                endLine()
                content.append(0x0a)
            default:
                content.append(byte)
                at += 1
            }
        }
        let close = "]" + String(repeating: "=", count: level) + "]"
        throw LuaSyntaxError(
            position: place,
            message: "this long \(kind) never ends",
            remedy: "close it with \(close)"
        )
    }

    private mutating func quoted(_ quote: UInt8) throws(LuaSyntaxError) -> [UInt8] {
        let place = position
        at += 1
        var content: [UInt8] = []
        while let byte = peek(), byte != quote {
            switch byte {
            case 0x0a, 0x0d:
                throw LuaSyntaxError(
                    position: place,
                    message: "this string does not end on its line",
                    remedy: "close it with \(Character(UnicodeScalar(quote))), or write [[ … ]]"
                )
            case UInt8(ascii: "\\"):
                try escape(into: &content)
            default:
                content.append(byte)
                at += 1
            }
        }
        guard peek() == quote else {
            throw LuaSyntaxError(
                position: place,
                message: "this string never ends",
                remedy: "close it with \(Character(UnicodeScalar(quote)))"
            )
        }
        at += 1
        return content
    }

    private mutating func escape(into content: inout [UInt8]) throws(LuaSyntaxError) {
        let place = position
        func broken(_ what: String) -> LuaSyntaxError {
            LuaSyntaxError(
                position: place,
                message: what,
                remedy: "write \\\\ for a backslash"
            )
        }
        at += 1
        guard let byte = peek() else { throw broken("the text ends after a backslash") }
        let simple: [UInt8: UInt8] = [
            UInt8(ascii: "a"): 7, UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12,
            UInt8(ascii: "n"): 10, UInt8(ascii: "r"): 13, UInt8(ascii: "t"): 9,
            UInt8(ascii: "v"): 11, UInt8(ascii: "\\"): 0x5c, UInt8(ascii: "\""): 0x22,
            UInt8(ascii: "'"): 0x27,
        ]
        if let plain = simple[byte] {
            content.append(plain)
            at += 1
            return
        }
        switch byte {
        case 0x0a, 0x0d:
            endLine()
            content.append(0x0a)
        case UInt8(ascii: "x"):
            at += 1
            var value: UInt8 = 0
            for _ in 0..<2 {
                guard let digit = peek().flatMap(Self.hexadecimalDigit) else {
                    throw broken("\\x needs two hexadecimal digits")
                }
                value = value << 4 | digit
                at += 1
            }
            content.append(value)
        case UInt8(ascii: "z"):
            at += 1
            while let blank = peek(), blank == 0x20 || (blank >= 0x09 && blank <= 0x0d) {
                if blank == 0x0a || blank == 0x0d { endLine() } else { at += 1 }
            }
        case UInt8(ascii: "u"):
            at += 1
            guard let value = codePoint() else {
                throw broken("\\u needs a number in braces, as in \\u{e9}, below 2^31")
            }
            Self.appendUTF8(value, to: &content)
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            var value = 0
            var digits = 0
            while digits < 3, let digit = peek(), digit.isDigit {
                value = value * 10 + Int(digit - 0x30)
                digits += 1
                at += 1
            }
            guard value <= 255 else { throw broken("\\\(value) is more than a byte") }
            content.append(UInt8(value))
        default:
            throw broken("no such escape in a string")
        }
    }

    private mutating func codePoint() -> UInt32? {
        guard peek() == UInt8(ascii: "{") else { return nil }
        at += 1
        var value: UInt64 = 0
        var digits = 0
        while let digit = peek().flatMap(Self.hexadecimalDigit) {
            value = value << 4 | UInt64(digit)
            guard value < 1 << 31 else { return nil }
            digits += 1
            at += 1
        }
        guard digits > 0, peek() == UInt8(ascii: "}") else { return nil }
        at += 1
        return UInt32(value)
    }

    private static func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
        switch byte.lowercased {
        case 0x30...0x39: byte - 0x30
        case 0x61...0x66: byte.lowercased - 0x61 + 10
        default: nil
        }
    }

    /// Lua encodes anything below 2^31, in up to six bytes.
    private static func appendUTF8(_ value: UInt32, to content: inout [UInt8]) {
        guard value >= 0x80 else {
            content.append(UInt8(value))
            return
        }
        var rest = value
        var tail: [UInt8] = []
        var firstMax: UInt32 = 0x3f
        repeat {
            tail.append(UInt8(0x80 | rest & 0x3f))
            rest >>= 6
            firstMax >>= 1
        } while rest > firstMax
        content.append(UInt8(truncatingIfNeeded: ~firstMax << 1 | rest))
        content += tail.reversed()
    }
}
