// Records of cached objects on disk, and the purges that they have to obey, across restarts and crashes.
//
// A record is a key, a part (0 is the head with the first block) and bytes that only the cache understands. The tier
// knows nothing of freshness: it finds, reads, puts, removes, and keeps purges. Its promises:
//
// - What is read is what was put, or it is absent. A checksum over every byte is verified at every read.
// - The newest record of a key and part is the one that is found, after a crash as well.
// - A purge whose completion said so is among `invalidations` at the next start, or everything that does not know of it
//   is void.
// - Bytes in the folder stay below `bytesMax`.
// - A disk that fails stops writes, not reads and not the edge.
//
//   DiskTier ─▶ DiskWriter  (thread)  ─▶ segments        decisions: docs/decisions/0015-disk-tier.md
//       │  └──▶ DiskJournal (thread)  ─▶ journal         bytes: DiskFormat.swift
//       └─────▶ DiskCatalog (readers, blocking pool)

import Glibc

final class DiskTier: Sendable {
    /// For keys that nobody outside can guess; the same for as long as the folder is.
    let secret: [UInt8]
    /// Purges that some record may not know of, oldest first, as they were when the tier was opened.
    let invalidations: [DiskInvalidation]
    /// The highest sequence that was ever given to a purge, or that a record knows of: the next one is above it.
    let lastInvalidation: UInt64
    private let identity: UInt64
    private let catalog: DiskCatalog
    private let writer: DiskWriter
    private let journal: DiskJournal

    static func open(
        _ settings: DiskSettings,
        tell: @escaping @Sendable (DiskEvent) -> Void
    ) throws(DiskFault) -> DiskTier {
        let tier = try DiskTier(settings, tell)
        guard settings.isThreaded else { return tier }
        do throws(Thread.StartFailure) {
            try tier.journal.start()
            try tier.writer.start()
        } catch {
            tier.close()
            throw .noThread(error.code)
        }
        return tier
    }

    private init(
        _ settings: DiskSettings,
        _ tell: @escaping @Sendable (DiskEvent) -> Void
    ) throws(DiskFault) {
        catalog = DiskCatalog(files: settings.files, tell: tell)
        var found = try DiskRecovery.enter(settings, catalog)
        try DiskRecovery.read(&found, settings, into: catalog)
        secret = found.superblock.secret
        identity = found.superblock.identity
        invalidations = found.journal.live
        lastInvalidation = max(found.journal.lastSequence, found.asOfMax)
        journal = DiskJournal(
            folder: found.folder,
            file: try found.folder.file(DiskJournal.name, O_RDWR),
            content: found.journal,
            identity: identity,
            settings: settings,
            catalog: catalog
        )
        writer = DiskWriter(found, journal: journal, settings: settings, catalog: catalog)
        // The budget may be smaller than it was.
        try writer.makeRoom(for: 1)
    }

    // MARK: From loops

    /// Nil if there is none, or one of another version. It counts as read: it will be carried over when it is old.
    func find(_ key: CacheKey, part: UInt32, version: UInt64? = nil) -> DiskExtent? {
        catalog.find(key, part: part, version: version)
    }

    /// The same without having read it.
    func has(_ key: CacheKey, version: UInt64? = nil) -> Bool {
        guard let entry = catalog.index.find(key, 0) else { return false }
        return version.map { UInt32(truncatingIfNeeded: $0) == entry.version } ?? true
    }

    /// Takes the place of what is there under the same key and part. False if it is refused: the queue is full, the
    /// disk fails, the record is too large.
    func put(_ record: DiskRecord) -> Bool { writer.put(record) }

    /// The key is not found from now on. It may be again after a crash within moments: what must never come back is
    /// invalidated.
    @discardableResult
    func remove(_ key: CacheKey) -> Bool { writer.remove(key) }

    /// Makes a purge durable. `completion` runs on a thread of the tier, with the reason if it is not.
    func invalidate(
        _ invalidation: DiskInvalidation,
        then completion: (@Sendable (DiskFault?) -> Void)? = nil
    ) { journal.add(invalidation, then: completion) }

    // MARK: From the blocking pool

    /// The chunk has room for `extent.bytes` and nobody else has it yet; the answer's ranges lie in it.
    func read(_ extent: DiskExtent, into chunk: Chunk) -> DiskReading {
        catalog.read(extent, into: chunk, identity: identity)
    }

    // MARK: For those who look after it

    var state: DiskState { catalog.state }
    var counts: DiskCounts { catalog.counts }
    var usedBytes: Int { Int(catalog.usedBytes.value) }
    var queuedBytes: Int { writer.queuedBytes }
    /// Something is on its way that will be found later.
    var isBusy: Bool { writer.isBusy }
    /// Purges up to this one are known to every record.
    var knownByAll: UInt64 { max(catalog.floor, catalog.oldestAsOf.value) }
    var recordCount: Int { catalog.index.count }
    var indexBytes: Int { catalog.index.bytes }

    func forEachRecord(_ body: (CacheKey, UInt32) -> Void) {
        catalog.index.visit { body(CacheKey(high: $0.high, low: $0.low), $0.part) }
    }

    /// Waits until what was put before is written, or lost to a disk that fails.
    func flush() { writer.flush() }

    /// Without threads: does what is to be done next. False if no record waited.
    @discardableResult
    func pass() -> Bool {
        _ = journal.pass()
        return writer.pass()
    }

    /// Writes what waits, ends, and lets go of the folder. Once. Nothing is put afterwards; what was found can still be read.
    func close() {
        writer.close()
        journal.close()
        writer.release()
    }
}
