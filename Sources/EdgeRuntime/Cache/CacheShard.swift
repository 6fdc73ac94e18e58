// One part of the index with everything in it: which keys have objects or fetches under way, and what goes when
// memory is short. No locks, no loops: `CacheIndex` holds one of these behind each of its locks.

/// What is known under one key.
final class CacheEntry: @unchecked Sendable {
    // Guard: the lock of its shard.
    let key: CacheKey
    /// What the newest answer varies by; nil: by nothing.
    var vary: VaryNames?
    var objects: [CachedObject] = []
    var fills: [Fill] = []
    var pass: (until: Nanoseconds, reason: PassReason)?

    init(key: CacheKey) { self.key = key }

    var isEmpty: Bool { objects.isEmpty && fills.isEmpty && pass == nil }
}

/// What a request says to the names that an answer varies by.
struct Variant {
    var names: VaryNames
    var number: UInt64
}

enum CacheLook {
    case object(CachedObject, CachedObject.Standing)
    /// There are objects, none of them for what this request says of itself.
    case otherVariants
    case pass(PassReason)
    case absent
    /// To be asked again, with what the request says to these: nothing is hashed under the lock.
    case varies(VaryNames)
}

enum FillJoin {
    /// This one fetches.
    case leads(Fill)
    case follows(Fill)
    /// It came while nobody looked.
    case object(CachedObject, CachedObject.Standing)
    case pass(PassReason)
    case varies(VaryNames)
}

struct CacheShard: ~Copyable {
    // Not private: see `DiskFeeder`.
    var table = KeyTable<CacheEntry>()
    var order = EvictionOrder()
    /// Of each slot of the order.
    private(set) var slots: [Block?] = []
    private var passCount = 0
    /// All that is here, with what it costs besides its bytes.
    private(set) var bytes = 0
    private(set) var objectCount = 0

    init() {}

    // MARK: Looking

    mutating func look(_ key: CacheKey, _ variant: Variant?, now: Nanoseconds) -> CacheLook {
        guard let entry = table[key] else { return .absent }
        return look(entry, variant, now)
    }

    private mutating func look(
        _ entry: CacheEntry,
        _ variant: Variant?,
        _ now: Nanoseconds
    ) -> CacheLook {
        if let pass = entry.pass {
            if pass.until > now { return .pass(pass.reason) }
            entry.pass = nil
            passCount -= 1
        }
        guard !entry.objects.isEmpty else {
            dropIfEmpty(entry)
            return .absent
        }
        if let names = entry.vary, variant?.names != names { return .varies(names) }
        let number = entry.vary == nil ? 0 : variant?.number
        for object in entry.objects where object.variant == number {
            if !object.body.isSparse { touch(object.body) }
            return .object(object, object.standing)
        }
        return .otherVariants
    }

    @inline(__always)
    private mutating func touch(_ body: StoredBody) {
        guard let slot = body.blocks.first??.slot, slot != EvictionOrder.none else { return }
        order.touch(slot)
    }

    /// Joins the fetch for a key, or begins one. `known` is the object that is not good enough.
    mutating func join(
        _ key: CacheKey,
        _ variant: Variant?,
        insteadOf known: CachedObject?,
        id: UInt64,
        generation: UInt64,
        sequence: UInt64,
        now: Nanoseconds
    ) -> FillJoin {
        let entry = entry(for: key)
        if let names = entry.vary, variant?.names != names { return .varies(names) }
        switch look(entry, variant, now) {
        case .object(let object, let standing) where object !== known:
            return .object(object, standing)
        case .pass(let reason): return .pass(reason)
        case .varies(let names): return .varies(names)
        case .object, .otherVariants, .absent: break
        }
        let number = entry.vary == nil ? nil : variant?.number
        for fill in entry.fills where fill.generation == generation {
            // One that began before a purge would bring back what was purged.
            guard fill.variant == nil || fill.variant == number, fill.sequence == sequence,
                !fill.isOutdated
            else { continue }
            return .follows(fill)
        }
        let fill = Fill(
            id: id,
            key: key,
            variant: number,
            generation: generation,
            sequence: sequence
        )
        // Looking may have dropped the entry as empty.
        let lasting = self.entry(for: key)
        lasting.fills.append(fill)
        return .leads(fill)
    }

    private mutating func entry(for key: CacheKey) -> CacheEntry {
        if let entry = table[key] { return entry }
        let entry = CacheEntry(key: key)
        table.insert(entry, for: key)
        return entry
    }

    private mutating func dropIfEmpty(_ entry: CacheEntry) {
        if entry.isEmpty { table.remove(entry.key) }
    }

    // MARK: Ends of fills

    /// The object takes the place of those that it replaces; nil where nothing is to be kept. One that was asked about
    /// may have been thrown out meanwhile: then it serves those who waited, if all of it is there, and nobody else.
    mutating func settle(
        _ fill: Fill,
        _ outcome: Fill.Outcome,
        _ object: CachedObject?,
        vary: VaryNames?,
        passUntil: Nanoseconds?
    ) -> EarList {
        var outcome = outcome
        if case .found(let found, _) = outcome, !found.body.isReadable {
            outcome = .passed(.evicted)
        }
        let ears = fill.settle(outcome)
        let entry = entry(for: fill.key)
        entry.fills.removeAll { $0 === fill }
        if let object, !object.body.isDropped {
            if fill.isOutdated { object.body.drop() } else { insert(object, vary, entry) }
        }
        if case .passed(let reason) = outcome, let passUntil { remember(passUntil, reason, entry) }
        dropIfEmpty(entry)
        return ears
    }

    /// One that no fetch brings.
    mutating func restore(_ object: CachedObject, _ vary: VaryNames?) {
        insert(object, vary, entry(for: object.key))
    }

    private mutating func insert(
        _ object: CachedObject,
        _ vary: VaryNames?,
        _ entry: CacheEntry
    ) {
        if entry.pass != nil {
            entry.pass = nil
            passCount -= 1
        }
        if entry.vary != vary {
            // What was stored under other names would never be found again.
            for old in entry.objects where old.body !== object.body { forget(old) }
            entry.objects.removeAll { $0.body !== object.body }
            entry.vary = vary
        }
        if let place = entry.objects.firstIndex(where: { $0.variant == object.variant }) {
            let old = entry.objects.remove(at: place)
            bytes -= old.overheadBytes
            objectCount -= 1
            if old.body !== object.body { free(old.body) }
        }
        if entry.objects.count >= Limits.cacheVariantsMax { forget(entry.objects.removeFirst()) }
        entry.objects.append(object)
        bytes += object.overheadBytes
        objectCount += 1
    }

    private mutating func remember(
        _ until: Nanoseconds,
        _ reason: PassReason,
        _ entry: CacheEntry
    ) {
        if entry.pass == nil {
            guard passCount < Limits.cachePassesMax / Limits.cacheShards else { return }
            passCount += 1
        }
        entry.pass = (until, reason)
    }

    // MARK: Bodies on their way

    /// Puts a piece where the run is. Whoever waits is to be told.
    mutating func append(_ piece: Chunk, to body: StoredBody, _ run: BodyRun) -> EarList {
        let whole = body.append(piece, run)
        if !body.isDropped {
            bytes += piece.capacity
            if let whole { admit(whole) }
        }
        return body.takeEars()
    }

    mutating func end(_ body: StoredBody, _ run: BodyRun) -> EarList {
        let whole = body.end(run)
        if let whole, !body.isDropped { admit(whole) }
        return body.takeEars()
    }

    /// What came of a whole body is worth nothing to others; a sparse one only misses this part.
    mutating func fail(
        _ body: StoredBody,
        _ run: BodyRun,
        _ error: EdgeError,
        until: Nanoseconds
    ) -> EarList {
        let before = body.pieceBytes
        body.fail(run, error, until: until)
        if !body.isDropped { bytes -= before - body.pieceBytes }
        if !body.isSparse || body.isEmpty { drop(body) }
        return body.takeEars()
    }

    mutating func detach(_ body: StoredBody) { drop(body) }

    private mutating func admit(_ block: Block) {
        let slot = order.insert(
            block.body.key.low ^ UInt64(block.index) &* 0x9e37_79b9_7f4a_7c15,
            bytes: block.byteCount + Limits.cacheObjectOverhead
        )
        while slots.count <= Int(slot) { slots.append(nil) }
        slots[Int(slot)] = block
        block.slot = slot
        if block.body.copy.isWanted { order.set(.wanted, slot) }
    }

    // MARK: Going

    /// Makes room. False: nothing is here that could go.
    mutating func evict() -> Bool {
        guard let slot = order.victim(), let block = slots[Int(slot)] else { return false }
        slots[Int(slot)] = nil
        block.slot = EvictionOrder.none
        let body = block.body
        guard body.isSparse else {
            drop(body)
            return true
        }
        bytes -= body.remove(block)
        if body.isEmpty { drop(body) }
        return true
    }

    /// False: it is not here any more.
    mutating func remove(_ object: CachedObject) -> Bool {
        guard let entry = table[object.key], entry.objects.contains(where: { $0 === object })
        else { return false }
        entry.objects.removeAll { $0 === object }
        forget(object)
        dropIfEmpty(entry)
        return true
    }

    /// False: there was nothing.
    mutating func invalidate(_ key: CacheKey) -> Bool {
        guard let entry = table[key] else { return false }
        let wasThere = !entry.objects.isEmpty || !entry.fills.isEmpty
        for object in entry.objects { forget(object) }
        entry.objects.removeAll()
        for fill in entry.fills { fill.isOutdated = true }
        dropIfEmpty(entry)
        return wasThere
    }

    /// All heads of a body.
    private mutating func drop(_ body: StoredBody) {
        guard !body.isDropped else { return }
        if let entry = table[body.key] {
            for object in entry.objects where object.body === body {
                bytes -= object.overheadBytes
                objectCount -= 1
            }
            entry.objects.removeAll { $0.body === body }
            dropIfEmpty(entry)
        }
        free(body)
    }

    /// An object that has left its entry.
    private mutating func forget(_ object: CachedObject) {
        bytes -= object.overheadBytes
        objectCount -= 1
        free(object.body)
    }

    private mutating func free(_ body: StoredBody) {
        guard !body.isDropped else { return }
        body.drop()
        bytes -= body.pieceBytes
        for case let block? in body.blocks where block.slot != EvictionOrder.none {
            order.remove(block.slot)
            slots[Int(block.slot)] = nil
            block.slot = EvictionOrder.none
        }
    }

    // MARK: Walking

    func holding(_ key: CacheKey) -> CacheHolding {
        table[key].map { CacheHolding($0) } ?? CacheHolding()
    }

    /// A block of a sparse body that somebody reads.
    mutating func touch(_ body: StoredBody, at position: Int64) {
        let index = Int(position / Int64(body.blockBytes))
        guard index < body.blocks.count, let slot = body.blocks[index]?.slot,
            slot != EvictionOrder.none
        else { return }
        order.touch(slot)
    }

    /// See `KeyTable.walk`. Objects may be removed once it has returned.
    func walk(from place: Int, atMost limit: Int, _ body: (CachedObject) -> Void) -> Int? {
        table.walk(from: place, atMost: limit) { entry in entry.objects.forEach(body) }
    }
}
