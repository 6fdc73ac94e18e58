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

    /// An empty folder that only this test uses, gone with the process.
    static func folder() -> String { made(in: root) }

    private static let root: String = {
        let root = made(in: "/tmp")
        rootOfProcess = strdup(root)
        atexit {
            if let root = rootOfProcess { TemporaryFolder.remove(String(cString: root)) }
        }
        return root
    }()
    /// Written once, before the process can end: what runs at its end captures nothing.
    nonisolated(unsafe) private static var rootOfProcess: UnsafeMutablePointer<CChar>?

    private static func made(in folder: String) -> String {
        var template = Array("\(folder)/edged-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { fatalError("mkdtemp") }
        return template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }
}
