import Testing

@testable import EdgeRuntime

enum Fixtures {
    static func path(_ name: String, file: StaticString = #filePath) -> String {
        let here = "\(file)".split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
        return here.joined(separator: "/") + "/Fixtures/\(name)"
    }

    static func text(_ name: String) throws -> String {
        let bytes = try ConfigReader.read(path(name), bytesMax: 1 << 20).get()
        return String(decoding: bytes, as: UTF8.self)
    }
}
