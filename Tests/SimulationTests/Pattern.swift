// Bytes that name their exchange and their place in it.
//
// A body is a run through one table of random bytes that begins where its key says. A byte that is lost, repeated,
// moved or given to another exchange makes what follows differ from the run within a few bytes. The table's length
// is a prime near 64 KiB, so that a shift by a whole chunk shows as well.

import Glibc

@testable import EdgeRuntime

enum Pattern {
    private static let length = 65_521

    /// Twice, so that a piece of up to one length never wraps.
    private static let table: [UInt8] = {
        var random = Random(seed: 0x0b5e_55ed)
        let once = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        return once + once
    }()

    /// The two bodies of an exchange differ as those of two exchanges do.
    static func requestKey(_ id: Int) -> Int { 2 * id }
    static func responseKey(_ id: Int) -> Int { 2 * id + 1 }

    static func bytes(_ key: Int, _ range: Range<Int>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        var at = range.lowerBound
        while at < range.upperBound {
            let start = place(key, at)
            let count = min(range.upperBound - at, length)
            bytes += table[start..<start + count]
            at += count
        }
        return bytes
    }

    /// Whether `bytes` are what stands at `offset` of that body.
    static func matches(_ bytes: Span<UInt8>, _ key: Int, at offset: Int) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = min(bytes.count - done, length)
            let start = place(key, offset + done)
            let isEqual = bytes.extracting(done..<done + count).withUnsafeBytes { got in
                table.withUnsafeBytes { want in
                    memcmp(got.baseAddress!, want.baseAddress! + start, count) == 0
                }
            }
            guard isEqual else { return false }
            done += count
        }
        return true
    }

    private static func place(_ key: Int, _ offset: Int) -> Int {
        (key &* 7_919 &+ offset) % length
    }
}
