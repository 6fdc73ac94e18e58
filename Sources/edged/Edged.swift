// Finds the command, runs it, ends with its code.

import Glibc

@main
enum Edged {
    static func main() {
        holdStandardStreams()
        exit(run(Array(CommandLine.arguments.dropFirst())).rawValue)
    }

    /// One that is closed would become a socket of ours, and lines would be written into it.
    private static func holdStandardStreams() {
        for stream in CInt(0)...2 where fcntl(stream, F_GETFD) < 0 { _ = open("/dev/null", O_RDWR) }
    }

    static func run(_ words: [String]) -> ExitCode {
        guard let verb = words.first else {
            Terminal.error(CommandTable.overview)
            return .usage
        }
        switch verb {
        case "--help", "-h", "help":
            if words.count > 1, let command = CommandTable.find(words[1]) {
                Terminal.print(command.help)
            } else {
                Terminal.print(CommandTable.overview)
            }
            return .ok
        case "--version":
            return VersionCommand.run(Arguments(words: [], flags: [:]))
        default: break
        }
        guard let command = CommandTable.find(verb) else {
            let names = CommandTable.all.map(\.name)
            let near = Arguments.nearest(to: verb, among: names).map { "; did you mean '\($0)'?" }
            Terminal.error("edged: unknown command '\(verb)'\(near ?? "")\nTry 'edged --help'.")
            return .usage
        }
        let rest = Array(words.dropFirst())
        if rest.contains("--help") || rest.contains("-h") {
            Terminal.print(command.help)
            return .ok
        }
        do throws(UsageError) {
            return command.run(try Arguments.parse(rest, for: command))
        } catch {
            Terminal.error("edged \(verb): \(error.message)\nTry 'edged \(verb) --help'.")
            return .usage
        }
    }
}

enum ExitCode: Int32 {
    case ok = 0
    case failed = 1
    case usage = 2
    /// EX_CONFIG of sysexits.h.
    case badConfiguration = 78
}
