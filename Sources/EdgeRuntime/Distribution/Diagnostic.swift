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
