// One thing that is wrong, or worth knowing, about what the operator wrote.

package struct Diagnostic: Sendable, Equatable {
    package enum Severity: String, Sendable {
        case error
        case warning
        case note
    }

    package var severity: Severity
    package var position: SourcePosition?
    /// The setting, as in `distributions.shop.behaviors[2].origin`; empty where the mistake is not in a setting.
    package var key: String
    package var message: String
    /// What to do about it.
    package var remedy: String
}

extension Diagnostic: CustomStringConvertible {
    /// `file:line:col: error: key: what — remedy`
    package var description: String {
        var text = ""
        if let position { text += "\(position.file):\(position.line):\(position.column): " }
        text += "\(severity.rawValue): "
        if !key.isEmpty { text += "\(key): " }
        text += message
        if !remedy.isEmpty { text += " — \(remedy)" }
        return text
    }
}

extension Diagnostic {
    /// The same with the line of the file, and a caret under the place.
    package func described(with sources: [String: [UInt8]]) -> String {
        guard let position, let bytes = sources[position.file] else { return description }
        let lines = bytes.split(separator: 0x0a, omittingEmptySubsequences: false)
        guard position.line >= 1, position.line <= lines.count else { return description }
        let line = String(decoding: lines[position.line - 1], as: UTF8.self)
        // Tabs stay tabs, so that the caret stands under its place whatever their width is.
        let lead = line.utf8.prefix(position.column - 1)
        let blanks = lead.filter { $0 & 0xc0 != 0x80 }.map { $0 == 9 ? "\t" : " " }.joined()
        return "\(description)\n    \(line)\n    \(blanks)^"
    }

    package var json: String {
        var fields = ["\"severity\":\(ConfigDump.quoted(severity.rawValue))"]
        if let position {
            fields.append("\"file\":\(ConfigDump.quoted(position.file))")
            fields.append("\"line\":\(position.line)")
            fields.append("\"column\":\(position.column)")
        }
        fields.append("\"key\":\(ConfigDump.quoted(key))")
        fields.append("\"message\":\(ConfigDump.quoted(message))")
        fields.append("\"remedy\":\(ConfigDump.quoted(remedy))")
        return "{\(fields.joined(separator: ","))}"
    }
}
