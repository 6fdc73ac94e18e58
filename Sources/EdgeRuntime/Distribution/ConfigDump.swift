// The effective configuration as canonical JSON: sorted keys, two spaces, defaults filled in, secrets by name.
// The text is accepted as a configuration again, and dumps as itself.

enum ConfigDump {
    static func text(of node: ConfigNode) -> String {
        var out = ""
        write(node, type: .record(ConfigSchema.root), indent: 0, to: &out)
        return out + "\n"
    }

    private static func write(
        _ node: ConfigNode,
        type: SettingType?,
        indent: Int,
        to out: inout String
    ) {
        switch node.value {
        case .boolean(let value): out += value ? "true" : "false"
        case .integer(let value):
            switch quantity(type) {
            case .size: out += "\"\(Quantity.sizeText(value))\""
            case .duration: out += "\"\(Quantity.durationText(value))\""
            case .plain: out += "\(value)"
            }
        case .number(let value): out += "\(value)"
        case .string(let text): out += quoted(text)
        case .secret(let name): out += "{\"secret\": \(quoted(name))}"
        case .list(let items):
            let inner = element(type)
            if items.isEmpty, isTable(type) {
                out += "{}"
                return
            }
            block("[", "]", items.count, indent, to: &out) { index, out in
                write(items[index], type: inner, indent: indent + 2, to: &out)
            }
        case .table(let entries):
            block("{", "}", entries.count, indent, to: &out) { index, out in
                let entry = entries[index]
                out += "\(quoted(entry.key)): "
                let inner = field(type, entry.key)
                write(entry.node, type: inner, indent: indent + 2, to: &out)
            }
        }
    }

    private static func block(
        _ open: String,
        _ close: String,
        _ count: Int,
        _ indent: Int,
        to out: inout String,
        _ body: (Int, inout String) -> Void
    ) {
        out += open
        for index in 0..<count {
            out += index == 0 ? "\n" : ",\n"
            out += String(repeating: " ", count: indent + 2)
            body(index, &out)
        }
        if count > 0 { out += "\n" + String(repeating: " ", count: indent) }
        out += close
    }

    static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\t": out += "\\t"
            case "\r": out += "\\r"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f:
                let digits = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }

    // MARK: Types on the way down

    private enum Kind {
        case plain
        case size
        case duration
    }

    private static func quantity(_ type: SettingType?) -> Kind {
        switch type {
        case .size: .size
        case .duration: .duration
        case .either(let types):
            types.map { quantity($0) }.first { $0 != .plain } ?? .plain
        default: .plain
        }
    }

    private static func element(_ type: SettingType?) -> SettingType? {
        switch type {
        case .list(let element, _): element
        case .either(let types): types.compactMap { element($0) }.first
        default: nil
        }
    }

    private static func field(_ type: SettingType?, _ name: String) -> SettingType? {
        switch type {
        case .record(let rows): rows.first { $0.name == name }?.type
        case .map(_, let element): element
        case .either(let types): types.compactMap { field($0, name) }.first
        default: nil
        }
    }

    private static func isTable(_ type: SettingType?) -> Bool {
        switch type {
        case .record, .map: true
        default: false
        }
    }
}
