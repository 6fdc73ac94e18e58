// `edged version`

import EdgeRuntime

enum VersionCommand {
    static let row = Command(
        name: "version",
        usage: "",
        sentence: "Print the version.",
        example: "edged version",
        run: { run($0) }
    )

    static func run(_ arguments: Arguments) -> ExitCode {
        Terminal.print("edged \(BuildInfo.version) (\(BuildInfo.compiler))")
        return .ok
    }
}
