// Bytes as text: base 64 in both alphabets (RFC 4648 §4 and §5), and hexadecimal (§8).
//
// Decoding is strict, so that one text means one thing: no line breaks, no blanks, no alphabets mixed, no bits set
// that stand for nothing. Of two texts that decode to the same bytes one would be a forgery of the other.

struct TextCodeError: Error, Equatable {
    enum Reason: UInt8 {
        /// A byte outside of the alphabet.
        case badByte
        /// A length that no encoding has.
        case badLength
        /// Padding that is missing, not wanted, or too much.
        case badPadding
        /// The last digit has bits that belong to no byte.
        case trailingBits

        var word: StaticString {
            switch self {
            case .badByte: "bad-byte"
            case .badLength: "bad-length"
            case .badPadding: "bad-padding"
            case .trailingBits: "trailing-bits"
            }
        }
    }

    var reason: Reason
    /// In the text, from 0.
    var offset: Int
}

enum Base64 {
    enum Alphabet: Sendable {
        /// `+` and `/`
        case standard
        /// `-` and `_`
        case urlSafe

        fileprivate var digits: StaticString {
            switch self {
            case .standard: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
            case .urlSafe: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
            }
        }

        /// 64 and more: not a digit.
        @inline(__always)
        fileprivate func value(of byte: UInt8) -> UInt8 {
            switch byte {
            case 0x41...0x5a: byte &- 0x41
            case 0x61...0x7a: byte &- 0x61 &+ 26
            case 0x30...0x39: byte &- 0x30 &+ 52
            case 0x2b: self == .standard ? 62 : 0xff
            case 0x2f: self == .standard ? 63 : 0xff
            case 0x2d: self == .urlSafe ? 62 : 0xff
            case 0x5f: self == .urlSafe ? 63 : 0xff
            default: 0xff
            }
        }
    }

    enum Padding: Sendable {
        case required
        case forbidden
        /// All of it or none.
        case optional
    }

    static func encodedCount(_ count: Int, padded: Bool) -> Int {
        padded ? (count + 2) / 3 * 4 : (count * 4 + 2) / 3
    }

    static func encode(
        _ bytes: Span<UInt8>,
        _ alphabet: Alphabet,
        padded: Bool,
        into out: inout [UInt8]
    ) {
        out.reserveCapacity(out.count + encodedCount(bytes.count, padded: padded))
        let digits = alphabet.digits.utf8Start
        var at = 0
        while at < bytes.count {
            let taken = min(3, bytes.count - at)
            var group = UInt32(bytes[at]) << 16
            if taken > 1 { group |= UInt32(bytes[at + 1]) << 8 }
            if taken > 2 { group |= UInt32(bytes[at + 2]) }
            for place in 0...taken {
                out.append(digits[Int(group >> UInt32(18 - 6 * place) & 63)])
            }
            if padded, taken < 3 { out.append(contentsOf: repeatElement(0x3d, count: 3 - taken)) }
            at += 3
        }
    }

    static func encode(_ bytes: Span<UInt8>, _ alphabet: Alphabet, padded: Bool) -> [UInt8] {
        var out: [UInt8] = []
        encode(bytes, alphabet, padded: padded, into: &out)
        return out
    }

    static func decode(
        _ text: Span<UInt8>,
        _ alphabet: Alphabet,
        _ padding: Padding
    ) throws(TextCodeError) -> [UInt8] {
        let count = try digitCount(text, padding)
        var out: [UInt8] = []
        out.reserveCapacity(count * 3 / 4)
        var group: UInt32 = 0
        for at in 0..<count {
            let value = alphabet.value(of: text[at])
            guard value < 64 else { throw TextCodeError(reason: .badByte, offset: at) }
            group = group << 6 | UInt32(value)
            guard at & 3 == 3 else { continue }
            out.append(UInt8(truncatingIfNeeded: group >> 16))
            out.append(UInt8(truncatingIfNeeded: group >> 8))
            out.append(UInt8(truncatingIfNeeded: group))
        }
        // Two digits hold a byte and four bits, three hold two bytes and two bits.
        switch count & 3 {
        case 2:
            guard group & 0xf == 0 else {
                throw TextCodeError(reason: .trailingBits, offset: count - 1)
            }
            out.append(UInt8(truncatingIfNeeded: group >> 4))
        case 3:
            guard group & 0x3 == 0 else {
                throw TextCodeError(reason: .trailingBits, offset: count - 1)
            }
            out.append(UInt8(truncatingIfNeeded: group >> 10))
            out.append(UInt8(truncatingIfNeeded: group >> 2))
        default: break
        }
        return out
    }

    /// How many digits stand before the padding, which is as it should be.
    private static func digitCount(
        _ text: Span<UInt8>,
        _ padding: Padding
    ) throws(TextCodeError) -> Int {
        var count = text.count
        while count > 0, text.count - count < 2, text[count - 1] == 0x3d { count -= 1 }
        let found = text.count - count
        guard count & 3 != 1 else { throw TextCodeError(reason: .badLength, offset: count) }
        let wanted = (4 - count & 3) & 3
        let isRight =
            switch padding {
            case .required: found == wanted
            case .forbidden: found == 0
            case .optional: found == wanted || found == 0
            }
        guard isRight else { throw TextCodeError(reason: .badPadding, offset: count) }
        return count
    }
}

enum Hexadecimal {
    /// In small letters.
    static func encode(_ bytes: Span<UInt8>, into out: inout [UInt8]) {
        out.reserveCapacity(out.count + 2 * bytes.count)
        let digits = ("0123456789abcdef" as StaticString).utf8Start
        for index in bytes.indices {
            out.append(digits[Int(bytes[index] >> 4)])
            out.append(digits[Int(bytes[index] & 15)])
        }
    }

    static func encode(_ bytes: Span<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        encode(bytes, into: &out)
        return out
    }

    /// Letters of either case.
    static func decode(_ text: Span<UInt8>) throws(TextCodeError) -> [UInt8] {
        guard text.count & 1 == 0 else {
            throw TextCodeError(reason: .badLength, offset: text.count)
        }
        var out: [UInt8] = []
        out.reserveCapacity(text.count / 2)
        for at in stride(from: 0, to: text.count, by: 2) {
            guard let high = text[at].hexDigit else {
                throw TextCodeError(reason: .badByte, offset: at)
            }
            guard let low = text[at + 1].hexDigit else {
                throw TextCodeError(reason: .badByte, offset: at + 1)
            }
            out.append(high << 4 | low)
        }
        return out
    }
}
