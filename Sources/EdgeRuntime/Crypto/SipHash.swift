// SipHash-2-4 with 128 bits of output: a short hash that nobody can aim at without the secret. Tables that strangers
// fill are keyed with it, and 128 bits make two different inputs with one hash a thing that does not happen.
//
// Bytes come in pieces; the value depends on their sequence only, never on where the pieces were cut.

struct SipHash {
    struct Key: Equatable, Sendable {
        var first: UInt64
        var second: UInt64
    }

    struct Value: Equatable, Sendable {
        var high: UInt64
        var low: UInt64
    }

    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64
    /// Bytes that do not fill a word yet, the first one lowest.
    private var pending: UInt64 = 0
    private var pendingCount = 0
    private var count: UInt64 = 0

    @inline(__always)
    init(_ key: Key) {
        // "somepseudorandomlygeneratedbytes", and the mark of the long output.
        v0 = key.first ^ 0x736f_6d65_7073_6575
        v1 = key.second ^ 0x646f_7261_6e64_6f6d ^ 0xee
        v2 = key.first ^ 0x6c79_6765_6e65_7261
        v3 = key.second ^ 0x7465_6462_7974_6573
    }

    mutating func update(_ bytes: Span<UInt8>) {
        var at = 0
        while at &+ 8 <= bytes.count {
            let word = bytes.bytes.unsafeLoadUnaligned(
                fromUncheckedByteOffset: at,
                as: UInt64.self
            )
            update(UInt64(littleEndian: word), bytes: 8)
            at &+= 8
        }
        guard at < bytes.count else { return }
        var word: UInt64 = 0
        let rest = bytes.count &- at
        for offset in 0..<rest {
            word |= UInt64(bytes[unchecked: at &+ offset]) &<< UInt64(8 &* offset)
        }
        update(word, bytes: rest)
    }

    /// The lowest `bytes` bytes of a word, 1 … 8; those above must be zero.
    @inline(__always)
    mutating func update(_ word: UInt64, bytes: Int) {
        count &+= UInt64(bytes)
        pending |= word << UInt64(8 &* pendingCount)
        guard pendingCount &+ bytes >= 8 else {
            pendingCount &+= bytes
            return
        }
        compress(pending)
        // Shifted by 64, when nothing was pending, the word is gone.
        pending = word >> UInt64(64 &- 8 &* pendingCount)
        pendingCount = pendingCount &+ bytes &- 8
    }

    consuming func finish() -> Value {
        compress(pending | count &<< 56)
        v2 ^= 0xee
        for _ in 0..<4 { round() }
        let low = v0 ^ v1 ^ v2 ^ v3
        v1 ^= 0xdd
        for _ in 0..<4 { round() }
        return Value(high: v0 ^ v1 ^ v2 ^ v3, low: low)
    }

    @inline(__always)
    private mutating func compress(_ word: UInt64) {
        v3 ^= word
        round()
        round()
        v0 ^= word
    }

    @inline(__always)
    private mutating func round() {
        v0 &+= v1
        v2 &+= v3
        v1 = Self.rotate(v1, 13) ^ v0
        v3 = Self.rotate(v3, 16) ^ v2
        v0 = Self.rotate(v0, 32)
        v2 &+= v1
        v0 &+= v3
        v1 = Self.rotate(v1, 17) ^ v2
        v3 = Self.rotate(v3, 21) ^ v0
        v2 = Self.rotate(v2, 32)
    }

    @inline(__always)
    private static func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 {
        value &<< count | value &>> (64 &- count)
    }
}
