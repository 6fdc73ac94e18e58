import Testing

@testable import EdgeRuntime

@Suite struct HistogramTests {
    @Test func everyBoundIsInItsBucketAndTheNextValueIsNot() {
        for bucket in 0..<Histogram.boundedBuckets {
            let bound = Histogram.bound(of: bucket)
            #expect(Histogram.bucket(of: bound) == bucket)
            #expect(Histogram.bucket(of: bound + 1) == bucket + 1)
        }
        #expect(Histogram.bucket(of: 0) == 0)
        #expect(Histogram.bound(of: Histogram.boundedBuckets - 1) == 1 << 32)
        #expect(Histogram.bucket(of: .max) == Histogram.boundedBuckets)
        // One hour is within the bounds.
        #expect(Histogram.bucket(of: 3_600_000_000) < Histogram.boundedBuckets)
    }

    @Test func powersOfTwoAreBounds() {
        for exponent in MetricsPage.shownExponents {
            let bound = UInt64(1) << UInt64(exponent)
            #expect(Histogram.bound(of: Histogram.bucket(of: bound)) == bound)
        }
    }

    @Test func quantilesAreAtMostAQuarterOff() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<40 {
            var histogram = Histogram()
            var values: [UInt64] = []
            for _ in 0..<500 {
                let value = UInt64.random(in: 1...(1 << UInt64.random(in: 1...31)), using: &random)
                values.append(value)
                histogram.record(value)
            }
            values.sort()
            for fraction in [0.01, 0.25, 0.5, 0.9, 0.99, 1] {
                let rank = Int((fraction * Double(values.count)).rounded(.up))
                let exact = Double(values[rank - 1])
                let estimate = histogram.quantile(fraction) ?? -1
                #expect(abs(estimate - exact) <= max(1, exact * 0.25), "\(fraction): \(exact)")
            }
        }
    }

    @Test func mergingIsAddition() {
        var left = Histogram()
        var right = Histogram()
        var both = Histogram()
        for value in [1, 7, 900, 1_000_000] as [UInt64] {
            left.record(value)
            both.record(value)
        }
        for value in [3, 7, 5_000_000_000] as [UInt64] {
            right.record(value)
            both.record(value)
        }
        left.merge(right)
        #expect(left.count == 7)
        #expect(left.sum == both.sum)
        for bucket in 0..<Histogram.bucketCount {
            #expect(left.buckets[bucket] == both.buckets[bucket])
        }
        #expect(left.cumulative(through: Histogram.bucket(of: 7)) == 4)
    }

    @Test func noValuesNoQuantile() {
        #expect(Histogram().quantile(0.5) == nil)
    }
}
