// JSON (RFC 8259) → the plain tree, with positions. Strict: no comments, no trailing commas, no repeated keys,
// UTF-8 only. `null` is the same as leaving the setting out, as `nil` is in Lua.

import Glibc

struct JSONReader {
    private let bytes: [UInt8]
    private let file: String
    private var at = 0
    private var line = 1
    private var lineStart = 0
    private var depth = 0

    static func read(_ bytes: [UInt8], file: String) throws(Diagnostic) -> ConfigNode? {
        var reader = Self(bytes: bytes, file: file)
        let node = try reader.value()
        reader.skipBlanks()
        guard reader.at == bytes.count else {
            throw reader.broken("text after the end of the table", "remove it")
        }
        return node
    }

    private init(bytes: [UInt8], file: String) {
        self.bytes = bytes
        self.file = file
    }

    private var position: SourcePosition {
        SourcePosition(file: file, line: line, column: at - lineStart + 1)
    }

    private func broken(_ message: String, _ remedy: String) -> Diagnostic {
        Diagnostic(
            severity: .error,
            position: position,
            key: "",
            message: message,
            remedy: remedy
        )
    }

    private var byte: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func skipBlanks() {
        while let byte, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d {
            at += 1
            if byte == 0x0a {
                line += 1
                lineStart = at
            }
        }
    }

    private mutating func take(_ wanted: UInt8) -> Bool {
        guard byte == wanted else { return false }
        at += 1
        return true
    }

    private mutating func value() throws(Diagnostic) -> ConfigNode? {
        skipBlanks()
        let place = position
        guard let byte else { throw broken("the text ends too early", "complete the value") }
        depth += 1
        defer { depth -= 1 }
        guard depth <= Limits.configDepthMax else {
            throw broken("tables nested too deep", "flatten them")
        }
        switch byte {
        case UInt8(ascii: "{"): return try table(at: place)
        case UInt8(ascii: "["): return try list(at: place)
        case UInt8(ascii: "\""):
            return ConfigNode(value: .string(try string()), position: place)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            return ConfigNode(value: try number(), position: place)
        default:
            for (word, node) in Self.words where bytes[at...].starts(with: word.utf8) {
                at += word.utf8.count
                return node.map { ConfigNode(value: $0, position: place) }
            }
            throw broken("this is not a JSON value", "strings are written in double quotes")
        }
    }

    private static let words: [(String, ConfigNode.Value?)] = [
        ("true", .boolean(true)), ("false", .boolean(false)), ("null", nil),
    ]

    private mutating func table(at place: SourcePosition) throws(Diagnostic) -> ConfigNode {
        at += 1
        var entries: [ConfigEntry] = []
        var seen: Set<String> = []
        skipBlanks()
        if take(UInt8(ascii: "}")) { return ConfigNode(value: .table([]), position: place) }
        repeat {
            skipBlanks()
            let keyPlace = position
            guard byte == UInt8(ascii: "\"") else {
                throw broken("a key is expected here", "write it in double quotes")
            }
            let key = try string()
            guard seen.insert(key).inserted else {
                throw Diagnostic(
                    severity: .error,
                    position: keyPlace,
                    key: key,
                    message: "this key is there twice",
                    remedy: "keep one of them"
                )
            }
            skipBlanks()
            guard take(UInt8(ascii: ":")) else { throw broken("':' is missing", "write it") }
            if let node = try value() {
                entries.append(ConfigEntry(key: key, position: keyPlace, node: node))
            }
            skipBlanks()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else {
            throw broken("',' or '}' is expected here", "close the table of line \(place.line)")
        }
        return ConfigNode(entries: entries, position: place)
    }

    private mutating func list(at place: SourcePosition) throws(Diagnostic) -> ConfigNode {
        at += 1
        var items: [ConfigNode] = []
        skipBlanks()
        if take(UInt8(ascii: "]")) { return ConfigNode(value: .list([]), position: place) }
        repeat {
            skipBlanks()
            guard let item = try value() else {
                throw broken("null in a list", "leave the item out")
            }
            items.append(item)
            skipBlanks()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else {
            throw broken("',' or ']' is expected here", "close the list of line \(place.line)")
        }
        return ConfigNode(value: .list(items), position: place)
    }

    private mutating func number() throws(Diagnostic) -> ConfigNode.Value {
        let start = at
        _ = take(UInt8(ascii: "-"))
        let digits = at
        while byte?.isDigit == true { at += 1 }
        guard at > digits, bytes[digits] != UInt8(ascii: "0") || at == digits + 1 else {
            throw broken("malformed number", "write it without leading zeros")
        }
        var isInteger = true
        if take(UInt8(ascii: ".")) {
            isInteger = false
            guard byte?.isDigit == true else { throw broken("malformed number", "add a digit") }
            while byte?.isDigit == true { at += 1 }
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isInteger = false
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            guard byte?.isDigit == true else { throw broken("malformed number", "add a digit") }
            while byte?.isDigit == true { at += 1 }
        }
        let text = String(decoding: bytes[start..<at], as: UTF8.self)
        if isInteger, let value = Int64(text) { return .integer(value) }
        let value = strtod(text, nil)
        guard value.isFinite else { throw broken("number out of range", "write a smaller one") }
        return .number(value)
    }

    private mutating func string() throws(Diagnostic) -> String {
        at += 1
        var content: [UInt8] = []
        while let byte, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else {
                throw broken("a string ends on its line", "close it, or write \\n")
            }
            at += 1
            guard byte == UInt8(ascii: "\\") else {
                content.append(byte)
                continue
            }
            try escape(into: &content)
        }
        guard take(UInt8(ascii: "\"")) else { throw broken("this string never ends", "close it") }
        guard let text = String(validating: content, as: UTF8.self) else {
            throw broken("this string is not UTF-8", "save the file as UTF-8")
        }
        return text
    }

    private mutating func escape(into content: inout [UInt8]) throws(Diagnostic) {
        guard let byte else { throw broken("this string never ends", "close it") }
        at += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(byte)
        case UInt8(ascii: "b"): content.append(8)
        case UInt8(ascii: "f"): content.append(12)
        case UInt8(ascii: "n"): content.append(10)
        case UInt8(ascii: "r"): content.append(13)
        case UInt8(ascii: "t"): content.append(9)
        case UInt8(ascii: "u"):
            var value = try hexadecimal()
            if value >> 10 == 0x36 {
                guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
                    throw broken("half of a character", "write both halves of the pair")
                }
                let low = try hexadecimal()
                guard low >> 10 == 0x37 else {
                    throw broken("half of a character", "write both halves of the pair")
                }
                value = 0x10000 + (value & 0x3ff) << 10 + low & 0x3ff
            }
            guard let scalar = UnicodeScalar(value) else {
                throw broken("half of a character", "write both halves of the pair")
            }
            content += Array(String(Character(scalar)).utf8)
        default: throw broken("no such escape", "write \\\\ for a backslash")
        }
    }

    private mutating func hexadecimal() throws(Diagnostic) -> UInt32 {
        guard at + 4 <= bytes.count, bytes[at..<at + 4].allSatisfy({ $0 < 0x80 }),
            bytes[at..<at + 4].allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }),
            let value = UInt32(String(decoding: bytes[at..<at + 4], as: UTF8.self), radix: 16)
        else { throw broken("\\u needs four hexadecimal digits", "write them") }
        at += 4
        return value
    }
}

extension ConfigNode {
    /// A table from what a file says: sorted, and `{ secret = "name" }` for what it means.
    init(entries: [ConfigEntry], position: SourcePosition) {
        self.position = position
        if entries.count == 1, entries[0].key == "secret",
            case .string(let name) = entries[0].node.value
        {
            value = .secret(name)
            return
        }
        value = .table(entries.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) })
    }
}

extension Diagnostic: Error {}
