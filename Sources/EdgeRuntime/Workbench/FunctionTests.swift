// `edged test`: runs the files `NAME.test.lua` that lie beside functions.
//
// What runs is the real thing, not a likeness of it: the function is loaded as a generation loads it, and run by the
// stage runner on real heads, under the limits that a server has by default. Only what lies outside is held still:
// time stands until somebody waits for it, and random numbers are the same every time.

package struct FunctionTestResult: Sendable {
    package struct Failure: Sendable {
        package var message: String
        /// In the test's file, where that is known.
        package var line: Int?
    }

    package var file: String
    package var name: String
    package var failure: Failure?

    package var json: String {
        var fields = [
            "\"file\":\(ConfigDump.quoted(file))", "\"test\":\(ConfigDump.quoted(name))",
            "\"ok\":\(failure == nil)",
        ]
        if let failure {
            if let line = failure.line { fields.append("\"line\":\(line)") }
            fields.append("\"message\":\(ConfigDump.quoted(failure.message))")
        }
        return "{\(fields.joined(separator: ","))}"
    }
}

package enum FunctionTests {
    package struct File: Sendable {
        package var path: String
        /// The functions folder that it belongs to: where `require` looks.
        var folder: String
        /// Of the function, as an attachment spells it.
        var function: String
    }

    package enum Failure: Error {
        case missing(String)
        case notATest(String)
    }

    static let ending = ".test.lua"

    /// The test files that a file or folder stands for, in the order of their names.
    package static func files(of path: String) throws(Failure) -> [File] {
        let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        switch ConfigReader.presence(of: path) {
        case .missing, .unreadable: throw .missing(path)
        case .file:
            guard path.hasSuffix(ending) else { throw .notATest(path) }
            return [file(path, in: folder(around: path))]
        case .folder:
            return tests(in: path, depth: 0).map { file($0, in: path) }
        }
    }

    private static func tests(in folder: String, depth: Int) -> [String] {
        guard depth < Limits.functionTestDepthMax else { return [] }
        let here = ConfigReader.files(matching: "\(folder)/*\(ending)")
        let folders = ConfigReader.files(matching: "\(folder)/*").filter {
            ConfigReader.presence(of: $0) == .folder
        }
        return here + folders.flatMap { tests(in: $0, depth: depth + 1) }
    }

    private static func file(_ path: String, in folder: String) -> File {
        let inside = folder == "." && !path.hasPrefix("./") ? path : path.dropPrefix("\(folder)/")
        return File(path: path, folder: folder, function: String(inside.dropLast(ending.count)))
    }

    /// A file that is named alone belongs to the folder called `functions` above it, or to its own.
    private static func folder(around path: String) -> String {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        guard !parts.isEmpty else { return "." }
        let end = parts.lastIndex(of: "functions") ?? parts.index(before: parts.endIndex)
        return parts[...end].joined(separator: "/")
    }

    /// Every test of one file; a file that cannot be run counts as one that failed.
    package static func run(_ file: File) -> [FunctionTestResult] {
        let bytes: [UInt8]
        switch ConfigReader.read(file.path, bytesMax: Limits.functionFileBytesMax) {
        case .success(let content): bytes = content
        case .failure(let error):
            return [result(file, "can be read", .init(message: error.message))]
        }
        guard let running = FunctionTestFile(file) else {
            return [result(file, "has room", .init(message: "no memory for a Lua machine"))]
        }
        if let failure = running.load(bytes) { return [result(file, "loads", failure)] }
        guard !running.names.isEmpty else {
            let message = "it has no tests: write test(\"what it does\", function() … end)"
            return [result(file, "has tests", .init(message: message))]
        }
        return running.names.indices.map { index in
            result(file, running.names[index], running.run(index))
        }
    }

    private static func result(
        _ file: File,
        _ name: String,
        _ failure: FunctionTestResult.Failure?
    ) -> FunctionTestResult {
        FunctionTestResult(file: file.path, name: name, failure: failure)
    }
}

extension String {
    fileprivate func dropPrefix(_ prefix: String) -> String {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : self
    }
}
