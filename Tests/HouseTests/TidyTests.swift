// Facts about the files themselves: length, access levels, words that do not belong.

import Testing

@Suite struct TidyTests {
    /// A file past about 600 lines usually holds two concepts; the rest is grace for one that is being split.
    private static let lineCountMax = 650

    @Test func filesAreShort() {
        let files = Repository.files(under: "", endingIn: [".swift", ".c", ".h", ".lua", ".py"])
        report(
            files.compactMap { path in
                let lines = Repository.bytes(of: path).count { $0 == UInt8(ascii: "\n") }
                return lines > Self.lineCountMax ? "\(path): \(lines) lines" : nil
            }
        )
    }

    /// The runtime has one door, `package`; Foundation costs start-up time and memory.
    @Test func nothingIsPublicAndFoundationStaysOut() {
        let banned: Set = ["public", "open", "inlinable", "usableFromInline"]
        let sources = Repository.files(under: "Sources/", endingIn: [".swift"])
        #expect(sources.count > 5, "the sources were not found")
        for path in sources {
            let words = SwiftSource(path: path).words
            for (index, word) in words.enumerated() where !word.isMember {
                // A modifier stands on the line of what it modifies; an enum may have a case `open`.
                let isDeclared =
                    index + 1 < words.count && words[index + 1].line == word.line
                    && Self.declarators.contains(words[index + 1].text)
                if banned.contains(word.text), word.text.hasSuffix("nline") || isDeclared {
                    Issue.record("\(path):\(word.line): \(word.text)")
                }
                if word.text == "Foundation" || word.text == "FoundationEssentials" {
                    Issue.record("\(path):\(word.line): imports Foundation")
                }
            }
        }
    }

    /// `open(path)` is a system call; `open func` is an access level.
    private static let declarators: Set = [
        "func", "var", "let", "struct", "class", "enum", "protocol", "extension", "init",
        "subscript",
        "typealias", "final", "static", "actor", "import",
    ]

    /// Spelled in two halves, or this file would be the first to break its own rule.
    private static let unfinished = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]
    private static let foreign = ["cl" + "aude", "anth" + "ropic", "ll" + "m", "sub" + "agent"]
    private static let machinePaths = ["/wo" + "rk/", "/fa" + "rm/", "/tmp/" + "wt/"]

    @Test func unfinishedAndForeignWordsStayOut() {
        #expect(Repository.files.count > 20, "the files were not found")
        for path in Repository.files where !path.hasSuffix(".svg") {
            let bytes = Repository.bytes(of: path)
            if bytes.contains(0) { continue }
            report(Self.bannedWords(in: bytes).map { "\(path):\($0)" })
        }
    }

    @Test func wordsAreFoundWholeOnly() {
        #expect(
            Self.bannedWords(in: Array("a \(Self.unfinished[0])\nmkdtemp XXXXXX hackney".utf8))
                .count == 1
        )
        #expect(
            Self.bannedWords(in: Array("x\ny \(Self.foreign[2].uppercased()).".utf8)) == [
                "2: \(Self.foreign[2])"
            ]
        )
        #expect(
            Self.bannedWords(in: Array("in \(Self.machinePaths[0])x /workers/".utf8)).count == 1
        )
    }

    private static func bannedWords(in bytes: [UInt8]) -> [String] {
        var found: [String] = []
        for (index, line) in bytes.split(
            separator: UInt8(ascii: "\n"),
            omittingEmptySubsequences: false
        )
        .enumerated() {
            for word in wholeWords(of: line) {
                let text = String(decoding: word, as: UTF8.self)
                if unfinished.contains(text) { found.append("\(index + 1): \(text)") }
                if foreign.contains(text.lowercased()) {
                    found.append("\(index + 1): \(text.lowercased())")
                }
            }
            guard line.contains(UInt8(ascii: "/")) else { continue }
            let text = String(decoding: line, as: UTF8.self)
            found += machinePaths.filter(text.contains).map { "\(index + 1): \($0)" }
        }
        return found
    }

    /// Only words as long as a banned one, so that most of a file is never turned into strings.
    private static func wholeWords(of line: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        let lengths = Set((unfinished + foreign).map(\.utf8.count))
        return line.split { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                false
            default: true
            }
        }.filter { lengths.contains($0.count) }
    }
}
