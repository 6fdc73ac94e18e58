// Disks that are full, broken, read-only or gone: writes stop, reads go on, and it is told once.

import Glibc
import Testing

@testable import EdgeRuntime

@Suite struct DiskFaultTests {
    private let scratch = DiskScratch()
    private let events = DiskEvents()
    private let faults = DiskFaults()

    private func open(segments: Int = 16) throws -> DiskTier {
        let settings = DiskBench.settings(scratch, segments: segments, files: .faulty(faults))
        let events = self.events
        return try DiskTier.open(settings) { events.tell($0) }
    }

    private func record(_ number: Int, _ count: Int = 3000) -> DiskRecord {
        DiskBench.record(DiskBench.key(number), payload: DiskBench.payload(number, count))
    }

    private func holds(_ tier: DiskTier, _ number: Int, _ count: Int = 3000) -> Bool {
        tier.payload(DiskBench.key(number)) == DiskBench.payload(number, count)
    }

    private func word(_ tier: DiskTier) -> String? {
        guard case .failing(let fault) = tier.state else { return nil }
        return "\(fault.word)"
    }

    /// With every number of bytes that the device still takes, from none to all but one.
    @Test func aDiskThatIsFullInTheMiddleOfARecord() throws {
        let size = DiskFormat.padded(DiskFormat.recordHeadBytes + 100)
        for left in 0..<size {
            faults.change { $0 = DiskFaults.Plan() }
            do {
                let tier = try open()
                #expect(tier.put(record(1, 100)))
                tier.settle()
                faults.change { $0.bytesLeft = left }
                #expect(tier.put(record(2, 100)))
                tier.pass()
                #expect(word(tier) == "disk_full")
                #expect(tier.find(DiskBench.key(2), part: 0) == nil)
                #expect(holds(tier, 1, 100))
                #expect(!tier.put(record(3, 100)))
                #expect(tier.counts.lostRecords == 1 && tier.counts.refusedFailing == 1)
                if left % 2 == 0 {
                    faults.change { $0 = DiskFaults.Plan() }
                    tier.pass()
                    #expect(tier.state == .working)
                    #expect(tier.put(record(3, 100)))
                    tier.settle()
                    #expect(holds(tier, 1, 100) && holds(tier, 3, 100))
                }
            }
            faults.change { $0 = DiskFaults.Plan() }
            let next = try open()
            #expect(holds(next, 1, 100))
            #expect(holds(next, 3, 100) == (left % 2 == 0))
            // Only zeros behind it were missing: then it is there, and whole.
            let isPadding = left >= DiskFormat.recordHeadBytes + 100 && left % 2 == 1
            #expect(holds(next, 2, 100) == isPadding, "\(left)")
            scratch.restore([:])
        }
    }

    @Test(arguments: [(EIO, "io_error"), (EROFS, "read_only"), (EDQUOT, "disk_full")])
    func itIsToldOnceAndRecoversByItself(_ code: Int32, _ name: String) throws {
        let tier = try open()
        #expect(tier.put(record(1)))
        tier.settle()
        faults.change { $0.writeError = code }
        for number in 2..<6 { _ = tier.put(record(number)) }
        for _ in 0..<5 { tier.pass() }
        #expect(word(tier) == name)
        #expect(events.all.count == 1)
        #expect(holds(tier, 1), "reads go on")
        faults.change { $0 = DiskFaults.Plan() }
        tier.pass()
        #expect(tier.state == .working)
        #expect(events.all.count == 2 && events.all.last == .recovered)
        #expect(!scratch.names.contains("probe"))
        for number in 2..<6 { #expect(tier.put(record(number))) }
        tier.settle()
        for number in 1..<6 { #expect(holds(tier, number)) }
    }

    /// Whichever write or sync it is that fails first, of many turns of segments.
    @Test func aFailureAtAnyMomentCostsOnlyWhatWasNotWritten() throws {
        for left in stride(from: 0, to: 300_000, by: 4999) {
            faults.change { $0 = DiskFaults.Plan() }
            var tier: DiskTier? = try open(segments: 4)
            faults.change { $0.bytesLeft = left }
            for number in 0..<120 {
                _ = tier?.put(record(number))
                tier?.pass()
                if number == 100 { faults.change { $0 = DiskFaults.Plan() } }
            }
            tier?.settle()
            #expect(tier?.state == .working)
            #expect(tier.map { holds($0, 119) } == true)
            let before = tier?.recordCount
            #expect(scratch.usedBytes <= DiskBench.settings(scratch, segments: 4).bytesMax)
            tier = nil
            let next = try open(segments: 4)
            #expect(next.recordCount == before, "after \(left) bytes")
            var found = 0
            next.forEachRecord { _, _ in found += 1 }
            for number in 0..<120 where next.find(DiskBench.key(number), part: 0) != nil {
                #expect(holds(next, number))
                found -= 1
            }
            #expect(found == 0)
            scratch.restore([:])
        }
    }

    @Test func aFailingSyncIsAFailingDisk() throws {
        let tier = try open()
        faults.change { $0.syncError = EIO }
        #expect(tier.put(record(1)))
        tier.settle()
        #expect(word(tier) == "io_error")
        #expect(holds(tier, 1))
        faults.change { $0 = DiskFaults.Plan() }
        tier.pass()
        #expect(tier.state == .working)
    }

    @Test func shortWritesAreGoneOnWith() throws {
        faults.change { $0.isShort = true }
        let tier = try open()
        for number in 0..<100 { #expect(tier.put(record(number))) }
        tier.settle()
        for number in 0..<100 { #expect(holds(tier, number)) }
        #expect(events.all == [])
    }

    @Test func aReadErrorIsAMissAndToldOnce() throws {
        let tier = try open()
        for number in 1...3 { #expect(tier.put(record(number))) }
        tier.settle()
        faults.change { $0.readError = EIO }
        for number in 1...2 {
            let extent = try #require(tier.find(DiskBench.key(number), part: 0))
            guard case .failed(let error) = tier.read(extent, into: Chunk(capacity: extent.bytes))
            else {
                Issue.record("read")
                return
            }
            #expect(error.code == EIO)
            #expect(tier.find(DiskBench.key(number), part: 0) == nil)
        }
        faults.change { $0 = DiskFaults.Plan() }
        #expect(holds(tier, 3))
        #expect(tier.counts.readFailed == 2)
        #expect(events.all == [.readFailed(SystemError("pread", EIO))])
    }

    @Test func aFlippedBitIsNeverRead() throws {
        let tier = try open()
        let bits = (DiskFormat.recordHeadBytes + 20) * 8
        for bit in 0..<bits {
            #expect(tier.put(record(1, 20)))
            tier.settle()
            faults.change { $0.flippedBit = bit }
            let extent = try #require(tier.find(DiskBench.key(1), part: 0))
            guard case .torn = tier.read(extent, into: Chunk(capacity: extent.bytes)) else {
                Issue.record("bit \(bit) was read")
                return
            }
            #expect(tier.find(DiskBench.key(1), part: 0) == nil)
            faults.change { $0 = DiskFaults.Plan() }
        }
        #expect(tier.counts.readTorn == bits)
    }

    @Test func aFolderThatIsGoneAndComesBack() throws {
        let tier = try open(segments: 4)
        #expect(tier.put(record(1)))
        tier.settle()
        let away = scratch.path + ".away"
        #expect(rename(scratch.path, away) == 0)
        // Nothing is made in its place: it may be the mount point of a disk that is not there.
        for number in 2..<60 {
            _ = tier.put(record(number))
            tier.pass()
        }
        let purge = Locked<DiskFault?>(nil)
        tier.invalidate(DiskInvalidation(sequence: 1, rule: [1])) { fault in
            purge.withLock { $0 = fault }
        }
        tier.pass()
        #expect(purge.withLock { $0?.word.description } == "folder_gone")
        #expect(word(tier) == "folder_gone")
        #expect(access(scratch.path, F_OK) != 0)
        #expect(rename(away, scratch.path) == 0)
        tier.pass()
        tier.pass()
        #expect(tier.state == .working)
        #expect(tier.put(record(100)))
        tier.settle()
        #expect(holds(tier, 100))
        tier.close()
        #expect(try open(segments: 4).invalidations.count == 1)
    }

    @Test func aDiskThatWasAwayIsReadAgain() throws {
        let tier = try open(segments: 6)
        for number in 1...30 { #expect(tier.put(record(number))) }
        tier.settle()
        // Another file system at the same path, with the same bytes.
        let away = DiskScratch()
        #expect(rename(scratch.path, away.path) == 0)
        tier.invalidate(DiskInvalidation(sequence: 1, rule: [1]))
        tier.pass()
        #expect(word(tier) == "folder_gone")
        mkdir(scratch.path, 0o700)
        scratch.restore(away.content)
        fail(tier)
        tier.pass()
        tier.pass()
        #expect(tier.state == .working)
        for number in 1...30 { #expect(holds(tier, number)) }
        #expect(tier.put(record(31)))
        tier.settle()
        tier.close()
        let next = try open(segments: 6)
        for number in 1...31 { #expect(holds(next, number)) }
        #expect(next.invalidations.map(\.sequence) == [1])
    }

    @Test func anotherInstallationsFolderIsLeftAlone() throws {
        let other = DiskScratch()
        do {
            let stranger = try DiskTier.open(DiskBench.settings(other)) { _ in }
            #expect(stranger.put(record(50)))
            stranger.settle()
            stranger.close()
        }
        let tier = try open()
        #expect(tier.put(record(1)))
        tier.settle()
        let away = DiskScratch()
        #expect(rename(scratch.path, away.path) == 0)
        #expect(rename(other.path, scratch.path) == 0)
        let content = scratch.content
        fail(tier)
        tier.pass()
        #expect(tier.state != .working)
        #expect(tier.find(DiskBench.key(50), part: 0) == nil)
        #expect(holds(tier, 1), "what is open is read")
        #expect(scratch.content == content)
    }

    /// One write that fails, so that the writer looks around.
    private func fail(_ tier: DiskTier) {
        faults.change { $0.writeError = EIO }
        _ = tier.put(record(1000))
        tier.pass()
        faults.change { $0 = DiskFaults.Plan() }
    }
}
