// A Swift file as words with their line and brace depth, without comments and string literals. Not a parser: enough
// to see which types a file declares and which names it uses. Code inside an interpolation counts as code.

struct SwiftSource {
    struct Word {
        var text: String
        var line: Int
        /// Braces open around the word; 0 is the top level of the file.
        var depth: Int
        /// `.name` belongs to something else: a member, a nested type, an enum case.
        var isMember: Bool
    }

    struct Declaration {
        var name: String
        var isTopLevel: Bool
        /// `private` and `fileprivate` types at the top level cannot be named elsewhere.
        var isLocal: Bool
    }

    let path: String
    let words: [Word]

    init(path: String, bytes: [UInt8]) {
        self.path = path
        var scanner = Scanner(bytes: bytes)
        scanner.scanCode(untilParenthesis: false)
        words = scanner.words
    }

    init(path: String) {
        self.init(path: path, bytes: Repository.bytes(of: path))
    }

    var declarations: [Declaration] {
        let keywords: Set = ["struct", "class", "enum", "actor", "protocol", "typealias"]
        let notNames: Set = ["func", "var", "let", "subscript", "init", "final", "override"]
        return words.indices.dropLast().compactMap { index in
            let keyword = words[index]
            let name = words[index + 1]
            guard keywords.contains(keyword.text), !keyword.isMember, !name.isMember,
                !notNames.contains(name.text)
            else { return nil }
            let before = words[max(0, index - 3)..<index].filter { $0.line == keyword.line }
            return Declaration(
                name: name.text,
                isTopLevel: keyword.depth == 0,
                isLocal: before.contains { $0.text == "private" || $0.text == "fileprivate" }
            )
        }
    }
}

private struct Scanner {
    let bytes: [UInt8]
    var words: [SwiftSource.Word] = []
    private var at = 0
    private var line = 1
    private var depth = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// Code up to the end, or inside an interpolation up to the parenthesis that closes it.
    mutating func scanCode(untilParenthesis: Bool) {
        var open = 0
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "/"): skipLineComment()
            case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "*"): skipBlockComment()
            case UInt8(ascii: "\""): skipString(hashes: 0)
            case UInt8(ascii: "#"): scanHashes()
            case UInt8(ascii: "{"):
                depth += 1
                advance()
            case UInt8(ascii: "}"):
                depth -= 1
                advance()
            case UInt8(ascii: "("):
                open += 1
                advance()
            case UInt8(ascii: ")"):
                advance()
                if untilParenthesis, open == 0 { return }
                open -= 1
            default:
                if isWord(byte) { scanWord() } else { advance() }
            }
        }
    }

    private mutating func scanWord() {
        let start = at
        while let byte = peek(), isWord(byte) { at += 1 }
        let isMember = start > 0 && bytes[start - 1] == UInt8(ascii: ".")
        // `0..<Limits.count`: the dots of a range do not make a member.
        let isRange = start > 1 && isMember && bytes[start - 2] == UInt8(ascii: ".")
        words.append(
            SwiftSource.Word(
                text: String(decoding: bytes[start..<at], as: UTF8.self),
                line: line,
                depth: depth,
                isMember: isMember && !isRange
            )
        )
    }

    /// `#"raw"#` is a string, `#if` and `#expect` are words.
    private mutating func scanHashes() {
        var count = 0
        while peek() == UInt8(ascii: "#") {
            count += 1
            at += 1
        }
        if peek() == UInt8(ascii: "\"") { skipString(hashes: count) }
    }

    private mutating func skipLineComment() {
        while let byte = peek(), byte != UInt8(ascii: "\n") { advance() }
    }

    private mutating func skipBlockComment() {
        var nested = 0
        while let byte = peek() {
            if byte == UInt8(ascii: "/"), peek(1) == UInt8(ascii: "*") {
                nested += 1
                at += 2
            } else if byte == UInt8(ascii: "*"), peek(1) == UInt8(ascii: "/") {
                nested -= 1
                at += 2
                if nested == 0 { return }
            } else {
                advance()
            }
        }
    }

    private mutating func skipString(hashes: Int) {
        let quotes = peek(1) == UInt8(ascii: "\"") && peek(2) == UInt8(ascii: "\"") ? 3 : 1
        at += quotes
        while let byte = peek() {
            if byte == UInt8(ascii: "\""), repeats(UInt8(ascii: "\""), quotes, from: at),
                repeats(UInt8(ascii: "#"), hashes, from: at + quotes)
            {
                at += quotes + hashes
                return
            }
            guard byte == UInt8(ascii: "\\"), repeats(UInt8(ascii: "#"), hashes, from: at + 1)
            else {
                advance()
                continue
            }
            at += 1 + hashes
            let isInterpolation = peek() == UInt8(ascii: "(")
            advance()
            if isInterpolation { scanCode(untilParenthesis: true) }
        }
    }

    private func repeats(_ byte: UInt8, _ count: Int, from start: Int) -> Bool {
        start + count <= bytes.count && bytes[start..<(start + count)].allSatisfy { $0 == byte }
    }

    private func peek(_ ahead: Int = 0) -> UInt8? {
        at + ahead < bytes.count ? bytes[at + ahead] : nil
    }

    private mutating func advance() {
        if peek() == UInt8(ascii: "\n") { line += 1 }
        at += 1
    }

    private func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
            true
        default: false
        }
    }
}
