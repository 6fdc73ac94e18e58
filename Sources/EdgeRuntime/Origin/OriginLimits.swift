// Bounds of the far side. Settings of `edge.lua` have their defaults in the config schema; these are not settings.

extension Limits {
    // MARK: Members and addresses

    /// One bit for each member in `HealthVerdict`, so that a loop reads all of them with one load.
    static let originMembersMax = 64
    /// Addresses of one name that are tried; a name with more keeps the first ones.
    static let addressesPerNameMax = 16
    /// RFC 8305 §5: the recommended delay before the next address is tried beside the last one.
    static let connectStaggerNanoseconds: Int64 = 250_000_000

    // MARK: Pools

    /// Requests of one loop that wait for a connection to one member. More would wait past their deadline anyway.
    static let poolWaitersMax = 1024
    /// A viewer who waited this long is better served by an error than by an answer later.
    static let poolQueueNanoseconds: Int64 = 10_000_000_000

    /// Servers outside of the configuration that one loop keeps connections to, and connections to each. A function
    /// that asks whatever a viewer names comes to this end, not the machine to its descriptors'.
    static let fetchPoolsMax = 128
    static let fetchConnectionsMax = 64
    /// Shorter than what servers usually grant, so that few connections die under a request.
    static let fetchIdleTime = Nanoseconds.seconds(20)

    // MARK: Names

    /// Names that one loop keeps; hooks may invent some, so there is an end to it.
    static let namesMax = 1024
    /// Requests of one loop that wait for lookups, all names together.
    static let nameWaitersMax = 4096
    /// getaddrinfo tells no TTL: short enough to follow a moved service, long enough to cost nothing.
    static let namePositiveNanoseconds: Int64 = 30_000_000_000
    /// A failure is remembered briefly, so a burst of requests is one lookup and a repair shows at once.
    static let nameNegativeNanoseconds: Int64 = 1_000_000_000
    /// How long an old answer serves while lookups fail: an outage of DNS is not an outage of the origin.
    static let nameStaleNanoseconds: Int64 = 3_600_000_000_000

    // MARK: Health

    /// How late the end of an ejection may be published: nothing beside the seconds that it lasts.
    static let healthPoll = Nanoseconds.seconds(1)
    static let ejectionFailures: UInt8 = 5
    static let ejectionFirstNanoseconds: Int64 = 5_000_000_000
    static let ejectionLongestNanoseconds: Int64 = 300_000_000_000

    // MARK: Files

    /// A request path decoded: what fits into a request line.
    static let filePathBytesMax = 4096
    /// Larger files are streamed: a copy of them would push out many small ones.
    static let fileCachedBytesMax = 256 << 10
    /// Content of one loop's file cache.
    static let fileCacheBytes = 32 << 20
    /// Its entries, those of absent files included. A power of two, because the table is masked.
    static let fileCacheEntries = 2048
    /// How old the last look at the file may be: an edit shows within a blink, a hot file costs ten stats a second.
    static let fileCheckNanoseconds: Int64 = 100_000_000
    /// Folders with files that the edge may not read, each told once. More are one mistake higher up, and every
    /// request has its line in the access log.
    static let fileFoldersTold = 32
    /// Bytes of a large file that lie in memory before the viewer took them.
    static let fileReadAheadBytes = 256 << 10
}
