// Small questions about bytes: the vocabulary that parsers and writers share. Nothing here allocates.

import Glibc

extension Span<UInt8> {
    @inline(__always)
    func equals(_ other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        return withUnsafeBufferPointer { mine in
            other.withUnsafeBufferPointer { theirs in
                guard let left = mine.baseAddress, let right = theirs.baseAddress else {
                    return true
                }
                return memcmp(left, right, mine.count) == 0
            }
        }
    }

    @inline(__always)
    func equals(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        return withUnsafeBufferPointer { mine in
            guard let left = mine.baseAddress else { return true }
            return memcmp(left, text.utf8Start, mine.count) == 0
        }
    }

    /// ASCII letters compare without case; everything else byte by byte.
    func equalsIgnoringCase(_ other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        var index = 0
        while index < count {
            guard self[unchecked: index].lowercased == other[unchecked: index].lowercased else {
                return false
            }
            index &+= 1
        }
        return true
    }

    func equalsIgnoringCase(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        var index = 0
        while index < count {
            guard self[unchecked: index].lowercased == text.utf8Start[index].lowercased else {
                return false
            }
            index &+= 1
        }
        return true
    }

    func starts(with text: StaticString) -> Bool {
        count >= text.utf8CodeUnitCount
            && extracting(first: text.utf8CodeUnitCount).equals(text)
    }

    func firstIndex(of byte: UInt8, from start: Int = 0) -> Int? {
        withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress, start < bytes.count,
                let found = memchr(base + start, CInt(byte), bytes.count - start)
            else { return nil }
            return UnsafeRawPointer(base).distance(to: UnsafeRawPointer(found))
        }
    }

    /// An unsigned decimal number: digits only, at least one, no sign, no overflow.
    var decimal: Int64? {
        guard count > 0, count <= 19 else { return nil }
        var value: Int64 = 0
        for index in indices {
            let digit = self[index] &- 0x30
            guard digit < 10 else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int64(digit))
            guard !overflow, !carry else { return nil }
            value = sum
        }
        return value
    }

    /// For messages, logs and tests; never on the hot path.
    var text: String { withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) } }
}

/// A length or a place as it is written: without leading zeros.
struct DecimalDigits {
    private var digits = InlineArray<20, UInt8>(repeating: 0)
    private var start = 20

    init(_ value: Int64) {
        precondition(value >= 0, "lengths are not negative")
        var rest = UInt64(value)
        repeat {
            start &-= 1
            digits[start] = 0x30 &+ UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
    }

    var span: Span<UInt8> {
        @_lifetime(borrow self)
        get { digits.span.extracting(start..<20) }
    }
}

extension UInt8 {
    @inline(__always)
    var lowercased: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }
    @inline(__always)
    var isDigit: Bool { self &- 0x30 < 10 }
}
