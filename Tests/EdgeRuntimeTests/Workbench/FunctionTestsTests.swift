import Testing

@testable import EdgeRuntime

@Suite struct FunctionTestsTests {
    private static func root(_ name: String) -> String { Fixtures.path("../../\(name)") }

    /// The fixture's names say what each of its tests has to come to.
    @Test func aTestSaysWhatTheFunctionDid() throws {
        let files = try FunctionTests.files(of: Fixtures.path("functions/behaves.test.lua"))
        let results = files.flatMap { FunctionTests.run($0) }
        #expect(results.count > 25)
        for result in results {
            guard result.name.hasPrefix("fails ") else {
                #expect(result.failure?.message == nil, "\(result.name)")
                continue
            }
            let parts = result.name.dropFirst(6).split(separator: ":", maxSplits: 1)
            let text = parts[1].drop { $0 == " " }
            #expect(result.failure?.line == Int(parts[0]), "\(result.name)")
            #expect(result.failure?.message.contains(text) == true, "\(result.name)")
        }
    }

    private static let shelf = ConfigReader.files(matching: root("functions/*.lua"))

    @Test(arguments: shelf.filter { $0.hasSuffix(".test.lua") }) func everyTestOfTheShelfPasses(
        _ path: String
    ) throws {
        for result in try FunctionTests.files(of: path).flatMap({ FunctionTests.run($0) }) {
            #expect(result.failure?.message == nil, "\(path): \(result.name)")
        }
    }

    @Test func everyFunctionOfTheShelfHasATestAndAHeader() throws {
        let functions = Self.shelf.filter { !$0.hasSuffix(".test.lua") }
        #expect(functions.count >= 23)
        let page = String(
            decoding: try ConfigReader.read(Self.root("docs/functions.md"), bytesMax: 1 << 20)
                .get(),
            as: UTF8.self
        )
        for path in functions {
            let name = String(path.split(separator: "/").last?.dropLast(4) ?? "")
            #expect(Self.shelf.contains("\(path.dropLast(4)).test.lua"), "\(name) has no test")
            let bytes = try ConfigReader.read(path, bytesMax: 1 << 20).get()
            #expect(String(decoding: bytes, as: UTF8.self).hasPrefix("-- \(name): "), "\(name)")
            #expect(page.contains("[\(name)](../functions/\(name).lua)"), "\(name) in the page")
        }
    }

    @Test func filesKnowTheirFolder() throws {
        let folder = Self.root("functions")
        let file = try #require(try FunctionTests.files(of: "\(folder)/cors.test.lua").first)
        #expect(file.folder == folder && file.function == "cors")
        let all = try FunctionTests.files(of: "\(folder)/")
        #expect(all.contains { $0.function == "cors" && $0.folder == folder })
    }

    @Test func whatIsNoTestIsRefused() {
        #expect(throws: FunctionTests.Failure.self) { try FunctionTests.files(of: "/nowhere") }
        #expect(throws: FunctionTests.Failure.self) {
            try FunctionTests.files(of: Self.root("functions/cors.lua"))
        }
    }
}
