import Testing

@testable import EdgeRuntime

/// Objects of an index with a disk below it, over restarts.
@Suite struct DiskStoreTests {
    private let scratch = DiskScratch()

    private struct Stored: Error {}

    private func open(
        _ folder: DiskScratch? = nil,
        journalBytes: Int = 64 << 10
    ) throws
        -> CacheIndex
    {
        let settings = DiskBench.settings(
            folder ?? scratch,
            segments: 24,
            journalBytes: journalBytes
        )
        let disk = try DiskStore(settings, events: EventLog())
        return CacheIndex(budget: 16 << 20, secret: disk.secret, disk: disk)
    }

    private func key(_ number: Int) -> CacheKey { DiskBench.key(number) }

    /// Puts an answer into memory, as a fetch does.
    private func fetch(
        _ index: CacheIndex,
        _ number: Int,
        _ bytes: [UInt8],
        names: VaryNames? = nil,
        variant: UInt64 = 0,
        lifetime: Int64 = 1 << 30,
        tags: [String] = []
    ) throws {
        func join(_ variant: Variant?) -> FillJoin {
            index.join(
                key(number),
                variant,
                insteadOf: held(index, number, variant?.number ?? 0),
                generation: 1,
                sequence: index.purgeSequence,
                now: 0
            )
        }
        var joined = join(names.map { Variant(names: $0, number: variant) })
        if case .varies(let known) = joined {
            joined = join(Variant(names: known, number: .max))
        }
        guard case .leads(let fill) = joined else { throw Stored() }
        let distribution = CacheTags.hash("shop", secret: index.secret)
        let arena = Arena()
        var response = ResponseHead()
        response.status = 200
        let tag = Array("\"\(bytes.count)\"".utf8)
        response.fields.append(.etag, value: arena.append(tag.span))
        guard let head = StoredHead(response, arena) else { throw Stored() }
        let body = index.makeBody(
            key(number),
            blockBytes: 4096,
            length: Int64(bytes.count),
            isSparse: false
        )
        let target = Array("/\(number)".utf8)
        let object = CachedObject(
            key: key(number),
            variant: variant,
            head: head,
            freshness: Freshness(
                received: Clock.wall().seconds,
                initialAge: 0,
                lifetime: lifetime,
                basis: .maxAge
            ),
            facts: ObjectFacts(
                distribution: distribution,
                target: target,
                pathLength: target.count,
                tags: tags.map {
                    CacheTags.hash($0.utf8.span, of: distribution, secret: index.secret)
                },
                sequence: fill.sequence
            ),
            body: body,
            etag: tag,
            lastModified: nil
        )
        let run = index.begin(body, at: 0, to: Int64(bytes.count))
        index.found(fill, object, vary: names)
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + 1024, (start / 4096 + 1) * 4096)
            index.append(Chunk(bytes[start..<end].span), to: body, run)
            start = end
        }
        index.end(body, run)
    }

    private func held(_ index: CacheIndex, _ number: Int, _ variant: UInt64) -> CachedObject? {
        index.holding(key(number)).objects.first { $0.object.variant == variant }?.object
    }

    /// Somebody asks for it again.
    private func look(_ index: CacheIndex, _ number: Int) {
        _ = index.look(key(number), nil, now: 0)
    }

    private func feed(_ index: CacheIndex, _ round: inout DiskRound) throws {
        let disk = try #require(index.disk)
        index.feed(disk, &round, now: Clock.wall().seconds)
        disk.tier.settle()
    }

    private func feed(_ index: CacheIndex) throws {
        var round = DiskRound(epoch: try #require(index.disk).epoch)
        try feed(index, &round)
    }

    private func find(_ index: CacheIndex, _ key: CacheKey) throws -> DiskObject? {
        let disk = try #require(index.disk)
        guard let extent = disk.find(key, now: 0), case .object(let object) = disk.read(extent)
        else { return nil }
        return object
    }

    private func purge(
        _ index: CacheIndex,
        _ target: InvalidationRules.Target,
        _ strength: PurgeStrength = .hard
    ) {
        PurgeOrder(distribution: "shop", targets: [target], strength: strength).carryOut(on: index)
        _ = index.disk?.tier.pass()
    }

    // MARK: What is written

    @Test func onlyWhatIsSeenAgainIsWritten() throws {
        let index = try open()
        try fetch(index, 1, [1, 2, 3])
        try fetch(index, 2, [4, 5, 6])
        look(index, 2)
        try feed(index)
        #expect(try find(index, key(1)) == nil)
        let found = try #require(try find(index, key(2)))
        #expect(found.pieces.flatMap { $0.bytes.array } == [4, 5, 6])
        // Nor twice.
        let written = index.disk?.tier.counts.writtenRecords
        look(index, 2)
        try feed(index)
        #expect(index.disk?.tier.counts.writtenRecords == written)
    }

    @Test func whatIsFetchedASecondTimeIsWrittenAtOnce() throws {
        let index = try open()
        for _ in 0..<2 { try fetch(index, 1, [1]) }
        try feed(index)
        #expect(try find(index, key(1)) != nil)
    }

    @Test func aNewAnswerTakesTheOldOneAway() throws {
        let index = try open()
        try fetch(index, 1, [1])
        look(index, 1)
        try feed(index)
        try fetch(index, 1, [2])
        #expect(try find(index, key(1)) == nil)
    }

    @Test func anAnswerThatIsBeingWrittenIsTakenAwayAsWell() throws {
        let index = try open()
        let disk = try #require(index.disk)
        var round = DiskRound(epoch: disk.epoch)
        try fetch(index, 1, [1])
        look(index, 1)
        index.feed(disk, &round, now: Clock.wall().seconds)
        try fetch(index, 1, [2])
        disk.tier.settle()
        #expect(try find(index, key(1)) == nil)
    }

    @Test func bodiesOfAllSizesComeBack() throws {
        let index = try open()
        let sizes = [0, 1, 1023, 4095, 4096, 4097, 8192, 20_000]
        for (number, size) in sizes.enumerated() {
            try fetch(index, number, DiskBench.payload(number, size))
            look(index, number)
        }
        try feed(index)
        for (number, size) in sizes.enumerated() {
            let found = try #require(try find(index, key(number)), "\(size) bytes")
            #expect(found.pieces.flatMap { $0.bytes.array } == DiskBench.payload(number, size))
        }
    }

    @Test func variantsLieUnderKeysOfTheirOwn() throws {
        let index = try open()
        let disk = try #require(index.disk)
        let names = try #require(VaryNames(names: ["accept-language", "x-thing"]))
        for variant in [1, 2] as [UInt64] {
            try fetch(index, 1, [UInt8(variant)], names: names, variant: variant)
            _ = index.look(key(1), Variant(names: names, number: variant), now: 0)
        }
        try feed(index)
        let extent = try #require(disk.find(key(1), now: 0))
        guard case .names(names) = disk.read(extent) else {
            Issue.record("no names")
            return
        }
        for variant in [1, 2] as [UInt64] {
            let found = try #require(try find(index, disk.key(key(1), names, variant)))
            #expect(found.head.variant == variant && found.head.names == names)
            #expect(found.pieces.flatMap { $0.bytes.array } == [UInt8(variant)])
        }
        #expect(try find(index, disk.key(key(1), names, 3)) == nil)
        // What varies by something else now is not mixed up with it.
        let others = try #require(VaryNames(names: ["x-thing"]))
        try fetch(index, 1, [9], names: others, variant: 1)
        #expect(disk.find(key(1), now: 0) == nil)
    }

    // MARK: Restarts

    /// For any order of answers, hits, purges, sweeps and restarts: what is found was never purged after it was
    /// fetched, and is the newest that was fetched.
    @Test(arguments: 1...12) func nothingThatWasPurgedComesBack(seed: Int) throws {
        var random = Random(seed: UInt64(seed))
        var folder = scratch
        var index = try open(folder)
        var round = DiskRound(epoch: 1)
        var version = 0
        // Of each name: the last version that was fetched; nil: it was purged since.
        var newest: [Int: Int] = [:]
        var found = 0
        for _ in 0..<400 {
            let number = Int(random.next(below: 8))
            switch random.next(below: 12) {
            case 0...2:
                version += 1
                newest[number] = version
                try fetch(
                    index,
                    number,
                    DiskBench.payload(version, Int(random.next(below: 9000))),
                    tags: ["t\(number % 3)"]
                )
            case 3...5: look(index, number)
            case 6:
                let disk = try #require(index.disk)
                index.feed(disk, &round, now: Clock.wall().seconds)
            case 7: index.disk?.tier.settle()
            case 8:
                purge(index, .path(Array("/\(number)".utf8)))
                newest[number] = nil
            case 9:
                purge(index, .tag(Array("t\(number % 3)".utf8)))
                for other in 0..<8 where other % 3 == number % 3 { newest[other] = nil }
            case 10:
                let last = index.purgeSequence
                for shard in 0..<Limits.cacheShards {
                    var place: Int? = 0
                    while let at = place { place = index.sweep(shard, from: at) }
                }
                index.forgetRules(through: last)
                index.disk?.forgetRules()
            default:
                // Killed or closed: what is in memory is gone.
                if random.next(below: 2) == 0 {
                    index.closeDisk(now: Clock.wall().seconds)
                } else {
                    // A removal that is not written yet may be forgotten, as the tier says.
                    index.disk?.tier.settle()
                    let copy = DiskScratch()
                    copy.restore(folder.content)
                    folder = copy
                }
                index = try open(folder)
                round = DiskRound(epoch: index.disk?.epoch ?? 0)
            }
            let object = try find(index, key(number))
            guard let object else { continue }
            let held = try #require(newest[number], "\(number) was purged")
            let bytes = object.pieces.flatMap { $0.bytes.array }
            #expect(bytes == DiskBench.payload(held, bytes.count), "not the newest")
            found += 1
        }
        #expect(found > 0)
    }

    @Test func whatWasPurgedSoftlyIsDoubtedAfterARestart() throws {
        var index = try open()
        try fetch(index, 1, [1])
        try fetch(index, 2, [2])
        for number in [1, 2] { look(index, number) }
        try feed(index)
        purge(index, .path(Array("/1".utf8)), .soft)
        index.closeDisk(now: 0)
        index = try open()
        #expect(index.purgeSequence == 1)
        #expect(try #require(try find(index, key(1))).isDoubted)
        #expect(try !#require(try find(index, key(2))).isDoubted)
    }

    @Test func aLargeBatchGivesUpNothingElse() throws {
        let index = try open(journalBytes: 1 << 20)
        try fetch(index, 1, [1])
        look(index, 1)
        try feed(index)
        let targets = (0..<1000).map { InvalidationRules.Target.tag(Array("\($0)".utf8)) }
        let order = PurgeOrder(distribution: "shop", targets: targets)
        for _ in 0..<5 { order.carryOut(on: index) }
        index.disk?.tier.settle()
        #expect(try find(index, key(1)) != nil)
    }

    // MARK: Bytes

    @Test func cutsCoverABodyOnceAndNumbersAreNeverGivenTwice() throws {
        for length in [0, 1, 65_535, 65_536, 1 << 20, (1 << 20) + 1, 9_000_000] as [Int64] {
            for blockBytes in [64 << 10, 100_000, 1 << 20, 3_000_000, 16 << 20] {
                let cut = try #require(
                    DiskCut(length: length, blockBytes: blockBytes, isSparse: true)
                )
                var place: Int64 = 0
                var last: UInt32 = 0
                for index in 0..<cut.blockCount {
                    for part in cut.parts(ofBlock: index) {
                        #expect(part.range.lowerBound == place && part.number > last)
                        #expect(!part.range.isEmpty && part.range.count <= Limits.diskPartBytes)
                        place = part.range.upperBound
                        last = part.number
                    }
                }
                #expect(place == length)
            }
        }
        #expect(DiskCut(length: 1 << 40, blockBytes: 1 << 20, isSparse: false) == nil)
    }

    @Test func rulesComeBack() {
        let targets: [InvalidationRules.Target] = [
            .everything, .path(Array("/a*".utf8)), .tag([0, 255]), .path([]),
        ]
        for target in targets {
            for strength in [PurgeStrength.soft, .hard] {
                let rule = DiskRule(target, of: 7, strength)
                #expect(DiskRule(rule.encoded) == rule)
            }
        }
        let long = DiskRule(.path([UInt8](repeating: 47, count: 40_000)), of: 7, .soft)
        #expect(DiskRule(long.encoded) == DiskRule(.everything, of: 7, .hard))
        #expect(DiskRule([2, 0, 0]) == nil && DiskRule([]) == nil)
    }

    /// The codec would leave out what it does not know of.
    @Test func everyFieldOfFreshnessIsWritten() {
        #expect(
            Mirror(reflecting: Freshness(received: 0, initialAge: 0, lifetime: 0, basis: .maxAge))
                .children.count == 7
        )
    }
}

extension Span<UInt8> {
    fileprivate var array: [UInt8] { withUnsafeBufferPointer { Array($0) } }
}
