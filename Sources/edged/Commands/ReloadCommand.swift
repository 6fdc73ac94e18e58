// `edged reload`: let the running server read its configuration again, wait, and tell what came of it.

import EdgeRuntime

enum ReloadCommand {
    static let row = Command(
        name: "reload",
        usage: "[--json] [--socket PATH | -c FILE]",
        sentence: "Let the running server take its changed configuration, and tell what changed.",
        example: "edged reload -c edge.lua",
        flags: [CommandTable.config, CommandTable.json, AdminAccess.socket],
        run: { run($0) }
    )

    static func run(_ arguments: Arguments) -> ExitCode {
        AdminAccess.with(arguments, command: "reload") { client throws(AdminClient.Failure) in
            let isJSON = arguments.has("json")
            let answer = try client.ask("POST", isJSON ? "/reload.json" : "/reload")
            guard let code = codes[answer.status] else {
                Terminal.error("edged reload: the server answered \(answer.status)")
                return .failed
            }
            if code == .ok || isJSON {
                Terminal.print(answer.text.trimmed)
            } else {
                Terminal.error(answer.text.trimmed)
                Terminal.error("edged reload: refused; the server goes on with what it has")
            }
            return code
        }
    }

    /// Taken; mistakes in the files; something cannot be had; not now.
    private static let codes: [Int: ExitCode] = [
        200: .ok, 422: .badConfiguration, 424: .failed, 409: .failed,
    ]
}
