// The name of one request: 128 bits that no other request has, without asking anybody.
//
// A loop draws two random words when it starts and counts from there. The count is mixed, so that neighbours look
// nothing alike and nobody reads traffic from ids; mixing is a bijection, so ids of one loop cannot repeat, and two
// loops share the first word with probability 2^-64.

struct RequestID: Equatable, Sendable {
    let high: UInt64
    let low: UInt64

    /// Base64url without padding: safe in a header, a URL, a file name and both log formats.
    static let textBytes = 22

    var text: InlineArray<22, UInt8> {
        var text = InlineArray<22, UInt8>(repeating: 0)
        // Ten digits of six bits from each word leave four bits of each for the last two digits.
        for index in 0..<10 {
            let shift = UInt64(58 &- 6 &* index)
            text[index] = Self.digit(high &>> shift)
            text[index &+ 10] = Self.digit(low &>> shift)
        }
        text[20] = Self.digit(high & 15)
        text[21] = Self.digit(low & 15)
        return text
    }

    func append(to arena: Arena) -> Slice {
        let text = text
        return arena.append(text.span)
    }

    private static var alphabet: StaticString {
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    }

    @inline(__always)
    private static func digit(_ value: UInt64) -> UInt8 {
        alphabet.utf8Start[Int(truncatingIfNeeded: value & 63)]
    }
}

/// One loop's source of ids.
struct RequestIDSource {
    private let prefix: UInt64
    private var count: UInt64

    init(random: inout Random) {
        prefix = random.next()
        count = random.next()
    }

    @inline(__always)
    mutating func next() -> RequestID {
        count &+= 1
        let low = Self.mix(count)
        return RequestID(high: prefix ^ Self.mix(~low), low: low)
    }

    /// MurmurHash3's finaliser: every step can be undone.
    @inline(__always)
    private static func mix(_ value: UInt64) -> UInt64 {
        var value = value
        value = (value ^ (value &>> 33)) &* 0xff51_afd7_ed55_8ccd
        value = (value ^ (value &>> 33)) &* 0xc4ce_b9fe_1a85_ec53
        return value ^ (value &>> 33)
    }
}
