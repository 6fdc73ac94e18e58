// What is in the folder when it is opened: after a clean end, after `kill -9` at any point, after other programs.
//
//   superblock ─▶ journal ─▶ segments, oldest first: trailer and index if they verify, else record by record
//
// A later record of a key takes the place of an earlier one, whether it is itself still valid or not. Reading indexes is
// a sequential read of 64 bytes for each record; only the segment that was being filled is read whole, and its torn end
// is cut off before anything is appended. What is not ours to read is set aside under another name.

import Glibc

/// A segment that is complete, for the writer that will evict it.
struct DiskSealed {
    var segment: DiskSegment
    /// On disk, in whole pages.
    var bytes: Int
    var records: Int
    var asOfMin: UInt64
}

/// The segment that is being filled.
struct DiskFilling {
    var segment: DiskSegment
    /// Where the next record goes.
    var end: Int
    var entries: [DiskEntry] = []
    var asOfMin = UInt64.max
    /// There may be something behind `end`: it is cut off before the first record.
    var isToBeCut = false

    mutating func add(_ entry: DiskEntry) {
        entries.append(entry)
        asOfMin = min(asOfMin, entry.asOf)
    }
}

struct DiskAside {
    var name: String
    var bytes: Int

    static let suffix = ".aside"
}

/// An opened folder with what it holds.
struct DiskRecovered {
    var folder: DiskFolder
    var superblock: DiskSuperblock
    var sealed: [DiskSealed] = []
    var filling: DiskFilling?
    var asides: [DiskAside] = []
    var segmentNumber: UInt32 = 0
    var sequence: UInt64 = 0
    var journal = DiskJournalContent()
    /// The highest that any record knows of.
    var asOfMax: UInt64 = 0
}

enum DiskRecovery {
    private static let superblockName = "superblock"

    /// Locks the folder and asks whose it is. With an identity, only that one will do and nothing is made.
    static func enter(
        _ settings: DiskSettings,
        _ catalog: DiskCatalog,
        expecting identity: UInt64? = nil
    ) throws(DiskFault) -> DiskRecovered {
        let folder = try DiskFolder(path: settings.folder, isMade: identity == nil)
        let superblock = try superblock(of: folder, catalog, expecting: identity)
        return DiskRecovered(folder: folder, superblock: superblock)
    }

    /// Fills the catalog.
    static func read(
        _ found: inout DiskRecovered,
        _ settings: DiskSettings,
        into catalog: DiskCatalog
    ) throws(DiskFault) {
        let folder = found.folder
        var names = try folder.names()
        for draft in names where draft.hasSuffix(".new") || draft == DiskWriter.probeName {
            try folder.remove(draft)
        }
        if let journal = try DiskJournal.read(
            folder,
            identity: found.superblock.identity,
            files: catalog.files
        ) {
            found.journal = journal
        }
        catalog.raiseFloor(to: found.journal.floor)
        names.removeAll { DiskSegment.number(of: $0) == nil && !$0.hasSuffix(DiskAside.suffix) }
        let last = names.last { DiskSegment.number(of: $0) != nil }
        let now = Clock.wall().seconds
        for name in names {
            guard let number = DiskSegment.number(of: name) else {
                let bytes = DiskSettings.pages(folder.bytes(of: name))
                found.asides.append(DiskAside(name: name, bytes: bytes))
                // Its number is not given again, or the next one set aside would take its place.
                let number = DiskSegment.number(of: String(name.dropLast(DiskAside.suffix.count)))
                found.segmentNumber = max(found.segmentNumber, number ?? 0)
                continue
            }
            found.segmentNumber = max(found.segmentNumber, number)
            try recover(name, number, isLast: name == last, now, &found, catalog)
        }
        try mendJournal(&found, catalog)
    }

    private static func superblock(
        of folder: DiskFolder,
        _ catalog: DiskCatalog,
        expecting identity: UInt64?
    ) throws(DiskFault) -> DiskSuperblock {
        guard folder.has(superblockName) else {
            guard identity == nil else { throw .foreign }
            return try makeSuperblock(folder, catalog)
        }
        let bytes = try folder.content(
            of: superblockName,
            bytesMax: DiskFormat.blockBytes,
            files: catalog.files
        )
        let refusal: DiskBlock.Refusal
        do throws(DiskBlock.Refusal) {
            let superblock = try DiskSuperblock(bytes.span)
            if identity ?? superblock.identity == superblock.identity { return superblock }
            refusal = .unreadable
        } catch { refusal = error }
        if case .unknownVersion(let version) = refusal { throw .unknownVersion(version) }
        guard identity == nil else { throw .foreign }
        // Its secret is lost, and with it the meaning of every key.
        try folder.rename(superblockName, to: superblockName + DiskAside.suffix)
        catalog.tell(.setAside(file: superblockName, refusal))
        return try makeSuperblock(folder, catalog)
    }

    private static func makeSuperblock(
        _ folder: DiskFolder,
        _ catalog: DiskCatalog
    ) throws(DiskFault) -> DiskSuperblock {
        var random = Random()
        var secret = SecureRandom.system
        let superblock = DiskSuperblock(
            identity: random.next(),
            secret: secret.bytes(DiskSuperblock.secretBytes) ?? []
        )
        try folder.replace(superblockName, with: superblock.encoded.span, files: catalog.files)
        return superblock
    }

    private static func recover(
        _ name: String,
        _ number: UInt32,
        isLast: Bool,
        _ now: Int64,
        _ found: inout DiskRecovered,
        _ catalog: DiskCatalog
    ) throws(DiskFault) {
        let folder = found.folder
        let identity = found.superblock.identity
        let segment = DiskSegment(number, try folder.file(name, isLast ? O_RDWR : O_RDONLY))
        let scan: DiskScan
        do throws(SystemError) {
            scan = try DiskScan(segment, identity: identity, files: catalog.files)
        } catch {
            // A file that cannot be read now may be readable later; its records are not found until then.
            catalog.tell(.readFailed(error))
            let bytes = DiskSettings.pages(folder.bytes(of: name))
            found.sealed.append(DiskSealed(segment: segment, bytes: bytes, records: 0, asOfMin: 0))
            return
        }
        if let refusal = scan.refusal {
            try setAside(name, scan.fileBytes, refusal, &found, catalog)
            return
        }
        guard !scan.entries.isEmpty else { return try folder.remove(name) }
        catalog.add(segment)
        var asOfMin = UInt64.max
        for entry in scan.entries {
            found.sequence = max(found.sequence, entry.sequence)
            if !entry.isRemoval { found.asOfMax = max(found.asOfMax, entry.asOf) }
            asOfMin = min(asOfMin, entry.asOf)
            let isValid =
                !entry.isRemoval && entry.expiry > now && entry.asOf >= catalog.floor
            guard isValid else {
                catalog.index.remove(entry.key, entry.part)
                continue
            }
            let place = DiskPlace(entry, in: number)
            catalog.index.set(entry.key, entry.part, version: entry.version, place)
        }
        if isLast {
            found.filling = DiskFilling(
                segment: segment,
                end: scan.end,
                entries: scan.entries,
                asOfMin: asOfMin,
                isToBeCut: scan.end < scan.fileBytes
            )
        } else {
            found.sealed.append(
                DiskSealed(
                    segment: segment,
                    bytes: DiskSettings.pages(scan.fileBytes),
                    records: scan.entries.count,
                    asOfMin: asOfMin
                )
            )
        }
    }

    private static func setAside(
        _ name: String,
        _ bytes: Int,
        _ refusal: DiskBlock.Refusal,
        _ found: inout DiskRecovered,
        _ catalog: DiskCatalog
    ) throws(DiskFault) {
        let aside = name + DiskAside.suffix
        try found.folder.rename(name, to: aside)
        found.asides.append(DiskAside(name: aside, bytes: DiskSettings.pages(bytes)))
        catalog.tell(.setAside(file: name, refusal))
    }

    /// Without the purges nothing that was stored before may be believed.
    private static func mendJournal(
        _ found: inout DiskRecovered,
        _ catalog: DiskCatalog
    ) throws(DiskFault) {
        let isThere = found.folder.has(DiskJournal.name)
        if found.journal.isDamaged || !isThere && catalog.index.count > 0 {
            let floor = max(found.asOfMax, found.journal.lastSequence) + 1
            found.journal = DiskJournalContent()
            found.journal.floor = floor
            catalog.raiseFloor(to: floor)
            catalog.index.removeAll()
            catalog.tell(.journalDamaged)
        } else if isThere {
            return
        }
        let head = DiskJournalFormat.head(
            identity: found.superblock.identity,
            floor: found.journal.floor
        )
        try found.folder.replace(DiskJournal.name, with: head.span, files: catalog.files)
    }
}

/// The entries of one segment, and how much of the file they account for.
struct DiskScan {
    private(set) var entries: [DiskEntry] = []
    /// Where the records end.
    private(set) var end = DiskFormat.blockBytes
    let fileBytes: Int
    /// Why the file is not to be used at all.
    private(set) var refusal: DiskBlock.Refusal?

    init(_ segment: DiskSegment, identity: UInt64, files: DiskFiles) throws(SystemError) {
        fileBytes = try DiskFolder.bytes(of: segment.descriptor)
        let raw = segment.descriptor.raw
        let seed = DiskFormat.seed(identity: identity, segment: segment.number)
        let head = try files.read(DiskFormat.blockBytes, from: raw, at: 0)
        do throws(DiskBlock.Refusal) {
            try DiskBlock.verify(head.span, magic: DiskFormat.segmentMagic, seed: seed)
        } catch {
            // Created, and killed before its head was there: nothing is lost with it.
            let isEmpty = fileBytes < DiskFormat.blockBytes || head.allSatisfy { $0 == 0 }
            refusal = isEmpty ? nil : error
            return
        }
        guard try !readSeal(raw, seed, files) else { return }
        try readRecords(raw, seed, files)
    }

    private mutating func readSeal(
        _ raw: CInt,
        _ seed: UInt64,
        _ files: DiskFiles
    ) throws(SystemError) -> Bool {
        let trailerAt = fileBytes - DiskFormat.blockBytes
        guard trailerAt >= DiskFormat.blockBytes else { return false }
        let trailer = try files.read(DiskFormat.blockBytes, from: raw, at: trailerAt)
        do throws(DiskBlock.Refusal) {
            try DiskBlock.verify(trailer.span, magic: DiskFormat.sealMagic, seed: seed)
        } catch { return false }
        let count = Int(trailer.span.number(at: 28, as: UInt32.self))
        let start = Int(trailer.span.number(at: 32, as: UInt32.self))
        guard start >= DiskFormat.blockBytes, start + count * DiskEntry.bytes == trailerAt else {
            return false
        }
        let bytes = try files.read(count * DiskEntry.bytes, from: raw, at: start)
        var checksum = CRC32C(seed: seed)
        checksum.add(bytes.span)
        guard bytes.count == count * DiskEntry.bytes,
            checksum.value == trailer.span.number(at: 36, as: UInt32.self)
        else { return false }
        entries.reserveCapacity(count)
        for index in 0..<count {
            let entry = DiskEntry(bytes.span, at: index * DiskEntry.bytes)
            let isInside =
                Int(entry.offset) % DiskFormat.alignment == 0
                && Int(entry.offset) >= DiskFormat.blockBytes
                && Int(entry.offset) + Int(entry.length) <= start
            guard isInside else {
                entries = []
                return false
            }
            entries.append(entry)
        }
        end = start
        return true
    }

    /// Record by record. What does not verify, or is older than what lies before it, is passed over: the end of a log that
    /// was torn, or bytes that went bad in the middle of one.
    private mutating func readRecords(
        _ raw: CInt,
        _ seed: UInt64,
        _ files: DiskFiles
    ) throws(SystemError) {
        var window: [UInt8] = []
        var windowAt = end
        var sequence: UInt64 = 0
        var place = end
        while place + DiskFormat.recordHeadBytes <= fileBytes {
            if place - windowAt + DiskFormat.recordHeadBytes > window.count {
                windowAt = place
                window = try files.read(Limits.diskScanBytes, from: raw, at: place)
                if window.count < DiskFormat.recordHeadBytes { return }
            }
            let at = place - windowAt
            guard
                let head = DiskRecordHead(
                    window.span.extracting(at..<(at + DiskFormat.recordHeadBytes)),
                    seed: seed
                ), head.sequence > sequence, place + head.bytes <= fileBytes
            else {
                place += DiskFormat.alignment
                continue
            }
            if place - windowAt + head.bytes > window.count {
                windowAt = place
                window = try files.read(Limits.diskScanBytes, from: raw, at: place)
                if window.count < head.bytes { return }
            }
            let start = place - windowAt
            let record = window.span.extracting(start..<(start + head.bytes))
            guard DiskCatalog.bodyChecksum(of: record, head, seed) == head.bodyChecksum else {
                place += DiskFormat.alignment
                continue
            }
            entries.append(DiskEntry(head, offset: place))
            sequence = head.sequence
            // The padding may be cut: nothing is in it.
            place += DiskFormat.padded(head.bytes)
            end = place
        }
    }
}
