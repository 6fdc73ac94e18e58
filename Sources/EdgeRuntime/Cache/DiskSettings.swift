// What a disk tier is opened with.

struct DiskSettings: Sendable {
    var folder: String
    var bytesMax: Int
    var segmentBytes: Int
    var journalBytesMax: Int
    /// Of fills and of what is carried over, on average; 0 is as fast as the disk can.
    var writeBytesPerSecond: Int
    var retryMilliseconds = Limits.diskRetryMilliseconds
    /// Without threads everything is done by `DiskTier.pass`, for tests that say when.
    var isThreaded = true
    var files = DiskFiles.system
    /// Asked before a record that was read is carried over, with its key, the last purge that it knows and its facts: up to
    /// which purge is it known to be valid now? Nil: it is not.
    var judge: @Sendable (CacheKey, UInt64, Span<UInt8>) -> UInt64? = { _, asOf, _ in asOf }

    init(folder: String, bytesMax: Int, writeBytesPerSecond: Int) throws(DiskFault) {
        guard bytesMax >= Limits.diskBytesMin else {
            throw .tooSmall(bytes: bytesMax, bytesMin: Limits.diskBytesMin)
        }
        guard bytesMax <= Limits.diskBytesMax else {
            throw .tooLarge(bytes: bytesMax, bytesMax: Limits.diskBytesMax)
        }
        self.init(
            folder: folder,
            bytesMax: bytesMax,
            segmentBytes: Self.segmentBytes(for: bytesMax),
            journalBytesMax: min(
                Limits.diskJournalBytesMax,
                bytesMax / Limits.diskJournalShare
            )
        )
        self.writeBytesPerSecond = writeBytesPerSecond
    }

    /// For tests, whose segments hold a few records.
    init(folder: String, bytesMax: Int, segmentBytes: Int, journalBytesMax: Int) {
        self.folder = folder
        self.bytesMax = bytesMax
        self.segmentBytes = segmentBytes
        self.journalBytesMax = journalBytesMax
        writeBytesPerSecond = 0
        precondition(segmentBytes % Self.pageBytes == 0)
        precondition(segmentBytes <= Limits.diskSegmentBytesMax)
        precondition(segmentBytes * 3 <= segmentBudget, "one full, one being filled, one to come")
    }

    static func segmentBytes(for bytesMax: Int) -> Int {
        let small = min(Limits.diskSegmentBytes, bytesMax / Limits.diskSegmentsMin)
        let wanted = max(small, bytesMax / Limits.diskSegmentsWanted)
        let bounded = min(
            Limits.diskSegmentBytesMax,
            max(Limits.diskSegmentBytesMin, wanted)
        )
        return bounded & ~(pageBytes - 1)
    }

    /// What is left for segments besides superblock, lock, the folder itself, the journal and its next version, and the
    /// probe of a disk that failed.
    var segmentBudget: Int {
        bytesMax - 2 * Self.pages(journalBytesMax) - Limits.diskProbeBytes
            - Limits.diskFolderBytes
    }

    /// The largest record with its head. Half a segment: what is carried over into a new one leaves room for it.
    var recordBytesMax: Int { segmentBytes / 2 & ~(DiskFormat.alignment - 1) }

    static let pageBytes = 4096
    static func pages(_ bytes: Int) -> Int { (bytes + pageBytes - 1) & ~(pageBytes - 1) }
}
