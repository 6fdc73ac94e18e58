import Glibc
import Testing

@testable import EdgeRuntime

@Suite struct DiskJournalTests {
    private let scratch = DiskScratch()
    private let events = DiskEvents()
    private let faults = DiskFaults()

    private func open(journalBytes: Int = 8 << 10) throws -> DiskTier {
        let settings = DiskBench.settings(
            scratch,
            journalBytes: journalBytes,
            files: .faulty(faults)
        )
        let events = self.events
        return try DiskTier.open(settings) { events.tell($0) }
    }

    private func rule(_ sequence: Int, bytes: Int = 10) -> DiskInvalidation {
        DiskInvalidation(
            sequence: UInt64(sequence),
            rule: DiskBench.payload(sequence, bytes)
        )
    }

    private final class Answers: Sendable {
        private let list = Locked<[DiskFault?]>([])
        func add(_ fault: DiskFault?) { list.withLock { $0.append(fault) } }
        var all: [DiskFault?] { list.withLock { $0 } }
    }

    @Test func whatWasAcknowledgedIsThereAtTheNextStart() throws {
        let answers = Answers()
        let tier = try open()
        #expect(tier.invalidations == [] && tier.lastInvalidation == 0)
        for sequence in [1, 2, 4, 3] { tier.invalidate(rule(sequence)) { answers.add($0) } }
        #expect(answers.all == [])
        tier.pass()
        #expect(answers.all == [nil, nil, nil, nil])
        // Nothing is closed: this is what is left of a process that was killed.
        let copy = DiskScratch()
        mkdir(copy.path, 0o700)
        copy.restore(scratch.content)
        let next = try DiskTier.open(DiskBench.settings(copy)) { _ in }
        #expect(next.invalidations == [1, 2, 3, 4].map { rule($0) })
        #expect(next.lastInvalidation == 4)
    }

    @Test func aTornEndIsWhatWasNotAcknowledged() throws {
        let tier = try open()
        for sequence in 1...3 { tier.invalidate(rule(sequence, bytes: sequence * 7)) }
        tier.pass()
        let content = scratch.content
        let journal = try #require(content["journal"])
        let copy = DiskScratch()
        mkdir(copy.path, 0o700)
        let ends = [1, 2, 3].reduce(into: [64]) { ends, sequence in
            ends.append((ends.last ?? 0) + DiskJournalFormat.entryBytes(sequence * 7))
        }
        for count in 64...journal.count {
            var torn = content
            torn["journal"] = Array(journal.prefix(count))
            copy.restore(torn)
            let whole = ends.count { $0 <= count } - 1
            do {
                let next = try DiskTier.open(DiskBench.settings(copy)) { _ in }
                #expect(next.invalidations.count == whole)
                // And it is written on where the whole part ends.
                next.invalidate(rule(9))
                next.pass()
            }
            let again = try DiskTier.open(DiskBench.settings(copy)) { _ in }
            #expect(again.invalidations.last == rule(9))
            #expect(again.invalidations.count == whole + 1)
        }
    }

    @Test func withoutItsPurgesNothingIsBelieved() throws {
        let key = DiskBench.key(1)
        do {
            let tier = try open()
            #expect(tier.put(DiskBench.record(key, asOf: 2, payload: [1])))
            for sequence in 1...3 { tier.invalidate(rule(sequence)) }
            tier.settle()
            tier.close()
        }
        let content = scratch.content
        let journal = try #require(content["journal"])
        let entry = DiskJournalFormat.entryBytes(10)
        var damages: [[UInt8]?] = [nil, [], Array(repeating: 0, count: 300)]
        // One bit in the head, in the first and in the second of three entries.
        for place in [20, 64 + 3, 64 + 30, 64 + entry + 30] {
            var flipped = journal
            flipped[place] ^= 4
            damages.append(flipped)
        }
        for damage in damages {
            var damaged = content
            damaged["journal"] = damage
            scratch.restore(damaged)
            let tier = try open()
            #expect(tier.recordCount == 0)
            #expect(events.all.last == .journalDamaged)
            #expect(tier.invalidations == [])
            // What is put from now on knows of more than anything before.
            #expect(tier.lastInvalidation > 2)
            #expect(tier.put(DiskBench.record(key, asOf: tier.lastInvalidation, payload: [2])))
            tier.settle()
            tier.close()
            let next = try open()
            #expect(next.payload(key) == [2])
        }
    }

    @Test func rulesThatEveryRecordKnowsAreDropped() throws {
        let tier = try open(journalBytes: 16 << 10)
        var sequence = 0
        for _ in 0..<200 {
            sequence += 1
            tier.invalidate(rule(sequence, bytes: 100))
            tier.pass()
            let record = DiskBench.record(
                DiskBench.key(sequence),
                asOf: UInt64(sequence),
                payload: DiskBench.payload(sequence, 20_000)
            )
            #expect(tier.put(record))
            tier.settle()
            #expect(scratch.bytes(of: "journal").count <= 16 << 10)
        }
        #expect(events.all == [], "nothing had to be given up")
        let live = tier.recordCount
        #expect(live > 30)
        tier.close()
        let next = try open(journalBytes: 16 << 10)
        #expect(next.invalidations.count < 200)
        #expect(next.recordCount == live)
        #expect(next.lastInvalidation == 200)
        #expect(next.invalidations.last == rule(200, bytes: 100))
    }

    @Test func ifThereAreTooManyWhatIsOlderIsGivenUp() throws {
        let old = DiskBench.key(1)
        let new = DiskBench.key(2)
        let tier = try open()
        #expect(tier.put(DiskBench.record(old, asOf: 0, payload: [1])))
        #expect(tier.put(DiskBench.record(new, asOf: 150, payload: [2])))
        tier.settle()
        let held = try #require(tier.find(old, part: 0))
        for sequence in 1...100 {
            tier.invalidate(rule(sequence, bytes: 100))
            tier.pass()
        }
        guard case .purgesForgotten(let floor)? = events.all.last else {
            Issue.record("not told: \(events.all)")
            return
        }
        #expect(floor > 0 && floor < 100)
        guard case .gone = tier.read(held, into: Chunk(capacity: held.bytes)) else {
            Issue.record("read although nobody knows its purges")
            return
        }
        #expect(tier.find(old, part: 0) == nil)
        #expect(tier.payload(new) == [2])
        // Neither is what comes too late.
        #expect(tier.put(DiskBench.record(old, asOf: floor - 1, payload: [3])))
        tier.settle()
        #expect(tier.find(old, part: 0) == nil)
        tier.close()
        let next = try open()
        #expect(next.find(old, part: 0) == nil)
        #expect(next.payload(new) == [2])
        #expect(next.invalidations.first?.sequence == floor + 1)
        #expect(next.invalidations.last == rule(100, bytes: 100))
    }

    @Test(arguments: [ENOSPC, EIO, EROFS]) func aPurgeThatIsNotDurableSaysSo(_ code: Int32) throws {
        let answers = Answers()
        let tier = try open()
        tier.invalidate(rule(1)) { answers.add($0) }
        tier.pass()
        faults.change { plan in
            if code == EIO { plan.syncError = code } else { plan.writeError = code }
        }
        tier.invalidate(rule(2)) { answers.add($0) }
        tier.pass()
        #expect(answers.all.count == 2 && answers.all[0] == nil)
        guard case .system(let error, _)?? = answers.all.last, error.code == code else {
            Issue.record("\(answers.all)")
            return
        }
        guard case .failing = tier.state else {
            Issue.record("not told")
            return
        }
        // It is not forgotten, and written when the disk takes it.
        faults.change { $0 = DiskFaults.Plan() }
        tier.pass()
        #expect(tier.state == .working)
        #expect(events.all.count == 2 && events.all.last == .recovered)
        tier.close()
        let next = try open()
        #expect(next.invalidations == [rule(1), rule(2)])
    }

    @Test func moreThanCanBeKeptVoidsWhatIsOlder() throws {
        let key = DiskBench.key(1)
        let tier = try open()
        #expect(tier.put(DiskBench.record(key, payload: [1])))
        tier.settle()
        faults.change { $0.writeError = EIO }
        for sequence in 1...(Limits.diskInvalidationsOwed + 5) { tier.invalidate(rule(sequence)) }
        tier.pass()
        faults.change { $0 = DiskFaults.Plan() }
        tier.pass()
        #expect(tier.payload(key) == nil)
        tier.close()
        let next = try open()
        #expect(next.find(key, part: 0) == nil)
        #expect(next.lastInvalidation == UInt64(Limits.diskInvalidationsOwed + 5))
        #expect(next.invalidations.count == 4)
    }

    @Test func purgesThatFindNoRoomVoidWhatTheyCouldMatch() throws {
        let answers = Answers()
        let key = DiskBench.key(1)
        let tier = try open()
        #expect(tier.put(DiskBench.record(key, payload: [1])))
        tier.settle()
        let last = Limits.diskInvalidationsWaiting + 1
        for sequence in 1..<last { tier.invalidate(rule(sequence, bytes: 0)) }
        tier.invalidate(rule(last)) { answers.add($0) }
        #expect(answers.all == [.tooManyPurges])
        tier.pass()
        #expect(tier.payload(key) == nil)
        tier.close()
        #expect(try open().lastInvalidation == UInt64(last))
    }

    @Test func aJournalThatSomebodyRemovedIsMadeAnewWithoutTrust() throws {
        let key = DiskBench.key(1)
        let answers = Answers()
        let tier = try open()
        tier.invalidate(rule(1))
        #expect(tier.put(DiskBench.record(key, payload: [1])))
        tier.settle()
        unlink(scratch.path + "/journal")
        tier.invalidate(rule(2)) { answers.add($0) }
        tier.pass()
        #expect(answers.all == [nil])
        tier.close()
        let next = try open()
        #expect(next.find(key, part: 0) == nil)
        #expect(next.invalidations == [rule(2)])
    }
}
