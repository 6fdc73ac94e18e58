// The objects of all loops: sixteen shards, a lock each, and one budget of memory for all.
//
// Whoever asks holds a shard's lock for as long as it takes to find an object, to link a piece, or to throw one out;
// nothing is copied or judged meanwhile. News for those who wait are told outside of the lock.

import Synchronization

final class CacheIndex: Sendable {
    let shards: [Locked<CacheShard>]
    private let used = Atomic<Int>(0)
    private let objects = Atomic<Int>(0)
    private let budget: Atomic<Int>
    private let nextID = Atomic<UInt64>(1)
    private let nextVictim = Atomic<Int>(0)
    private let evictions = Atomic<Int>(0)
    private let fills = Atomic<Int>(0)
    private let rules: Locked<InvalidationRules>
    private let newestRule = SharedWord()
    let secret: CacheSecret
    /// 1 once a function has chosen a key: then a target may have more of them than anybody can list.
    let ownKeys = SharedWord()
    /// Nil: nothing is kept on disk.
    let disk: DiskStore?

    init(budget bytes: Int, secret: CacheSecret, disk: DiskStore? = nil) {
        shards = (0..<Limits.cacheShards).map { _ in Locked(CacheShard()) }
        budget = Atomic(bytes)
        rules = Locked(InvalidationRules(secret: secret, after: disk?.lastPurge ?? 0))
        newestRule.value = disk?.lastPurge ?? 0
        self.secret = secret
        self.disk = disk
    }

    var usedBytes: Int { used.load(ordering: .relaxed) }
    var objectCount: Int { objects.load(ordering: .relaxed) }
    var facts: CacheFacts {
        CacheFacts(
            bytes: usedBytes,
            objects: objectCount,
            evictions: evictions.load(ordering: .relaxed),
            fills: fills.load(ordering: .relaxed),
            purges: Int(purgeSequence - (disk?.lastPurge ?? 0)),
            purgeRules: purgeRuleCount,
            disk: disk?.facts
        )
    }
    var budgetBytes: Int { budget.load(ordering: .relaxed) }
    /// The largest body that is kept.
    var objectBytesMax: Int { budgetBytes / Limits.cacheObjectShare }

    /// A new configuration may have given it more or less.
    func resize(to bytes: Int) {
        budget.store(bytes, ordering: .relaxed)
        trim()
    }

    // MARK: Looking

    func look(_ key: CacheKey, _ variant: Variant?, now: Nanoseconds) -> CacheLook {
        shard(of: key).withLock { $0.look(key, variant, now: now) }
    }

    func join(
        _ key: CacheKey,
        _ variant: Variant?,
        insteadOf known: CachedObject?,
        generation: UInt64,
        sequence: UInt64,
        now: Nanoseconds
    ) -> FillJoin {
        let id = makeID()
        let join = shard(of: key).withLock {
            $0.join(
                key,
                variant,
                insteadOf: known,
                id: id,
                generation: generation,
                sequence: sequence,
                now: now
            )
        }
        if case .leads = join { fills.wrappingAdd(1, ordering: .relaxed) }
        return join
    }

    /// What became of it; nil: `ear` will be told.
    func outcome(of fill: Fill, for ear: LoopEar) -> Fill.Outcome? {
        shard(of: fill.key).withLock { _ in
            if let outcome = fill.outcome { return outcome }
            fill.add(ear)
            return nil
        }
    }

    // MARK: Reading

    /// Where nothing is there yet, `ear` will be told of more.
    func read(
        _ body: StoredBody,
        at position: Int64,
        _ mark: ReaderMark?,
        now: Nanoseconds,
        for ear: LoopEar
    ) -> StoredBody.Reading {
        if mark == nil, body.isWhole { return body.read(at: position, now: now) }
        var ears = EarList()
        let reading = shard(of: body.key).withLock { shard in
            let reading = body.read(at: position, now: now)
            if let mark {
                mark.position = position
                body.discard()
                ears = body.takeResting()
                if body.isSparse { shard.touch(body, at: position) }
            }
            if case .pending = reading { body.add(ear) }
            return reading
        }
        ears.tell(body.id)
        return reading
    }

    func open(_ body: StoredBody) -> (length: Int64?, mark: ReaderMark?) {
        if body.isWhole { return (body.length, nil) }
        return shard(of: body.key).withLock { _ in (body.length, body.open()) }
    }

    /// Whether an origin's word that it is still right would be of use.
    func isReadable(_ body: StoredBody) -> Bool {
        shard(of: body.key).withLock { _ in body.isReadable }
    }

    func close(_ body: StoredBody, _ mark: ReaderMark) {
        let ears = shard(of: body.key).withLock { _ in
            body.close(mark)
            return body.takeResting()
        }
        ears.tell(body.id)
    }

    /// A run for a block of a sparse body that nobody fetches yet.
    func claim(_ body: StoredBody, at position: Int64) -> BodyRun? {
        shard(of: body.key).withLock { _ in
            let index = Int(position / Int64(body.blockBytes))
            guard let length = body.length, position < length, !body.isCovered(index) else {
                return nil
            }
            let start = Int64(index) * Int64(body.blockBytes)
            return body.begin(at: start, to: min(length, start + Int64(body.blockBytes)))
        }
    }

    /// A filler is far enough ahead; `ear` will be told when readers have come further or have left.
    func rest(_ body: StoredBody, _ ear: LoopEar) {
        shard(of: body.key).withLock { _ in body.rest(ear) }
    }

    /// What a filler has to know.
    func progress(_ body: StoredBody, _ run: BodyRun) -> FillProgress {
        shard(of: body.key).withLock { _ in
            let lead = body.lead(of: run)
            return FillProgress(
                position: run.position,
                room: body.room(for: run),
                length: body.length,
                aheadOfSlowest: lead.slowest,
                aheadOfFastest: lead.fastest,
                hasReaders: body.hasReaders,
                isDropped: body.isDropped
            )
        }
    }

    /// It outgrew the cache: those who read it get the rest, nobody else finds it.
    func detach(_ body: StoredBody) { change(body.key) { $0.detach(body) } }

    // MARK: Storing

    func makeBody(
        _ key: CacheKey,
        blockBytes: Int,
        length: Int64?,
        isSparse: Bool
    ) -> StoredBody {
        StoredBody(
            id: makeID(),
            key: key,
            blockBytes: blockBytes,
            length: length,
            isSparse: isSparse
        )
    }

    func begin(_ body: StoredBody, at position: Int64, to end: Int64) -> BodyRun {
        shard(of: body.key).withLock { _ in body.begin(at: position, to: end) }
    }

    func found(_ fill: Fill, _ object: CachedObject, vary: VaryNames?) {
        let copy = prepareCopy(of: object, vary)
        settle(fill, .found(object, vary), object, vary, nil)
        displace(copy, of: object, vary)
    }

    /// The object, if there is one, is kept for revalidation, but serves nobody who waits now.
    func passed(
        _ fill: Fill,
        _ reason: PassReason,
        until: Nanoseconds?,
        keeping object: CachedObject? = nil,
        vary: VaryNames? = nil
    ) {
        let copy = object.flatMap { prepareCopy(of: $0, vary) }
        settle(fill, .passed(reason), object, vary, until)
        if let object { displace(copy, of: object, vary) }
    }

    /// What is there may be shown after all.
    func found(_ fill: Fill, stale object: CachedObject) {
        settle(fill, .stale(object), nil, nil, nil)
    }

    func failed(_ fill: Fill, _ error: EdgeError) { settle(fill, .failed(error), nil, nil, nil) }

    func settle(
        _ fill: Fill,
        _ outcome: Fill.Outcome,
        _ object: CachedObject?,
        _ vary: VaryNames?,
        _ passUntil: Nanoseconds?
    ) {
        let ears = change(fill.key) {
            $0.settle(fill, outcome, object, vary: vary, passUntil: passUntil)
        }
        ears.tell(fill.id)
        trim()
    }

    func append(_ piece: Chunk, to body: StoredBody, _ run: BodyRun) {
        let ears = change(body.key) { $0.append(piece, to: body, run) }
        ears.tell(body.id)
        trim()
    }

    func end(_ body: StoredBody, _ run: BodyRun) {
        let ears = change(body.key) { $0.end(body, run) }
        ears.tell(body.id)
    }

    /// Who asks for the same until then is told the same.
    func fail(_ body: StoredBody, _ run: BodyRun, _ error: EdgeError, until: Nanoseconds) {
        let ears = change(body.key) { $0.fail(body, run, error, until: until) }
        ears.tell(body.id)
    }

    /// What was begun is answered without an origin.
    func isAnsweredByDisk() { fills.wrappingSubtract(1, ordering: .relaxed) }

    // MARK: Purging

    /// The number of the last rule.
    var purgeSequence: UInt64 { newestRule.value }
    var purgeRuleCount: Int { rules.withLock { $0.count } }

    /// `completion` is told when a restart will know of it as well, or why not.
    func purge(
        _ target: InvalidationRules.Target,
        of distribution: UInt64,
        _ strength: PurgeStrength,
        then completion: PurgeCompletion? = nil
    ) -> UInt64 {
        let number = rules.withLock { rules in
            let number = rules.add(target, of: distribution, strength)
            let rule = DiskRule(target, of: distribution, strength)
            disk?.purge(rule, as: number, then: completion)
            newestRule.value = number
            return number
        }
        if disk == nil { completion?(nil) }
        return number
    }

    /// Looks at the rules that the object has not been looked at by. One that is gone is left as it was, so that
    /// whoever found it at the same time learns the same.
    func examine(_ object: CachedObject) -> PurgeStrength? {
        let newest = purgeSequence
        let checked = shard(of: object.key).withLock { _ in object.standing.checkedSequence }
        let verdict = rules.withLock { $0.verdict(on: object.facts, since: checked) }
        guard verdict != .hard else {
            remove(object)
            return .hard
        }
        return shard(of: object.key).withLock { _ in
            object.standing.checkedSequence = max(object.standing.checkedSequence, newest)
            if verdict == .soft { object.standing.isDoubted = true }
            return object.standing.isDoubted ? .soft : nil
        }
    }

    /// Looks at some objects of a shard from `place` on. Nil: that was the last of them.
    func sweep(_ shard: Int, from place: Int) -> Int? {
        var found: [CachedObject] = []
        let newest = purgeSequence
        let next = shards[shard].withLock { shard in
            shard.walk(from: place, atMost: Limits.sweepObjects) { object in
                if object.standing.checkedSequence < newest { found.append(object) }
            }
        }
        var didRemove = false
        for object in found where examine(object) == .hard { didRemove = true }
        // Where one goes others move up from behind, out of what is still to be looked at.
        return didRemove ? place : next
    }

    // MARK: Explaining

    /// Touches nothing: who asks why is nobody who uses it.
    func holding(_ key: CacheKey) -> CacheHolding {
        shard(of: key).withLock { $0.holding(key) }
    }

    /// What `examine` would say.
    func verdict(on stored: CacheHolding.Stored) -> PurgeStrength? {
        let standing = stored.standing
        let verdict = rules.withLock {
            $0.verdict(on: stored.object.facts, since: standing.checkedSequence)
        }
        return verdict ?? (standing.isDoubted ? .soft : nil)
    }

    func forgetRules(through number: UInt64) { rules.withLock { $0.forget(through: number) } }

    // MARK: Going

    /// All that is stored under it, and what is on its way. True: there may be copies of it on disk, or variants of which
    /// nobody has a list, and only a rule reaches those.
    func invalidate(_ key: CacheKey) -> Bool {
        let wasThere = change(key) { $0.invalidate(key) }
        guard let disk else { return false }
        return wasThere || disk.tier.has(key)
    }

    func remove(_ object: CachedObject) {
        let isRemoved = change(object.key) { $0.remove(object) }
        if let disk, isRemoved { disk.remove(copy(of: object.body)) }
    }

    func update(_ object: CachedObject, _ change: (inout CachedObject.Standing) -> Void) {
        shard(of: object.key).withLock { _ in change(&object.standing) }
    }

    /// Shards give in turn, a block each, so that all of them keep about the same.
    func trim() {
        var fruitless = 0
        while usedBytes > budgetBytes, fruitless < shards.count {
            let turn = nextVictim.wrappingAdd(1, ordering: .relaxed).oldValue
            let didEvict = change(shards[turn & (shards.count - 1)]) { $0.evict() }
            if didEvict {
                evictions.wrappingAdd(1, ordering: .relaxed)
                fruitless = 0
            } else {
                fruitless += 1
            }
        }
    }

    // MARK: Shards

    private func makeID() -> UInt64 { nextID.wrappingAdd(1, ordering: .relaxed).oldValue }

    @inline(__always)
    func shard(of key: CacheKey) -> Locked<CacheShard> {
        shards[Int(truncatingIfNeeded: key.high & UInt64(Limits.cacheShards - 1))]
    }

    func change<Result>(
        _ key: CacheKey,
        _ body: (inout CacheShard) -> Result
    ) -> Result {
        change(shard(of: key), body)
    }

    private func change<Result>(
        _ shard: Locked<CacheShard>,
        _ body: (inout CacheShard) -> Result
    ) -> Result {
        shard.withLock { shard in
            let bytesBefore = shard.bytes
            let objectsBefore = shard.objectCount
            let result = body(&shard)
            used.wrappingAdd(shard.bytes - bytesBefore, ordering: .relaxed)
            objects.wrappingAdd(shard.objectCount - objectsBefore, ordering: .relaxed)
            return result
        }
    }
}

/// How far a fetch has come, and how far those are who read what it brings.
struct FillProgress {
    var position: Int64
    /// In the block that is being filled.
    var room: Int
    var length: Int64?
    var aheadOfSlowest: Int64
    var aheadOfFastest: Int64
    var hasReaders: Bool
    var isDropped: Bool
}
