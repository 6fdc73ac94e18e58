// `edged version`

import EdgeRuntime

enum VersionCommand {
    static let row = Command(
        name: "version",
        usage: "",
        sentence: "Print the version, and the commit that it was built from.",
        example: "edged version",
        run: { run($0) }
    )

    static func run(_ arguments: Arguments) -> ExitCode {
        let build = "\(BuildInfo.commit), \(BuildInfo.compiler)"
        Terminal.print("edged \(BuildInfo.version) (\(build))")
        return .ok
    }
}
