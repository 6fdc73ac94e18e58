// A few names to test bytes against: header fields, cookies, query arguments.
//
// The lists that operators write are short, so a look-up compares with each name, after a mask of the lengths that
// occur has turned most candidates away. All bytes lie in one array: nothing is retained or allocated per test.

struct NameSet: Sendable {
    private let text: [UInt8]
    private let ends: [Int]
    /// Bit n is set if a name of n bytes is there; bit 63 stands for all longer ones.
    private let lengths: UInt64
    private let isCaseSensitive: Bool
    let names: [String]

    static let empty = Self([], isCaseSensitive: true)

    init(_ names: [String], isCaseSensitive: Bool) {
        var text: [UInt8] = []
        var ends: [Int] = []
        var lengths: UInt64 = 0
        for name in names {
            text += Array(name.utf8)
            ends.append(text.count)
            lengths |= 1 << UInt64(min(name.utf8.count, 63))
        }
        self.names = names
        self.text = text
        self.ends = ends
        self.lengths = lengths
        self.isCaseSensitive = isCaseSensitive
    }

    /// Header field names: case does not matter.
    static func fields(_ names: [String]) -> Self { Self(names, isCaseSensitive: false) }

    var isEmpty: Bool { ends.isEmpty }

    @inline(__always)
    func contains(_ name: Span<UInt8>) -> Bool {
        guard lengths >> UInt64(min(name.count, 63)) & 1 == 1 else { return false }
        return find(name)
    }

    private func find(_ name: Span<UInt8>) -> Bool {
        let text = text.span
        let ends = ends.span
        var start = 0
        for index in ends.indices {
            let end = ends[index]
            if end - start == name.count {
                let known = text.extracting(start..<end)
                let isFound = isCaseSensitive ? known.equals(name) : known.equalsIgnoringCase(name)
                if isFound { return true }
            }
            start = end
        }
        return false
    }
}
