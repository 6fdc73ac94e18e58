// What an exchange has to do with the cache: the object that it shows, or the fetch for which it waits with others.

struct CacheTraces {
    var key: CacheKey?
    /// Codings that the viewer takes, where the behaviour compresses.
    var encoding = NormalizedEncoding.none
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
    /// The word of the log and of `Cache-Status`.
    var verdict = CacheVerdict.none
    /// Seconds since the origin made or confirmed it.
    var age: Int64 = 0
    /// The exchange whose fetch this one has taken over.
    var lender: Exchange?

    mutating func reset() {
        key = nil
        encoding = .none
        object = nil
        reader = nil
        fill = nil
        isLeader = false
        wasConfirmed = false
        if !ownFields.isEmpty { ownFields.removeAll() }
        verdict = .none
        age = 0
    }
}
