// Purges, made durable. One thread writes what has come since its last write, syncs once for all of it, and says so to
// every caller; so a thousand purges at a time cost one sync, and none waits behind a fill.
//
// journal, its first 64 bytes                  entry, at multiples of 8
//   0  8  "edgejrnl"                              0  4  "Inv1"
//   8  4  version of the format                   4  4  checksum of the bytes from 8 to its end
//  12  4  checksum of bytes 16…63                 8  8  sequence
//  16  8  identity of the superblock             16  4  bytes of the rule
//  24  8  floor                                  20  4  zero
//  32 32  zero                                   24  …  the rule, zeros up to 8
//
// A rule matters to records that do not know of it. When the file grows past its share it is rewritten without those
// that every record knows; if that is not enough the floor rises: the oldest rules go, and with them, in one step, every
// record that is older than they are. More is given up than was asked for, never less.
//
// What a disk that fails does not take is kept and tried again; its caller is told that it is not durable.

import Glibc

struct DiskInvalidation: Equatable, Sendable {
    var sequence: UInt64
    var rule: [UInt8]
}

enum DiskJournalFormat {
    static let magic: UInt64 = 0x6c6e_726a_6567_6465
    static let entryMagic: UInt32 = 0x3176_6e49
    static let entryHeadBytes = 24

    static func entryBytes(_ rule: Int) -> Int { (entryHeadBytes + rule + 7) & ~7 }

    static func head(identity: UInt64, floor: UInt64) -> [UInt8] {
        DiskBlock(magic: magic, seed: identity) { bytes in
            bytes.append(number: identity)
            bytes.append(number: floor)
        }.bytes
    }

    static func append(_ entry: DiskInvalidation, to bytes: inout [UInt8], identity: UInt64) {
        let start = bytes.count
        bytes.append(number: entryMagic)
        bytes.append(number: UInt32(0))
        bytes.append(number: entry.sequence)
        bytes.append(number: UInt32(entry.rule.count))
        bytes.append(number: UInt32(0))
        bytes.append(contentsOf: entry.rule)
        bytes.pad(to: start + entryBytes(entry.rule.count))
        var checksum = CRC32C(seed: identity)
        checksum.add(bytes.span.extracting((start + 8)..<bytes.count))
        bytes.put(number: checksum.value, at: start + 4)
    }

    static func entry(in bytes: Span<UInt8>, at start: Int, identity: UInt64) -> DiskInvalidation? {
        guard bytes.count - start >= entryHeadBytes,
            bytes.number(at: start, as: UInt32.self) == entryMagic
        else { return nil }
        let count = Int(bytes.number(at: start + 16, as: UInt32.self))
        guard count <= Limits.diskInvalidationBytesMax,
            start + entryBytes(count) <= bytes.count
        else { return nil }
        var checksum = CRC32C(seed: identity)
        checksum.add(bytes.extracting((start + 8)..<(start + entryBytes(count))))
        guard bytes.number(at: start + 4, as: UInt32.self) == checksum.value else { return nil }
        let rule = start + entryHeadBytes
        return DiskInvalidation(
            sequence: bytes.number(at: start + 8, as: UInt64.self),
            rule: (rule..<(rule + count)).map { bytes[$0] }
        )
    }
}

/// What a journal says.
struct DiskJournalContent: Equatable {
    var floor: UInt64 = 0
    var rules: [DiskInvalidation] = []
    /// Where the next entry goes; what lies behind was never acknowledged.
    var end = DiskFormat.blockBytes
    /// Something that was acknowledged cannot be read: no record can be believed.
    var isDamaged = false

    init() {}

    init(_ bytes: Span<UInt8>, identity: UInt64) throws(DiskBlock.Refusal) {
        do throws(DiskBlock.Refusal) {
            try DiskBlock.verify(bytes, magic: DiskJournalFormat.magic, seed: identity)
        } catch {
            if case .unknownVersion = error { throw error }
            isDamaged = true
            return
        }
        floor = bytes.number(at: 24, as: UInt64.self)
        while let rule = DiskJournalFormat.entry(in: bytes, at: end, identity: identity) {
            end += DiskJournalFormat.entryBytes(rule.rule.count)
            rules.append(rule)
        }
        // A torn end has nothing whole behind it: a whole entry there says that the bytes between went bad.
        var behind = end + 8
        while behind < bytes.count, !isDamaged {
            isDamaged =
                DiskJournalFormat.entry(in: bytes, at: behind, identity: identity) != nil
            behind += 8
        }
    }

    /// Rules that some record may not know of, and the last sequence that was ever given.
    var live: [DiskInvalidation] {
        rules.filter { $0.sequence > floor }.sorted { $0.sequence < $1.sequence }
    }
    var lastSequence: UInt64 { rules.reduce(floor) { max($0, $1.sequence) } }
}

final class DiskJournal: @unchecked Sendable {
    typealias Completion = @Sendable (DiskFault?) -> Void

    private struct Waiting {
        var rule: DiskInvalidation
        var completion: Completion?
    }

    private struct Queue {
        var waiting: [Waiting] = []
        /// Of those for which there was no room.
        var floor: UInt64 = 0
        var isClosed = false

        var isEmpty: Bool { waiting.isEmpty && floor == 0 }
    }

    /// Where the journal is. Held while it is written: only the journal's own thread and a folder that comes back ask.
    private struct Place: ~Copyable {
        var folder: DiskFolder
        var file: Descriptor
        var end: Int
        /// Of all rules that the file has had.
        var lastSequence: UInt64
        /// What a failing disk has not taken yet, oldest first.
        var owed: [DiskInvalidation] = []
        /// More than could be kept: everything that does not know of this purge is to be void.
        var owedFloor: UInt64 = 0
    }

    private let queue = Locked(Queue())
    private let place: Locked<Place>
    private let catalog: DiskCatalog
    private let identity: UInt64
    private let bytesMax: Int
    private let retryMilliseconds: Int
    // Guard: who starts it ends it.
    private var thread: Thread?

    static let name = "journal"

    init(
        folder: DiskFolder,
        file: consuming Descriptor,
        content: DiskJournalContent,
        identity: UInt64,
        settings: DiskSettings,
        catalog: DiskCatalog
    ) {
        place = Locked(
            Place(
                folder: folder,
                file: file,
                end: content.end,
                lastSequence: content.lastSequence
            )
        )
        self.identity = identity
        self.catalog = catalog
        bytesMax = settings.journalBytesMax
        retryMilliseconds = settings.retryMilliseconds
    }

    /// Nil: the folder has none.
    static func read(
        _ folder: DiskFolder,
        identity: UInt64,
        files: DiskFiles
    ) throws(DiskFault) -> DiskJournalContent? {
        guard folder.has(name) else { return nil }
        // It never grows past its share; one that did is damaged, and read as far as that.
        let bytes = try folder.content(
            of: name,
            bytesMax: 2 * Limits.diskJournalBytesMax,
            files: files
        )
        do throws(DiskBlock.Refusal) {
            return try DiskJournalContent(bytes.span, identity: identity)
        } catch {
            switch error {
            case .unknownVersion(let version): throw .unknownVersion(version)
            case .unreadable: throw .foreign
            }
        }
    }

    func start() throws(Thread.StartFailure) {
        thread = try Thread.start(name: "edged-purges") { [self] in run() }
    }

    /// Writes what waits, once more, and ends. What a failing disk does not take is lost, as its callers know.
    func close() {
        queue.withLockNotifying { $0.isClosed = true }
        thread?.join()
        thread = nil
        repeat { _ = pass() } while queue.withLock { !$0.waiting.isEmpty }
    }

    /// From any thread. `completion` runs on the journal's thread when the rule is durable, or told why it is not. When too
    /// many wait it runs at once, and what the rule could match is void as soon as the disk takes anything.
    func add(_ rule: DiskInvalidation, then completion: Completion?) {
        precondition(rule.rule.count <= Limits.diskInvalidationBytesMax, "the caller checks")
        let isWaiting = queue.withLockNotifying { queue in
            guard queue.waiting.count < Limits.diskInvalidationsWaiting else {
                queue.floor = max(queue.floor, rule.sequence)
                return false
            }
            queue.waiting.append(Waiting(rule: rule, completion: completion))
            return true
        }
        if !isWaiting { completion?(.tooManyPurges) }
    }

    private func run() {
        var hasDebt = false
        while true {
            let isClosed = queue.withLock(
                waitingAtMost: hasDebt ? retryMilliseconds : nil,
                until: { !$0.isEmpty || $0.isClosed },
                { $0.isClosed }
            )
            if isClosed { return }
            hasDebt = !pass()
        }
    }

    /// False if the disk owes something.
    func pass() -> Bool {
        // No more than may be owed: a large batch is no reason to give up what it does not match.
        let (waiting, floor) = queue.withLock { queue in
            let count = min(queue.waiting.count, Limits.diskInvalidationsOwed)
            defer {
                queue.waiting.removeFirst(count)
                queue.floor = 0
            }
            return (Array(queue.waiting.prefix(count)), queue.floor)
        }
        let fault: DiskFault? = place.withLock { place in
            place.owedFloor = max(place.owedFloor, floor)
            for waiting in waiting { Self.owe(waiting.rule, &place) }
            guard !place.owed.isEmpty || place.owedFloor > 0 else { return nil }
            do throws(DiskFault) {
                try write(&place)
                return nil
            } catch { return error }
        }
        catalog.set(.journal, fault)
        for waiting in waiting { waiting.completion?(fault) }
        return fault == nil
    }

    private static func owe(_ rule: DiskInvalidation, _ place: inout Place) {
        place.owed.append(rule)
        guard place.owed.count > Limits.diskInvalidationsOwed else { return }
        place.owedFloor = place.owed.reduce(place.owedFloor) { max($0, $1.sequence) }
        place.owed = []
    }

    /// The folder is another one now, with a journal of its own: what was owed to the old one goes there.
    func adopt(
        _ folder: DiskFolder,
        _ file: consuming Descriptor,
        _ content: DiskJournalContent
    ) {
        var file: Descriptor? = file
        place.withLock { place in
            place.folder = folder
            if let file = file.take() { place.file = file }
            place.end = content.end
            // A copy that is older than what was acknowledged: nothing before that may be believed.
            if content.floor < catalog.floor || content.lastSequence < place.lastSequence {
                place.owedFloor = max(place.owedFloor, catalog.floor, place.lastSequence)
            }
            place.lastSequence = max(place.lastSequence, content.lastSequence)
        }
        queue.withLockNotifying { _ in }
    }

    private func write(_ place: inout Place) throws(DiskFault) {
        guard place.folder.isInPlace else {
            throw .system(SystemError("stat", ENOENT), file: place.folder.path)
        }
        if !DiskFolder.isNamed(place.file) {
            // Somebody removed it, and with it what kept the purges.
            place.owedFloor = max(place.owedFloor, place.lastSequence)
        }
        let bytes = place.owed.reduce(0) { $0 + DiskJournalFormat.entryBytes($1.rule.count) }
        guard place.owedFloor == 0, place.end + bytes <= bytesMax else {
            return try rewrite(&place)
        }
        var entries: [UInt8] = []
        entries.reserveCapacity(bytes)
        for rule in place.owed {
            DiskJournalFormat.append(rule, to: &entries, identity: identity)
        }
        do throws(SystemError) {
            try catalog.files.write(entries.span, to: place.file.raw, at: place.end)
            try catalog.files.sync(place.file.raw)
        } catch {
            // A half entry would be cut off by the next opening as well.
            try? DiskFolder.cut(place.file, to: place.end)
            throw .system(error, file: "\(place.folder.path)/\(Self.name)")
        }
        place.end += bytes
        place.lastSequence = place.owed.reduce(place.lastSequence) { max($0, $1.sequence) }
        place.owed = []
    }

    /// Beside the old one, without what every record knows; half empty afterwards, so that it is rare.
    private func rewrite(_ place: inout Place) throws(DiskFault) {
        var content =
            try Self.read(place.folder, identity: identity, files: catalog.files)
            ?? DiskJournalContent()
        content.rules += place.owed
        content.floor = max(content.floor, catalog.oldestAsOf.value, place.owedFloor)
        var isForced = place.owedFloor > 0
        var rules = content.live
        var bytes = rules.reduce(DiskFormat.blockBytes) {
            $0 + DiskJournalFormat.entryBytes($1.rule.count)
        }
        var dropped = 0
        while bytes > bytesMax / 2 {
            bytes -= DiskJournalFormat.entryBytes(rules[dropped].rule.count)
            content.floor = rules[dropped].sequence
            dropped += 1
            isForced = true
        }
        rules.removeFirst(dropped)
        var whole = DiskJournalFormat.head(identity: identity, floor: content.floor)
        for rule in rules { DiskJournalFormat.append(rule, to: &whole, identity: identity) }
        try place.folder.replace(Self.name, with: whole.span, files: catalog.files)
        // Only now: what the floor voids is void after a crash as well.
        catalog.raiseFloor(to: content.floor)
        place.file = try place.folder.file(Self.name, O_RDWR)
        place.end = whole.count
        place.lastSequence = content.lastSequence
        place.owed = []
        place.owedFloor = 0
        if isForced { catalog.tell(.purgesForgotten(upTo: content.floor)) }
    }
}
