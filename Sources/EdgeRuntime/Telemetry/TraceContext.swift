// W3C Trace Context: which trace a request belongs to, and who its parent is.
//
//   00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
//   version  trace id (16 bytes)        parent id (8)    flags
//
// The edge takes a valid `traceparent`, puts itself in between (`child`) and sends version 00 on. An invalid one is
// treated as none: a new trace begins and `tracestate` is dropped, as §2.3 asks.

struct TraceContext: Equatable, Sendable {
    var traceHigh: UInt64
    var traceLow: UInt64
    /// Who speaks: the sender's span in what came in, our own in what goes out.
    var span: UInt64
    var flags: UInt8

    static let textBytes = 55
    private static let sampledFlag: UInt8 = 1
    /// Flags that version 00 and level 2 know: sampled, and "the trace id is random".
    private static let knownFlags: UInt8 = 3
    private static let dash: UInt8 = 0x2d

    var isSampled: Bool {
        get { flags & Self.sampledFlag != 0 }
        set { flags = newValue ? flags | Self.sampledFlag : flags & ~Self.sampledFlag }
    }

    init(traceHigh: UInt64, traceLow: UInt64, span: UInt64, flags: UInt8) {
        self.traceHigh = traceHigh
        self.traceLow = traceLow
        self.span = span
        self.flags = flags
    }

    /// A new trace.
    init(random: inout Random, isSampled: Bool) {
        self.init(
            traceHigh: random.next(),
            // Zero is not an id.
            traceLow: random.next() | 1,
            span: random.next() | 1,
            flags: isSampled ? Self.knownFlags : Self.knownFlags & ~Self.sampledFlag
        )
    }

    /// Reads a `traceparent` value; nil for what the specification calls invalid.
    init?(_ text: Span<UInt8>) {
        guard text.count >= Self.textBytes, text[2] == Self.dash, text[35] == Self.dash,
            text[52] == Self.dash,
            let version = Self.hexadecimal(text.extracting(0..<2)), version != 0xff,
            let high = Self.hexadecimal(text.extracting(3..<19)),
            let low = Self.hexadecimal(text.extracting(19..<35)),
            let span = Self.hexadecimal(text.extracting(36..<52)),
            let flags = Self.hexadecimal(text.extracting(53..<55)),
            high | low != 0, span != 0
        else { return nil }
        // A later version may add parts, but only behind a dash.
        if text.count > Self.textBytes {
            guard version > 0, text[Self.textBytes] == Self.dash else { return nil }
        }
        self.init(
            traceHigh: high,
            traceLow: low,
            span: span,
            flags: UInt8(truncatingIfNeeded: flags) & Self.knownFlags
        )
    }

    /// The same trace with a span of our own.
    func child(random: inout Random) -> Self {
        var next = self
        next.span = random.next() | 1
        return next
    }

    var text: InlineArray<55, UInt8> {
        var text = InlineArray<55, UInt8>(repeating: Self.dash)
        text[0] = 0x30
        text[1] = 0x30
        Self.write(traceHigh, digits: 16, into: &text, at: 3)
        Self.write(traceLow, digits: 16, into: &text, at: 19)
        Self.write(span, digits: 16, into: &text, at: 36)
        Self.write(UInt64(flags), digits: 2, into: &text, at: 53)
        return text
    }

    func append(to arena: Arena) -> Slice {
        let text = text
        return arena.append(text.span)
    }

    private static func write(
        _ value: UInt64,
        digits: Int,
        into text: inout InlineArray<55, UInt8>,
        at start: Int
    ) {
        for index in 0..<digits {
            let digit = UInt8(truncatingIfNeeded: value &>> UInt64((digits - 1 - index) * 4)) & 15
            text[start + index] = digit < 10 ? 0x30 + digit : 0x57 + digit
        }
    }

    /// Small letters only: the specification forbids the large ones.
    private static func hexadecimal(_ text: Span<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for index in text.indices {
            let byte = text[index]
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x61...0x66: digit = byte - 0x57
            default: return nil
            }
            value = value << 4 | UInt64(digit)
        }
        return value
    }
}

/// `tracestate`: other vendors' words, passed on as they are if they keep to the grammar (§3.3).
enum TraceState {
    static let membersMax = 32
    /// The least that a vendor must pass on; longer lists go on too, up to what one field may hold.
    static let keyBytesMax = 256
    static let valueBytesMax = 256

    static func isValid(_ text: Span<UInt8>) -> Bool {
        var members = 0
        var start = 0
        while start <= text.count {
            let end = text.firstIndex(of: 0x2c, from: start) ?? text.count
            let member = trimmed(text.extracting(start..<end))
            if member.count > 0 {
                members += 1
                guard members <= membersMax, isValidMember(member) else { return false }
            }
            start = end + 1
        }
        return members > 0
    }

    @_lifetime(copy text)
    private static func trimmed(_ text: Span<UInt8>) -> Span<UInt8> {
        var start = 0
        var end = text.count
        while start < end, text[start] == 0x20 || text[start] == 0x09 { start += 1 }
        while end > start, text[end - 1] == 0x20 || text[end - 1] == 0x09 { end -= 1 }
        return text.extracting(start..<end)
    }

    private static func isValidMember(_ member: Span<UInt8>) -> Bool {
        guard let equals = member.firstIndex(of: 0x3d), equals > 0, equals <= keyBytesMax,
            isKeyStart(member[0])
        else { return false }
        for index in 1..<max(1, equals) where !isKeyByte(member[index]) { return false }
        let count = member.count - equals - 1
        guard count > 0, count <= valueBytesMax else { return false }
        for index in (equals + 1)..<member.count {
            let byte = member[index]
            guard byte >= 0x20, byte < 0x7f, byte != 0x2c, byte != 0x3d else { return false }
        }
        return true
    }

    private static func isKeyStart(_ byte: UInt8) -> Bool {
        byte &- 0x61 < 26 || byte.isDigit
    }

    private static func isKeyByte(_ byte: UInt8) -> Bool {
        isKeyStart(byte) || byte == 0x5f || byte == 0x2d || byte == 0x2a || byte == 0x2f
            || byte == 0x40
    }
}
