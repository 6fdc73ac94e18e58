// A named store of functions, shared by all loops of the process: shards with a lock each, and one ledger of what all
// of them hold. No call waits for more than another one's copy of a value.
//
// Time is an argument: the clock of the loop that asks. Bounds are too, for they belong to a generation, and the
// contents to the process.

import Synchronization

struct KeyValueBounds: Equatable, Sendable {
    var entries = Limits.keyValueEntries
    var bytes = Limits.keyValueBytes
}

/// What the shards of a store hold together. Counted before it is added, so the bounds are never passed.
final class KeyValueLedger: Sendable {
    private let entryCount = Atomic(0)
    private let byteCount = Atomic(0)

    var entries: Int { entryCount.load(ordering: .relaxed) }
    var bytes: Int { byteCount.load(ordering: .relaxed) }

    /// What grows nothing always fits, also after the bounds were lowered.
    func reserve(entries: Int, bytes: Int, _ bounds: KeyValueBounds) -> Bool {
        let allEntries = entryCount.add(entries, ordering: .relaxed).newValue
        let allBytes = byteCount.add(bytes, ordering: .relaxed).newValue
        let fits =
            (entries <= 0 || allEntries <= bounds.entries)
            && (bytes <= 0 || allBytes <= bounds.bytes)
        if !fits { release(entries: entries, bytes: bytes) }
        return fits
    }

    func release(entries: Int, bytes: Int) {
        entryCount.subtract(entries, ordering: .relaxed)
        byteCount.subtract(bytes, ordering: .relaxed)
    }
}

final class KeyValueStore: Sendable {
    private final class Shard: @unchecked Sendable {
        // Guard: `table` is touched only between `lock` and `unlock`.
        let guardian = Lock()
        var table = KeyValueTable()
    }

    private let shards = (0..<Limits.keyValueShards).map { _ in Shard() }
    private let ledger = KeyValueLedger()

    /// Those whose time is over and that nobody has cleared away yet are among them.
    var count: Int { ledger.entries }
    var byteCount: Int { ledger.bytes }

    func value(_ key: Span<UInt8>, now: Nanoseconds) -> KeyValue? {
        let hash = KeyValueTable.hash(key)
        let shard = shard(hash)
        shard.guardian.lock()
        defer { shard.guardian.unlock() }
        return shard.table.value(key, hash: hash, now: now)
    }

    func apply(
        _ write: KeyValueWrite,
        _ key: Span<UInt8>,
        now: Nanoseconds,
        bounds: KeyValueBounds
    ) -> KeyValueOutcome {
        guard Self.fits(key, write) else { return .tooLarge }
        let hash = KeyValueTable.hash(key)
        while true {
            let outcome = applyOnce(write, key, hash, now, bounds)
            // What is over makes room, and nothing else does: an entry that may vanish at any time counts nothing.
            guard outcome == .full, clear(now) > 0 else { return outcome }
        }
    }

    private func applyOnce(
        _ write: KeyValueWrite,
        _ key: Span<UInt8>,
        _ hash: Int,
        _ now: Nanoseconds,
        _ bounds: KeyValueBounds
    ) -> KeyValueOutcome {
        let shard = shard(hash)
        shard.guardian.lock()
        defer { shard.guardian.unlock() }
        return shard.table.apply(write, key, hash: hash, now: now, ledger: ledger, bounds: bounds)
    }

    private func clear(_ now: Nanoseconds) -> Int {
        var cleared = 0
        for shard in shards {
            shard.guardian.lock()
            cleared += shard.table.clear(
                at: now,
                atMost: Limits.keyValueClearedWhenFull,
                ledger
            )
            shard.guardian.unlock()
        }
        return cleared
    }

    /// Everything that was there goes and what `other` holds comes, in one step. `other` is nobody else's.
    func replace(with other: KeyValueStore) {
        for shard in shards { shard.guardian.lock() }
        defer { for shard in shards { shard.guardian.unlock() } }
        ledger.release(entries: ledger.entries, bytes: ledger.bytes)
        _ = ledger.reserve(
            entries: other.ledger.entries,
            bytes: other.ledger.bytes,
            KeyValueBounds(entries: .max, bytes: .max)
        )
        for (mine, its) in zip(shards, other.shards) { mine.table = its.table }
    }

    private func shard(_ hash: Int) -> Shard {
        shards[Int(UInt(bitPattern: hash) % UInt(Limits.keyValueShards))]
    }

    private static func fits(_ key: Span<UInt8>, _ write: KeyValueWrite) -> Bool {
        guard key.count <= Limits.keyValueKeyBytesMax else { return false }
        return switch write {
        case .set(let value, _), .add(let value, _), .compareAndSet(_, let value?, _):
            value.byteCount <= Limits.keyValueValueBytesMax
        case .increment, .compareAndSet(_, nil, _), .delete: true
        }
    }
}
