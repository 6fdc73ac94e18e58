// First pass of the check: every value has the type that its row asks for, and no key is unknown.
//
// Hands out the same tree with what is malformed taken out (after it was reported) and what was left out filled in
// from the schema. So the second pass reads well-formed values only, and one mistake is one diagnostic.

struct ConfigShape {
    private(set) var diagnostics: [Diagnostic] = []
    /// Settings in use that this version does not have.
    private(set) var unavailable: [Diagnostic] = []

    mutating func check(_ tree: ConfigNode) -> ConfigNode? {
        record(tree, ConfigSchema.root, key: "")
    }

    private mutating func report(
        _ position: SourcePosition,
        _ key: String,
        _ message: String,
        _ remedy: String
    ) {
        diagnostics.append(
            Diagnostic(
                severity: .error,
                position: position,
                key: key,
                message: message,
                remedy: remedy
            )
        )
    }

    private mutating func wrongKind(_ node: ConfigNode, _ type: SettingType, _ key: String) {
        report(node.position, key, "\(node.kind) is not \(type.article)", "write \(type.example)")
    }

    // MARK: Tables

    private mutating func record(
        _ node: ConfigNode,
        _ rows: [Setting],
        key: String
    ) -> ConfigNode? {
        guard let entries = node.entries else {
            wrongKind(node, .record(rows), key)
            return nil
        }
        var result: [ConfigEntry] = []
        for entry in entries {
            let path = Self.path(key, entry.key)
            guard let row = rows.first(where: { $0.name == entry.key }) else {
                unknown(entry, rows, path: path)
                continue
            }
            guard let value = value(entry.node, row.type, key: path) else { continue }
            note(row, entry, path: path)
            result.append(ConfigEntry(key: entry.key, position: entry.position, node: value))
        }
        for row in rows where !entries.contains(where: { $0.key == row.name }) {
            if row.isRequired {
                let path = Self.path(key, row.name)
                report(node.position, path, "this setting is missing", "add \(row.example)")
            }
            guard let text = row.defaultText else { continue }
            let value = Self.filled(text, row.type, at: node.position)
            result.append(ConfigEntry(key: row.name, position: node.position, node: value))
        }
        return ConfigNode(table: result, position: node.position)
    }

    /// Defaults are part of the program: one that its own row refuses is a fault in the table above.
    private static func filled(
        _ text: String,
        _ type: SettingType,
        at position: SourcePosition
    ) -> ConfigNode {
        var inner = ConfigShape()
        guard let node = try? JSONReader.read(Array(text.utf8), file: position.file),
            let value = inner.value(node.moved(to: position), type, key: "")
        else { preconditionFailure("the default \(text) does not fit its setting") }
        return value
    }

    private mutating func unknown(_ entry: ConfigEntry, _ rows: [Setting], path: String) {
        let names = rows.map(\.name)
        let remedy: String
        if let near = Suggestion.nearest(to: entry.key, among: names) {
            remedy = "did you mean '\(near)'?"
        } else if path.hasSuffix(".ocsp") {
            remedy = "it belongs in a row of tls, beside its certificate"
        } else if let home = ConfigSchema.homes(of: entry.key).first {
            remedy = "there is \(home); here are known: \(names.joined(separator: ", "))"
        } else {
            remedy = "known here: \(names.joined(separator: ", "))"
        }
        report(entry.position, path, "unknown setting", remedy)
    }

    private mutating func note(_ row: Setting, _ entry: ConfigEntry, path: String) {
        guard row.availability == .later, !entry.node.isBlank else { return }
        markUnavailable(path, entry.position)
    }

    private mutating func markUnavailable(_ path: String, _ position: SourcePosition) {
        unavailable.append(
            Diagnostic(
                severity: .warning,
                position: position,
                key: path,
                message: "not available in this version",
                remedy: "edged run refuses it; take it out to run"
            )
        )
    }

    static func path(_ key: String, _ name: String) -> String {
        key.isEmpty ? name : "\(key).\(name)"
    }

    // MARK: Values

    private mutating func value(
        _ node: ConfigNode,
        _ type: SettingType,
        key: String
    ) -> ConfigNode? {
        switch type {
        case .boolean:
            guard case .boolean = node.value else { break }
            return node
        case .integer(let range):
            guard case .integer(let value) = node.value else { break }
            return bounded(node, value, range, key) { "\($0)" }
        case .number(let range):
            guard let value = node.double else { break }
            guard range.contains(value) else { break }
            return node
        case .size(let range): return size(node, range, key: key)
        case .duration(let range): return duration(node, range, key: key)
        case .word(let words): return word(node, words, key: key)
        case .text(let kind):
            guard case .string(let text) = node.value else { break }
            if let problem = kind.problem(with: text) {
                report(node.position, key, problem.message, problem.remedy)
                return nil
            }
            return node
        case .secretText:
            switch node.value {
            case .string, .secret: return node
            case .boolean, .integer, .number, .list, .table: break
            }
        case .list(let element, let counts):
            return list(node, element, counts, key: key)
        case .map(let kind, let element): return map(node, kind, element, key: key)
        case .record(let rows): return record(node, rows, key: key)
        case .either(let types):
            if let fitting = types.first(where: { $0.takes(node) }) {
                return value(node, fitting, key: key)
            }
        case .anything: return node
        }
        wrongKind(node, type, key)
        return nil
    }

    private mutating func bounded(
        _ node: ConfigNode,
        _ value: Int64,
        _ range: ClosedRange<Int64>,
        _ key: String,
        _ show: (Int64) -> String
    ) -> ConfigNode? {
        guard range.contains(value) else {
            let (low, high) = (show(range.lowerBound), show(range.upperBound))
            report(
                node.position,
                key,
                "\(show(value)) is out of bounds",
                "choose from \(low) to \(high)"
            )
            return nil
        }
        return ConfigNode(value: .integer(value), position: node.position)
    }

    private mutating func size(
        _ node: ConfigNode,
        _ range: ClosedRange<Int64>,
        key: String
    ) -> ConfigNode? {
        switch node.value {
        case .integer(let value): return bounded(node, value, range, key, Quantity.sizeText)
        case .string(let text):
            switch Quantity.size(text) {
            case .success(let value): return bounded(node, value, range, key, Quantity.sizeText)
            case .failure(let problem):
                quantity(problem, text, node, Quantity.sizeUnits.map(\.0), "\"64KB\"", key)
            }
        case .boolean, .number, .list, .table, .secret: wrongKind(node, .size(range), key)
        }
        return nil
    }

    private mutating func duration(
        _ node: ConfigNode,
        _ range: ClosedRange<Int64>,
        key: String
    ) -> ConfigNode? {
        switch node.value {
        case .integer(let value):
            report(node.position, key, "\(value) has no unit", "write \"\(value)s\" for seconds")
        case .string(let text):
            switch Quantity.duration(text) {
            case .success(let value):
                return bounded(node, value, range, key, Quantity.durationText)
            case .failure(let problem):
                quantity(problem, text, node, Quantity.durationUnits.map(\.0), "\"10s\"", key)
            }
        case .boolean, .number, .list, .table, .secret: wrongKind(node, .duration(range), key)
        }
        return nil
    }

    private mutating func quantity(
        _ problem: Quantity.Problem,
        _ text: String,
        _ node: ConfigNode,
        _ units: [String],
        _ example: String,
        _ key: String
    ) {
        let all = units.joined(separator: ", ")
        switch problem {
        case .notANumber:
            report(
                node.position,
                key,
                "\"\(text)\" does not begin with a number",
                "write \(example)"
            )
        case .noUnit:
            let remedy = "add one of \(all), as in \(example)"
            report(node.position, key, "\"\(text)\" has no unit", remedy)
        case .unknownUnit(let unit):
            let near = Suggestion.nearest(to: unit, among: units)
            let remedy = near.map { "did you mean '\($0)'? units are \(all)" } ?? "units are \(all)"
            report(node.position, key, "unknown unit '\(unit)'", remedy)
        case .tooLarge:
            report(node.position, key, "\"\(text)\" is too large", "write less")
        }
    }

    private mutating func word(_ node: ConfigNode, _ words: [String], key: String) -> ConfigNode? {
        let all = words.map { "\"\($0)\"" }.joined(separator: ", ")
        guard case .string(let text) = node.value else {
            report(node.position, key, "\(node.kind) is not one of \(all)", "write one of them")
            return nil
        }
        guard words.contains(text) else {
            let near = Suggestion.nearest(to: text, among: words)
            let remedy = near.map { "did you mean \"\($0)\"?" } ?? "choose one of \(all)"
            report(node.position, key, "\"\(text)\" is not one of \(all)", remedy)
            return nil
        }
        if text == "h2", key.contains("protocol") { markUnavailable(key, node.position) }
        return node
    }

    private mutating func list(
        _ node: ConfigNode,
        _ element: SettingType,
        _ counts: ClosedRange<Int>,
        key: String
    ) -> ConfigNode? {
        guard let items = node.items else {
            wrongKind(node, .list(element, counts), key)
            return nil
        }
        guard counts.contains(items.count) else {
            let bound = items.count < counts.lowerBound ? counts.lowerBound : counts.upperBound
            let word = items.count < counts.lowerBound ? "at least" : "at most"
            report(
                node.position,
                key,
                "\(items.count) items here",
                "\(word) \(bound) \(bound == 1 ? "is" : "are") allowed"
            )
            return nil
        }
        var result: [ConfigNode] = []
        for (index, item) in items.enumerated() {
            if let value = value(item, element, key: "\(key)[\(index + 1)]") {
                result.append(value)
            }
        }
        return ConfigNode(value: .list(result), position: node.position)
    }

    private mutating func map(
        _ node: ConfigNode,
        _ kind: TextKind,
        _ element: SettingType,
        key: String
    ) -> ConfigNode? {
        guard let entries = node.entries else {
            wrongKind(node, .map(kind, element), key)
            return nil
        }
        var result: [ConfigEntry] = []
        for entry in entries {
            let path = Self.path(key, entry.key)
            if let problem = kind.problem(with: entry.key) {
                report(entry.position, path, problem.message, problem.remedy)
                continue
            }
            guard let value = value(entry.node, element, key: path) else { continue }
            result.append(ConfigEntry(key: entry.key, position: entry.position, node: value))
        }
        return ConfigNode(table: result, position: node.position)
    }
}

extension ConfigNode {
    /// A table as it is, without the reading of `{ secret = … }`.
    init(table entries: [ConfigEntry], position: SourcePosition) {
        value = .table(entries.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) })
        self.position = position
    }

    /// The rows of a table; an empty list may be one.
    var entries: [ConfigEntry]? {
        switch value {
        case .table(let entries): return entries
        case .list(let items): return items.isEmpty ? [] : nil
        case .secret(let name):
            // `secrets = { secret = "x" }` read as a reference although a table is wanted here.
            let node = ConfigNode(value: .string(name), position: position)
            return [ConfigEntry(key: "secret", position: position, node: node)]
        case .boolean, .integer, .number, .string: return nil
        }
    }

    var items: [ConfigNode]? {
        switch value {
        case .list(let items): items
        case .table(let entries): entries.isEmpty ? [] : nil
        case .boolean, .integer, .number, .string, .secret: nil
        }
    }

    var double: Double? {
        switch value {
        case .integer(let value): Double(value)
        case .number(let value): value
        case .boolean, .string, .list, .table, .secret: nil
        }
    }

    /// Says nothing: false, or a table of such.
    var isBlank: Bool {
        switch value {
        case .boolean(let value): !value
        case .list(let items): items.isEmpty
        case .table(let entries): entries.allSatisfy { $0.node.isBlank }
        case .integer, .number, .string, .secret: false
        }
    }

    func moved(to position: SourcePosition) -> ConfigNode {
        var copy = self
        copy.position = position
        switch value {
        case .list(let items): copy.value = .list(items.map { $0.moved(to: position) })
        case .table(let entries):
            copy.value = .table(
                entries.map {
                    ConfigEntry(
                        key: $0.key,
                        position: position,
                        node: $0.node.moved(to: position)
                    )
                }
            )
        case .boolean, .integer, .number, .string, .secret: break
        }
        return copy
    }
}

extension SettingType {
    /// Whether a value is of the right kind, so that its mistakes are told as mistakes of this type.
    fileprivate func takes(_ node: ConfigNode) -> Bool {
        switch (self, node.value) {
        case (.word, .string), (.text, .string), (.size, .string), (.duration, .string),
            (.secretText, .string), (.secretText, .secret), (.boolean, .boolean),
            (.integer, .integer), (.size, .integer), (.number, .integer), (.number, .number),
            (.anything, _):
            if case (.word(let words), .string(let text)) = (self, node.value), words == ["auto"] {
                return text == "auto" || text.first?.isNumber != true
            }
            return true
        case (.record, _), (.map, _): return node.entries != nil
        case (.list, _): return node.items != nil
        case (.either(let types), _): return types.contains { $0.takes(node) }
        default: return false
        }
    }

    /// The type in words.
    var article: String {
        switch self {
        case .boolean: "a boolean"
        case .integer: "a whole number"
        case .number: "a number"
        case .size: "a size"
        case .duration: "a duration"
        case .word(let words): "one of \(words.map { "\"\($0)\"" }.joined(separator: ", "))"
        case .text(let kind): kind == .plain ? "a string" : "a string (\(kind.rawValue))"
        case .secretText: "a string or a secret"
        case .list: "a list"
        case .map, .record: "a table"
        case .either(let types): types.map(\.article).joined(separator: " or ")
        case .anything: "anything"
        }
    }

    /// How a value of the type is written.
    var example: String {
        switch self {
        case .boolean: "true or false"
        case .integer(let range): "a number from \(range.lowerBound) to \(range.upperBound)"
        case .number: "a number"
        case .size: "512 or \"64KB\""
        case .duration: "\"10s\""
        case .word(let words): words.map { "\"\($0)\"" }.joined(separator: " or ")
        case .text(let kind): kind.example
        case .secretText: "\"…\" or secret \"name\""
        case .list(let element, _): "{ \(element.example), … }"
        case .map(let kind, _): "{ [\(kind.example)] = … }"
        case .record(let rows): "{ \(rows.first?.name ?? "") = … }"
        case .either(let types): types.map(\.example).joined(separator: " or ")
        case .anything: "a value"
        }
    }
}

extension Setting {
    var example: String { "\(name) = \(type.example)" }
}
