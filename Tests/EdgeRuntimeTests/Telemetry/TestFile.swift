// Whole files for tests that compare them, and a folder of their own for tests that make them.

import Glibc

enum TestFile {
    static func read(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            guard count > 0 else { break }
            bytes.append(contentsOf: buffer[..<count])
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func write(_ path: String, _ text: String) {
        guard let file = fopen(path, "w") else { return }
        defer { fclose(file) }
        _ = fwrite(Array(text.utf8), 1, text.utf8.count, file)
    }

    /// An empty folder that only this test uses.
    static func folder() -> String {
        var template = Array("/tmp/edged-test-XXXXXX".utf8.map { CChar(bitPattern: $0) })
        template.append(0)
        guard mkdtemp(&template) != nil else { fatalError("mkdtemp") }
        return String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) },
            as: UTF8.self
        )
    }
}
