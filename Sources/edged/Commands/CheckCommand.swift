// `edged check`: is this configuration good, and if not, what is wrong, all of it.

import EdgeRuntime
import Glibc

enum CheckCommand {
    static let row = Command(
        name: "check",
        usage: "[-c FILE] [--json] [--dump]",
        sentence: "Check a configuration and report every mistake at once.",
        example: "edged check -c edge.lua",
        flags: [
            CommandTable.config, CommandTable.json,
            Command.Flag(
                name: "dump",
                short: nil,
                value: nil,
                sentence: "print the effective configuration as canonical JSON"
            ),
        ],
        run: { run($0) }
    )

    /// Where a configuration is looked for when none is named.
    static func configPath(_ arguments: Arguments) -> String {
        if let path = arguments.value("config") { return path }
        return access("edge.lua", F_OK) == 0 ? "edge.lua" : "/etc/edged/edge.lua"
    }

    static func run(_ arguments: Arguments) -> ExitCode {
        let path = configPath(arguments)
        var result = ConfigCheck.load(path: path)
        StartCheck.check(&result)
        report(result, asJSON: arguments.has("json"))
        guard !result.hasErrors else { return .badConfiguration }
        if arguments.has("dump"), let dump = result.dump {
            Terminal.print(String(dump.dropLast()))
        } else if !arguments.has("json") {
            Terminal.print("\(path) is good")
        }
        return .ok
    }

    static func words(of diagnostic: Diagnostic, sources: [String: [UInt8]]) -> String {
        Terminal.showsErrorsToAPerson
            ? diagnostic.described(with: sources) : diagnostic.description
    }

    /// Diagnostics: JSON lines on standard output, or prose on standard error.
    static func report(_ result: LoadResult, asJSON: Bool) {
        for diagnostic in result.diagnostics {
            if asJSON {
                Terminal.print(diagnostic.json)
            } else {
                Terminal.error(words(of: diagnostic, sources: result.sources))
            }
        }
        let errors = result.diagnostics.count { $0.severity == .error }
        if errors > 1, !asJSON { Terminal.error("\(errors) mistakes") }
    }
}
