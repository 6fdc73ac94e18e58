// Replays what fuzzing found worth keeping, findings that were mended included. `scripts/fuzz` adds new inputs.

import Glibc
import Testing

@Suite struct CorpusTests {
    @Test(arguments: Format.allCases) func everyInputHoldsItsProperties(format: Format) {
        let inputs = Corpus.inputs(of: format.rawValue)
        #expect(!inputs.isEmpty, "the corpus was not found")
        for input in inputs {
            format.check(input)
            // Its neighbours cost little and are where parsers trip: cut short, one byte changed.
            for index in input.indices {
                format.check(Array(input.prefix(index)))
                var changed = input
                changed[index] ^= 1 << UInt8(index % 8)
                format.check(changed)
            }
        }
    }
}

enum Corpus {
    static func inputs(of format: String) -> [[UInt8]] {
        var folder = #filePath
        folder.removeLast("CorpusTests.swift".count)
        folder += "Corpus/\(format)"
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted().map { contents(of: "\(folder)/\($0)") }
    }

    private static func contents(of path: String) -> [UInt8] {
        guard let file = fopen(path, "rb") else { return [] }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        while case let byte = fgetc(file), byte != EOF { bytes.append(UInt8(byte)) }
        return bytes
    }
}
