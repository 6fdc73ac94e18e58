// Which bytes are well-formed UTF-8 (Unicode table 3-7): asked by what writes logs and by what reads and writes JSON.

enum UTF8Sequence {
    /// The length of the sequence that begins at `at`, or 0 if none does.
    static func length(in bytes: Span<UInt8>, at start: Int) -> Int {
        let first = bytes[start]
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xbf
        switch first {
        case 0x00...0x7f: return 1
        case 0xc2...0xdf: length = 2
        case 0xe0:
            length = 3
            second = 0xa0...0xbf
        case 0xed:
            length = 3
            second = 0x80...0x9f
        case 0xe1...0xef: length = 3
        case 0xf0:
            length = 4
            second = 0x90...0xbf
        case 0xf1...0xf3: length = 4
        case 0xf4:
            length = 4
            second = 0x80...0x8f
        default: return 0
        }
        guard start + length <= bytes.count, second.contains(bytes[start + 1]) else { return 0 }
        for index in 2..<max(2, length) where bytes[start + index] & 0xc0 != 0x80 { return 0 }
        return length
    }
}
