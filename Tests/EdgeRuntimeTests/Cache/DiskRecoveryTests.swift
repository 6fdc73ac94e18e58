// Whatever happened to the bytes: what is read is what was put, or it is absent.

import Glibc
import Testing

@testable import EdgeRuntime

@Suite struct DiskRecoveryTests {
    private let scratch = DiskScratch()
    private let events = DiskEvents()

    private func open(segments: Int = 16) throws -> DiskTier {
        let events = self.events
        return try DiskTier.open(DiskBench.settings(scratch, segments: segments)) {
            events.tell($0)
        }
    }

    private func size(_ number: Int) -> Int { 40 + number * 37 % 90 }

    /// Records 1… of a few dozen bytes each, and what is on disk then.
    private func written(_ count: Int, isClosed: Bool) throws -> [String: [UInt8]] {
        let tier = try open()
        for number in 1...count {
            let record = DiskBench.record(
                DiskBench.key(number),
                version: UInt64(number),
                facts: [UInt8(number)],
                payload: DiskBench.payload(number, size(number))
            )
            #expect(tier.put(record))
        }
        tier.settle()
        if isClosed { tier.close() }
        return scratch.content
    }

    /// The numbers of 1…count that are found, all of them as they were put.
    private func found(_ tier: DiskTier, _ count: Int) -> [Int] {
        (1...count).filter { number in
            guard let payload = tier.payload(DiskBench.key(number)) else { return false }
            #expect(payload == DiskBench.payload(number, size(number)))
            return true
        }
    }

    @Test func aRecordThatIsTornAtAnyByteIsAbsentAndThoseBeforeItAreThere() throws {
        let content = try written(3, isClosed: false)
        let name = try #require(content.keys.first { $0.hasSuffix(".segment") })
        let whole = try #require(content[name])
        let lengths = (1...3).map { DiskFormat.recordHeadBytes + 1 + size($0) }
        let starts = lengths.reduce(into: [64]) { starts, length in
            starts.append((starts.last ?? 0) + DiskFormat.padded(length))
        }
        for count in 0..<whole.count {
            var torn = content
            torn[name] = Array(whole.prefix(count))
            scratch.restore(torn)
            let complete = (0..<3).filter { starts[$0] + lengths[$0] <= count }.map { $0 + 1 }
            do {
                let tier = try open()
                #expect(tier.recordCount == complete.count, "cut at \(count)")
                // A record whose padding is cut is whole, but nothing can be read behind it.
                #expect(found(tier, 3) == complete, "cut at \(count)")
                #expect(
                    tier.put(
                        DiskBench.record(
                            DiskBench.key(4),
                            payload: DiskBench.payload(4, size(4))
                        )
                    )
                )
                tier.settle()
                #expect(found(tier, 4) == complete + [4])
            }
            let again = try open()
            #expect(found(again, 4) == complete + [4], "cut at \(count), then written")
        }
    }

    @Test(arguments: [false, true]) func aFlippedBitAnywhereIsNeverRead(isSealed: Bool) throws {
        let content = try written(3, isClosed: isSealed)
        let name = try #require(content.keys.first { $0.hasSuffix(".segment") })
        let whole = try #require(content[name])
        var rescued = 0
        for place in whole.indices {
            var flipped = content
            flipped[name]?[place] ^= 1 << UInt8(place % 8)
            scratch.restore(flipped)
            let tier = try open()
            let all = found(tier, 3)
            if all == [1, 2, 3] { rescued += 1 }
            #expect(place < 64 || !all.isEmpty || place < 64 + 256, "byte \(place)")
        }
        // An index that does not verify is not needed: the records are.
        let indexBytes = isSealed ? 3 * 64 + 64 : 0
        #expect(rescued >= indexBytes, "\(rescued) of \(whole.count)")
    }

    @Test func garbageBehindTheRecordsIsCutOff() throws {
        let content = try written(3, isClosed: false)
        let name = try #require(content.keys.first { $0.hasSuffix(".segment") })
        for garbage in [
            [UInt8](repeating: 0, count: 1000), DiskBench.payload(7, 5000),
            Array(content[name]?.dropFirst(64) ?? []),
        ] {
            var longer = content
            longer[name]?.append(contentsOf: garbage)
            scratch.restore(longer)
            do {
                let tier = try open()
                #expect(found(tier, 3) == [1, 2, 3])
                #expect(tier.put(DiskBench.record(DiskBench.key(9), payload: [9])))
                tier.settle()
                tier.close()
            }
            let again = try open()
            #expect(found(again, 3) == [1, 2, 3])
            #expect(again.payload(DiskBench.key(9)) == [9])
            #expect(again.recordCount == 4)
        }
    }

    @Test func aRecordOfAnotherSegmentDoesNotVerifyHere() throws {
        let content = try written(3, isClosed: false)
        let name = try #require(content.keys.first { $0.hasSuffix(".segment") })
        var moved = content
        moved[name] = nil
        moved[DiskSegment.name(of: 77)] = content[name]
        scratch.restore(moved)
        let tier = try open()
        #expect(tier.recordCount == 0)
        #expect(
            events.all == [.setAside(file: DiskSegment.name(of: 77), .unreadable)]
        )
    }

    @Test func whatANewerVersionWroteIsSetAsideAndKeptWhileThereIsRoom() throws {
        var content = try written(3, isClosed: true)
        let name = try #require(content.keys.first { $0.hasSuffix(".segment") })
        content[name]?[8] = 9
        scratch.restore(content)
        let tier = try open(segments: 4)
        #expect(events.all == [.setAside(file: name, .unknownVersion(9))])
        let aside = name + ".aside"
        #expect(scratch.bytes(of: aside) == content[name])
        for number in 0..<40 {
            let record = DiskBench.record(
                DiskBench.key(number + 100),
                payload: DiskBench.payload(number, 6000)
            )
            #expect(tier.put(record))
            tier.settle()
        }
        #expect(!scratch.names.contains(aside))
        #expect(events.all.last == .asideRemoved(file: aside))
    }

    @Test func aFolderOfANewerVersionIsLeftAlone() throws {
        var content = try written(3, isClosed: true)
        content["superblock"]?[8] = 2
        scratch.restore(content)
        #expect(throws: DiskFault.unknownVersion(2)) { _ = try open() }
        #expect(scratch.content == content)
        #expect(
            "\(DiskFault.unknownVersion(2))"
                == "the folder has format 2 and this program knows format 1: "
                + "give it another folder, or empty this one"
        )
    }

    @Test func withoutItsSecretNothingIsUsedAndNothingDeleted() throws {
        for damage in [nil, [UInt8](repeating: 7, count: 64)] as [[UInt8]?] {
            var content = try written(3, isClosed: true)
            content["superblock"] = damage
            scratch.restore(content)
            do {
                let tier = try open()
                #expect(tier.recordCount == 0)
                tier.close()
            }
            #expect(scratch.names.contains { $0.hasSuffix(".segment.aside") })
            scratch.restore([:])
        }
    }

    @Test func draftsAndProbesOfACrashAreSweptAndStrangersAreNot() throws {
        var content = try written(1, isClosed: true)
        content["journal.new"] = [1]
        content["probe"] = [1]
        content["notes.txt"] = [1]
        scratch.restore(content)
        let tier = try open()
        #expect(found(tier, 1) == [1])
        #expect(!scratch.names.contains("journal.new") && !scratch.names.contains("probe"))
        #expect(scratch.names.contains("notes.txt"))
    }

    /// All that `kill -9` can leave: any prefix of what was written last, in any state of the files before it.
    @Test(arguments: 1...6) func anyPrefixOfALongStoryIsConsistent(_ seed: UInt64) throws {
        var random = Random(seed: seed)
        var versions: [Int: [Int]] = [:]
        var tier: DiskTier? = try open(segments: 5)
        for step in 1...400 {
            let number = Int(random.next(below: 60))
            let record = DiskBench.record(
                DiskBench.key(number),
                version: UInt64(step),
                payload: DiskBench.payload(step, Int(random.next(below: 5000)))
            )
            #expect(tier?.put(record) == true)
            versions[number, default: []].append(step)
            if random.next(below: 3) == 0 { tier?.settle() }
            if random.next(below: 5) == 0 {
                _ = tier?.payload(DiskBench.key(Int(random.next(below: 60))))
            }
            guard step % 40 == 0 else { continue }
            if random.next(below: 4) == 0 { tier?.close() }
            tier = nil
            var content = scratch.content
            if let last = content.keys.filter({ $0.hasSuffix(".segment") }).max() {
                let count = content[last]?.count ?? 0
                content[last]?.removeLast(Int(random.next(below: UInt64(min(count, 9000)))))
            }
            scratch.restore(content)
            let next = try open(segments: 5)
            for (number, steps) in versions { try check(next, number, steps) }
            tier = next
        }
    }

    private func check(_ tier: DiskTier, _ number: Int, _ steps: [Int]) throws {
        guard let extent = tier.find(DiskBench.key(number), part: 0) else { return }
        let reading = tier.read(extent, into: Chunk(capacity: extent.bytes))
        guard case .record(let read) = reading else {
            Issue.record("\(number) is found, and not readable")
            return
        }
        let step = Int(read.version)
        #expect(steps.contains(step))
        #expect(read.payload.array == DiskBench.payload(step, read.payload.count))
    }
}
