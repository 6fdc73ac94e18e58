// `edged explain`: what the running server would do with a request, and why. Nothing is fetched and nothing changes.

import EdgeRuntime

enum ExplainCommand {
    static let row = Command(
        name: "explain",
        usage: "URL [-H \"Name: value\"]… [--method METHOD]",
        sentence: "Say what the running server would do with a request, and why.",
        example: "edged explain https://shop.example/a.css -H 'Accept-Language: de'",
        flags: [
            Command.Flag(
                name: "header",
                short: "H",
                value: "NAME: VALUE",
                sentence: "a field of the request; may be given often"
            ),
            Command.Flag(
                name: "method",
                short: nil,
                value: "METHOD",
                sentence: "GET, if nothing else is said"
            ),
            CommandTable.json, CommandTable.config, AdminAccess.socket,
        ],
        words: 1...1,
        run: { run($0) }
    )

    static func run(_ arguments: Arguments) -> ExitCode {
        let call = ExplainCall(
            url: arguments.words[0],
            method: arguments.value("method"),
            headers: arguments.values("header")
        )
        return AdminAccess.with(arguments, command: "explain") {
            client throws(AdminClient.Failure) in
            let path = arguments.has("json") ? "/explain" : "/explain.txt"
            let answer = try client.ask("POST", path, body: call.body)
            switch answer.status {
            case 200:
                Terminal.print(answer.text.trimmed)
                return .ok
            case 400:
                Terminal.error("edged explain: \(answer.text.trimmed)")
                return .usage
            default:
                Terminal.error("edged explain: the server answered \(answer.status)")
                return .failed
            }
        }
    }
}
