// One line while it is rendered: where to write, how far it may go, and how each format escapes.
//
// It writes straight into the ring's memory, so it holds a pointer; it lives between `LogRing.begin` and `commit`
// and nowhere else. A line that would not fit marks itself broken instead of writing; the bounds are chosen so that
// this does not happen (`Limits.logLineBytesMax`).
//
// JSON: control bytes, quote and backslash are escaped. Well-formed UTF-8 goes through as it is; each byte that is
// not part of it is written as `\u00XX`, so a line is valid JSON and valid UTF-8 whatever a peer sent. Standard:
// the percent-encoding that the format prescribes, in which a space, a tab or a `~` never appears by itself.

struct LogLine: ~Copyable {
    private let base: UnsafeMutablePointer<UInt8>
    private let limit: Int
    private(set) var count = 0
    private(set) var isBroken = false

    init(base: UnsafeMutablePointer<UInt8>, limit: Int) {
        self.base = base
        self.limit = limit
    }

    // MARK: As it is

    @inline(__always)
    mutating func put(_ byte: UInt8) {
        guard reserve(1) else { return }
        base[count] = byte
        count &+= 1
    }

    @inline(__always)
    mutating func put(_ text: StaticString) {
        let size = text.utf8CodeUnitCount
        guard reserve(size) else { return }
        (base + count).update(from: text.utf8Start, count: size)
        count &+= size
    }

    @inline(__always)
    mutating func put(_ bytes: Span<UInt8>) {
        let size = bytes.count
        guard reserve(size) else { return }
        let to = base + count
        bytes.withUnsafeBufferPointer { source in
            guard let from = source.baseAddress else { return }
            ByteFiller.copy(from, to: to, size)
        }
        count &+= size
    }

    @inline(__always)
    mutating func put(decimal value: UInt64) {
        guard reserve(20) else { return }
        if value < 10 {
            base[count] = 0x30 &+ UInt8(truncatingIfNeeded: value)
            count &+= 1
            return
        }
        var digits = 2
        var bound: UInt64 = 100
        while digits < 20, value >= bound {
            digits &+= 1
            bound &*= 10
        }
        putDigits(value, digits)
    }

    /// Two at a time: a division costs more than all else here.
    @inline(__always)
    private mutating func putDigits(_ value: UInt64, _ digits: Int) {
        var rest = value
        var at = count &+ digits
        while at &- count >= 2 {
            at &-= 2
            let pair = Self.pairs.utf8Start + 2 &* Int(truncatingIfNeeded: rest % 100)
            base[at] = pair[0]
            base[at &+ 1] = pair[1]
            rest /= 100
        }
        if at > count { base[count] = 0x30 &+ UInt8(truncatingIfNeeded: rest % 10) }
        count &+= digits
    }

    @inline(__always)
    private static var pairs: StaticString {
        """
        00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748\
        49505152535455565758596061626364656667686970717273747576777879808182838485868788899091929394959697\
        9899
        """
    }

    /// Exactly `digits` digits, with leading zeros.
    @inline(__always)
    mutating func put(padded value: UInt64, digits: Int) {
        guard reserve(digits) else { return }
        putDigits(value, digits)
    }

    /// Seconds with three decimals, cut, not rounded: 1.9996 s have not been two seconds.
    @inline(__always)
    mutating func put(seconds time: Nanoseconds) {
        let milliseconds = UInt64(max(0, time)) / 1_000_000
        put(decimal: milliseconds / 1000)
        put(0x2e)
        put(padded: milliseconds % 1000, digits: 3)
    }

    // MARK: JSON

    mutating func put(json text: StaticString) {
        put(0x22)
        putJSONContents(Span(_unsafeStart: text.utf8Start, count: text.utf8CodeUnitCount))
        put(0x22)
    }

    @inline(__always)
    mutating func put(json bytes: Span<UInt8>) {
        put(0x22)
        putJSONContents(bytes)
        put(0x22)
    }

    private mutating func putJSONContents(_ bytes: Span<UInt8>) {
        guard reserve(Limits.logValueBytesMax + 8) else { return }
        if bytes.count >= 8, bytes.count <= Limits.logValueBytesMax, putClean(bytes) { return }
        let end = count &+ Limits.logValueBytesMax
        let raw = bytes.bytes
        let size = bytes.count
        var at = 0
        while at < size {
            // Eight bytes at a time are copied and looked at; the first that needs care ends the run.
            while at &+ 8 <= size, count &+ 8 <= end {
                let word = UInt64(
                    littleEndian: raw.unsafeLoadUnaligned(
                        fromUncheckedByteOffset: at,
                        as: UInt64.self
                    )
                )
                UnsafeMutableRawPointer(base + count)
                    .storeBytes(of: word.littleEndian, as: UInt64.self)
                let marks = Self.unsafeInJSON(word)
                guard marks == 0 else {
                    let clean = marks.trailingZeroBitCount &>> 3
                    at &+= clean
                    count &+= clean
                    break
                }
                at &+= 8
                count &+= 8
            }
            guard at < size else { return }
            let byte = bytes[unchecked: at]
            if byte >= 0x20, byte < 0x7f, byte != 0x22, byte != 0x5c {
                guard count < end else { return putCutMark() }
                base[count] = byte
                count &+= 1
                at &+= 1
                continue
            }
            let taken = putJSONEscape(of: bytes, at: at, before: end)
            guard taken > 0 else { return putCutMark() }
            at &+= taken
        }
    }

    /// Nearly every value is copied as it is, the last word overlapping the one before. False: some byte needs care.
    @inline(__always)
    private mutating func putClean(_ bytes: Span<UInt8>) -> Bool {
        let last = bytes.count &- 8
        var at = 0
        while at < last {
            guard putCleanWord(bytes, at) else { return false }
            at &+= 8
        }
        guard putCleanWord(bytes, last) else { return false }
        count &+= bytes.count
        return true
    }

    @inline(__always)
    private func putCleanWord(_ bytes: Span<UInt8>, _ at: Int) -> Bool {
        let word = bytes.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: at, as: UInt64.self)
        UnsafeMutableRawPointer(base + count + at).storeBytes(of: word, as: UInt64.self)
        return Self.unsafeInJSON(UInt64(littleEndian: word)) == 0
    }

    /// Bit 7 of each byte that is below 0x20, above 0x7e, a quote or a backslash. Only the lowest mark is certain.
    @inline(__always)
    private static func unsafeInJSON(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quotes = word ^ (ones &* 0x22)
        let slashes = word ^ (ones &* 0x5c)
        let deletes = word ^ (ones &* 0x7f)
        let low = (word &- ones &* 0x20) & ~word
        let quote = (quotes &- ones) & ~quotes
        let slash = (slashes &- ones) & ~slashes
        let delete = (deletes &- ones) & ~deletes
        return (low | quote | slash | delete | word) & (ones &* 0x80)
    }

    /// Writes what stands at `at` and answers how many bytes of it were taken; none if there is no room.
    @inline(never)
    private mutating func putJSONEscape(
        of bytes: Span<UInt8>,
        at start: Int,
        before end: Int
    ) -> Int {
        let byte = bytes[start]
        if byte >= 0x80 {
            let length = UTF8Sequence.length(in: bytes, at: start)
            if length > 0 {
                guard count + length <= end else { return 0 }
                for index in 0..<length { put(bytes[start + index]) }
                return length
            }
        }
        guard count + 6 <= end else { return 0 }
        switch byte {
        case 0x22: put("\\\"")
        case 0x5c: put("\\\\")
        case 0x08: put("\\b")
        case 0x09: put("\\t")
        case 0x0a: put("\\n")
        case 0x0c: put("\\f")
        case 0x0d: put("\\r")
        default:
            put("\\u00")
            put(Self.hexDigit(byte &>> 4, letters: 0x61))
            put(Self.hexDigit(byte & 15, letters: 0x61))
        }
        return 1
    }

    /// U+2026. The room for it is besides the value's bound.
    @inline(never)
    private mutating func putCutMark() {
        put(0xe2)
        put(0x80)
        put(0xa6)
    }

    // MARK: Standard log

    mutating func put(percent bytes: Span<UInt8>) {
        guard reserve(Limits.logValueBytesMax + 8) else { return }
        let end = count &+ Limits.logValueBytesMax
        for at in 0..<bytes.count {
            let byte = bytes[unchecked: at]
            if Self.isPlainInStandard(byte) {
                guard count < end else { return put(0x7e) }
                base[count] = byte
                count &+= 1
            } else {
                guard count &+ 3 <= end else { return put(0x7e) }
                base[count] = 0x25
                base[count &+ 1] = Self.hexDigit(byte &>> 4, letters: 0x41)
                base[count &+ 2] = Self.hexDigit(byte & 15, letters: 0x41)
                count &+= 3
            }
        }
    }

    /// Everything printable but space " # % ' < > [ \ ] ^ ` { | } ~.
    @inline(__always)
    private static func isPlainInStandard(_ byte: UInt8) -> Bool {
        let low: UInt64 = 0xafff_ff52_0000_0000
        let high: UInt64 = 0x07ff_fffe_87ff_ffff
        let word = byte & 0x40 == 0 ? low : high
        return byte < 0x80 && word &>> UInt64(byte & 63) & 1 == 1
    }

    // MARK: Room

    @inline(__always)
    private static func hexDigit(_ value: UInt8, letters: UInt8) -> UInt8 {
        value < 10 ? 0x30 &+ value : letters &+ value &- 10
    }

    @inline(__always)
    private mutating func reserve(_ size: Int) -> Bool {
        if limit &- count >= size { return true }
        isBroken = true
        return false
    }
}
