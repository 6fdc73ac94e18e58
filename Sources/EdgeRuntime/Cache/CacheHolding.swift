// All that is known under one key, as of a moment: for those who want to know why, and change nothing by asking.

struct CacheHolding {
    struct Stored {
        var object: CachedObject
        var standing: CachedObject.Standing
    }

    /// What the newest answer varies by.
    var names: VaryNames?
    var objects: [Stored] = []
    var pass: (until: Nanoseconds, reason: PassReason)?
    var isBeingFetched = false

    init() {}

    init(_ entry: CacheEntry) {
        names = entry.vary
        objects = entry.objects.map { Stored(object: $0, standing: $0.standing) }
        pass = entry.pass
        isBeingFetched = !entry.fills.isEmpty
    }
}
