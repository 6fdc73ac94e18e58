// Words of the command line against the flags of a command.

import EdgeRuntime

struct UsageError: Error {
    var message: String
}

struct Arguments {
    var words: [String]
    /// By long name, as often as it was given; a switch has an empty value.
    var flags: [String: [String]]

    func has(_ name: String) -> Bool { flags[name] != nil }
    /// The last one counts.
    func value(_ name: String) -> String? { flags[name]?.last }
    func values(_ name: String) -> [String] { flags[name] ?? [] }

    /// `--flag value`, `--flag=value`, `-f value`; `--` ends the flags.
    static func parse(_ words: [String], for command: Command) throws(UsageError) -> Arguments {
        var result = Arguments(words: [], flags: [:])
        var rest = words[...]
        while let word = rest.popFirst() {
            if word == "--" {
                result.words += rest
                break
            }
            guard word.hasPrefix("-"), word.count > 1 else {
                result.words.append(word)
                continue
            }
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            let flag = command.flags.first { flag in
                name == "--\(flag.name)" || flag.short.map { name == "-\($0)" } == true
            }
            guard let flag else {
                let known = command.flags.map { "--\($0.name)" } + ["--help"]
                let near = nearest(to: name, among: known).map { "; did you mean '\($0)'?" } ?? ""
                throw UsageError(message: "unknown flag '\(name)'\(near)")
            }
            if flag.value == nil {
                guard parts.count == 1 else {
                    throw UsageError(message: "'\(name)' takes no value")
                }
                result.flags[flag.name, default: []].append("")
            } else if parts.count == 2 {
                result.flags[flag.name, default: []].append(String(parts[1]))
            } else if let value = rest.popFirst() {
                result.flags[flag.name, default: []].append(value)
            } else {
                throw UsageError(message: "'\(name)' needs \(flag.value ?? "a value")")
            }
        }
        guard command.words.contains(result.words.count) else {
            let extra = result.words.dropFirst(command.words.upperBound).first
            throw UsageError(message: extra.map { "unexpected '\($0)'" } ?? "a word is missing")
        }
        return result
    }

    static func nearest(to word: String, among known: [String]) -> String? {
        Suggestion.nearest(to: word, among: known)
    }
}
