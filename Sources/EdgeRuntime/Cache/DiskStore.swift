// What the cache has on disk: objects as records of the tier, with the purges that they have to obey.
//
//   memory misses ─▶ find ─▶ read, on a blocking thread ─▶ purged since? ─▶ object, or names of `Vary` ─▶ its variant
//   seen again in memory, or asked for before ─▶ offer ─▶ put
//   purge ─▶ rule here, and in the tier's journal
//
// Rules in memory go when a sweep has looked at every object; those for the disk stay until no record is older, so
// they are kept twice. A record is looked at when it is read.

import Synchronization

/// What a body in memory knows of its copy on disk. Guard: the lock of its shard.
struct DiskCopy {
    var key = CacheKey(high: 0, low: 0)
    /// 0: nobody has thought of the disk yet.
    var version: UInt64 = 0
    /// When its head was put there; see `DiskStore.epoch`. 0: it was not.
    var headEpoch: UInt64 = 0
    /// Of that head.
    var freshUntil: Int64 = 0
    /// It was asked for before: it is put there without being seen again.
    var isWanted = false
}

/// An object of the memory that lacks a copy, or some blocks of one.
struct DiskOffer {
    var object: CachedObject
    var names: VaryNames?
    var copy: DiskCopy
    var cut: DiskCut
    /// The last purge that is known not to match it.
    var asOf: UInt64
    var isHeadDue: Bool
    var blocks: [(index: Int, pieces: [Chunk])]
}

/// An object as it was found.
struct DiskObject: Sendable {
    var key: CacheKey
    var head: DiskHead
    var facts: ObjectFacts
    /// Purged softly.
    var isDoubted: Bool
    /// Of the body, unless it is sparse: then its blocks are read when somebody wants them.
    var pieces: [Chunk]
}

enum DiskFinding: Sendable {
    case object(DiskObject)
    case names(VaryNames)
    case nothing
}

final class DiskStore: Sendable {
    let tier: DiskTier
    let secret: CacheSecret
    private let rules: DiskRules
    private let admission: Locked<DiskAdmission>
    private let random = Locked(Random())
    private let recoveries: SharedWord
    /// The disk takes its time: nobody waits for it until then.
    private let slowUntil = Atomic<Nanoseconds>(0)
    private let hits = Atomic<Int>(0)
    private let misses = Atomic<Int>(0)
    private let bytesMax: Int
    private let segmentsMax: Int

    init(_ settings: DiskSettings, events: EventLog) throws(DiskFault) {
        var settings = settings
        let rules = DiskRules()
        let recoveries = SharedWord(1)
        settings.judge = { _, asOf, facts in rules.judge(facts, asOf: asOf) }
        tier = try DiskTier.open(settings) { event in
            if event == .recovered { recoveries.value += 1 }
            event.log(events)
        }
        let bytes = tier.secret
        secret = CacheSecret(bytes.span)
        rules.begin(tier, secret)
        self.rules = rules
        self.recoveries = recoveries
        admission = Locked(
            DiskAdmission(
                keys: Limits.diskAdmissionKeys,
                window: Limits.diskAdmissionTime,
                now: Clock.monotonic()
            )
        )
        bytesMax = settings.bytesMax
        segmentsMax = max(1, settings.segmentBudget / settings.segmentBytes)
    }

    /// The number of the last purge before this start.
    var lastPurge: UInt64 { tier.lastInvalidation }

    // MARK: Finding

    func find(_ key: CacheKey, now: Nanoseconds) -> DiskExtent? {
        guard slowUntil.load(ordering: .relaxed) <= now else { return nil }
        guard let extent = tier.find(key, part: 0) else {
            misses.wrappingAdd(1, ordering: .relaxed)
            return nil
        }
        return extent
    }

    /// Where the answers of a key lie that vary by these names.
    func key(_ key: CacheKey, _ names: VaryNames?, _ variant: UInt64) -> CacheKey {
        guard let names else { return key }
        var hash = SipHash(secret.key)
        hash.update(key.high, bytes: 8)
        hash.update(key.low, bytes: 8)
        hash.update(variant, bytes: 8)
        let text = DiskNames.text(of: names)
        hash.updatePart(text.span)
        let value = hash.finish()
        return CacheKey(high: value.high, low: value.low)
    }

    /// On a blocking thread. All of a body that is not sparse is read, so that what has begun cannot fail.
    func read(_ extent: DiskExtent) -> DiskFinding {
        guard let record = record(extent) else { return .nothing }
        let payload = record.payload.bytes
        if let names = DiskNames.decoded(payload) { return .names(names) }
        var end = 0
        let facts = record.facts.bytes
        guard let head = DiskHead(payload, end: &end),
            var facts = ObjectFacts(facts, asOf: record.asOf)
        else { return .nothing }
        let (verdict, newest) = rules.verdict(on: facts)
        guard verdict != .hard else {
            tier.remove(extent.key)
            return .nothing
        }
        facts.sequence = newest
        var pieces: [Chunk] = []
        if head.cut.isInHead {
            let body = payload.extracting(end..<payload.count)
            guard Int64(body.count) == head.cut.length else { return .nothing }
            if body.count > 0 { pieces = [Chunk(body)] }
        } else if !head.cut.isSparse {
            for index in 0..<head.cut.blockCount {
                guard let block = readBlock(index, of: extent.key, head.version, head.cut) else {
                    return .nothing
                }
                pieces += block
            }
        }
        return .object(
            DiskObject(
                key: extent.key,
                head: head,
                facts: facts,
                isDoubted: verdict == .soft,
                pieces: pieces
            )
        )
    }

    /// Whether all parts of a block are there.
    func hasBlock(_ index: Int, of copy: DiskCopy, _ cut: DiskCut, now: Nanoseconds) -> Bool {
        guard slowUntil.load(ordering: .relaxed) <= now else { return false }
        return cut.parts(ofBlock: index).allSatisfy {
            tier.find(copy.key, part: $0.number, version: copy.version) != nil
        }
    }

    /// On a blocking thread. Nil: it is not there, or not whole.
    func readBlock(
        _ index: Int,
        of key: CacheKey,
        _ version: UInt64,
        _ cut: DiskCut
    ) -> [Chunk]? {
        var pieces: [Chunk] = []
        for part in cut.parts(ofBlock: index) {
            guard let extent = tier.find(key, part: part.number, version: version),
                let record = record(extent), record.version == version,
                record.payload.count == part.range.count
            else { return nil }
            let payload = record.payload
            pieces.append(Chunk(payload.bytes))
        }
        return pieces
    }

    private func record(_ extent: DiskExtent) -> DiskRead? {
        let chunk = Chunk(capacity: extent.bytes)
        guard case .record(let record) = tier.read(extent, into: chunk) else { return nil }
        return record
    }

    func countHit() { hits.wrappingAdd(1, ordering: .relaxed) }
    /// Something was there, and of no use.
    func countMiss() { misses.wrappingAdd(1, ordering: .relaxed) }

    /// Somebody has waited in vain.
    func isSlow(now: Nanoseconds) {
        slowUntil.store(now + Limits.diskSlowTime, ordering: .relaxed)
    }

    // MARK: Putting

    /// Grows when what was put may be there no longer: after the disk was away, and when the log has gone round.
    var epoch: UInt64 {
        recoveries.value + UInt64(tier.counts.evictedSegments / segmentsMax)
    }

    var isReady: Bool { tier.state == .working && tier.queuedBytes < Limits.diskQueuedBytes / 2 }

    func makeVersion() -> UInt64 { random.withLock { $0.next() } | 1 }

    /// Whether it was fetched before.
    func admits(_ key: CacheKey, _ now: Nanoseconds) -> Bool {
        admission.withLock { $0.admits(key, at: now) }
    }

    /// An origin has given something new: what is here of the key is not to be found any more.
    func displace(_ key: CacheKey, plain: CacheKey, _ names: VaryNames?) {
        let isBusy = tier.isBusy
        if isBusy || tier.has(key) { tier.remove(key) }
        // It may vary by other names now; those that are right are put with it.
        guard let names, !tier.has(plain, version: DiskNames.version(names)) else { return }
        if isBusy || tier.has(plain) { tier.remove(plain) }
    }

    /// Worth its bytes: it can be shown for a while, or asked about.
    func isWorthwhile(_ object: CachedObject, now: Int64) -> Bool {
        let freshness = object.freshness
        let isShown = !freshness.mustAsk && freshness.remaining(at: now) >= Limits.diskLifetimeMin
        return isShown || !object.etag.isEmpty || object.lastModified != nil
    }

    func put(_ offer: DiskOffer) {
        let object = offer.object
        let facts = object.facts.encoded
        var record = DiskRecord(
            key: offer.copy.key,
            part: 0,
            version: offer.copy.version,
            asOf: offer.asOf,
            expiry: Self.expiry(of: object),
            facts: facts,
            payload: []
        )
        if !offer.cut.isInHead {
            for (index, pieces) in offer.blocks {
                let start = Int64(index) * Int64(offer.cut.blockBytes)
                for part in offer.cut.parts(ofBlock: index) {
                    let range = part.range.lowerBound - start..<part.range.upperBound - start
                    record.part = part.number
                    record.payload = Self.ranges(of: pieces, range)
                    guard tier.put(record) else { return }
                }
            }
        }
        guard offer.isHeadDue else { return }
        let head = DiskHead(object, version: offer.copy.version, names: offer.names, offer.cut)
        record.part = 0
        record.payload = [Self.range(head.encoded)]
        if offer.cut.isInHead {
            for (_, pieces) in offer.blocks {
                let bytes = pieces.reduce(0) { $0 + $1.filled }
                record.payload += Self.ranges(of: pieces, 0..<Int64(bytes))
            }
        }
        guard tier.put(record), let names = offer.names else { return }
        let version = DiskNames.version(names)
        guard !tier.has(object.key, version: version) else { return }
        _ = tier.put(
            DiskRecord(
                key: object.key,
                part: 0,
                version: version,
                asOf: offer.asOf,
                expiry: object.freshness.received + Limits.diskTimeMax,
                facts: [],
                payload: [Self.range(DiskNames.encoded(names))]
            )
        )
    }

    func remove(_ key: CacheKey) { tier.remove(key) }

    /// It is of no use any more.
    func remove(_ copy: DiskCopy) {
        if copy.headEpoch != 0 { tier.remove(copy.key) }
    }

    private static func range(_ bytes: [UInt8]) -> ChunkRange {
        ChunkRange(chunk: Chunk(bytes.span), start: 0, end: bytes.count)
    }

    private static func ranges(of pieces: [Chunk], _ range: Range<Int64>) -> [ChunkRange] {
        var ranges: [ChunkRange] = []
        var start = 0
        for piece in pieces {
            let first = max(Int(range.lowerBound), start)
            let end = min(Int(range.upperBound), start + piece.filled)
            if first < end {
                ranges.append(ChunkRange(chunk: piece, start: first - start, end: end - start))
            }
            start += piece.filled
        }
        return ranges
    }

    /// Past it nobody would be shown it, nor would it save a body.
    private static func expiry(of object: CachedObject) -> Int64 {
        let freshness = object.freshness
        let hasValidator = !object.etag.isEmpty || object.lastModified != nil
        let stale = max(
            freshness.staleWhileRevalidate,
            freshness.staleIfError,
            hasValidator ? Limits.diskStaleTime : 0
        )
        let lifetime = max(0, freshness.lifetime - freshness.initialAge)
        return freshness.received + min(lifetime + stale, Limits.diskTimeMax)
    }

    // MARK: Purging

    /// A rule of the memory, with its number. `completion` is told when it is durable, or why it is not.
    func purge(
        _ rule: DiskRule,
        as number: UInt64,
        then completion: (@Sendable (DiskFault?) -> Void)?
    ) {
        rules.add(rule, as: number)
        tier.invalidate(DiskInvalidation(sequence: number, rule: rule.encoded), then: completion)
    }

    /// Lets go of rules that every record knows.
    func forgetRules() { rules.forget(through: tier.knownByAll) }

    // MARK: For those who look after it

    var facts: DiskFacts {
        let counts = tier.counts
        var facts = DiskFacts()
        facts.bytes = tier.usedBytes
        facts.bytesMax = bytesMax
        facts.records = tier.recordCount
        facts.hits = hits.load(ordering: .relaxed)
        facts.misses = misses.load(ordering: .relaxed)
        facts.written = counts.writtenRecords
        facts.writtenBytes = counts.writtenBytes
        facts.dropped =
            counts.refusedFull + counts.refusedFailing + counts.refusedSize + counts.lostRecords
        facts.faults = counts.readTorn + counts.readFailed
        if case .failing(let fault) = tier.state { facts.failure = "\(fault.word)" }
        return facts
    }

    func close() { tier.close() }
}

/// Purges as far as records on disk may not know of them.
final class DiskRules: Sendable {
    // Guard: nil until the tier is open; nothing is carried over before.
    private let rules = Locked<InvalidationRules?>(nil)

    func begin(_ tier: DiskTier, _ secret: CacheSecret) {
        var rules = InvalidationRules(
            secret: secret,
            rulesMax: Limits.diskRulesMax,
            patternsMax: Limits.diskPatternsMax
        )
        for invalidation in tier.invalidations {
            guard let rule = DiskRule(invalidation.rule) else {
                // What it asked for is not known: whatever is older goes.
                rules.forget(through: invalidation.sequence)
                continue
            }
            rules.add(rule.target, of: rule.distribution, rule.strength, as: invalidation.sequence)
        }
        rules.advance(to: tier.lastInvalidation)
        self.rules.withLock { $0 = rules }
    }

    func add(_ rule: DiskRule, as number: UInt64) {
        rules.withLock {
            _ = $0?.add(rule.target, of: rule.distribution, rule.strength, as: number)
        }
    }

    /// With the number of the last rule that was looked at.
    func verdict(on facts: ObjectFacts) -> (PurgeStrength?, newest: UInt64) {
        rules.withLock { rules in
            guard let rules else { return (.hard, 0) }
            return (rules.verdict(on: facts), rules.sequence)
        }
    }

    /// See `DiskSettings.judge`. Names that answers vary by have no facts, and nothing to purge.
    func judge(_ facts: Span<UInt8>, asOf: UInt64) -> UInt64? {
        guard facts.count > 0 else { return rules.withLock { $0?.sequence } }
        guard let facts = ObjectFacts(facts, asOf: asOf) else { return nil }
        let (verdict, newest) = verdict(on: facts)
        switch verdict {
        case nil: return newest
        case .soft: return asOf
        case .hard: return nil
        }
    }

    func forget(through number: UInt64) {
        rules.withLock { rules in
            guard let forgotten = rules?.forgotten, number > forgotten else { return }
            rules?.forget(through: number)
        }
    }
}

extension DiskEvent {
    fileprivate func log(_ events: EventLog) {
        switch self {
        case .failing(let fault):
            events.error(
                "disk_cache_failing",
                EventField("fault", .word(fault.word)),
                EventField("reason", .text("\(fault)"))
            )
        case .recovered: events.info("disk_cache_recovered")
        case .setAside(let file, let refusal):
            events.warn(
                "disk_cache_set_aside",
                EventField("file", .text(file)),
                EventField("reason", .text("\(refusal)"))
            )
        case .asideRemoved(let file):
            events.info("disk_cache_aside_removed", EventField("file", .text(file)))
        case .journalDamaged:
            let words = "the journal of purges could not be read: nothing stored is believed"
            events.error("disk_cache_voided", EventField("reason", .text(words)))
        case .purgesForgotten(let number):
            let words = "there were more purges than the journal holds: what is older is given up"
            events.warn(
                "disk_cache_aged",
                EventField("reason", .text(words)),
                EventField("before_purge", .number(Int64(clamping: number)))
            )
        case .readFailed(let error):
            events.error("disk_cache_read_failed", EventField("error", .failure(error)))
        }
    }
}
