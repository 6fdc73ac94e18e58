// Why the server cannot start, or cannot take a new configuration: every reason, with its place where it has one.

package struct StartFailure: Error {
    package let reasons: [Diagnostic]

    init(_ message: String, _ remedy: String = "") {
        reasons = [ConfigPlace(position: nil, key: "").error(message, remedy)]
    }

    init(reasons: [Diagnostic]) { self.reasons = reasons }
}

extension StartFailure: CustomStringConvertible {
    package var description: String { reasons.map(\.description).joined(separator: "\n") }
}
