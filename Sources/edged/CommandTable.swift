// One row per command. To add one: a file in `Commands/`, and its row here.

struct Command: Sendable {
    struct Flag: Sendable {
        var name: String
        var short: String?
        /// What its value is called in the usage; `nil` for a switch.
        var value: String?
        var sentence: String
    }

    var name: String
    var usage: String
    var sentence: String
    var example: String
    var flags: [Flag] = []
    /// How many words may follow.
    var words = 0...0
    var run: @Sendable (Arguments) -> ExitCode

    var help: String {
        var text = "\(sentence)\n\nUsage: edged \(name) \(usage)\n"
        let width = flags.map { Self.label($0).count }.max() ?? 0
        for flag in flags {
            let label = Self.label(flag)
            let gap = String(repeating: " ", count: width - label.count + 2)
            text += "\n  \(label)\(gap)\(flag.sentence)"
        }
        return text + (flags.isEmpty ? "" : "\n") + "\nExample: \(example)"
    }

    private static func label(_ flag: Flag) -> String {
        let short = flag.short.map { "-\($0), " } ?? ""
        return short + "--\(flag.name)" + (flag.value.map { " \($0)" } ?? "")
    }
}

enum CommandTable {
    static let config = Command.Flag(
        name: "config",
        short: "c",
        value: "FILE",
        sentence: "configuration (default: edge.lua here, else /etc/edged/edge.lua)"
    )
    static let json = Command.Flag(
        name: "json",
        short: nil,
        value: nil,
        sentence: "one JSON object per line"
    )

    static var all: [Command] {
        [
            RunCommand.row, StatusCommand.row, ReloadCommand.row, InvalidateCommand.row,
            ExplainCommand.row, CheckCommand.row, ConfigCommand.row, TestCommand.row,
            NewCommand.row, VersionCommand.row,
        ]
    }

    static func find(_ name: String) -> Command? { all.first { $0.name == name } }

    static var overview: String {
        let width = all.map(\.name.count).max() ?? 0
        let rows = all.map { command in
            let gap = String(repeating: " ", count: width - command.name.count + 2)
            return "  \(command.name)\(gap)\(command.sentence)"
        }
        return "edged: a programmable edge\n\nUsage: edged COMMAND [FLAGS]\n\n"
            + rows.joined(separator: "\n") + "\n\nedged COMMAND --help tells more."
    }
}
