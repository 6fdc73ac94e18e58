// Bounds of the disk tier, with their reasons.

extension Limits {
    /// A block of 1 MiB and, in the first record of an object, the largest head that may be configured.
    static let diskPayloadBytesMax = (1 << 20) + headBytesMax
    /// Tags as hashes, the name of a distribution and the longest path, for whoever judges a record by a purge.
    static let diskFactsBytesMax = 16 << 10
    /// A segment is what is evicted at once: small beside the budget, and large enough that a new file is rare.
    static let diskSegmentBytes = 64 << 20
    /// Three of the largest records and their index; below it a segment would be mostly waste at its end.
    static let diskSegmentBytesMin = 4 << 20
    /// What an index entry can point into: 22 bits of 64 bytes.
    static let diskSegmentBytesMax = 256 << 20
    /// A small budget is cut into so many, so that one eviction takes a sixteenth of it and not a half.
    static let diskSegmentsMin = 16
    /// Every segment is an open file: past so many they grow instead, up to the largest.
    static let diskSegmentsWanted = 1024
    /// Sixteen of the smallest segments: below it the tier is not worth its thread.
    static let diskBytesMin = 64 << 20
    /// 16,384 of the largest segments, which are as many open files.
    static let diskBytesMax = 4 << 40
    /// Of the budget for the journal of purges, twice: it is rewritten beside itself.
    static let diskJournalShare = 64
    /// Some 200,000 purges of one path; when they would be more the oldest are kept by voiding what they could match.
    static let diskJournalBytesMax = 16 << 20
    /// One purge: a path or a pattern, its distribution, its caller's reference.
    static let diskInvalidationBytesMax = 32 << 10
    /// Purges that wait for a disk that fails. Past it everything that was stored before them is given up instead.
    static let diskInvalidationsOwed = 4096
    /// And those that wait for the thread: each is a caller that wants an answer.
    static let diskInvalidationsWaiting = 65_536
    /// Entries of 32 bytes at 64 to 80 % load: 16 million are some 700 MB of memory.
    static let diskRecordsMax = 16 << 20
    /// Locks of the index. Growing one part of a million records copies half a megabyte: too short to be noticed.
    static let diskIndexShards = 64
    /// What waits to be written. Past either a record is refused: the edge has it from memory or from its origin.
    static let diskQueuedBytes = 32 << 20
    static let diskQueuedRecords = 4096
    /// Removals are small and should not be lost to a storm of fills.
    static let diskQueuedRemovals = 16384
    /// One write: large enough to be one sequential transfer, small enough that a reader behind it does not wait.
    static let diskBatchBytes = 1 << 20
    /// After so much the kernel is told to write: dirty pages in small portions instead of a stall of seconds.
    static let diskSyncBytes = 8 << 20
    /// Of an evicted segment, what may be written once more because it was read: a quarter, so that each eviction
    /// frees three quarters of what it is for.
    static let diskCarriedShare = 4
    /// What a read of an unsealed segment takes at once: at least one whole record.
    static let diskScanBytes = 4 << 20
    /// A disk that fails is tried again after so long.
    static let diskRetryMilliseconds = 5000
    /// Failed reads are told at most once in so long.
    static let diskTellMilliseconds = 60_000
    /// What an idle writer may have left to sync.
    static let diskIdleSyncMilliseconds = 1000
    /// What a disk that failed has to take before it is trusted again: one batch, or it would be full at the next.
    static let diskProbeBytes = diskBatchBytes
    /// The folder's own entries, superblock and lock: 16,384 names of 20 bytes take less.
    static let diskFolderBytes = 1 << 20
    /// Of a body in one record: what is read and checked at once.
    static let diskPartBytes = 1 << 20
    /// Larger blocks are not kept on disk: half of the queue would be one of them.
    static let diskBlockBytesMax = 16 << 20
    /// A body that is not kept by blocks is read whole before anybody gets it, so that what has begun cannot fail.
    static let diskWholeBytesMax = 16 << 20
    /// Of an object without a validator, in seconds: it is not worth a write for less.
    static let diskLifetimeMin: Int64 = 10
    /// A stale object with a validator may still save its body, in seconds.
    static let diskStaleTime: Int64 = 7 * 86_400
    static let diskTimeMax: Int64 = 365 * 86_400
    /// A 304 makes the head on disk worth writing again if it is fresh for so much longer, in seconds; else a restart
    /// costs one more 304.
    static let diskHeadRewrite: Int64 = 3600
    /// Keys that are remembered as asked for, four bytes each, for half of the window at least.
    static let diskAdmissionKeys = 1 << 20
    static let diskAdmissionTime = Nanoseconds.seconds(86_400)
    /// On average. A page is written once, while it is read often: a disk does much more.
    static let diskWriteBytesPerSecond = 100 << 20
    /// How long a miss waits for the disk before it asks the origin; and how long nobody waits after that.
    static let diskPatience = Nanoseconds.seconds(2)
    static let diskSlowTime = Nanoseconds.seconds(10)
    /// How often, and how many places of a shard, are looked at for what is worth a copy: a million blocks take two
    /// seconds, a look 0.1 ms.
    static let diskFeedPeriod = Nanoseconds.milliseconds(100)
    static let diskFeedPlaces = 4096
    /// Of one shard in one look.
    static let diskFeedBytes = 2 << 20
    /// Looks between those for purges that every record knows.
    static let diskForgetTurns = 100
    /// Purges that are compared with what is read, as many as the journal can hold; and patterns among them, each of
    /// which costs some 50 ns of a read. Past either the whole distribution is purged instead.
    static let diskRulesMax = 500_000
    static let diskPatternsMax = 10_000
}
