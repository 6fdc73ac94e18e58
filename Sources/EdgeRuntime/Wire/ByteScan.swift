// What the grammar of RFC 9110 §5.6.2 and RFC 9112 says about single bytes, and the search for the next byte that
// ends something: heads are walked eight bytes at a time from one control byte to the next, so line ends, stray CRs,
// NULs and every other byte that must not be there are found by the same pass.

extension UInt8 {
    static let tab: UInt8 = 0x09
    static let lf: UInt8 = 0x0A
    static let cr: UInt8 = 0x0D
    static let space: UInt8 = 0x20
    static let comma: UInt8 = 0x2C
    static let colon: UInt8 = 0x3A
    static let semicolon: UInt8 = 0x3B
    static let quote: UInt8 = 0x22
    static let backslash: UInt8 = 0x5C

    /// tchar (RFC 9110 §5.6.2): two words of 64 bits, one bit for each ASCII byte.
    @inline(__always)
    var isTokenByte: Bool {
        // !#$%&'*+-. and digits; then letters ^_`|~
        let low: UInt64 = 0x03FF_6CFA_0000_0000
        let high: UInt64 = 0x57FF_FFFF_C7FF_FFFE
        let word = self & 0x40 == 0 ? low : high
        return self < 0x80 && word &>> UInt64(self & 0x3F) & 1 == 1
    }

    @inline(__always)
    var isBlank: Bool { self == .space || self == .tab }

    /// The value of a hexadecimal digit.
    @inline(__always)
    var hexDigit: UInt8? {
        let digit = self &- 0x30
        if digit < 10 { return digit }
        let letter = (self | 0x20) &- 0x61
        return letter < 6 ? letter &+ 10 : nil
    }
}

extension Span<UInt8> {
    /// The first control byte (0x00–0x1F or 0x7F, HTAB included) at or after `start` and before `end`.
    ///
    /// `x - 0x20` borrows into bit 7 of each byte below 0x20, and `x ^ 0x7F - 1` into that of 0x7F. A borrow can only
    /// spoil bytes above the one that caused it, so the lowest mark is always true.
    @inline(__always)
    func firstControl(from start: Int, to end: Int) -> Int? {
        precondition(start >= 0 && end <= count, "outside of the span")
        let raw = bytes
        var at = start
        while at &+ 8 <= end {
            let word = UInt64(
                littleEndian: raw.unsafeLoadUnaligned(fromUncheckedByteOffset: at, as: UInt64.self)
            )
            let flipped = word ^ 0x7F7F_7F7F_7F7F_7F7F
            let marks =
                ((word &- 0x2020_2020_2020_2020) & ~word
                    | (flipped &- 0x0101_0101_0101_0101) & ~flipped)
                & 0x8080_8080_8080_8080
            if marks != 0 { return at &+ marks.trailingZeroBitCount &>> 3 }
            at &+= 8
        }
        while at < end {
            let byte = self[unchecked: at]
            if byte < 0x20 || byte == 0x7F { return at }
            at &+= 1
        }
        return nil
    }

    /// The range without blanks at its ends.
    @inline(__always)
    func trimmed(_ start: Int, _ end: Int) -> Range<Int> {
        var first = start
        var last = end
        while first < last, self[first].isBlank { first &+= 1 }
        while last > first, self[last &- 1].isBlank { last &-= 1 }
        return first..<last
    }

    var isToken: Bool {
        for index in indices where !self[unchecked: index].isTokenByte { return false }
        return count > 0
    }
}
