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
}
