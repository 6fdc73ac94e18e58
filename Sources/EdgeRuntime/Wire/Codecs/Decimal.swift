// Doubles as decimal text, both ways, exact: the text that is written reads as the same double and is the shortest
// that does; what is read becomes the nearest double.

import Glibc

enum Decimal {
    /// A number by JSON's grammar, which the caller has checked. nil beyond the largest double.
    static func double(_ text: Span<UInt8>) -> Double? {
        // strtod wants a NUL behind its text. The process never sets a locale, so the point is a point.
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: text.count + 1) { buffer in
            guard let base = buffer.baseAddress else { return nil }
            for index in text.indices { base[index] = CChar(bitPattern: text[index]) }
            base[text.count] = 0
            let value = strtod(base, nil)
            return value.isFinite ? value : nil
        }
    }

    /// A whole number below 2⁵³ is written without point and exponent, as every reader of JSON takes it for itself;
    /// zero keeps its sign. The value must be finite.
    static func append(_ value: Double, to out: inout [UInt8]) {
        precondition(value.isFinite, "JSON has no word for it")
        if value.magnitude < 0x1p53, let whole = Int64(exactly: value) {
            if whole == 0, value.sign == .minus { out.append(UInt8(ascii: "-")) }
            return append(whole, to: &out)
        }
        out.append(contentsOf: value.description.utf8)
    }

    static func append(_ value: Int64, to out: inout [UInt8]) {
        if value < 0 { out.append(UInt8(ascii: "-")) }
        let start = out.count
        var rest = value.magnitude
        repeat {
            out.append(0x30 + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        out[start...].reverse()
    }
}
