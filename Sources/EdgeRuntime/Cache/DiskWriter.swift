// The one thread that writes records. What loops put waits in a bounded queue; a full queue refuses instead of waiting.
//
//   put ─▶ queue ─▶ staging ─▶ segment being filled ─▶ index          one write for what came together
//                                     │ full
//                                     ▼
//                                 sealed … sealed ─▶ evicted, oldest first; what was read is carried over
//
// A record is found once it is written, not before. Nothing waits for the disk to be sure of it (decision record 0015): a
// record that a power cut tore does not verify, and a record that it lost is a miss.
//
// When a write fails the writer gives up what waits, refuses what comes, and tries a probe every few seconds. When the
// folder is another one by then (a disk that was away) it is opened like at a start.

import Glibc

/// One record to be written. The payload's chunks are shared, not copied, until they are.
struct DiskRecord: Sendable {
    var key: CacheKey
    /// 0 is the head with the first block.
    var part: UInt32
    /// Which object a block belongs to: a block is found only under the version of its head.
    var version: UInt64
    /// The last purge that was known when the fetch began.
    var asOf: UInt64
    /// From then on it is of no use to anybody, seconds since 1970.
    var expiry: Int64
    /// What a purge is matched with.
    var facts: [UInt8]
    var payload: [ChunkRange]

    var payloadBytes: Int { payload.reduce(0) { $0 + $1.count } }
}

final class DiskWriter: @unchecked Sendable {
    fileprivate enum Item {
        case put(DiskRecord, bytes: Int)
        case remove(CacheKey)
    }

    fileprivate struct Queue {
        var items: [Item] = []
        var bytes = 0
        var records = 0
        /// Keys whose removal waits: what is written of them before it was put before it.
        var removals: [CacheKey: Int] = [:]
        var isWriting = false
        var isClosed = false
        /// Failing: nothing is accepted.
        var isShut = false
    }

    static let probeName = "probe"

    private let queue = Locked(Queue())
    let catalog: DiskCatalog
    private let settings: DiskSettings
    private let identity: UInt64
    // Guard: what follows belongs to the writer's thread once it is started, and to whoever has the tier before.
    private var folder: DiskFolder
    private var journal: DiskJournal
    private var sealed: [DiskSealed]
    private var filling: DiskFilling?
    private var asides: [DiskAside]
    private var segmentNumber: UInt32
    private var sequence: UInt64
    private var staging: [UInt8] = []
    private var staged: [Staged] = []
    private var budget: DiskWriteBudget
    private var unsyncedBytes = 0
    private var retryAt = Nanoseconds.never
    private var thread: Thread?

    private struct Staged {
        var entry: DiskEntry
        /// It was carried over from here, and is let go of if it is no longer there.
        var origin: DiskPlace?
    }

    init(
        _ found: DiskRecovered,
        journal: DiskJournal,
        settings: DiskSettings,
        catalog: DiskCatalog
    ) {
        folder = found.folder
        self.journal = journal
        sealed = found.sealed
        filling = found.filling
        asides = found.asides
        segmentNumber = found.segmentNumber
        sequence = found.sequence
        identity = found.superblock.identity
        budget = DiskWriteBudget(bytesPerSecond: settings.writeBytesPerSecond)
        self.settings = settings
        self.catalog = catalog
        tellOldest()
    }

    // MARK: From any thread

    /// False if it is refused; then it is counted under its reason.
    func put(_ record: DiskRecord) -> Bool {
        let payload = record.payloadBytes
        let bytes = DiskFormat.recordHeadBytes + record.facts.count + payload
        guard payload <= Limits.diskPayloadBytesMax,
            record.facts.count <= Limits.diskFactsBytesMax,
            DiskFormat.padded(bytes) <= settings.recordBytesMax
        else {
            catalog.count { $0.refusedSize += 1 }
            return false
        }
        // Whatever comes of it, what it replaces is not found again.
        catalog.index.remove(record.key, record.part)
        let isAccepted = queue.withLockNotifying { queue -> Bool? in
            guard !queue.isShut, !queue.isClosed else { return nil }
            guard queue.bytes + bytes <= Limits.diskQueuedBytes,
                queue.records < Limits.diskQueuedRecords,
                catalog.index.count < Limits.diskRecordsMax
            else { return false }
            queue.items.append(.put(record, bytes: bytes))
            queue.bytes += bytes
            queue.records += 1
            return true
        }
        switch isAccepted {
        case nil: catalog.count { $0.refusedFailing += 1 }
        case false?: catalog.count { $0.refusedFull += 1 }
        case true?: return true
        }
        return false
    }

    /// The key is not found from now on. False if that may be forgotten in a crash.
    func remove(_ key: CacheKey) -> Bool {
        // First the queue, then the index: the writer does it the other way round, so one of both sees the other.
        defer { catalog.index.remove(key, 0) }
        return queue.withLockNotifying { queue in
            guard !queue.isShut, !queue.isClosed,
                queue.items.count - queue.records < Limits.diskQueuedRemovals
            else { return false }
            queue.items.append(.remove(key))
            queue.removals[key, default: 0] += 1
            return true
        }
    }

    var queuedBytes: Int { queue.withLock { $0.bytes } }
    var isBusy: Bool { queue.withLock { !$0.items.isEmpty || $0.isWriting } }

    /// Waits until all that was put before is written or lost.
    func flush() {
        queue.withLock(
            waitingAtMost: nil,
            until: { ($0.items.isEmpty && !$0.isWriting) || $0.isShut },
            { _ in }
        )
    }

    // MARK: The thread

    func start() throws(Thread.StartFailure) {
        thread = try Thread.start(name: "edged-store") { [self] in run() }
    }

    /// Writes what waits, and the index of the segment being filled so that the next start need not read it.
    func close() {
        queue.withLockNotifying { $0.isClosed = true }
        thread?.join()
        thread = nil
        while pass() {}
        guard case .working = catalog.state else { return }
        do throws(DiskFault) { try seal() } catch { fail(error) }
    }

    /// After everything else has ended.
    func release() { folder.release() }

    private func run() {
        while true {
            let patience: Int? =
                retryAt != .never
                ? settings.retryMilliseconds
                : unsyncedBytes > 0 ? Limits.diskIdleSyncMilliseconds : nil
            let isClosed = queue.withLock(
                waitingAtMost: patience,
                until: { !$0.items.isEmpty || $0.isClosed },
                { $0.isClosed }
            )
            if isClosed { return }
            _ = pass()
        }
    }

    /// Does what is to be done next. False if there was nothing.
    @discardableResult
    func pass() -> Bool {
        if retryAt != .never {
            if Clock.monotonic() >= retryAt { retry() }
            return false
        }
        let batch = take()
        guard !batch.isEmpty else {
            sync()
            return false
        }
        let before = catalog.counts.writtenRecords
        do throws(DiskFault) {
            for item in batch { try stage(item) }
            try writeStaged()
        } catch {
            let puts = batch.count {
                if case .put = $0 { true } else { false }
            }
            catalog.count { $0.lostRecords += puts - ($0.writtenRecords - before) }
            fail(error)
        }
        queue.withLockNotifying { $0.isWriting = false }
        return true
    }

    private func take() -> [Item] {
        queue.withLock { queue in
            var bytes = 0
            var count = 0
            while count < queue.items.count, bytes < Limits.diskBatchBytes {
                switch queue.items[count] {
                case .put(_, let size):
                    bytes += size
                    queue.bytes -= size
                    queue.records -= 1
                case .remove: break
                }
                count += 1
            }
            let batch = Array(queue.items.prefix(count))
            queue.items.removeFirst(count)
            queue.isWriting = count > 0
            return batch
        }
    }

    // MARK: Writing

    private func stage(_ item: Item) throws(DiskFault) {
        switch item {
        case .put(let record, _):
            // Purges that it does not know of are no longer listed: nobody could tell that it is valid.
            guard record.asOf >= catalog.floor else { return }
            try stage(
                record.key,
                record.part,
                record.version,
                asOf: record.asOf,
                expiry: record.expiry,
                bytes: record.facts.count + record.payloadBytes,
                factsBytes: record.facts.count
            ) { staging in
                staging.append(contentsOf: record.facts)
                for range in record.payload {
                    range.bytes.withUnsafeBufferPointer { staging.append(contentsOf: $0) }
                }
            }
        case .remove(let key):
            try stage(key, 0, 0, asOf: .max, expiry: 0, bytes: 0, isRemoval: true) { _ in }
        }
    }

    private func stage(
        _ key: CacheKey,
        _ part: UInt32,
        _ version: UInt64,
        asOf: UInt64,
        expiry: Int64,
        bytes: Int,
        factsBytes: Int = 0,
        isRemoval: Bool = false,
        origin: DiskPlace? = nil,
        body: (inout [UInt8]) -> Void
    ) throws(DiskFault) {
        let length = DiskFormat.recordHeadBytes + bytes
        if !hasRoom(for: length) {
            try writeStaged()
            try turn()
        }
        guard let filling else { preconditionFailure("there is one after a turn") }
        sequence += 1
        var head = DiskRecordHead(
            sequence: sequence,
            key: key,
            version: version,
            asOf: asOf,
            expiry: expiry,
            part: part,
            factsBytes: factsBytes,
            payloadBytes: bytes - factsBytes,
            bodyChecksum: 0,
            isRemoval: isRemoval
        )
        let start = staging.count
        let seed = DiskFormat.seed(identity: identity, segment: filling.segment.number)
        Self.append(&head, to: &staging, seed: seed, body: body)
        let entry = DiskEntry(head, offset: filling.end + start)
        staged.append(Staged(entry: entry, origin: origin))
        if staging.count >= Limits.diskBatchBytes { try writeStaged() }
    }

    private static func append(
        _ head: inout DiskRecordHead,
        to bytes: inout [UInt8],
        seed: UInt64,
        body: (inout [UInt8]) -> Void
    ) {
        let start = bytes.count
        bytes.pad(to: start + DiskFormat.recordHeadBytes)
        body(&bytes)
        var checksum = CRC32C(seed: seed)
        checksum.add(bytes.span.extracting(droppingFirst: start + DiskFormat.recordHeadBytes))
        head.bodyChecksum = checksum.value
        head.write(to: &bytes, at: start, seed: seed)
        bytes.pad(to: start + DiskFormat.padded(head.bytes))
    }

    private func hasRoom(for length: Int) -> Bool {
        guard let filling else { return false }
        let records = filling.end + staging.count + DiskFormat.padded(length)
        let entries = filling.entries.count + staged.count + 1
        return records + DiskSegmentFormat.sealBytes(entries) <= settings.segmentBytes
    }

    /// One write for all that is staged; then, and not before, it is found.
    private func writeStaged() throws(DiskFault) {
        guard !staging.isEmpty, let segment = filling?.segment, let end = filling?.end else {
            return
        }
        var bytes: [UInt8] = []
        swap(&bytes, &staging)
        defer {
            bytes.removeAll(keepingCapacity: true)
            swap(&bytes, &staging)
            staged.removeAll(keepingCapacity: true)
        }
        do throws(SystemError) {
            if filling?.isToBeCut == true {
                try DiskFolder.cut(segment.descriptor, to: end)
                filling?.isToBeCut = false
            }
            try catalog.files.write(bytes.span, to: segment.descriptor.raw, at: end)
        } catch {
            filling?.isToBeCut = true
            throw fault(error, segment)
        }
        let count = bytes.count
        filling?.end = end + count
        for staged in staged { filling?.add(staged.entry) }
        for staged in staged { publish(staged, segment.number) }
        let records = staged.count { $0.origin == nil && !$0.entry.isRemoval }
        catalog.count {
            $0.writtenRecords += records
            $0.writtenBytes += count
        }
        tellOldest()
        unsyncedBytes += count
        if unsyncedBytes >= Limits.diskSyncBytes { try syncFilling() }
        pause(budget.spend(count, at: Clock.monotonic()))
    }

    private func publish(_ staged: Staged, _ segment: UInt32) {
        let entry = staged.entry
        guard !entry.isRemoval else {
            catalog.index.remove(entry.key, 0)
            queue.withLock { $0.forgetRemoval(of: entry.key) }
            return
        }
        let place = DiskPlace(entry, in: segment)
        if let origin = staged.origin {
            let isMoved = catalog.index.move(entry.key, entry.part, from: origin, to: place)
            if isMoved { catalog.count { $0.carriedRecords += 1 } }
            return
        }
        catalog.index.set(entry.key, entry.part, version: entry.version, place)
        guard entry.part == 0, queue.withLock({ $0.removals[entry.key] != nil }) else { return }
        catalog.index.remove(entry.key, 0)
    }

    /// The average has been passed: waits, but not for the end of the process.
    private func pause(_ time: Nanoseconds) {
        let milliseconds = Int(time / 1_000_000)
        guard milliseconds > 0, settings.isThreaded else { return }
        queue.withLock(waitingAtMost: milliseconds, until: { $0.isClosed }, { _ in })
    }

    private func sync() {
        guard unsyncedBytes > 0 else { return }
        do throws(DiskFault) { try syncFilling() } catch { fail(error) }
    }

    private func syncFilling() throws(DiskFault) {
        guard let filling else { return }
        do throws(SystemError) {
            try catalog.files.sync(filling.segment.descriptor.raw)
        } catch { throw fault(error, filling.segment) }
        unsyncedBytes = 0
    }

    private func fault(_ error: SystemError, _ segment: DiskSegment) -> DiskFault {
        .system(error, file: "\(folder.path)/\(DiskSegment.name(of: segment.number))")
    }

    private func tellOldest() {
        let oldest = sealed.reduce(filling?.asOfMin ?? .max) { min($0, $1.asOfMin) }
        // With nothing on disk every purge is known to all there is; the floor must not pass those to come.
        catalog.oldestAsOf.value = oldest == .max ? 0 : oldest
        let whole = sealed.reduce(0) { $0 + $1.bytes } + asides.reduce(0) { $0 + $1.bytes }
        catalog.usedBytes.value = UInt64(whole + (filling?.end ?? 0))
    }

    // MARK: Segments

    /// The next segment: this one is sealed, and there is room for two, so that the next turn has it as well.
    private func turn() throws(DiskFault) {
        try seal()
        try makeRoom(for: 1)
        try begin()
        try makeRoom(for: 2, isCarrying: true)
    }

    private func seal() throws(DiskFault) {
        guard let filling else { return }
        let segment = filling.segment
        let seal = DiskSegmentFormat.seal(
            filling.entries,
            at: filling.end,
            identity: identity,
            number: segment.number
        )
        do throws(SystemError) {
            try catalog.files.write(seal.span, to: segment.descriptor.raw, at: filling.end)
            try DiskFolder.cut(segment.descriptor, to: filling.end + seal.count)
            try catalog.files.sync(segment.descriptor.raw)
        } catch {
            self.filling?.isToBeCut = true
            throw fault(error, segment)
        }
        unsyncedBytes = 0
        sealed.append(
            DiskSealed(
                segment: segment,
                bytes: DiskSettings.pages(filling.end + seal.count),
                records: filling.entries.count,
                asOfMin: filling.asOfMin
            )
        )
        self.filling = nil
    }

    private func begin() throws(DiskFault) {
        // The number is spent also if it fails: a name is never given twice.
        segmentNumber += 1
        let name = DiskSegment.name(of: segmentNumber)
        let segment = DiskSegment(
            segmentNumber,
            try folder.file(name, O_RDWR | O_CREAT | O_EXCL)
        )
        let head = DiskSegmentFormat.head(identity: identity, number: segmentNumber)
        do throws(SystemError) {
            try catalog.files.write(head.span, to: segment.descriptor.raw, at: 0)
        } catch {
            try? folder.remove(name)
            throw fault(error, segment)
        }
        catalog.add(segment)
        filling = DiskFilling(segment: segment, end: DiskFormat.blockBytes)
    }

    /// Until so many whole segments fit beside what there is. One that is being filled counts as full.
    func makeRoom(for segments: Int, isCarrying: Bool = false) throws(DiskFault) {
        var share = isCarrying ? settings.segmentBytes / Limits.diskCarriedShare : 0
        while usedBytes + segments * settings.segmentBytes > settings.segmentBudget {
            if !asides.isEmpty {
                let aside = asides.removeFirst()
                try folder.remove(aside.name)
                catalog.tell(.asideRemoved(file: aside.name))
            } else if !sealed.isEmpty {
                try evict(&share)
            } else {
                return
            }
        }
    }

    private var usedBytes: Int {
        let whole = sealed.reduce(0) { $0 + $1.bytes } + asides.reduce(0) { $0 + $1.bytes }
        return whole + (filling == nil ? 0 : settings.segmentBytes)
    }

    /// `share`: bytes that may be carried over.
    private func evict(_ share: inout Int) throws(DiskFault) {
        let victim = sealed[0]
        var entries: [DiskEntry]?
        do throws(SystemError) {
            entries = try DiskScan(victim.segment, identity: identity, files: catalog.files).entries
        } catch { catalog.count { $0.readFailed += 1 } }
        if share > 0, let entries {
            try carry(entries, from: victim.segment, &share)
            try writeStaged()
        }
        try folder.remove(DiskSegment.name(of: victim.segment.number))
        let isWhole = entries?.count == victim.records
        catalog.remove(victim.segment, holding: isWhole ? entries : nil)
        sealed.removeFirst()
        catalog.count { $0.evictedSegments += 1 }
        tellOldest()
    }

    /// Writes again what was read since it was written, as far as the share allows.
    private func carry(
        _ entries: [DiskEntry],
        from victim: DiskSegment,
        _ share: inout Int
    ) throws(DiskFault) {
        let now = Clock.wall().seconds
        for entry in entries where !entry.isRemoval && entry.expiry > now {
            let length = Int(entry.length)
            let place = DiskPlace(entry, in: victim.number)
            guard let found = catalog.index.find(entry.key, entry.part), found.place.isRead,
                found.place.isSame(as: place), length <= share, hasRoom(for: length)
            else { continue }
            let chunk = Chunk(capacity: place.bytes)
            guard
                let extent = catalog.find(entry.key, part: entry.part, version: nil),
                extent.isSame(as: place),
                case .record(let record) = catalog.read(extent, into: chunk, identity: identity),
                let asOf = settings.judge(entry.key, record.asOf, record.facts.bytes)
            else { continue }
            share -= length
            try stage(
                entry.key,
                entry.part,
                record.version,
                asOf: max(asOf, record.asOf),
                expiry: record.expiry,
                bytes: record.facts.count + record.payload.count,
                factsBytes: record.facts.count,
                origin: place
            ) { staging in
                record.facts.bytes.withUnsafeBufferPointer { staging.append(contentsOf: $0) }
                record.payload.bytes.withUnsafeBufferPointer { staging.append(contentsOf: $0) }
            }
        }
    }

    // MARK: A disk that fails

    private func fail(_ fault: DiskFault) {
        staging.removeAll(keepingCapacity: true)
        staged.removeAll(keepingCapacity: true)
        let lost = queue.withLockNotifying { queue in
            let lost = queue.records
            queue = Queue(isClosed: queue.isClosed, isShut: true)
            return lost
        }
        catalog.count { $0.lostRecords += lost }
        retryAt = Clock.monotonic() + .milliseconds(Int64(settings.retryMilliseconds))
        catalog.set(.writer, fault)
    }

    private func retry() {
        do throws(DiskFault) {
            if !folder.isInPlace { try adopt() }
            try probe()
            retryAt = .never
            queue.withLockNotifying { $0.isShut = false }
            catalog.set(.writer, nil)
        } catch {
            retryAt = Clock.monotonic() + .milliseconds(Int64(settings.retryMilliseconds))
        }
    }

    private func probe() throws(DiskFault) {
        let zeros = [UInt8](repeating: 0, count: Limits.diskProbeBytes)
        let file = try folder.file(Self.probeName, O_WRONLY | O_CREAT | O_TRUNC)
        do throws(SystemError) {
            try catalog.files.write(zeros.span, to: file.raw, at: 0)
            try catalog.files.sync(file.raw)
        } catch {
            try? folder.remove(Self.probeName)
            throw .system(error, file: "\(folder.path)/\(Self.probeName)")
        }
        try folder.remove(Self.probeName)
    }

    /// The path leads to another folder: a disk that was away, or a copy of it. Ours, or it is left alone, and what is
    /// open of the old one goes on being read.
    private func adopt() throws(DiskFault) {
        var found = try DiskRecovery.enter(settings, catalog, expecting: identity)
        catalog.removeAll()
        sealed = []
        filling = nil
        asides = []
        do throws(DiskFault) {
            try DiskRecovery.read(&found, settings, into: catalog)
            let file = try found.folder.file(DiskJournal.name, O_RDWR)
            journal.adopt(found.folder, file, found.journal)
        } catch {
            // Half of it would be worse than nothing; the next attempt begins anew.
            catalog.removeAll()
            throw error
        }
        folder = found.folder
        sealed = found.sealed
        filling = found.filling
        asides = found.asides
        segmentNumber = max(segmentNumber, found.segmentNumber)
        sequence = max(sequence, found.sequence)
        unsyncedBytes = 0
        tellOldest()
    }
}

extension DiskWriter.Queue {
    fileprivate mutating func forgetRemoval(of key: CacheKey) {
        guard let count = removals[key] else { return }
        removals[key] = count > 1 ? count - 1 : nil
    }
}
