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
            Self.copy(from, to: base + count, added)
        }
        count &+= added
    }

    /// `name: value CRLF`, checked once.
    @inline(__always)
    mutating func append(line name: Span<UInt8>, value: Span<UInt8>) {
        let added = name.count &+ value.count &+ 4
        precondition(added <= capacity &- count, "more than was asked for")
        let start = base + count
        name.withUnsafeBufferPointer { source in
            guard let from = source.baseAddress else { return }
            Self.copy(from, to: start, source.count)
        }
        start[name.count] = 0x3A
        start[name.count &+ 1] = 0x20
        value.withUnsafeBufferPointer { source in
            guard let from = source.baseAddress else { return }
            Self.copy(from, to: start + name.count + 2, source.count)
        }
        start[added &- 2] = 0x0D
        start[added &- 1] = 0x0A
        count &+= added
    }

    /// Most parts of a head are shorter than the way to `memcpy`: up to 32 bytes are two overlapping moves.
    @inline(__always)
    static func copy(
        _ source: UnsafePointer<UInt8>,
        to target: UnsafeMutablePointer<UInt8>,
        _ count: Int
    ) {
        if count > 32 {
            target.update(from: source, count: count)
        } else if count >= 16 {
            move(SIMD16<UInt8>.self, source, target, count)
        } else if count >= 8 {
            move(UInt64.self, source, target, count)
        } else if count >= 4 {
            move(UInt32.self, source, target, count)
        } else {
            var index = 0
            while index < count {
                target[index] = source[index]
                index &+= 1
            }
        }
    }

    /// The first and the last word of `count` bytes, which together are all of them.
    @inline(__always)
    private static func move<Word: BitwiseCopyable>(
        _ word: Word.Type,
        _ source: UnsafePointer<UInt8>,
        _ target: UnsafeMutablePointer<UInt8>,
        _ count: Int
    ) {
        let last = count &- MemoryLayout<Word>.size
        let from = UnsafeRawPointer(source)
        let first = from.loadUnaligned(as: word)
        let second = from.loadUnaligned(fromByteOffset: last, as: word)
        UnsafeMutableRawPointer(target).storeBytes(of: first, as: word)
        UnsafeMutableRawPointer(target).storeBytes(of: second, toByteOffset: last, as: word)
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
        append(DecimalDigits(value).span)
    }
}
