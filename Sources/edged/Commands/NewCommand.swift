// `edged new`: a function to begin with, and its test, which passes.

import EdgeRuntime

enum NewCommand {
    static let row = Command(
        name: "new",
        usage: "function NAME [--stage STAGE,…] [--folder FOLDER]",
        sentence: "Write a function and its test to begin with.",
        example: "edged new function greeting --stage viewer_request,viewer_response",
        flags: [
            Command.Flag(
                name: "stage",
                short: nil,
                value: "STAGE,…",
                sentence: "where it is to run (default: viewer_request)"
            ),
            Command.Flag(
                name: "folder",
                short: nil,
                value: "FOLDER",
                sentence: "the functions folder (default: functions)"
            ),
        ],
        words: 2...2,
        run: { run($0) }
    )

    static func run(_ arguments: Arguments) -> ExitCode {
        guard arguments.words[0] == "function" else {
            let near = Arguments.nearest(to: arguments.words[0], among: ["function"])
            let remedy = near.map { "did you mean '\($0)'?" } ?? "it is function"
            Terminal.error("edged new: unknown word '\(arguments.words[0])'; \(remedy)")
            return .usage
        }
        do throws(FunctionTemplate.Failure) {
            let template = try FunctionTemplate(
                name: arguments.words[1],
                stages: (arguments.value("stage") ?? "viewer_request").split(separator: ",")
                    .map(String.init),
                folder: arguments.value("folder") ?? "functions"
            )
            for path in try template.write() { Terminal.print("wrote \(path)") }
            Terminal.print("try it: edged test \(template.testPath)")
            return .ok
        } catch {
            Terminal.error("edged new: \(error.message)")
            return error.isUsage ? .usage : .failed
        }
    }
}
