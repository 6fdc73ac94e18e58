// Why the server cannot start, or cannot take a new configuration: every reason, with its place where it has one.

package struct StartFailure: Error {
    package let reasons: [Diagnostic]
    /// Files besides the configuration's own where a mistake may be mended.
    let files: Set<String>
    /// The configuration is wrong, or a file that it names: a start without mending it would fail again.
    package var isOfConfiguration = false

    init(_ message: String, _ remedy: String = "") {
        reasons = [ConfigPlace(position: nil, key: "").error(message, remedy)]
        files = []
    }

    init(reasons: [Diagnostic], files: Set<String> = []) {
        self.reasons = reasons
        self.files = files
    }
}

extension StartFailure: CustomStringConvertible {
    package var description: String { reasons.map(\.description).joined(separator: "\n") }
}
