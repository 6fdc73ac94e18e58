// `edged run`: serve, in the foreground, until a signal ends it.

import EdgeRuntime

enum RunCommand {
    static let row = Command(
        name: "run",
        usage: "[-c FILE] [--workers N] [--watch]",
        sentence: "Serve a configuration in the foreground.",
        example: "edged run -c edge.lua",
        flags: [
            CommandTable.config,
            Command.Flag(
                name: "workers",
                short: nil,
                value: "N",
                sentence: "loops to run (default: what the configuration says, else one per core)"
            ),
            Command.Flag(
                name: "watch",
                short: nil,
                value: nil,
                sentence: "reload when a file of the configuration changes"
            ),
        ],
        run: { run($0) }
    )

    static func run(_ arguments: Arguments) -> ExitCode {
        var workers: Int?
        if let text = arguments.value("workers") {
            guard let count = Int(text), (1...1024).contains(count) else {
                Terminal.error("edged run: --workers takes a number from 1 to 1024, not '\(text)'")
                return .usage
            }
            workers = count
        }
        let path = CheckCommand.configPath(arguments)
        var loaded = ConfigCheck.load(path: path)
        CheckCommand.report(loaded, asJSON: false)
        guard let configuration = loaded.configuration, !loaded.hasErrors else {
            return .badConfiguration
        }
        guard configuration.unavailable.isEmpty else {
            for diagnostic in configuration.unavailable {
                Terminal.error(diagnostic.description)
            }
            return .badConfiguration
        }
        do throws(StartFailure) {
            let server = try EdgeServer(
                loaded,
                configPath: path,
                workers: workers,
                watches: arguments.has("watch")
            )
            loaded.add(server.functionWarnings)
            for warning in server.functionWarnings {
                Terminal.error(CheckCommand.words(of: warning, sources: loaded.sources))
            }
            try server.run()
            return .ok
        } catch {
            loaded.add(error.reasons)
            for reason in error.reasons {
                Terminal.error(words(of: reason, sources: loaded.sources))
            }
            return error.isOfConfiguration ? .badConfiguration : .failed
        }
    }

    /// What has no place in a file is told in the name of the program.
    private static func words(of reason: Diagnostic, sources: [String: [UInt8]]) -> String {
        guard reason.position == nil else {
            return CheckCommand.words(of: reason, sources: sources)
        }
        let remedy = reason.remedy.isEmpty ? "" : " — \(reason.remedy)"
        return "edged: \(reason.message)\(remedy)"
    }
}
