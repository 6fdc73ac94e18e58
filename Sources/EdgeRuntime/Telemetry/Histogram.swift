// Latencies in buckets that grow with the value: four to each power of two, from 1 µs to 71 minutes, in 1 KiB.
//
//   bucket   0   1   2   3   4   5   6   7   8     9      …   123            124
//   holds    1   2   3   4   5   6   7   8   9-10  11-12  …   up to 2^32 µs  longer
//
// A bucket holds the values *up to and including* its bound, as the exposition format wants it. Powers of two are
// bounds, so a page that shows only those is exact. Within a bucket nothing is known: `quantile` interpolates and is
// at most a quarter off, in the middle of the range about a tenth. Two histograms merge by addition.

struct Histogram {
    static let bucketCount = 125
    /// The last bucket has no bound.
    static let boundedBuckets = bucketCount - 1

    var buckets = InlineArray<125, UInt64>(repeating: 0)
    /// Microseconds of all values together.
    var sum: UInt64 = 0

    @inline(__always)
    static func bucket(of microseconds: UInt64) -> Int {
        let value = microseconds == 0 ? 0 : microseconds &- 1
        if value < 4 { return Int(value) }
        if value >= 1 << 32 { return boundedBuckets }
        let exponent = 63 &- value.leadingZeroBitCount
        let quarter = (value &>> UInt64(exponent &- 2)) & 3
        return (exponent &- 1) &* 4 &+ Int(quarter)
    }

    /// The largest value, in microseconds, that `bucket` holds.
    static func bound(of bucket: Int) -> UInt64 {
        precondition(bucket >= 0 && bucket < boundedBuckets, "the last bucket has no bound")
        let next = bucket + 1
        if next < 4 { return UInt64(next) }
        return UInt64(4 + next % 4) << UInt64(next / 4 - 1)
    }

    var count: UInt64 {
        var total: UInt64 = 0
        for index in 0..<Self.bucketCount { total += buckets[index] }
        return total
    }

    mutating func record(_ microseconds: UInt64) {
        buckets[Self.bucket(of: microseconds)] += 1
        sum &+= microseconds
    }

    mutating func merge(_ other: Self) {
        for index in 0..<Self.bucketCount { buckets[index] += other.buckets[index] }
        sum &+= other.sum
    }

    /// How many values are at most `bound(of: bucket)`.
    func cumulative(through bucket: Int) -> UInt64 {
        var total: UInt64 = 0
        for index in 0...bucket { total += buckets[index] }
        return total
    }

    /// The value, in microseconds, below which `fraction` of all values lie; `nil` if there are none.
    func quantile(_ fraction: Double) -> Double? {
        let total = count
        guard total > 0 else { return nil }
        let rank = max(1, min(Double(total), (fraction * Double(total)).rounded(.up)))
        var before: UInt64 = 0
        for index in 0..<Self.bucketCount {
            let here = buckets[index]
            guard here > 0, Double(before + here) >= rank else {
                before += here
                continue
            }
            let lower = index == 0 ? 0 : Double(Self.bound(of: index - 1))
            guard index < Self.boundedBuckets else { return lower }
            let upper = Double(Self.bound(of: index))
            return lower + (upper - lower) * (rank - Double(before)) / Double(here)
        }
        return nil
    }
}
