// A stretch of memory that is being filled front to back: what a writer gets when it asks a write queue for room.
// It lives only inside of the closure that received it.

struct ByteFiller: ~Copyable {
    private let base: UnsafeMutablePointer<UInt8>
    private let capacity: Int
    private(set) var count = 0

    init(_ base: UnsafeMutablePointer<UInt8>, capacity: Int) {
        self.base = base
        self.capacity = capacity
    }

    @inline(__always)
    mutating func append(_ bytes: Span<UInt8>) {
        let added = bytes.count
        precondition(added <= capacity &- count, "more than was asked for")
        bytes.withUnsafeBufferPointer { source in
            guard let from = source.baseAddress else { return }
            (base + count).update(from: from, count: added)
        }
        count &+= added
    }

    @inline(__always)
    mutating func append(_ text: StaticString) {
        append(Span(_unsafeStart: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    @inline(__always)
    mutating func append(byte: UInt8) {
        precondition(count < capacity, "more than was asked for")
        base[count] = byte
        count &+= 1
    }

    mutating func append(decimal value: Int64) {
        precondition(value >= 0, "lengths are not negative")
        var digits = InlineArray<20, UInt8>(repeating: 0x30)
        var at = 20
        var rest = UInt64(value)
        repeat {
            at -= 1
            digits[at] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
        append(digits.span.extracting(at..<20))
    }
}
