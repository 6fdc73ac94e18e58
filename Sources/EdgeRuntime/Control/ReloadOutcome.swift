// What came of a reload, and how it is told: lines for people, one JSON object for programs.

enum ReloadOutcome: Equatable {
    case published(ReloadReport)
    case refused(ReloadRefusal)
}

struct ReloadReport: Equatable {
    var from: UInt64
    var to: UInt64
    var change = GenerationChange()
    /// What the file asks for and a running server cannot do, a sentence each.
    var restarts: [String] = []
    var warnings: [Diagnostic] = []
}

/// Why the old generation goes on: every reason.
struct ReloadRefusal: Equatable {
    enum Cause: Equatable {
        /// The operator's files are wrong.
        case mistakes
        /// They are right, but something in them cannot be had: a taken port, a key that does not fit.
        case unattainable
        /// No reload is possible now.
        case state

        /// Status of the admin socket's answer; `edged reload` makes its exit code of it.
        var status: UInt16 {
            switch self {
            case .mistakes: 422
            case .unattainable: 424
            case .state: 409
            }
        }

        var word: StaticString {
            switch self {
            case .mistakes: "mistakes"
            case .unattainable: "unattainable"
            case .state: "state"
            }
        }
    }

    var cause: Cause
    /// What goes on being served.
    var generation: UInt64
    var reasons: [Diagnostic]
}

extension ReloadOutcome {
    var status: UInt16 {
        switch self {
        case .published: 200
        case .refused(let refusal): refusal.cause.status
        }
    }

    var text: String {
        switch self {
        case .published(let report): report.text
        case .refused(let refusal): refusal.reasons.map { "\($0)\n" }.joined()
        }
    }

    /// One object on one line.
    var json: String {
        switch self {
        case .published(let report): report.json
        case .refused(let refusal):
            "{\"result\":\"refused\",\"cause\":\"\(refusal.cause.word)\","
                + "\"generation\":\(refusal.generation),"
                + "\"errors\":[\(refusal.reasons.map(\.json).joined(separator: ","))]}\n"
        }
    }
}

extension ReloadReport {
    fileprivate var text: String {
        var text = "generation \(from) → \(to)\n"
        for part in GenerationChange.Part.allCases where !change[part].isEmpty {
            text += "\(part.word): \(change[part].text)\n"
        }
        if !change.settings.isEmpty { text += "settings: \(Self.list("~", change.settings))\n" }
        if change.isEmpty { text += "nothing changed\n" }
        for sentence in restarts { text += "needs a restart: \(sentence)\n" }
        for warning in warnings { text += "\(warning)\n" }
        return text
    }

    fileprivate var json: String {
        var fields = ["\"result\":\"published\"", "\"generation\":{\"from\":\(from),\"to\":\(to)}"]
        for part in GenerationChange.Part.allCases {
            let names = change[part]
            fields.append(
                "\"\(part.word)\":{\"added\":\(Self.array(names.added)),"
                    + "\"removed\":\(Self.array(names.removed)),"
                    + "\"changed\":\(Self.array(names.changed))}"
            )
        }
        fields.append("\"settings\":\(Self.array(change.settings))")
        fields.append("\"needs_restart\":\(Self.array(restarts))")
        fields.append("\"warnings\":[\(warnings.map(\.json).joined(separator: ","))]")
        return "{\(fields.joined(separator: ","))}\n"
    }

    private static func array(_ names: [String]) -> String {
        "[\(names.map(ConfigDump.quoted).joined(separator: ","))]"
    }

    fileprivate static func list(_ sign: String, _ names: [String]) -> String {
        names.map { sign + $0 }.joined(separator: " ")
    }
}

extension GenerationChange.Names {
    /// `+blog -old ~www`, cut where a person stops reading; JSON has them all.
    var text: String {
        let all = added.map { "+\($0)" } + removed.map { "-\($0)" } + changed.map { "~\($0)" }
        let shown = all.prefix(Limits.changesShown).joined(separator: " ")
        let rest = all.count - Limits.changesShown
        return rest > 0 ? "\(shown) and \(rest) more" : shown
    }
}
