// `edged config`: what a configuration may say, and what its functions may.

import EdgeRuntime

enum ConfigCommand {
    static let row = Command(
        name: "config",
        usage: "schema | reference | lua-api | lua-stubs | luarc",
        sentence:
            "Print the schema of the configuration, its page, the Lua API's, or what an editor needs.",
        example: "edged config schema > edge.schema.json",
        words: 1...1,
        run: { run($0) }
    )

    static func run(_ arguments: Arguments) -> ExitCode {
        switch arguments.words[0] {
        case "schema": Terminal.print(String(ConfigReference.jsonSchema.dropLast()))
        case "reference": Terminal.print(String(ConfigReference.page.dropLast()))
        case "lua-api": Terminal.print(String(FunctionReference.page.dropLast()))
        case "lua-stubs": Terminal.print(String(EditorFiles.stubs.dropLast()))
        case "luarc": Terminal.print(String(EditorFiles.settings.dropLast()))
        default:
            let word = arguments.words[0]
            let known = ["schema", "reference", "lua-api", "lua-stubs", "luarc"]
            let near = Arguments.nearest(to: word, among: known)
            let remedy =
                near.map { "did you mean '\($0)'?" }
                ?? "it is one of \(known.joined(separator: ", "))"
            Terminal.error("edged config: unknown word '\(word)'; \(remedy)")
            return .usage
        }
        return .ok
    }
}
