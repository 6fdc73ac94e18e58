import Glibc
import Testing

@testable import EdgeRuntime

@Suite struct DiskTierTests {
    private let scratch = DiskScratch()
    private let events = DiskEvents()

    private func open(_ change: (inout DiskSettings) -> Void = { _ in }) throws -> DiskTier {
        var settings = DiskBench.settings(scratch)
        change(&settings)
        let events = self.events
        return try DiskTier.open(settings) { events.tell($0) }
    }

    @Test func whatIsPutIsFoundOnceItIsWritten() throws {
        let tier = try open()
        let key = DiskBench.key(1)
        let record = DiskBench.record(
            key,
            version: 7,
            asOf: 3,
            expiry: 1 << 40,
            facts: [1, 2, 3],
            payload: DiskBench.payload(1, 1000)
        )
        #expect(tier.put(record))
        #expect(tier.find(key, part: 0) == nil)
        tier.settle()
        let extent = try #require(tier.find(key, part: 0))
        guard case .record(let read) = tier.read(extent, into: Chunk(capacity: extent.bytes))
        else {
            Issue.record("not read")
            return
        }
        #expect(read.version == 7 && read.asOf == 3 && read.expiry == 1 << 40)
        #expect(read.facts.array == [1, 2, 3])
        #expect(read.payload.array == DiskBench.payload(1, 1000))
        #expect(tier.find(key, part: 1) == nil)
        #expect(tier.find(DiskBench.key(2), part: 0) == nil)
        #expect(tier.recordCount == 1)
        tier.close()
    }

    @Test func anEmptyPayloadIsARecordToo() throws {
        let tier = try open()
        #expect(tier.put(DiskBench.record(DiskBench.key(1), payload: [])))
        tier.settle()
        #expect(tier.payload(DiskBench.key(1)) == [])
    }

    @Test func aBlockIsFoundUnderTheVersionOfItsHeadOnly() throws {
        let tier = try open()
        let key = DiskBench.key(1)
        #expect(tier.put(DiskBench.record(key, part: 5, version: 1, payload: [1])))
        tier.settle()
        #expect(tier.payload(key, part: 5, version: 1) == [1])
        #expect(tier.find(key, part: 5, version: 2) == nil)
    }

    @Test func theNewestRecordOfAKeyWinsAlsoAfterARestart() throws {
        let key = DiskBench.key(1)
        var tier = try open()
        for number in 0..<5 {
            #expect(tier.put(DiskBench.record(key, payload: DiskBench.payload(number, 500))))
            tier.settle()
            #expect(tier.payload(key) == DiskBench.payload(number, 500))
        }
        #expect(tier.recordCount == 1)
        tier.close()
        tier = try open()
        #expect(tier.payload(key) == DiskBench.payload(4, 500))
        #expect(tier.recordCount == 1)
    }

    @Test func whatIsReplacedIsNotFoundWhileItsSuccessorWaits() throws {
        let tier = try open()
        let key = DiskBench.key(1)
        #expect(tier.put(DiskBench.record(key, payload: [1])))
        tier.settle()
        #expect(tier.put(DiskBench.record(key, payload: [2])))
        #expect(tier.find(key, part: 0) == nil)
        tier.settle()
        #expect(tier.payload(key) == [2])
    }

    @Test func aRemovedKeyStaysAway() throws {
        let key = DiskBench.key(1)
        var tier = try open()
        #expect(tier.put(DiskBench.record(key, payload: [1])))
        tier.settle()
        #expect(tier.remove(key))
        #expect(tier.find(key, part: 0) == nil)
        tier.settle()
        tier.close()
        tier = try open()
        #expect(tier.find(key, part: 0) == nil)
        #expect(tier.put(DiskBench.record(key, payload: [2])))
        tier.settle()
        #expect(tier.payload(key) == [2])
    }

    @Test func aRemovalMeetsWhatWaitsBeforeItAndNotWhatComesAfter() throws {
        let tier = try open()
        let key = DiskBench.key(1)
        #expect(tier.put(DiskBench.record(key, payload: [1])))
        #expect(tier.remove(key))
        tier.settle()
        #expect(tier.find(key, part: 0) == nil)
        #expect(tier.remove(key))
        #expect(tier.put(DiskBench.record(key, payload: [2])))
        tier.settle()
        #expect(tier.payload(key) == [2])
    }

    @Test func manyRecordsInManySegmentsComeBack() throws {
        var tier = try open()
        for number in 0..<300 {
            let size = 50 + number * 13 % 3000
            let record = DiskBench.record(
                DiskBench.key(number),
                part: UInt32(number % 3),
                payload: DiskBench.payload(number, size)
            )
            #expect(tier.put(record))
            if number % 7 == 0 { tier.settle() }
        }
        tier.settle()
        #expect(scratch.segments.count > 5)
        for isClean in [true, false] {
            if isClean { tier.close() }
            let before = scratch.content
            tier = try DiskTier.open(DiskBench.settings(scratch, segments: 40)) { _ in }
            #expect(tier.recordCount == 300)
            for number in 0..<300 {
                let payload = DiskBench.payload(number, 50 + number * 13 % 3000)
                #expect(tier.payload(DiskBench.key(number), part: UInt32(number % 3)) == payload)
            }
            if isClean {
                // The next round finds what a process that was killed would leave.
                tier.close()
                scratch.restore(before)
                if let last = scratch.segments.last {
                    scratch.write(Array(scratch.bytes(of: last).dropLast(100)), to: last)
                }
            }
        }
        var found = 0
        tier.forEachRecord { _, _ in found += 1 }
        #expect(found == 300)
    }

    @Test func theBudgetHoldsAndTheOldestGoesFirst() throws {
        let settings = DiskBench.settings(scratch, segments: 6)
        let tier = try DiskTier.open(settings) { _ in }
        for number in 0..<600 {
            let record = DiskBench.record(
                DiskBench.key(number),
                payload: DiskBench.payload(number, 4000)
            )
            #expect(tier.put(record))
            tier.settle()
            #expect(scratch.usedBytes <= settings.bytesMax)
        }
        #expect(tier.payload(DiskBench.key(0)) == nil)
        #expect(tier.payload(DiskBench.key(599)) == DiskBench.payload(599, 4000))
        #expect(tier.counts.evictedSegments > 20)
        // At least four of six segments hold records.
        #expect(tier.recordCount > 4 * 14)
        #expect(tier.indexBytes < 64 * max(1024, tier.recordCount))
    }

    @Test func whatWasReadIsCarriedOver() throws {
        let tier = try DiskTier.open(DiskBench.settings(scratch, segments: 6)) { _ in }
        for number in 0..<600 {
            let record = DiskBench.record(
                DiskBench.key(number),
                facts: [UInt8(number % 7)],
                payload: DiskBench.payload(number, 4000)
            )
            #expect(tier.put(record))
            tier.settle()
            // Asked for again and again: the first key. Once: the third.
            #expect(tier.payload(DiskBench.key(0)) == DiskBench.payload(0, 4000))
            if number == 2 { _ = tier.find(DiskBench.key(2), part: 0) }
        }
        #expect(tier.find(DiskBench.key(1), part: 0) == nil)
        #expect(tier.find(DiskBench.key(2), part: 0) == nil)
        #expect(tier.counts.carriedRecords > 5)
    }

    @Test func theJudgeSaysWhatIsCarriedOver() throws {
        let tier = try open { settings in
            settings.judge = { _, asOf, facts in facts[0] == 1 ? nil : asOf + 5 }
        }
        for number in 0..<600 {
            let record = DiskBench.record(
                DiskBench.key(number),
                asOf: 10,
                facts: [UInt8(number % 2)],
                payload: DiskBench.payload(number, 4000)
            )
            #expect(tier.put(record))
            tier.settle()
            if number == 200 {
                #expect(tier.payload(DiskBench.key(1)) != nil)
                #expect(tier.payload(DiskBench.key(0)) != nil)
            }
            if number == 240 { break }
        }
        for number in 300..<420 {
            #expect(
                tier.put(
                    DiskBench.record(
                        DiskBench.key(number),
                        payload: DiskBench.payload(number, 4000)
                    )
                )
            )
            tier.settle()
        }
        #expect(tier.find(DiskBench.key(1), part: 0) == nil)
        let extent = try #require(tier.find(DiskBench.key(0), part: 0))
        guard case .record(let read) = tier.read(extent, into: Chunk(capacity: extent.bytes))
        else {
            Issue.record("not read")
            return
        }
        #expect(read.asOf == 15)
    }

    @Test func aReaderOfAnEvictedSegmentReadsOn() throws {
        let tier = try DiskTier.open(DiskBench.settings(scratch, segments: 4)) { _ in }
        #expect(tier.put(DiskBench.record(DiskBench.key(0), payload: DiskBench.payload(0, 4000))))
        tier.settle()
        let first = try #require(scratch.segments.first)
        let extent = try #require(tier.find(DiskBench.key(0), part: 0))
        // Replaced, so that it is not carried over.
        for number in 0..<100 {
            #expect(
                tier.put(
                    DiskBench.record(
                        DiskBench.key(number),
                        payload: DiskBench.payload(number + 1000, 4000)
                    )
                )
            )
            tier.settle()
        }
        #expect(!scratch.segments.contains(first))
        #expect(tier.payload(extent) == DiskBench.payload(0, 4000))
    }

    @Test func aFullQueueRefusesAndCounts() throws {
        let tier = try open()
        let payload = DiskBench.payload(1, 1000)
        for number in 0..<Limits.diskQueuedRecords {
            #expect(tier.put(DiskBench.record(DiskBench.key(number), payload: payload)))
        }
        #expect(!tier.put(DiskBench.record(DiskBench.key(0), payload: payload)))
        #expect(tier.counts.refusedFull == 1)
        tier.settle()
        #expect(tier.put(DiskBench.record(DiskBench.key(0), payload: payload)))
    }

    @Test func whatIsTooLargeIsRefused() throws {
        let tier = try open()
        let settings = DiskBench.settings(scratch)
        let largest = settings.recordBytesMax - DiskFormat.recordHeadBytes
        let payload = DiskBench.payload(1, largest)
        #expect(tier.put(DiskBench.record(DiskBench.key(1), payload: payload)))
        #expect(!tier.put(DiskBench.record(DiskBench.key(2), payload: payload + [0])))
        #expect(tier.counts.refusedSize == 1)
        tier.settle()
        #expect(tier.payload(DiskBench.key(1)) == payload)
    }

    @Test func whatIsOverIsNotFoundAfterARestart() throws {
        var tier = try open()
        let past = Clock.wall().seconds - 1
        #expect(tier.put(DiskBench.record(DiskBench.key(1), expiry: past, payload: [1])))
        #expect(tier.put(DiskBench.record(DiskBench.key(2), payload: [2])))
        tier.settle()
        tier.close()
        tier = try open()
        #expect(tier.find(DiskBench.key(1), part: 0) == nil)
        #expect(tier.payload(DiskBench.key(2)) == [2])
    }

    @Test func theSecretStays() throws {
        var tier = try open()
        let secret = tier.secret
        #expect(secret.count == 16 && secret != Array(repeating: 0, count: 16))
        tier.close()
        tier = try open()
        #expect(tier.secret == secret)
        let other = DiskScratch()
        let stranger = try DiskTier.open(DiskBench.settings(other)) { _ in }
        #expect(stranger.secret != secret)
    }

    @Test func aSecondUserOfTheFolderIsRefused() throws {
        let tier = try open()
        #expect(throws: DiskFault.inUse(folder: scratch.path)) { _ = try open() }
        #expect(
            "\(DiskFault.inUse(folder: "/var/cache/edged"))"
                == "/var/cache/edged is in use by another process"
        )
        tier.close()
    }

    @Test func aSmallerBudgetIsKeptFromTheStart() throws {
        var tier = try open()
        for number in 0..<200 {
            #expect(
                tier.put(
                    DiskBench.record(
                        DiskBench.key(number),
                        payload: DiskBench.payload(number, 4000)
                    )
                )
            )
            tier.settle()
        }
        tier.close()
        let smaller = DiskBench.settings(scratch, segments: 4)
        tier = try DiskTier.open(smaller) { _ in }
        #expect(scratch.usedBytes <= smaller.bytesMax)
        #expect(tier.payload(DiskBench.key(199)) == DiskBench.payload(199, 4000))
    }

    @Test func withThreadsAsWell() throws {
        let tier = try open { $0.isThreaded = true }
        for number in 0..<500 {
            #expect(
                tier.put(
                    DiskBench.record(
                        DiskBench.key(number),
                        payload: DiskBench.payload(number, 300)
                    )
                )
            )
        }
        tier.flush()
        for number in 0..<500 {
            #expect(tier.payload(DiskBench.key(number)) == DiskBench.payload(number, 300))
        }
        let durable = Locked(false)
        tier.invalidate(DiskInvalidation(sequence: 1, rule: [1])) { fault in
            durable.withLockNotifying { $0 = fault == nil }
        }
        durable.withLock(waitingAtMost: 10_000, until: { $0 }, { #expect($0) })
        tier.close()
        let again = try open()
        #expect(again.recordCount == 500)
        #expect(again.invalidations == [DiskInvalidation(sequence: 1, rule: [1])])
    }

    @Test func sizesOfBudgets() throws {
        let mebi = 1 << 20
        for (bytes, segment) in [
            (64 * mebi, 4 * mebi), (512 * mebi, 32 * mebi), (10_240 * mebi, 64 * mebi),
            (128 << 30, 128 * mebi), (4 << 40, 256 * mebi),
        ] {
            let settings = try DiskSettings(
                folder: "/x",
                bytesMax: bytes,
                writeBytesPerSecond: 0
            )
            #expect(settings.segmentBytes == segment, "\(bytes)")
            #expect(
                DiskFormat.recordHeadBytes + Limits.diskFactsBytesMax + Limits.diskPayloadBytesMax
                    <= settings.recordBytesMax
            )
        }
        #expect(throws: DiskFault.tooSmall(bytes: 1, bytesMin: Limits.diskBytesMin)) {
            _ = try DiskSettings(folder: "/x", bytesMax: 1, writeBytesPerSecond: 0)
        }
    }
}
