// The pure parts of the disk tier: checksum, index, admission, write budget, limits.

import Testing

@testable import EdgeRuntime

@Suite struct CRC32CTests {
    /// RFC 3720 B.4.
    @Test func knownAnswers() {
        func value(_ bytes: [UInt8]) -> UInt32 {
            var checksum = CRC32C()
            checksum.add(bytes.span)
            return checksum.value
        }
        #expect(value(Array(repeating: 0, count: 32)) == 0x8a91_36aa)
        #expect(value(Array(repeating: 0xff, count: 32)) == 0x62a8_ab43)
        #expect(value(Array(0..<32)) == 0x46dd_794e)
        #expect(value((0..<32).reversed()) == 0x113f_db5c)
        #expect(value(Array("123456789".utf8)) == 0xe306_9283)
    }

    @Test func tableAndProcessorAgreeAtEveryLength() {
        let bytes = DiskBench.payload(1, 300)
        for count in 0...bytes.count {
            var one = CRC32C(seed: 7)
            var other = CRC32C(seed: 7)
            one.add(bytes.span.extracting(first: count))
            bytes.withUnsafeBytes {
                other.addByTable(UnsafeRawBufferPointer(rebasing: $0[..<count]))
            }
            #expect(one.value == other.value)
        }
    }

    @Test func piecesAreTheWhole() {
        let bytes = DiskBench.payload(2, 100)
        var whole = CRC32C(seed: 1)
        whole.add(bytes.span)
        for cut in 0...bytes.count {
            var pieces = CRC32C(seed: 1)
            pieces.add(bytes.span.extracting(first: cut))
            pieces.add(bytes.span.extracting(droppingFirst: cut))
            #expect(pieces.value == whole.value)
        }
    }
}

@Suite struct DiskIndexTests {
    @Test func placesKeepWhatTheyAreGiven() {
        for (segment, offset, bytes) in [
            (1, 64, 80), (0x3ff_ffff, 256 << 20 - 64, 64), (77, 64 << 20, (2 << 20) - 64),
        ] {
            var place = DiskPlace(segment: UInt32(segment), offset: offset, bytes: bytes)
            #expect(place.segment == UInt32(segment))
            #expect(place.offset == offset)
            #expect(place.bytes == DiskFormat.padded(bytes))
            #expect(!place.isRead)
            place.isRead = true
            #expect(place.isRead && place.segment == UInt32(segment))
            #expect(
                place.isSame(as: DiskPlace(segment: UInt32(segment), offset: offset, bytes: bytes))
            )
        }
    }

    /// Against a dictionary: every operation, at every load, with keys that crowd at the ends of the table.
    @Test(arguments: 1...8) func aTableIsADictionary(_ seed: UInt64) {
        var random = Random(seed: seed)
        var table = DiskTable()
        var model: [CacheKey: [UInt32: DiskPlace]] = [:]
        for step in 0..<6000 {
            let crowd: UInt64 = step % 3 == 0 ? 0xffff_ffff_ffff_ff00 : 0
            let key = CacheKey(
                high: random.next(below: 40),
                low: crowd | random.next(below: 8) << (step % 2 == 0 ? 0 : 60)
            )
            let part = UInt32(random.next(below: 3))
            let place = DiskPlace(
                segment: UInt32(random.next(below: 4)) + 1,
                offset: 64 * (step + 1),
                bytes: 100
            )
            let known = model[key]?[part]
            switch random.next(below: 8) {
            case 0..<4:
                let isNew = table.set(key, part, version: UInt64(step), place)
                #expect(isNew == (known == nil))
                model[key, default: [:]][part] = place
            case 4:
                let isRemoved = table.remove(key, part)
                #expect(isRemoved == (known != nil))
                model[key]?[part] = nil
            case 5:
                let isFound = table.remove(key, part, at: place)
                #expect(!isFound)
                let isMoved = table.move(key, part, from: known ?? place, to: place)
                #expect(isMoved == (known != nil))
                if isMoved { model[key]?[part] = place }
            case 6 where step % 40 == 0:
                let victim = place.segment
                let before = model.values.reduce(0) { $0 + $1.count }
                for key in model.keys {
                    model[key] = model[key]?.filter { $0.value.segment != victim }
                }
                let after = model.values.reduce(0) { $0 + $1.count }
                let removed = table.removeAll(in: victim)
                #expect(removed == before - after)
            default:
                #expect(table.find(key, part)?.place == known)
            }
        }
        #expect(table.count == model.values.reduce(0) { $0 + $1.count })
        for (key, parts) in model {
            for (part, place) in parts { #expect(table.find(key, part)?.place == place) }
        }
    }

    @Test func anEntryIsSmall() {
        #expect(MemoryLayout<DiskTable.Entry>.stride == 32)
        let index = DiskIndex()
        for number in 0..<100_000 {
            index.set(
                DiskBench.key(number),
                0,
                version: 1,
                DiskPlace(segment: 1, offset: 64, bytes: 64)
            )
        }
        #expect(index.count == 100_000)
        #expect(index.bytes <= 64 * index.count, "\(index.bytes / index.count) bytes a record")
        index.removeAll(in: 1)
        #expect(index.count == 0)
    }
}

@Suite struct DiskAdmissionTests {
    private let minute = Nanoseconds.seconds(60)

    private func expect(
        _ isAdmitted: Bool,
        _ admission: inout DiskAdmission,
        _ key: CacheKey,
        at now: Nanoseconds,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let answer = admission.admits(key, at: now)
        #expect(answer == isAdmitted, sourceLocation: sourceLocation)
    }

    @Test func theSecondRequestWithinTheWindowIsAdmitted() {
        var admission = DiskAdmission(keys: 1000, window: minute, now: 0)
        let key = DiskBench.key(1)
        expect(false, &admission, key, at: 0)
        expect(true, &admission, key, at: .seconds(1))
        expect(true, &admission, key, at: .seconds(29))
    }

    @Test func itIsRememberedForHalfAWindowAtLeastAndAWholeAtMost() {
        for (asked, again, isAdmitted) in [
            (0, 29, true), (29, 58, true), (29, 61, false), (0, 61, false), (0, 600, false),
        ] as [(Int64, Int64, Bool)] {
            var admission = DiskAdmission(keys: 1000, window: minute, now: 0)
            let key = DiskBench.key(1)
            expect(false, &admission, key, at: .seconds(asked))
            // Somebody asks for something else meanwhile.
            _ = admission.admits(DiskBench.key(2), at: .seconds(min(again, 30)))
            let answer = admission.admits(key, at: .seconds(again))
            #expect(answer == isAdmitted, "\(asked) s, \(again) s")
        }
    }

    @Test func aScanOfStrangersIsHardlyAdmitted() {
        var admission = DiskAdmission(keys: 10_000, window: minute, now: 0)
        var admitted = 0
        for number in 0..<100_000 where admission.admits(DiskBench.key(number), at: 0) {
            admitted += 1
        }
        #expect(admitted < 1000, "\(admitted) of 100000")
    }

    @Test func aCrowdOfOthersForgetsTheOldest() {
        var admission = DiskAdmission(keys: 100, window: minute, now: 0)
        expect(false, &admission, DiskBench.key(0), at: 0)
        for number in 1...400 { _ = admission.admits(DiskBench.key(number), at: 0) }
        expect(false, &admission, DiskBench.key(0), at: 0)
    }
}

@Suite struct DiskWriteBudgetTests {
    private func expect(
        _ wait: Nanoseconds,
        _ budget: inout DiskWriteBudget,
        _ bytes: Int,
        at now: Nanoseconds,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let answer = budget.spend(bytes, at: now)
        #expect(answer == wait, sourceLocation: sourceLocation)
    }

    @Test func aBurstGoesThroughAndTheAverageHolds() {
        var budget = DiskWriteBudget(bytesPerSecond: 1000)
        expect(0, &budget, 1000, at: 0)
        expect(.milliseconds(500), &budget, 500, at: 0)
        expect(0, &budget, 0, at: .milliseconds(500))
        expect(.milliseconds(250), &budget, 250, at: .milliseconds(500))
        // However long nothing came, the burst is one second.
        expect(0, &budget, 1000, at: .seconds(1000))
        expect(.seconds(1), &budget, 1000, at: .seconds(1000))
    }

    @Test func zeroIsNoLimit() {
        var budget = DiskWriteBudget(bytesPerSecond: 0)
        expect(0, &budget, 1 << 40, at: 0)
    }
}

@Suite struct DiskLimitsTests {
    @Test func relations() {
        let record =
            DiskFormat.recordHeadBytes + Limits.diskFactsBytesMax + Limits.diskPayloadBytesMax
        // What a place can say.
        #expect(DiskFormat.padded(record) < DiskFormat.alignment << 15)
        #expect(Limits.diskSegmentBytesMax <= DiskFormat.alignment << 22)
        // A scan's window holds any record; a queue and a segment hold several.
        #expect(record <= Limits.diskScanBytes)
        #expect(record * 2 <= Limits.diskSegmentBytesMin)
        #expect(record * 8 <= Limits.diskQueuedBytes)
        #expect(Limits.diskSegmentBytesMin * Limits.diskSegmentsMin == Limits.diskBytesMin)
        // A journal that is rewritten is at most half full, and any rule fits into the other half.
        let smallest = Limits.diskBytesMin / Limits.diskJournalShare
        #expect(DiskJournalFormat.entryBytes(Limits.diskInvalidationBytesMax) <= smallest / 2)
    }
}
