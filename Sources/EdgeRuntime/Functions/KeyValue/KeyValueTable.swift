// The entries of one shard of a store. Pure: the caller holds the lock and says what time it is.
//
//   index: hash of the key ─▶ first row ─▶ next row of the same hash …
//   timers: when to look at a row; a time to live that is moved later only changes the row, and the heap finds out

/// What a store holds under a key.
enum KeyValue: Equatable, Sendable {
    case integer(Int64)
    case number(Double)
    case boolean(Bool)
    case string([UInt8])

    var byteCount: Int {
        switch self {
        case .integer, .number, .boolean: 0
        case .string(let bytes): bytes.count
        }
    }

    /// As Lua compares: 1 and 1.0 are the same.
    func equals(_ other: KeyValue) -> Bool {
        switch (self, other) {
        case (.integer(let left), .number(let right)): Int64(exactly: right) == left
        case (.number(let left), .integer(let right)): Int64(exactly: left) == right
        default: self == other
        }
    }

    /// As Lua adds, around the end of integers too; nil for what is no number.
    func adding(_ other: KeyValue) -> KeyValue? {
        switch (self, other) {
        case (.integer(let left), .integer(let right)): .integer(left &+ right)
        case (.integer(let left), .number(let right)): .number(Double(left) + right)
        case (.number(let left), .integer(let right)): .number(left + Double(right))
        case (.number(let left), .number(let right)): .number(left + right)
        case (.boolean, _), (.string, _), (_, .boolean), (_, .string): nil
        }
    }
}

/// A change of one entry, made in one step. A time to live is nil for ever.
enum KeyValueWrite {
    case set(KeyValue, ttl: Nanoseconds?)
    /// Only where there is none.
    case add(KeyValue, ttl: Nanoseconds?)
    /// An entry that is there keeps its time; a new one begins at `initial` and gets `ttl`.
    case increment(by: KeyValue, initial: KeyValue, ttl: Nanoseconds?)
    /// Nil stands for no entry.
    case compareAndSet(expected: KeyValue?, to: KeyValue?, ttl: Nanoseconds?)
    case delete
}

enum KeyValueOutcome: Equatable {
    /// What is there now.
    case written(KeyValue)
    case deleted
    /// The condition did not hold.
    case unchanged
    case notANumber
    case full
    case tooLarge
}

struct KeyValueTable {
    private struct Row {
        var key: [UInt8]
        var value: KeyValue
        var expires: Nanoseconds
        /// When the heap will look; never later than `expires`.
        var armed: Nanoseconds
        var hash: Int
        var next: Int
        var generation: UInt32
    }

    private static let nowhere = -1

    private var rows: [Row] = []
    private var free: [Int] = []
    private var index: [Int: Int] = [:]
    private var timers = TimerHeap()

    var count: Int { rows.count - free.count }

    static func hash(_ key: Span<UInt8>) -> Int {
        // Keyed anew in each process: viewers choose keys.
        var hasher = Hasher()
        key.withUnsafeBytes { hasher.combine(bytes: $0) }
        return hasher.finalize()
    }

    func value(_ key: Span<UInt8>, hash: Int, now: Nanoseconds) -> KeyValue? {
        let place = find(key, hash)
        guard place != Self.nowhere, rows[place].expires > now else { return nil }
        return rows[place].value
    }

    /// `ledger` says whether there is room for what is added.
    mutating func apply(
        _ write: KeyValueWrite,
        _ key: Span<UInt8>,
        hash: Int,
        now: Nanoseconds,
        ledger: KeyValueLedger,
        bounds: KeyValueBounds
    ) -> KeyValueOutcome {
        clear(at: now, atMost: Limits.keyValueClearedAWrite, ledger)
        var place = find(key, hash)
        if place != Self.nowhere, rows[place].expires <= now {
            remove(place, ledger)
            place = Self.nowhere
        }
        let old = place == Self.nowhere ? nil : rows[place].value
        let value: KeyValue
        var expires = Nanoseconds.never
        switch write {
        case .set(let new, let ttl):
            value = new
            expires = Self.end(ttl, now)
        case .add(let new, let ttl):
            guard old == nil else { return .unchanged }
            value = new
            expires = Self.end(ttl, now)
        case .increment(let by, let initial, let ttl):
            guard let sum = (old ?? initial).adding(by) else { return .notANumber }
            value = sum
            expires = old == nil ? Self.end(ttl, now) : rows[place].expires
        case .compareAndSet(let expected, let new, let ttl):
            switch (old, expected) {
            case (nil, nil): break
            case (let old?, let expected?):
                guard old.equals(expected) else { return .unchanged }
            case (nil, _?), (_?, nil): return .unchanged
            }
            guard let new else {
                if place != Self.nowhere { remove(place, ledger) }
                return .deleted
            }
            value = new
            expires = Self.end(ttl, now)
        case .delete:
            guard place != Self.nowhere else { return .unchanged }
            remove(place, ledger)
            return .deleted
        }
        let isNew = place == Self.nowhere
        let cost = value.byteCount - (old?.byteCount ?? 0)
        let added = isNew ? cost + key.count + Limits.keyValueEntryBytes : cost
        guard ledger.reserve(entries: isNew ? 1 : 0, bytes: added, bounds) else { return .full }
        if isNew {
            place = insert(key, hash, value)
        } else {
            rows[place].value = value
        }
        rows[place].expires = expires
        arm(place)
        return .written(value)
    }

    /// Takes out entries whose time is over, and answers how many.
    @discardableResult
    mutating func clear(at now: Nanoseconds, atMost limit: Int, _ ledger: KeyValueLedger) -> Int {
        var cleared = 0
        while cleared < limit, let entry = timers.popDue(at: now) {
            let place = Int(entry.token.slot)
            guard rows[place].generation == entry.token.generation,
                rows[place].armed == entry.deadline
            else { continue }
            rows[place].armed = .never
            if rows[place].expires <= now {
                remove(place, ledger)
                cleared += 1
            } else {
                arm(place)
            }
        }
        return cleared
    }

    private static func end(_ ttl: Nanoseconds?, _ now: Nanoseconds) -> Nanoseconds {
        ttl.map { now + $0 } ?? .never
    }

    // MARK: Rows

    private func find(_ key: Span<UInt8>, _ hash: Int) -> Int {
        var place = index[hash] ?? Self.nowhere
        while place != Self.nowhere {
            let known = rows[place].key
            if known.span.equals(key) { break }
            place = rows[place].next
        }
        return place
    }

    private mutating func insert(_ key: Span<UInt8>, _ hash: Int, _ value: KeyValue) -> Int {
        let bytes = key.withUnsafeBufferPointer { Array($0) }
        let next = index[hash] ?? Self.nowhere
        let place: Int
        if let reused = free.popLast() {
            place = reused
            let generation = rows[place].generation
            rows[place] = Row(
                key: bytes,
                value: value,
                expires: .never,
                armed: .never,
                hash: hash,
                next: next,
                generation: generation
            )
        } else {
            place = rows.count
            rows.append(
                Row(
                    key: bytes,
                    value: value,
                    expires: .never,
                    armed: .never,
                    hash: hash,
                    next: next,
                    generation: 0
                )
            )
        }
        index[hash] = place
        return place
    }

    private mutating func remove(_ place: Int, _ ledger: KeyValueLedger) {
        let row = rows[place]
        if index[row.hash] == place {
            index[row.hash] = row.next == Self.nowhere ? nil : row.next
        } else if var before = index[row.hash] {
            while rows[before].next != place { before = rows[before].next }
            rows[before].next = row.next
        }
        ledger.release(
            entries: 1,
            bytes: row.key.count + row.value.byteCount + Limits.keyValueEntryBytes
        )
        rows[place].key = []
        rows[place].value = .boolean(false)
        rows[place].armed = .never
        rows[place].generation &+= 1
        free.append(place)
    }

    // MARK: Times

    private mutating func arm(_ place: Int) {
        let row = rows[place]
        guard row.expires < row.armed else { return }
        rows[place].armed = row.expires
        timers.insert(
            Token(slot: UInt32(place), generation: row.generation),
            at: row.expires
        )
        // Looks at rows that are gone wait for their time; a storm of short lives must not pile them up.
        if timers.count > 2 * rows.count + Limits.keyValueClearedWhenFull { dropStaleTimers() }
    }

    private mutating func dropStaleTimers() {
        var kept = TimerHeap()
        for place in rows.indices where rows[place].armed != .never {
            kept.insert(
                Token(slot: UInt32(place), generation: rows[place].generation),
                at: rows[place].armed
            )
        }
        timers = kept
    }
}
