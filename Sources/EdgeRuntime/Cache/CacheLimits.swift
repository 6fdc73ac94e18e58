// Bounds of the cache that nobody sets, with their reasons.

extension Limits {
    /// A lock each: with as many loops as machines have cores two rarely meet at one, and a shard of the smallest
    /// budget still holds a few objects.
    static let cacheShards = 16
    /// Keys that a shard remembers of what it evicted, four bytes each.
    static let ghostPlacesMax = 1 << 18
    /// Variants of one object by its `Vary`: past it the oldest goes, so that a header of a million values cannot
    /// fill the cache with one page.
    static let cacheVariantsMax = 32
    /// An object takes at most this part of the memory, or one download would throw out everything else.
    static let cacheObjectShare = 8
    /// What an object costs besides its bytes: entry, object, body, block, their allocations and its places in
    /// table and queue. Measured (`make soak` prints it), rounded up.
    static let cacheObjectOverhead = 1200
    /// Pieces in which a body of unknown length grows.
    static let cachePieceBytes = 64 << 10
    /// How long a key whose answer could not be kept is remembered as such: those who ask meanwhile do not queue up
    /// behind each other.
    static let cachePassTime = Nanoseconds.seconds(10)
    /// Keys remembered that way, each without an object.
    static let cachePassesMax = 100_000
    /// Those who wait for one fetch on one loop: past it they ask the origin themselves.
    static let cacheWaitersMax = 50_000
    /// Fills whose viewers have all left go on to their end if no more than this is still to come, since somebody
    /// is likely to ask again; larger ones are given up.
    static let cacheOrphanBytes = 16 << 20
    /// Of a body that outgrew the cache: how far its fetch may be ahead of the slowest of those who read it.
    static let cacheOverflowBytes: Int64 = 4 << 20
    /// Those who want a block whose fetch has just failed are told so instead of trying again at once.
    static let cacheFailureTime = Nanoseconds.seconds(1)
    /// Paths and tags that are remembered as purged until a sweep has looked at every object: past it the whole
    /// distribution is purged instead.
    static let purgeRulesMax = 100_000
    /// Patterns, each of which every object is compared with once.
    static let purgePatternsMax = 256
    /// Targets of a purge that its line in the event log names; the line has their number anyway.
    static let purgeTargetsLogged = 3
    /// Who purges waits so long for the disk to take note of it, and is told if it has not.
    static let purgePatience = Nanoseconds.seconds(3)
    /// Objects that a sweep looks at in one go, and how long it rests in between: a million take a few seconds.
    static let sweepObjects = 2000
    static let sweepRest = Nanoseconds.milliseconds(10)
    /// Names in `Vary`: nobody depends on more, and each costs a look at the request.
    static let cacheVaryNames = 16
    /// Tags of one object, eight bytes each. One with more is not kept, since a purge might miss it.
    static let cacheTagsMax = 256
    /// How long a file of a `files` origin is shown without a look at the disk: an edit is seen about at once.
    static let cacheFileTime = Nanoseconds.seconds(2)
    /// How often a filler looks whether those have come for whom it waits.
    static let cacheRetryTime = Nanoseconds.milliseconds(10)
    /// Taken from one fetch in a tick.
    static let cachePumpBytes = 1 << 20
}
