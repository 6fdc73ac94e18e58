// Why an answer is as it is, as a list of words and values: as text for people and as JSON for programs. The order is
// the order of the request's way.

struct Explanation: Equatable {
    indirect enum Value: Equatable {
        case text(String)
        case number(Int64)
        case flag(Bool)
        case list([String])
        case table([Row])
    }

    struct Row: Equatable {
        var name: String
        var value: Value

        init(_ name: String, _ value: Value) {
            self.name = name
            self.value = value
        }
    }

    private(set) var rows: [Row] = []

    mutating func add(_ name: String, _ value: Value) { rows.append(Row(name, value)) }
    mutating func add(_ name: String, _ text: String) { rows.append(Row(name, .text(text))) }

    subscript(_ name: String) -> Value? { rows.first { $0.name == name }?.value }

    // MARK: Text

    var text: String { Self.lines(rows, "") }

    private static func lines(_ rows: [Row], _ indent: String) -> String {
        rows.map { row in
            let head = indent + row.name
            switch row.value {
            case .text(let text): return "\(head): \(shown(text))\n"
            case .number(let number): return "\(head): \(number)\n"
            case .flag(let flag): return "\(head): \(flag ? "yes" : "no")\n"
            case .list(let items):
                return
                    "\(head): \(items.isEmpty ? "none" : items.map(shown).joined(separator: ", "))\n"
            case .table(let rows): return "\(head)\n\(lines(rows, indent + "  "))"
            }
        }.joined()
    }

    /// What a viewer sent must not move the cursor of an operator's terminal.
    private static func shown(_ text: String) -> String {
        let isPlain = text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
        return isPlain ? text : ConfigDump.quoted(text)
    }

    // MARK: JSON

    /// One object on one line.
    var json: String { Self.json(.table(rows)) + "\n" }

    private static func json(_ value: Value) -> String {
        switch value {
        case .text(let text): ConfigDump.quoted(text)
        case .number(let number): "\(number)"
        case .flag(let flag): "\(flag)"
        case .list(let items): "[\(items.map(ConfigDump.quoted).joined(separator: ","))]"
        case .table(let rows):
            "{\(rows.map { "\(ConfigDump.quoted(key($0.name))):\(json($0.value))" }.joined(separator: ","))}"
        }
    }

    private static func key(_ name: String) -> String {
        String(name.map { $0 == " " ? "_" : $0 })
    }
}
