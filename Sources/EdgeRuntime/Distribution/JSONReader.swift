// JSON (RFC 8259) → the plain tree, with positions. What is JSON the scanner knows; here each of its reasons gets the
// words that help an operator, repeated keys are refused, and `null` is the same as leaving the setting out, as `nil`
// is in Lua.

struct JSONReader {
    private let bytes: [UInt8]
    private let file: String
    private var scanner = JSONScanner(
        depthMax: Limits.configDepthMax,
        bytesMax: Limits.configFileBytesMax
    )
    /// Follows the scanner through the text, so that each position costs only the way from the one before.
    private var place = TextPlace()
    /// The line of each list or table that is not closed yet.
    private var openLines: [Int] = []

    static func read(_ bytes: [UInt8], file: String) throws(Diagnostic) -> ConfigNode? {
        var reader = Self(bytes: bytes, file: file)
        let node = try reader.value(try reader.next())
        guard try reader.scan() == nil else { preconditionFailure("one value is all there is") }
        return node
    }

    private init(bytes: [UInt8], file: String) {
        self.bytes = bytes
        self.file = file
    }

    private var position: SourcePosition {
        SourcePosition(file: file, line: place.line, column: place.column)
    }

    private mutating func scan() throws(Diagnostic) -> JSONEvent? {
        let bytes = bytes
        do throws(JSONError) {
            let event = try scanner.next(bytes.span)
            place.advance(to: scanner.eventStart, in: bytes.span)
            return event
        } catch {
            place.advance(to: error.offset, in: bytes.span)
            let (message, remedy) = words(for: error.reason)
            throw broken(message, remedy)
        }
    }

    /// An event that must be there: inside of a value the scanner never says that it is over.
    private mutating func next() throws(Diagnostic) -> JSONEvent {
        guard let event = try scan() else { preconditionFailure("the value has ended") }
        return event
    }

    private func broken(_ message: String, _ remedy: String, key: String = "") -> Diagnostic {
        Diagnostic(
            severity: .error,
            position: position,
            key: key,
            message: message,
            remedy: remedy
        )
    }

    private func words(for reason: JSONError.Reason) -> (message: String, remedy: String) {
        let line = openLines.last ?? 1
        return switch reason {
        case .endsTooEarly: ("the text ends too early", "complete the value")
        case .valueExpected:
            ("this is not a JSON value", "strings are written in double quotes")
        case .nameExpected: ("a key is expected here", "write it in double quotes")
        case .colonMissing: ("':' is missing", "write it")
        case .listUnclosed: ("',' or ']' is expected here", "close the list of line \(line)")
        case .tableUnclosed: ("',' or '}' is expected here", "close the table of line \(line)")
        case .stringUnclosed: ("this string never ends", "close it")
        case .controlByte: ("a string ends on its line", "close it, or write \\n")
        case .badEscape: ("no such escape", "write \\\\ for a backslash")
        case .badUnicodeEscape: ("\\u needs four hexadecimal digits", "write them")
        case .halfPair: ("half of a character", "write both halves of the pair")
        case .notUTF8: ("this string is not UTF-8", "save the file as UTF-8")
        case .badNumber: ("malformed number", "write digits, without leading zeros")
        case .numberRange: ("number out of range", "write a smaller one")
        case .tooDeep: ("tables nested too deep", "flatten them")
        case .tooLong: ("the file is too large", "split it")
        case .textAfterEnd: ("text after the end of the table", "remove it")
        }
    }

    /// nil for `null`.
    private mutating func value(_ event: JSONEvent) throws(Diagnostic) -> ConfigNode? {
        let start = position
        switch event {
        case .beginTable: return try table(at: start)
        case .beginList: return try list(at: start)
        case .string(let content):
            return ConfigNode(value: .string(text(content)), position: start)
        case .integer(let value): return ConfigNode(value: .integer(value), position: start)
        case .number(let value): return ConfigNode(value: .number(value), position: start)
        case .boolean(let value): return ConfigNode(value: .boolean(value), position: start)
        case .null: return nil
        case .endTable, .endList, .name: preconditionFailure("no value begins with it")
        }
    }

    private mutating func table(at start: SourcePosition) throws(Diagnostic) -> ConfigNode {
        openLines.append(start.line)
        defer { openLines.removeLast() }
        var entries: [ConfigEntry] = []
        var seen: Set<String> = []
        while case .name(let content) = try next() {
            let keyPlace = position
            let key = text(content)
            guard seen.insert(key).inserted else {
                throw broken("this key is there twice", "keep one of them", key: key)
            }
            if let node = try value(try next()) {
                entries.append(ConfigEntry(key: key, position: keyPlace, node: node))
            }
        }
        return ConfigNode(entries: entries, position: start)
    }

    private mutating func list(at start: SourcePosition) throws(Diagnostic) -> ConfigNode {
        openLines.append(start.line)
        defer { openLines.removeLast() }
        var items: [ConfigNode] = []
        while case let event = try next(), event != .endList {
            guard let item = try value(event) else {
                throw broken("null in a list", "leave the item out")
            }
            items.append(item)
        }
        return ConfigNode(value: .list(items), position: start)
    }

    private func text(_ content: JSONString) -> String {
        String(decoding: content.bytes(of: bytes.span), as: UTF8.self)
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
