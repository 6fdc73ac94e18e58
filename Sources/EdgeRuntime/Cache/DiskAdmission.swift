// Not every one-hit wonder goes to disk: a key is admitted when it was asked for before, within a window.
//
// Two filters of bits: keys are marked in the younger one and looked for in both. When the younger one is as full as
// its size allows, or half a window old, the older one is emptied and becomes the younger. So a key is remembered for
// at least half a window and at most a whole one, unless there are too many others, and mistakes (a key that was never
// seen) stay below 1 %. Pure: time is an argument.

struct DiskAdmission {
    private var young: [UInt64]
    private var old: [UInt64]
    private var marked = 0
    private var turnedAt: Nanoseconds
    private let keysMax: Int
    private let half: Nanoseconds

    /// `keys`: how many are told apart within half a window; 4 bytes of memory for each.
    init(keys: Int, window: Nanoseconds, now: Nanoseconds) {
        let words = max(1, keys * Self.bitsPerKey / 64)
        young = Array(repeating: 0, count: words)
        old = young
        keysMax = max(1, keys)
        half = window / 2
        turnedAt = now
    }

    private static let bitsPerKey = 16
    private static let probes = 4

    /// True if the key was asked for before; from now on it was.
    mutating func admits(_ key: CacheKey, at now: Nanoseconds) -> Bool {
        age(now)
        var isYoung = true
        var isOld = true
        var bits = key.low
        let stride = key.high | 1
        for _ in 0..<Self.probes {
            bits &+= stride
            let bit = Int(bits.multipliedFullWidth(by: UInt64(young.count * 64)).high)
            let mask: UInt64 = 1 << UInt64(bit % 64)
            isYoung = isYoung && young[bit / 64] & mask != 0
            isOld = isOld && old[bit / 64] & mask != 0
            young[bit / 64] |= mask
        }
        if !isYoung { marked += 1 }
        return isYoung || isOld
    }

    private mutating func age(_ now: Nanoseconds) {
        let elapsed = now - turnedAt
        guard marked >= keysMax || elapsed >= half else { return }
        swap(&young, &old)
        clear(&young)
        // Nobody asked for anything for so long that the other half is over as well.
        if elapsed >= 2 * half { clear(&old) }
        marked = 0
        turnedAt = now
    }

    private func clear(_ bits: inout [UInt64]) {
        for index in bits.indices { bits[index] = 0 }
    }
}
