// Where every record lies: (key, part) → segment, offset, length. 32 bytes an entry, no object for any of them.
//
// Parts of the table have their own lock, chosen by the key's first bits; inside, entries lie in one array with open
// addressing, ordered by nothing but the key's other bits. Removing closes the gap at once, so there are no marks of what
// was there. A table grows by a quarter: between 64 and 80 % of it are in use, 40 to 50 bytes for each record.

import Synchronization

/// A record's place in eight bytes: 26 bits of segment, 22 of offset and 15 of length in units of 64, and one that says
/// that the record was read. Never zero: a segment begins with its head.
struct DiskPlace: Equatable, Sendable {
    private var bits: UInt64

    static let nowhere = DiskPlace(bits: 0)
    static let segmentMask: UInt32 = (1 << 26) - 1

    private init(bits: UInt64) { self.bits = bits }

    init(segment: UInt32, offset: Int, bytes: Int) {
        let units = UInt64(DiskFormat.padded(bytes) / DiskFormat.alignment)
        let start = UInt64(offset / DiskFormat.alignment)
        precondition(offset % DiskFormat.alignment == 0 && start < 1 << 22 && units < 1 << 15)
        bits = UInt64(segment & Self.segmentMask) << 38 | start << 16 | units << 1
    }

    /// The number's lower bits. So many segments are never there at once, so they name one.
    var segment: UInt32 { UInt32(bits >> 38) }
    var offset: Int { Int(bits >> 16 & (1 << 22 - 1)) * DiskFormat.alignment }
    /// With padding.
    var bytes: Int { Int(bits >> 1 & (1 << 15 - 1)) * DiskFormat.alignment }

    var isRead: Bool {
        get { bits & 1 == 1 }
        set { bits = newValue ? bits | 1 : bits & ~1 }
    }

    func isSame(as other: DiskPlace) -> Bool { bits | 1 == other.bits | 1 }
}

/// One lock's part of the index.
struct DiskTable {
    struct Entry {
        var high: UInt64 = 0
        var low: UInt64 = 0
        var part: UInt32 = 0
        /// The lower half of the object's version: enough to know that a block belongs to another one.
        var version: UInt32 = 0
        var place = DiskPlace.nowhere

        var isEmpty: Bool { place == .nowhere }
    }

    private(set) var entries: [Entry] = []
    private(set) var count = 0

    private func home(_ low: UInt64, _ part: UInt32) -> Int {
        // Keys are random; parts of one key are spread by an odd constant.
        let mixed = low &+ UInt64(part) &* 0x9e37_79b9_7f4a_7c15
        return Int(mixed.multipliedFullWidth(by: UInt64(entries.count)).high)
    }

    private func next(_ slot: Int) -> Int { slot + 1 == entries.count ? 0 : slot + 1 }

    /// The slot of the record, or the free one where its search ends.
    private func slot(of key: CacheKey, _ part: UInt32) -> (slot: Int, isFound: Bool) {
        var slot = home(key.low, part)
        while !entries[slot].isEmpty {
            let entry = entries[slot]
            if entry.low == key.low, entry.high == key.high, entry.part == part {
                return (slot, true)
            }
            slot = next(slot)
        }
        return (slot, false)
    }

    func find(_ key: CacheKey, _ part: UInt32) -> Entry? {
        guard count > 0 else { return nil }
        let (slot, isFound) = slot(of: key, part)
        return isFound ? entries[slot] : nil
    }

    mutating func findForReading(_ key: CacheKey, _ part: UInt32) -> Entry? {
        guard count > 0 else { return nil }
        let (slot, isFound) = slot(of: key, part)
        guard isFound else { return nil }
        entries[slot].place.isRead = true
        return entries[slot]
    }

    /// True if it is a new one.
    mutating func set(_ key: CacheKey, _ part: UInt32, version: UInt64, _ place: DiskPlace) -> Bool
    {
        if (count + 1) * 5 > entries.count * 4 { grow() }
        let (slot, isFound) = slot(of: key, part)
        entries[slot] = Entry(
            high: key.high,
            low: key.low,
            part: part,
            version: UInt32(truncatingIfNeeded: version),
            place: place
        )
        if !isFound { count += 1 }
        return !isFound
    }

    /// Moves the entry if it still lies there.
    mutating func move(
        _ key: CacheKey,
        _ part: UInt32,
        from: DiskPlace,
        to place: DiskPlace
    ) -> Bool {
        guard count > 0 else { return false }
        let (slot, isFound) = slot(of: key, part)
        guard isFound, entries[slot].place.isSame(as: from) else { return false }
        entries[slot].place = place
        return true
    }

    /// With a place, only if it still lies there.
    mutating func remove(_ key: CacheKey, _ part: UInt32, at place: DiskPlace? = nil) -> Bool {
        guard count > 0 else { return false }
        let (slot, isFound) = slot(of: key, part)
        guard isFound else { return false }
        if let place, !entries[slot].place.isSame(as: place) { return false }
        close(slot)
        return true
    }

    /// Removes every entry that lies in the segment; how many there were.
    mutating func removeAll(in segment: UInt32) -> Int {
        var removed = 0
        var slot = 0
        while slot < entries.count {
            // What moves into the gap may have to go as well.
            while !entries[slot].isEmpty, entries[slot].place.segment == segment {
                close(slot)
                removed += 1
            }
            slot += 1
        }
        return removed
    }

    mutating func removeAll() {
        entries = []
        count = 0
    }

    /// Entries behind the gap move into it unless that is before their home.
    private mutating func close(_ freed: Int) {
        var gap = freed
        var slot = next(gap)
        while !entries[slot].isEmpty {
            let home = home(entries[slot].low, entries[slot].part)
            if distance(home, slot) >= distance(gap, slot) {
                entries[gap] = entries[slot]
                gap = slot
            }
            slot = next(slot)
        }
        entries[gap] = Entry()
        count -= 1
    }

    private func distance(_ from: Int, _ to: Int) -> Int {
        to >= from ? to - from : to + entries.count - from
    }

    private mutating func grow() {
        let old = entries
        entries = Array(repeating: Entry(), count: max(16, old.count + old.count / 4))
        for entry in old where !entry.isEmpty {
            var slot = home(entry.low, entry.part)
            while !entries[slot].isEmpty { slot = next(slot) }
            entries[slot] = entry
        }
    }
}

final class DiskIndex: Sendable {
    // Each guards its own part of the keys.
    private let tables: [Locked<DiskTable>]
    private let records = Atomic<Int>(0)

    init() {
        tables = (0..<Limits.diskIndexShards).map { _ in Locked(DiskTable()) }
    }

    private func table(of key: CacheKey) -> Locked<DiskTable> {
        tables[Int(key.high.multipliedFullWidth(by: UInt64(tables.count)).high)]
    }

    var count: Int { records.load(ordering: .relaxed) }

    /// What the tables take, used or not.
    var bytes: Int {
        tables.reduce(0) { sum, table in
            sum + table.withLock { $0.entries.capacity * MemoryLayout<DiskTable.Entry>.stride }
        }
    }

    func find(_ key: CacheKey, _ part: UInt32) -> DiskTable.Entry? {
        table(of: key).withLock { $0.find(key, part) }
    }

    /// Marks it as read.
    func findForReading(_ key: CacheKey, _ part: UInt32) -> DiskTable.Entry? {
        table(of: key).withLock { $0.findForReading(key, part) }
    }

    func set(_ key: CacheKey, _ part: UInt32, version: UInt64, _ place: DiskPlace) {
        let isNew = table(of: key).withLock { $0.set(key, part, version: version, place) }
        if isNew { records.wrappingAdd(1, ordering: .relaxed) }
    }

    func move(_ key: CacheKey, _ part: UInt32, from: DiskPlace, to place: DiskPlace) -> Bool {
        table(of: key).withLock { $0.move(key, part, from: from, to: place) }
    }

    @discardableResult
    func remove(_ key: CacheKey, _ part: UInt32, at place: DiskPlace? = nil) -> Bool {
        let isRemoved = table(of: key).withLock { $0.remove(key, part, at: place) }
        if isRemoved { records.wrappingSubtract(1, ordering: .relaxed) }
        return isRemoved
    }

    func removeAll(in segment: UInt32) {
        for table in tables {
            let removed = table.withLock { $0.removeAll(in: segment & DiskPlace.segmentMask) }
            records.wrappingSubtract(removed, ordering: .relaxed)
        }
    }

    func removeAll() {
        for table in tables {
            let removed = table.withLock { table in
                defer { table.removeAll() }
                return table.count
            }
            records.wrappingSubtract(removed, ordering: .relaxed)
        }
    }

    /// Every record that is there at the moment when its part of the table is copied; `body` runs outside of the lock.
    func visit(_ body: (DiskTable.Entry) -> Void) {
        for table in tables {
            let entries = table.withLock { $0.entries }
            for entry in entries where !entry.isEmpty { body(entry) }
        }
    }
}
