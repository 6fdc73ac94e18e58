// What readers and the writer share: where records lie, which files hold them, what is void, what was counted.

import Synchronization

/// A file of records. It lives as long as somebody reads from it, also when its name is gone.
final class DiskSegment: Sendable {
    let number: UInt32
    let descriptor: Descriptor

    init(_ number: UInt32, _ descriptor: consuming Descriptor) {
        self.number = number
        self.descriptor = descriptor
    }

    static func name(of number: UInt32) -> String {
        let digits = String(number)
        return String(repeating: "0", count: 10 - digits.count) + digits + suffix
    }

    /// Nil for a name that we do not give.
    static func number(of name: String) -> UInt32? {
        guard name.hasSuffix(suffix), let number = UInt32(name.dropLast(suffix.count)),
            name == Self.name(of: number)
        else { return nil }
        return number
    }

    private static let suffix = ".segment"
}

extension DiskPlace {
    init(_ entry: DiskEntry, in segment: UInt32) {
        self.init(segment: segment, offset: Int(entry.offset), bytes: Int(entry.length))
    }
}

/// Where one record is to be read. Stays good however long the reader takes.
struct DiskExtent: Sendable {
    let key: CacheKey
    let part: UInt32
    fileprivate let version: UInt32
    fileprivate let place: DiskPlace
    fileprivate let segment: DiskSegment

    /// Room that a read needs.
    var bytes: Int { place.bytes }

    func isSame(as other: DiskPlace) -> Bool { place.isSame(as: other) }
}

/// A record as it was put.
struct DiskRead: Sendable {
    var version: UInt64
    /// The last purge that is known not to match it.
    var asOf: UInt64
    var expiry: Int64
    var facts: ChunkRange
    var payload: ChunkRange
}

enum DiskReading: Sendable {
    case record(DiskRead)
    /// It is no longer valid: stored before purges that nobody remembers one by one.
    case gone
    /// What is there is not what was written. It will not be found again.
    case torn
    case failed(SystemError)
}

/// Since the tier was opened.
struct DiskCounts: Equatable, Sendable {
    var writtenRecords = 0
    var writtenBytes = 0
    var carriedRecords = 0
    var evictedSegments = 0
    /// Accepted, and then not written because the disk failed.
    var lostRecords = 0
    var refusedFull = 0
    var refusedFailing = 0
    var refusedSize = 0
    var readRecords = 0
    var readTorn = 0
    var readFailed = 0
}

final class DiskCatalog: Sendable {
    let files: DiskFiles
    let index = DiskIndex()
    private let segments = Locked<[UInt32: DiskSegment]>([:])
    private let floorWord = Atomic<UInt64>(0)
    /// The oldest purge that some record does not know of yet. Written by the writer, for the journal.
    let oldestAsOf = SharedWord()
    /// Of all segments. Written by the writer.
    let usedBytes = SharedWord()
    private let numbers = Locked(DiskCounts())
    private let faults = Locked(Faults())
    private let tellEvent: @Sendable (DiskEvent) -> Void

    private struct Faults {
        var writer: DiskFault?
        var journal: DiskFault?
        var readToldAt: Nanoseconds?

        var first: DiskFault? { writer ?? journal }
    }

    init(files: DiskFiles, tell: @escaping @Sendable (DiskEvent) -> Void) {
        self.files = files
        tellEvent = tell
    }

    /// A record that knows less than this purge is void: the purges up to here are no longer listed. It only rises.
    var floor: UInt64 { floorWord.load(ordering: .acquiring) }

    func raiseFloor(to sequence: UInt64) {
        floorWord.max(sequence, ordering: .acquiringAndReleasing)
    }

    // MARK: What is told

    func tell(_ event: DiskEvent) { tellEvent(event) }

    func count(_ body: (inout DiskCounts) -> Void) { numbers.withLock { body(&$0) } }
    var counts: DiskCounts { numbers.withLock { $0 } }

    var state: DiskState {
        faults.withLock { $0.first.map { .failing($0) } ?? .working }
    }

    enum Part {
        case writer
        case journal
    }

    /// Told once for however long it lasts.
    func set(_ part: Part, _ fault: DiskFault?) {
        let change: DiskEvent? = faults.withLock { faults in
            let before = faults.first
            switch part {
            case .writer: faults.writer = fault
            case .journal: faults.journal = fault
            }
            switch (before, faults.first) {
            case (nil, let fault?): return .failing(fault)
            case (.some, nil): return .recovered
            case (nil, nil), (.some, .some): return nil
            }
        }
        if let change { tell(change) }
    }

    // MARK: Segments

    func add(_ segment: DiskSegment) {
        segments.withLock { $0[segment.number & DiskPlace.segmentMask] = segment }
    }

    /// What it holds according to its index; all that points there if that index is not to be trusted.
    func remove(_ segment: DiskSegment, holding entries: [DiskEntry]?) {
        if let entries {
            for entry in entries where !entry.isRemoval {
                let place = DiskPlace(entry, in: segment.number)
                index.remove(entry.key, entry.part, at: place)
            }
        } else {
            index.removeAll(in: segment.number)
        }
        _ = segments.withLock { $0.removeValue(forKey: segment.number & DiskPlace.segmentMask) }
    }

    func removeAll() {
        index.removeAll()
        segments.withLock { $0.removeAll() }
    }

    // MARK: Reading

    func find(_ key: CacheKey, part: UInt32, version: UInt64?) -> DiskExtent? {
        guard let entry = index.findForReading(key, part),
            version.map({ UInt32(truncatingIfNeeded: $0) == entry.version }) ?? true,
            let segment = segments.withLock({ $0[entry.place.segment] })
        else { return nil }
        return DiskExtent(
            key: key,
            part: part,
            version: entry.version,
            place: entry.place,
            segment: segment
        )
    }

    /// Blocks on the disk. The chunk has room for the extent and belongs to the caller alone until this returns.
    func read(_ extent: DiskExtent, into chunk: Chunk, identity: UInt64) -> DiskReading {
        let start = chunk.filled
        let place = extent.place
        precondition(chunk.room >= place.bytes, "less room than the extent said")
        do throws(SystemError) {
            let count = try files.read(
                place.bytes,
                from: extent.segment.descriptor.raw,
                at: place.offset,
                into: chunk.base + start
            )
            chunk.didFill(count)
        } catch {
            index.remove(extent.key, extent.part, at: place)
            count { $0.readFailed += 1 }
            tellReadFailed(error)
            return .failed(error)
        }
        let bytes = chunk.bytes(from: start, to: chunk.filled)
        let seed = DiskFormat.seed(identity: identity, segment: extent.segment.number)
        guard let head = DiskRecordHead(bytes, seed: seed), head.bytes <= bytes.count,
            head.key == extent.key, head.part == extent.part, !head.isRemoval,
            UInt32(truncatingIfNeeded: head.version) == extent.version,
            Self.bodyChecksum(of: bytes, head, seed) == head.bodyChecksum
        else {
            index.remove(extent.key, extent.part, at: place)
            count { $0.readTorn += 1 }
            return .torn
        }
        guard head.asOf >= floor else {
            index.remove(extent.key, extent.part, at: place)
            return .gone
        }
        count { $0.readRecords += 1 }
        let facts = start + DiskFormat.recordHeadBytes
        let payload = facts + head.factsBytes
        return .record(
            DiskRead(
                version: head.version,
                asOf: head.asOf,
                expiry: head.expiry,
                facts: ChunkRange(chunk: chunk, start: facts, end: payload),
                payload: ChunkRange(
                    chunk: chunk,
                    start: payload,
                    end: payload + head.payloadBytes
                )
            )
        )
    }

    static func bodyChecksum(
        of record: Span<UInt8>,
        _ head: DiskRecordHead,
        _ seed: UInt64
    ) -> UInt32 {
        var checksum = CRC32C(seed: seed)
        checksum.add(record.extracting(DiskFormat.recordHeadBytes..<head.bytes))
        return checksum.value
    }

    private func tellReadFailed(_ error: SystemError) {
        let now = Clock.monotonic()
        let quiet = Nanoseconds.milliseconds(Int64(Limits.diskTellMilliseconds))
        let isTold = faults.withLock { faults in
            if let told = faults.readToldAt, now - told < quiet { return false }
            faults.readToldAt = now
            return true
        }
        if isTold { tell(.readFailed(error)) }
    }
}
