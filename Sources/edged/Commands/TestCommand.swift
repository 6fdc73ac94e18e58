// `edged test`: runs the tests of functions.

import EdgeRuntime

enum TestCommand {
    static let row = Command(
        name: "test",
        usage: "FOLDER|FILE… [--json]",
        sentence: "Run the tests that lie beside functions: NAME.test.lua.",
        example: "edged test functions/",
        flags: [CommandTable.json],
        words: 1...10_000,
        run: { run($0) }
    )

    static func run(_ arguments: Arguments) -> ExitCode {
        var files: [FunctionTests.File] = []
        for path in arguments.words {
            do throws(FunctionTests.Failure) {
                let found = try FunctionTests.files(of: path)
                guard !found.isEmpty else {
                    Terminal.error("edged test: there is no NAME.test.lua in \(path)")
                    return .usage
                }
                files += found
            } catch {
                Terminal.error("edged test: \(words(for: error))")
                return .usage
            }
        }
        return run(files, asJSON: arguments.has("json"))
    }

    private static func words(for failure: FunctionTests.Failure) -> String {
        switch failure {
        case .missing(let path): "there is no \(path), or it cannot be read"
        case .notATest(let path): "\(path) is no test: its name does not end in .test.lua"
        }
    }

    private static func run(_ files: [FunctionTests.File], asJSON: Bool) -> ExitCode {
        var passed = 0
        var failed = 0
        for file in files {
            let results = FunctionTests.run(file)
            let failures = results.filter { $0.failure != nil }
            passed += results.count - failures.count
            failed += failures.count
            if asJSON {
                for result in results { Terminal.print(result.json) }
            } else if failures.isEmpty {
                let count = results.count == 1 ? "1 test" : "\(results.count) tests"
                Terminal.print("ok      \(file.path) (\(count))")
            } else {
                for result in failures { Terminal.print(described(result)) }
            }
        }
        if !asJSON {
            let count = files.count == 1 ? "1 file" : "\(files.count) files"
            Terminal.print("\(count): \(passed) tests passed, \(failed) failed")
        }
        return failed == 0 ? .ok : .failed
    }

    private static func described(_ result: FunctionTestResult) -> String {
        var text = "FAILED  \(result.file): \(result.name)"
        guard let failure = result.failure else { return text }
        let place = failure.line.map { "\(result.file):\($0): " } ?? ""
        for line in "\(place)\(failure.message)".split(separator: "\n") {
            text += "\n        \(line)"
        }
        return text
    }
}
