// JSON (RFC 8259), written value by value into a buffer of the caller's choice of size. Commas and colons come by
// themselves. What JSON cannot say is refused and not replaced: NaN, infinities, strings that are not UTF-8.
//
// Escaped are quote, backslash and control bytes, and nothing else: everything that is printable stays readable.

struct JSONWriter {
    enum Failure: UInt8, Error {
        case notFinite
        case notUTF8
        case tooDeep
        case tooLong

        var word: StaticString {
            switch self {
            case .notFinite: "not-finite"
            case .notUTF8: "not-utf-8"
            case .tooDeep: "too-deep"
            case .tooLong: "too-long"
            }
        }
    }

    private(set) var bytes: [UInt8] = []
    private(set) var depth = 0
    private let depthMax: Int
    private let bytesMax: Int
    /// Whether a comma is owed before the next name or value.
    private var owesComma = false

    init(depthMax: Int = Limits.jsonDepthMax, bytesMax: Int = Limits.jsonBytesMax) {
        self.depthMax = depthMax
        self.bytesMax = bytesMax
    }

    mutating func beginTable() throws(Failure) { try begin(UInt8(ascii: "{")) }
    mutating func endTable() throws(Failure) { try end(UInt8(ascii: "}")) }
    mutating func beginList() throws(Failure) { try begin(UInt8(ascii: "[")) }
    mutating func endList() throws(Failure) { try end(UInt8(ascii: "]")) }

    mutating func name(_ text: Span<UInt8>) throws(Failure) {
        try separate()
        try quote(text)
        bytes.append(UInt8(ascii: ":"))
        owesComma = false
        try checkRoom()
    }

    mutating func string(_ text: Span<UInt8>) throws(Failure) {
        try separate()
        try quote(text)
        try checkRoom()
    }

    mutating func integer(_ value: Int64) throws(Failure) {
        try separate()
        Decimal.append(value, to: &bytes)
        try checkRoom()
    }

    mutating func number(_ value: Double) throws(Failure) {
        guard value.isFinite else { throw .notFinite }
        try separate()
        Decimal.append(value, to: &bytes)
        try checkRoom()
    }

    mutating func boolean(_ value: Bool) throws(Failure) {
        try separate()
        bytes.append(
            contentsOf: value ? [0x74, 0x72, 0x75, 0x65] : [0x66, 0x61, 0x6c, 0x73, 0x65]
        )
        try checkRoom()
    }

    mutating func null() throws(Failure) {
        try separate()
        bytes.append(contentsOf: [0x6e, 0x75, 0x6c, 0x6c])
        try checkRoom()
    }

    // MARK: Parts

    private mutating func begin(_ bracket: UInt8) throws(Failure) {
        guard depth < depthMax else { throw .tooDeep }
        try separate()
        depth += 1
        bytes.append(bracket)
        owesComma = false
        try checkRoom()
    }

    private mutating func end(_ bracket: UInt8) throws(Failure) {
        precondition(depth > 0, "nothing to close")
        depth -= 1
        bytes.append(bracket)
        owesComma = true
        try checkRoom()
    }

    private mutating func separate() throws(Failure) {
        if owesComma { bytes.append(UInt8(ascii: ",")) }
        owesComma = true
    }

    private func checkRoom() throws(Failure) {
        guard bytes.count <= bytesMax else { throw .tooLong }
    }

    private mutating func quote(_ text: Span<UInt8>) throws(Failure) {
        // Before the copy, so that a huge string is not copied first.
        guard text.count <= bytesMax - min(bytes.count, bytesMax) else { throw .tooLong }
        bytes.append(UInt8(ascii: "\""))
        var at = 0
        while at < text.count {
            var run = at
            while run < text.count, Self.isPlain(text[unchecked: run]) { run &+= 1 }
            text.extracting(at..<run).withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
            at = run
            guard at < text.count else { break }
            let byte = text[at]
            guard byte >= 0x80 else {
                escape(byte)
                at += 1
                continue
            }
            let length = UTF8Sequence.length(in: text, at: at)
            guard length > 0 else { throw .notUTF8 }
            for index in at..<(at + length) { bytes.append(text[index]) }
            at += length
        }
        bytes.append(UInt8(ascii: "\""))
    }

    @inline(__always)
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x7f && byte != 0x22 && byte != 0x5c
    }

    private mutating func escape(_ byte: UInt8) {
        bytes.append(0x5c)
        switch byte {
        case 0x22, 0x5c: bytes.append(byte)
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0a: bytes.append(UInt8(ascii: "n"))
        case 0x0c: bytes.append(UInt8(ascii: "f"))
        case 0x0d: bytes.append(UInt8(ascii: "r"))
        default:
            let digits = ("0123456789abcdef" as StaticString).utf8Start
            bytes.append(contentsOf: [0x75, 0x30, 0x30])
            bytes.append(digits[Int(byte >> 4)])
            bytes.append(digits[Int(byte & 15)])
        }
    }
}
