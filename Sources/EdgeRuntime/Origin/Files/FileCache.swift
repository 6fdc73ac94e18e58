// Small files in memory: one loop's copies of what it serves most, and of what is not there.
//
// A hit costs a hash and a comparison. A copy that was compared with the disk less than `fileCheckNanoseconds` ago
// is served as it is; an older one is handed out as `.check`, and the driver looks at the file and says `confirm` or
// `remove`. Files larger than `fileCachedBytesMax` are kept without content: their facts answer HEAD and 304.
//
//   buckets  ┌──┬──┬──┬──┐  hash → first slot of a chain
//            └─┬┴──┴──┴──┘
//   slots    ┌─▼──┬────┬────┬───  key hash, next in chain, file or absence, last check, referenced
//            └────┴────┴────┴───
//                    ▲ hand: takes the first slot that was not used since it came by last (CLOCK)
//
// The hash is seeded by the process: viewers choose the paths, and would else choose colliding ones.

/// One file as it was, shared by the exchanges that send it.
final class CachedFile: Sendable {
    let entity: FileEntity
    let contentType: StaticString
    /// nil if the file is too large to be kept.
    let content: Chunk?
    /// Tag, date and path, one behind the other.
    private let facts: Chunk
    private let etagEnd: Int
    private let dateEnd: Int

    init(
        path: Span<UInt8>,
        entity: FileEntity,
        lastModified: Span<UInt8>,
        content: Chunk?
    ) {
        self.entity = entity
        self.content = content
        contentType = ContentTypes.type(ofPath: path)
        facts = Chunk(capacity: FileEntity.etagBytesMax + lastModified.count + path.count)
        entity.writeETag { [facts] byte in
            let one: InlineArray<1, UInt8> = [byte]
            facts.append(one.span)
        }
        etagEnd = facts.filled
        facts.append(lastModified)
        dateEnd = facts.filled
        facts.append(path)
    }

    /// With its quotes.
    var etag: Span<UInt8> {
        @_lifetime(borrow self)
        get { fact(from: 0, to: etagEnd) }
    }

    /// As the field says it.
    var lastModified: Span<UInt8> {
        @_lifetime(borrow self)
        get { fact(from: etagEnd, to: dateEnd) }
    }

    /// Relative to the root.
    var path: Span<UInt8> {
        @_lifetime(borrow self)
        get { fact(from: dateEnd, to: facts.filled) }
    }

    /// `facts` lives as long as this object and never changes again, so its bytes may be lent as ours.
    @_lifetime(borrow self)
    private func fact(from start: Int, to end: Int) -> Span<UInt8> {
        let span = Span(_unsafeStart: facts.base + start, count: end - start)
        return _overrideLifetime(span, borrowing: self)
    }

    /// The bytes of a range of the content, without a copy.
    func range(from start: Int, to end: Int) -> ChunkRange? {
        guard let content else { return nil }
        return ChunkRange(chunk: content, start: start, end: end)
    }

    /// What the cache counts for it.
    fileprivate var cost: Int { (content?.capacity ?? 0) + facts.capacity }
}

struct FileCache {
    enum Lookup {
        case hit(CachedFile)
        /// Served before, but not looked at lately: compare its entity with the disk, then `confirm`, `insert` anew or
        /// `remove`. Who is told this has the task alone.
        case check(CachedFile)
        /// It was not there a moment ago.
        case absent
        case unknown
    }

    private enum Content {
        case none
        case file(CachedFile)
        case absence([UInt8])

        func isAt(_ path: Span<UInt8>) -> Bool {
            switch self {
            case .file(let file): file.path.equals(path)
            case .absence(let key): key.span.equals(path)
            case .none: false
            }
        }
    }

    private struct Slot {
        var content = Content.none
        var hash = 0
        var next = FileCache.end
        var checkedAt: Nanoseconds = 0
        var isReferenced = false
    }

    private static let end = UInt32.max

    private let bytesMax: Int
    private var buckets: [UInt32]
    private var slots: [Slot]
    private var hand = 0
    private(set) var bytes = 0
    private(set) var count = 0

    init(bytesMax: Int = Limits.fileCacheBytes, entries: Int = Limits.fileCacheEntries) {
        precondition(entries > 1 && entries.nonzeroBitCount == 1, "the table is masked")
        self.bytesMax = bytesMax
        buckets = Array(repeating: Self.end, count: entries)
        slots = Array(repeating: Slot(), count: entries)
    }

    mutating func lookup(_ path: Span<UInt8>, now: Nanoseconds) -> Lookup {
        guard let slot = find(path, Self.hash(path)) else { return .unknown }
        let isFresh = now &- slots[slot].checkedAt < Limits.fileCheckNanoseconds
        slots[slot].isReferenced = true
        switch slots[slot].content {
        case .file(let file):
            guard !isFresh else { return .hit(file) }
            // One request looks at the disk; those that come meanwhile are served as before.
            slots[slot].checkedAt = now
            return .check(file)
        case .absence: return isFresh ? .absent : .unknown
        case .none: preconditionFailure("an empty slot in a chain")
        }
    }

    /// The file on disk is still the one that was copied.
    mutating func confirm(_ file: CachedFile, now: Nanoseconds) {
        guard let slot = find(file.path, Self.hash(file.path)),
            case .file(let kept) = slots[slot].content,
            kept === file
        else { return }
        slots[slot].checkedAt = now
    }

    /// Replaces what was known of this path.
    mutating func insert(_ file: CachedFile, now: Nanoseconds) {
        let hash = Self.hash(file.path)
        if let old = find(file.path, hash) { drop(old) }
        guard file.cost <= bytesMax else { return }
        while bytes + file.cost > bytesMax { evictOne() }
        place(.file(file), hash, cost: file.cost, now: now)
    }

    mutating func insertAbsence(of path: Span<UInt8>, now: Nanoseconds) {
        let hash = Self.hash(path)
        if let old = find(path, hash) { drop(old) }
        guard path.count <= bytesMax else { return }
        while bytes + path.count > bytesMax { evictOne() }
        let key = Array(unsafeUninitializedCapacity: path.count) { target, count in
            for index in path.indices { target.initializeElement(at: index, to: path[index]) }
            count = path.count
        }
        place(.absence(key), hash, cost: path.count, now: now)
    }

    mutating func remove(_ path: Span<UInt8>) {
        guard let slot = find(path, Self.hash(path)) else { return }
        drop(slot)
    }

    // MARK: Inside

    private static func hash(_ path: Span<UInt8>) -> Int {
        var hasher = Hasher()
        path.withUnsafeBytes { hasher.combine(bytes: $0) }
        return hasher.finalize()
    }

    private func bucket(_ hash: Int) -> Int { hash & (buckets.count - 1) }

    private func find(_ path: Span<UInt8>, _ hash: Int) -> Int? {
        var at = buckets[bucket(hash)]
        while at != Self.end {
            let slot = Int(at)
            if slots[slot].hash == hash, slots[slot].content.isAt(path) { return slot }
            at = slots[slot].next
        }
        return nil
    }

    private func cost(_ slot: Int) -> Int {
        switch slots[slot].content {
        case .file(let file): file.cost
        case .absence(let key): key.count
        case .none: 0
        }
    }

    private mutating func place(_ content: Content, _ hash: Int, cost: Int, now: Nanoseconds) {
        let slot = freeSlot()
        let first = bucket(hash)
        slots[slot] = Slot(content: content, hash: hash, next: buckets[first], checkedAt: now)
        buckets[first] = UInt32(slot)
        // Past it, or the newest entry would be the first to go.
        advance()
        bytes += cost
        count += 1
    }

    private mutating func freeSlot() -> Int {
        if count == slots.count { evictOne() }
        while true {
            let slot = hand
            if case .none = slots[slot].content { return slot }
            advance()
        }
    }

    /// Ends: the first round takes the marks off, the second finds one without.
    private mutating func evictOne() {
        precondition(count > 0, "nothing left to evict")
        while true {
            let slot = hand
            if case .none = slots[slot].content {
                advance()
                continue
            }
            guard slots[slot].isReferenced else {
                drop(slot)
                return
            }
            slots[slot].isReferenced = false
            advance()
        }
    }

    private mutating func advance() { hand = (hand + 1) & (slots.count - 1) }

    private mutating func drop(_ slot: Int) {
        let first = bucket(slots[slot].hash)
        bytes -= cost(slot)
        count -= 1
        let next = slots[slot].next
        if buckets[first] == UInt32(slot) {
            buckets[first] = next
        } else {
            var before = Int(buckets[first])
            while slots[before].next != UInt32(slot) { before = Int(slots[before].next) }
            slots[before].next = next
        }
        slots[slot] = Slot()
    }
}
