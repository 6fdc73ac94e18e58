// `edged reload`: let the running server read its configuration again, and tell what came of it.

import EdgeRuntime

enum ReloadCommand {
    static let row = Command(
        name: "reload",
        usage: "[--socket PATH | -c FILE]",
        sentence: "Let the running server take its changed configuration.",
        example: "edged reload -c edge.lua",
        flags: [CommandTable.config, AdminAccess.socket],
        run: { run($0) }
    )

    static func run(_ arguments: Arguments) -> ExitCode {
        AdminAccess.with(arguments, command: "reload") { client throws(AdminClient.Failure) in
            let answer = try client.ask("POST", "/reload")
            switch answer.status {
            case 200:
                Terminal.print(answer.text.trimmed)
                return .ok
            case 422:
                Terminal.error(answer.text.trimmed)
                Terminal.error("edged reload: refused; the server goes on with what it has")
                return .badConfiguration
            default:
                Terminal.error("edged reload: the server answered \(answer.status)")
                return .failed
            }
        }
    }
}
