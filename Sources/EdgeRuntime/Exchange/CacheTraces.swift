// What an exchange has to do with the cache: the object that it shows, or the fetch for which it waits with others.

struct CacheTraces {
    var key: CacheKey?
    /// Codings that the viewer takes, where the behaviour compresses.
    var encoding = NormalizedEncoding.none
    /// A function wants it asked for this viewer alone.
    var isPassed = false
    /// What a function has put into the key.
    var ownKey: Slice?
    /// What the answer is made of.
    var object: CachedObject?
    var reader: StoredReader?
    /// What it waits for.
    var fill: Fill?
    /// This exchange asked the origin, on behalf of all.
    var isLeader = false
    /// It asked, and the origin said that what is stored is still right.
    var wasConfirmed = false
    /// What the origin said to the leader alone.
    var ownFields: [Field] = []
    var verdict = CacheVerdict.none
    /// Why the origin was asked, by this exchange or by one whose answer it shares.
    var asked: CacheVerdict.Miss?
    /// Seconds since the origin made or confirmed it.
    var age: Int64 = 0
    /// The exchange whose fetch this one has taken over.
    var lender: Exchange?

    mutating func reset() {
        key = nil
        encoding = .none
        isPassed = false
        ownKey = nil
        object = nil
        reader = nil
        fill = nil
        isLeader = false
        wasConfirmed = false
        if !ownFields.isEmpty { ownFields.removeAll() }
        verdict = .none
        asked = nil
        age = 0
    }

    mutating func take(_ steering: CacheSteering, _ arena: Arena) {
        isPassed = steering.isPassed
        ownKey = steering.key.map { arena.append(array: $0) }
    }
}

extension CacheTags {
    /// As a list.
    static func push(_ fields: borrowing HeaderFields, _ arena: Arena, on stack: LuaStack) {
        stack.pushTable()
        forEach(in: fields, arena) { tag in
            stack.push(tag)
            stack.setRawItem(stack.rawLength(at: -2) + 1, of: -2)
        }
    }
}
