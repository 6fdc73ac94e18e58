// What must hold for every text that is read as a configuration: reading ends, whatever code is in it; a mistake lies
// inside of the text and has a remedy; what is accepted dumps as a text that is accepted and dumps as itself.

#if canImport(EdgeRuntime)
    @testable import EdgeRuntime
#endif

enum ConfigProperties {
    /// There is no such folder: no input reads a file by a path relative to its own.
    private static let path = "/nonexistent/edge.lua"

    /// The reader by itself, also where the first byte would not choose it.
    static func json(_ input: [UInt8]) {
        do throws(Diagnostic) {
            _ = try JSONReader.read(input, file: path)
        } catch {
            check(error, in: input)
        }
        configuration(input)
    }

    static func configuration(_ input: [UInt8]) {
        // Lua reads bytes, JSON has to be UTF-8: what is not has met the reader above or the parser's own fuzzer.
        guard let text = String(validating: input, as: UTF8.self) else { return }
        let result = ConfigCheck.load(text: text, path: path, environment: { _ in nil })
        for diagnostic in result.diagnostics { check(diagnostic, in: input) }
        precondition((result.configuration == nil) == result.hasErrors, "neither good nor bad")
        guard let dump = result.dump else { return }
        let again = ConfigCheck.load(text: dump, path: path, environment: { _ in nil })
        precondition(!again.hasErrors, "the dump is refused")
        precondition(again.dump == dump, "the dump of the dump differs")
    }

    private static func check(_ diagnostic: Diagnostic, in input: [UInt8]) {
        precondition(!diagnostic.message.isEmpty, "no message")
        precondition(diagnostic.severity != .error || !diagnostic.remedy.isEmpty, "no remedy")
        guard let position = diagnostic.position, position.file == path else { return }
        // Each of `\r` and `\n` may end a line.
        let lines = input.count { $0 == 0x0a || $0 == 0x0d } + 1
        precondition((1...lines).contains(position.line), "a line that is not there")
        precondition((1...input.count + 1).contains(position.column), "no such column")
    }
}
