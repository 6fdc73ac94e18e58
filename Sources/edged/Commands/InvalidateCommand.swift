// `edged invalidate`: purges paths, tags or everything of a distribution from the cache of the running server.

import EdgeRuntime

enum InvalidateCommand {
    static let row = Command(
        name: "invalidate",
        usage: "DISTRIBUTION [PATH…] [--tag TAG]… [--everything] [--soft]",
        sentence: "Purge paths, tags or everything of a distribution from the cache.",
        example: "edged invalidate shop '/images/*' /index.html --tag product-7",
        flags: [
            Command.Flag(
                name: "tag",
                short: "t",
                value: "TAG",
                sentence: "what the origin has marked with this tag; may be given often"
            ),
            Command.Flag(
                name: "everything",
                short: nil,
                value: nil,
                sentence: "all there is of the distribution, instead of paths and tags"
            ),
            Command.Flag(
                name: "soft",
                short: nil,
                value: nil,
                sentence: "ask the origin again, but keep what is there for when it fails"
            ),
            Command.Flag(
                name: "reference",
                short: nil,
                value: "TEXT",
                sentence: "a name for this purge: said again, it is not made again"
            ),
            CommandTable.json, CommandTable.config, AdminAccess.socket,
        ],
        words: 1...1_000_000,
        run: { run($0) }
    )

    static func run(_ arguments: Arguments) -> ExitCode {
        let paths = Array(arguments.words.dropFirst())
        let tags = arguments.values("tag")
        let everything = arguments.has("everything")
        if let mistake = mistake(paths, tags, everything) {
            Terminal.error("edged invalidate: \(mistake)\nTry 'edged invalidate --help'.")
            return .usage
        }
        let call = InvalidationCall(
            distribution: arguments.words[0],
            paths: paths,
            tags: tags,
            everything: everything,
            soft: arguments.has("soft"),
            reference: arguments.value("reference")
        )
        return AdminAccess.with(arguments, command: "invalidate") {
            client throws(AdminClient.Failure) in
            tell(call, try client.ask("POST", call.target, body: call.body), arguments)
        }
    }

    private static func mistake(
        _ paths: [String],
        _ tags: [String],
        _ everything: Bool
    ) -> String? {
        if everything {
            return paths.isEmpty && tags.isEmpty
                ? nil : "--everything stands alone, without paths and tags"
        }
        return paths.isEmpty && tags.isEmpty
            ? "name a path or a --tag, or say --everything" : nil
    }

    private static func tell(
        _ call: InvalidationCall,
        _ answer: AdminClient.Answer,
        _ arguments: Arguments
    ) -> ExitCode {
        let outcome = call.outcome(of: answer)
        if arguments.has("json") {
            Terminal.print(answer.text.trimmed)
        }
        switch outcome {
        case .done(let text):
            if !arguments.has("json") { Terminal.print(text) }
            return .ok
        case .refused(let reason):
            if !arguments.has("json") { Terminal.error("edged invalidate: \(reason)") }
            return .usage
        case .failed(let reason):
            Terminal.error("edged invalidate: \(reason)")
            return .failed
        }
    }
}
