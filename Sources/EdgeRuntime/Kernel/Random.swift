// Numbers nobody should guess, and numbers a test can repeat.
//
// A loop's generator is seeded from the kernel in production and from the test's seed in the simulator: jitter,
// member choice and request ids come from it. Keys never do.

import CLinux

/// SplitMix64: small, fast, and good enough for everything that is not a secret.
struct Random: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// Seeded by the kernel.
    init() {
        state = 0
        withUnsafeMutableBytes(of: &state) { bytes in
            _ = Syscall.retrying { getrandom(bytes.baseAddress, bytes.count, 0) }
        }
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// Below `bound`; the bias of the multiplication is far below what jitter could show.
    mutating func next(below bound: UInt64) -> UInt64 {
        next().multipliedFullWidth(by: bound).high
    }
}
