// `edged status`: what the running server says of itself.

import EdgeRuntime

enum StatusCommand {
    static let row = Command(
        name: "status",
        usage: "[--json] [--socket PATH | -c FILE]",
        sentence: "Show what the running server does.",
        example: "edged status --socket /run/edged/edged.sock",
        flags: [CommandTable.config, CommandTable.json, AdminAccess.socket],
        run: { run($0) }
    )

    static func run(_ arguments: Arguments) -> ExitCode {
        AdminAccess.with(arguments, command: "status") { client throws(AdminClient.Failure) in
            let path = arguments.has("json") ? "/status" : "/status.txt"
            let answer = try client.ask("GET", path)
            guard answer.status == 200 else {
                Terminal.error("edged status: the server answered \(answer.status)")
                return .failed
            }
            Terminal.print(answer.text.trimmed)
            return .ok
        }
    }
}

/// How commands find the admin socket of a running server.
enum AdminAccess {
    static let socket = Command.Flag(
        name: "socket",
        short: nil,
        value: "PATH",
        sentence: "admin socket of the server (default: the one that the configuration names)"
    )

    static func with(
        _ arguments: Arguments,
        command: String,
        _ body: (AdminClient) throws(AdminClient.Failure) -> ExitCode
    ) -> ExitCode {
        let path: String
        if let named = arguments.value("socket") {
            path = named
        } else {
            let file = CheckCommand.configPath(arguments)
            let loaded = ConfigCheck.load(path: file)
            guard let configuration = loaded.configuration else {
                CheckCommand.report(loaded, asJSON: false)
                return .badConfiguration
            }
            path = configuration.adminSocketPath
        }
        do throws(AdminClient.Failure) { return try body(AdminClient(socket: path)) } catch {
            Terminal.error("edged \(command): \(error.description)")
            return .failed
        }
    }
}

extension String {
    /// Without line ends behind it: `Terminal.print` adds one.
    var trimmed: String {
        var rest = self[...]
        while rest.last?.isNewline == true { rest = rest.dropLast() }
        return String(rest)
    }
}
