// `edged config`: what a configuration may say.

import EdgeRuntime

enum ConfigCommand {
    static let row = Command(
        name: "config",
        usage: "schema | reference",
        sentence: "Print the JSON Schema of the configuration, or its reference page.",
        example: "edged config schema > edge.schema.json",
        words: 1...1,
        run: { run($0) }
    )

    static func run(_ arguments: Arguments) -> ExitCode {
        switch arguments.words[0] {
        case "schema": Terminal.print(String(ConfigReference.jsonSchema.dropLast()))
        case "reference": Terminal.print(String(ConfigReference.page.dropLast()))
        default:
            let word = arguments.words[0]
            let near = Arguments.nearest(to: word, among: ["schema", "reference"])
            let remedy = near.map { "did you mean '\($0)'?" } ?? "it is schema or reference"
            Terminal.error("edged config: unknown word '\(word)'; \(remedy)")
            return .usage
        }
        return .ok
    }
}
