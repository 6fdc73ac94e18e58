// An internet address as a value: what access rules, limits per address and forwarding fields compare and print.
//
// Both families share one 128-bit form: IPv4 lies in `::ffff:0:0/96`, as the kernel itself presents it on a
// dual-stack socket, so one client is one value whichever socket it came through. It prints as it was meant:
// dotted for IPv4, RFC 5952 for IPv6.

struct IPAddress: Hashable, Sendable {
    let high: UInt64
    let low: UInt64

    /// Room for the longest text, an IPv6 address of eight full groups.
    static let textBytesMax = 39

    static let anyIPv4 = Self(ipv4: 0)
    static let anyIPv6 = Self(high: 0, low: 0)
    static let loopbackIPv4 = Self(ipv4: 0x7f00_0001)
    static let loopbackIPv6 = Self(high: 0, low: 1)

    private static let mappedPrefix: UInt64 = 0xffff_0000_0000

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The address as a number in host order: 127.0.0.1 is `0x7f00_0001`.
    init(ipv4 number: UInt32) {
        self.init(high: 0, low: Self.mappedPrefix | UInt64(number))
    }

    var isIPv4: Bool { high == 0 && low >> 32 == 0xffff }
    /// Only meaningful where `isIPv4`.
    var ipv4: UInt32 { UInt32(truncatingIfNeeded: low) }
    var isAny: Bool { self == .anyIPv4 || self == .anyIPv6 }

    var isLoopback: Bool { isIPv4 ? ipv4 >> 24 == 127 : self == .loopbackIPv6 }

    /// Not reachable from the public internet: what a fetch must not be tricked into asking.
    /// RFC 6890 and its registry: this host, private, shared, link-local, unique-local, documentation, multicast.
    var isPrivate: Bool {
        if let inner = embeddedIPv4, inner.isPrivate { return true }
        return Self.privatePrefixes.contains { $0.contains(self) }
    }

    /// What a translator on the way would make of it: NAT64's well-known prefix (RFC 6052) and 6to4 (RFC 3056).
    private var embeddedIPv4: Self? {
        if high == 0x0064_ff9b_0000_0000, low >> 32 == 0 { return Self(ipv4: ipv4) }
        guard high >> 48 == 0x2002 else { return nil }
        return Self(ipv4: UInt32(truncatingIfNeeded: high >> 16))
    }

    private static let privatePrefixes: [AddressPrefix] = [
        AddressPrefix(.init(ipv4: 0), length: 96 + 8),
        AddressPrefix(.init(ipv4: 0x0a00_0000), length: 96 + 8),
        AddressPrefix(.init(ipv4: 0x6440_0000), length: 96 + 10),
        AddressPrefix(.init(ipv4: 0x7f00_0000), length: 96 + 8),
        AddressPrefix(.init(ipv4: 0xa9fe_0000), length: 96 + 16),
        AddressPrefix(.init(ipv4: 0xac10_0000), length: 96 + 12),
        AddressPrefix(.init(ipv4: 0xc000_0000), length: 96 + 24),
        AddressPrefix(.init(ipv4: 0xc000_0200), length: 96 + 24),
        AddressPrefix(.init(ipv4: 0xc0a8_0000), length: 96 + 16),
        AddressPrefix(.init(ipv4: 0xc612_0000), length: 96 + 15),
        AddressPrefix(.init(ipv4: 0xc633_6400), length: 96 + 24),
        AddressPrefix(.init(ipv4: 0xcb00_7100), length: 96 + 24),
        AddressPrefix(.init(ipv4: 0xe000_0000), length: 96 + 3),
        // With IPv4 addresses as they were once embedded (RFC 4291 §2.5.5.1).
        AddressPrefix(.anyIPv6, length: 96),
        AddressPrefix(.init(high: 0x0064_ff9b_0001_0000, low: 0), length: 48),
        AddressPrefix(.init(high: 0x0100_0000_0000_0000, low: 0), length: 64),
        AddressPrefix(.init(high: 0x2001_0db8_0000_0000, low: 0), length: 32),
        AddressPrefix(.init(high: 0xfc00_0000_0000_0000, low: 0), length: 7),
        AddressPrefix(.init(high: 0xfe80_0000_0000_0000, low: 0), length: 10),
        AddressPrefix(.init(high: 0xfec0_0000_0000_0000, low: 0), length: 10),
        AddressPrefix(.init(high: 0xff00_0000_0000_0000, low: 0), length: 8),
    ]
}

// MARK: Reading

extension IPAddress {
    /// Reads `192.0.2.1`, `2001:db8::1` or `::ffff:192.0.2.1`, without brackets, port or zone.
    init?(_ text: Span<UInt8>) {
        if let number = Self.dotted(text) {
            self.init(ipv4: number)
            return
        }
        guard let address = Self.colonised(text) else { return nil }
        self = address
    }

    init?(_ text: String) {
        self.init(text.utf8.span)
    }

    /// Four decimal numbers without leading zeros: `010` is octal to some readers, so it is refused.
    private static func dotted(_ text: Span<UInt8>) -> UInt32? {
        guard text.count >= 7, text.count <= 15 else { return nil }
        var number: UInt32 = 0
        var part: UInt32 = 0
        var digits = 0
        var dots = 0
        for index in text.indices {
            let byte = text[index]
            if byte == UInt8(ascii: ".") {
                guard digits > 0, dots < 3 else { return nil }
                number = number << 8 | part
                part = 0
                digits = 0
                dots += 1
                continue
            }
            guard byte.isDigit, digits == 0 || part > 0 else { return nil }
            part = part * 10 + UInt32(byte - 0x30)
            digits += 1
            guard part <= 255 else { return nil }
        }
        guard dots == 3, digits > 0 else { return nil }
        return number << 8 | part
    }

    private static func colonised(_ text: Span<UInt8>) -> Self? {
        guard text.count >= 2, text.count <= 45 else { return nil }
        var groups = InlineArray<8, UInt16>(repeating: 0)
        var count = 0
        var gap: Int?
        var index = 0
        if text[0] == 0x3a {
            guard text[1] == 0x3a else { return nil }
            gap = 0
            index = 2
        }
        while index < text.count {
            guard count < 8 else { return nil }
            var end = index
            while end < text.count, text[end] != 0x3a { end += 1 }
            let part = text.extracting(index..<end)
            if end == text.count, let number = dotted(part) {
                guard count <= 6 else { return nil }
                groups[count] = UInt16(truncatingIfNeeded: number >> 16)
                groups[count + 1] = UInt16(truncatingIfNeeded: number)
                count += 2
                break
            }
            guard let group = hexadecimal(part) else { return nil }
            groups[count] = group
            count += 1
            guard end < text.count else { break }
            index = end + 1
            guard index < text.count else { return nil }
            if text[index] == 0x3a {
                guard gap == nil else { return nil }
                gap = count
                index += 1
            }
        }
        guard gap == nil ? count == 8 : count < 8 else { return nil }
        return Self(groups: groups, count: count, gap: gap ?? count)
    }

    private static func hexadecimal(_ text: Span<UInt8>) -> UInt16? {
        guard text.count >= 1, text.count <= 4 else { return nil }
        var value: UInt16 = 0
        for index in text.indices {
            let byte = text[index].lowercased
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x61...0x66: digit = byte - 0x61 + 10
            default: return nil
            }
            value = value << 4 | UInt16(digit)
        }
        return value
    }

    /// `count` groups were written, the missing ones lie at `gap`.
    private init(groups: InlineArray<8, UInt16>, count: Int, gap: Int) {
        var all = InlineArray<8, UInt16>(repeating: 0)
        for index in 0..<gap { all[index] = groups[index] }
        let shift = 8 - count
        for index in gap..<count { all[index + shift] = groups[index] }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for index in 0..<4 {
            high = high << 16 | UInt64(all[index])
            low = low << 16 | UInt64(all[index + 4])
        }
        self.init(high: high, low: low)
    }
}

// MARK: Writing

extension IPAddress: CustomStringConvertible {
    /// Hands out the text byte by byte, so that it can go anywhere without a copy on the heap.
    func write(into put: (UInt8) -> Void) {
        isIPv4 ? writeDotted(into: put) : writeColonised(into: put)
    }

    func append(to arena: Arena) -> Slice {
        let mark = arena.used
        write { arena.append(byte: $0) }
        return arena.slice(since: mark)
    }

    var description: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.textBytesMax)
        write { bytes.append($0) }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func writeDotted(into put: (UInt8) -> Void) {
        for index in UInt32(0)..<4 {
            if index > 0 { put(0x2e) }
            let byte = UInt8(truncatingIfNeeded: ipv4 &>> (24 &- 8 &* index))
            if byte >= 100 { put(0x30 &+ byte / 100) }
            if byte >= 10 { put(0x30 &+ byte / 10 % 10) }
            put(0x30 &+ byte % 10)
        }
    }

    private func group(_ index: Int) -> UInt16 {
        let half = index < 4 ? high : low
        return UInt16(truncatingIfNeeded: half >> UInt64(48 - 16 * (index & 3)))
    }

    /// RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups becomes `::`.
    private func writeColonised(into put: (UInt8) -> Void) {
        var gap = 0..<0
        var index = 0
        while index < 8 {
            var end = index
            while end < 8, group(end) == 0 { end += 1 }
            if end - index > max(1, gap.count) { gap = index..<end }
            index = max(end, index + 1)
        }
        index = 0
        while index < 8 {
            if !gap.isEmpty, index == gap.lowerBound {
                put(0x3a)
                put(0x3a)
                index = gap.upperBound
                continue
            }
            if index > 0, index != gap.upperBound || gap.isEmpty { put(0x3a) }
            writeHexadecimal(group(index), into: put)
            index += 1
        }
    }

    private func writeHexadecimal(_ value: UInt16, into put: (UInt8) -> Void) {
        var isLeading = true
        for shift in stride(from: 12, through: 0, by: -4) {
            let digit = UInt8(truncatingIfNeeded: value >> UInt16(shift) & 0xf)
            if isLeading, digit == 0, shift > 0 { continue }
            isLeading = false
            put(digit < 10 ? 0x30 + digit : 0x61 + digit - 10)
        }
    }
}

func writeDecimal(_ value: UInt16, into put: (UInt8) -> Void) {
    let digits = DecimalDigits(Int64(value))
    for index in digits.span.indices { put(digits.span[index]) }
}

/// Addresses that begin alike: `10.0.0.0/8`, `2001:db8::/32`, or one address.
struct AddressPrefix: Hashable, Sendable {
    let address: IPAddress
    /// Bits of the 128-bit form: an IPv4 prefix is 96 longer than it is written.
    let length: UInt8
    private let highMask: UInt64
    private let lowMask: UInt64

    init(_ address: IPAddress, length: Int = 128) {
        precondition(length >= 0 && length <= 128, "no such prefix")
        highMask = length >= 64 ? .max : length == 0 ? 0 : .max << UInt64(64 - length)
        lowMask = length <= 64 ? 0 : .max << UInt64(128 - length)
        self.length = UInt8(length)
        self.address = IPAddress(high: address.high & highMask, low: address.low & lowMask)
    }

    init?(_ text: Span<UInt8>) {
        guard let slash = text.firstIndex(of: UInt8(ascii: "/")) else {
            guard let address = IPAddress(text) else { return nil }
            self.init(address)
            return
        }
        guard let address = IPAddress(text.extracting(first: slash)),
            let length = text.extracting(droppingFirst: slash + 1).decimal
        else { return nil }
        guard length <= (address.isIPv4 ? 32 : 128) else { return nil }
        self.init(address, length: Int(length) + (address.isIPv4 ? 96 : 0))
    }

    init?(_ text: String) {
        self.init(text.utf8.span)
    }

    /// `::/0` is every IPv6 address and no IPv4 one, although the shared form would let it be both.
    @inline(__always)
    func contains(_ other: IPAddress) -> Bool {
        other.high & highMask == address.high && other.low & lowMask == address.low
            && (length >= 96 || !other.isIPv4)
    }
}

extension AddressPrefix: CustomStringConvertible {
    var description: String {
        "\(address)/\(address.isIPv4 && length >= 96 ? length - 96 : length)"
    }
}
