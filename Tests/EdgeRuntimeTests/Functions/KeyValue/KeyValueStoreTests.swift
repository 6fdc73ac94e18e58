// A store against a dictionary, with a clock of its own; bounds; and four threads at once.

import Testing

@testable import EdgeRuntime

@Suite struct KeyValueStoreTests {
    private static let wide = KeyValueBounds(entries: .max, bytes: .max)

    /// What a store should say, without shards, heaps or ledgers.
    private struct Model {
        struct Entry {
            var value: KeyValue
            var expires: Nanoseconds
        }

        var entries: [String: Entry] = [:]

        func live(_ key: String, _ now: Nanoseconds) -> Entry? {
            entries[key].flatMap { $0.expires > now ? $0 : nil }
        }

        mutating func apply(
            _ write: KeyValueWrite,
            _ key: String,
            _ now: Nanoseconds
        ) -> KeyValueOutcome {
            let old = live(key, now)
            switch write {
            case .set(let value, let ttl): return put(key, value, now, ttl)
            case .add(let value, let ttl):
                return old == nil ? put(key, value, now, ttl) : .unchanged
            case .increment(let by, let initial, let ttl):
                guard let sum = (old?.value ?? initial).adding(by) else { return .notANumber }
                let outcome = put(key, sum, now, ttl)
                if let old { entries[key]?.expires = old.expires }
                return outcome
            case .compareAndSet(let expected, let value, let ttl):
                if let old, let expected {
                    guard old.value.equals(expected) else { return .unchanged }
                } else if old != nil || expected != nil {
                    return .unchanged
                }
                if let value { return put(key, value, now, ttl) }
                entries[key] = nil
                return .deleted
            case .delete:
                guard old != nil else { return .unchanged }
                entries[key] = nil
                return .deleted
            }
        }

        private mutating func put(
            _ key: String,
            _ value: KeyValue,
            _ now: Nanoseconds,
            _ ttl: Nanoseconds?
        ) -> KeyValueOutcome {
            entries[key] = Entry(value: value, expires: ttl.map { now + $0 } ?? .never)
            return .written(value)
        }
    }

    private func value(_ random: inout Random) -> KeyValue {
        switch random.next(below: 4) {
        case 0: .boolean(random.next(below: 2) == 0)
        case 1: .string(Array("v\(random.next(below: 3))".utf8))
        default: .integer(Int64(random.next(below: 3)))
        }
    }

    private func write(_ random: inout Random) -> KeyValueWrite {
        let ttl = random.next(below: 2) == 0 ? nil : Nanoseconds(1 + random.next(below: 40))
        switch random.next(below: 6) {
        case 0: return .set(value(&random), ttl: ttl)
        case 1: return .add(value(&random), ttl: ttl)
        case 2: return .increment(by: .integer(1), initial: .integer(0), ttl: ttl)
        case 3:
            let expected = random.next(below: 3) == 0 ? nil : value(&random)
            let new = random.next(below: 3) == 0 ? nil : value(&random)
            return .compareAndSet(expected: expected, to: new, ttl: ttl)
        case 4: return .increment(by: .number(0.5), initial: .integer(7), ttl: ttl)
        default: return .delete
        }
    }

    @Test(arguments: 1...40) func aStoreSaysWhatADictionarySays(seed: UInt64) {
        var random = Random(seed: seed)
        let store = KeyValueStore()
        var model = Model()
        var now: Nanoseconds = 1000
        for step in 0..<2000 {
            now += Nanoseconds(random.next(below: 5))
            let key = "k\(random.next(below: 25))"
            let write = write(&random)
            let said = store.apply(write, Array(key.utf8).span, now: now, bounds: Self.wide)
            let expected = model.apply(write, key, now)
            guard said == expected else {
                Issue.record("step \(step): \(write) of \(key) says \(said), not \(expected)")
                return
            }
            let other = "k\(random.next(below: 25))"
            let found = store.value(Array(other.utf8).span, now: now)
            guard found == model.live(other, now)?.value else {
                Issue.record("step \(step): \(other) is \(String(describing: found))")
                return
            }
        }
        // What is over is cleared, and the ledger is right to the byte.
        now += 1000
        for index in 0..<25 {
            _ = store.apply(.delete, Array("k\(index)".utf8).span, now: now, bounds: Self.wide)
        }
        _ = store.apply(
            .set(.boolean(true), ttl: nil),
            Array("last".utf8).span,
            now: now,
            bounds: KeyValueBounds(entries: 1, bytes: Limits.keyValueEntryBytes + 4)
        )
        #expect(store.count == 1)
        #expect(store.byteCount == Limits.keyValueEntryBytes + 4)
    }

    private func get(_ store: KeyValueStore, _ key: String, now: Nanoseconds = 0) -> KeyValue? {
        let key = Array(key.utf8)
        return store.value(key.span, now: now)
    }

    private func set(
        _ store: KeyValueStore,
        _ key: String,
        _ text: String = "",
        ttl: Nanoseconds? = nil,
        now: Nanoseconds = 0,
        bounds: KeyValueBounds
    ) -> KeyValueOutcome {
        let write = KeyValueWrite.set(.string(Array(text.utf8)), ttl: ttl)
        return store.apply(write, Array(key.utf8).span, now: now, bounds: bounds)
    }

    @Test func aFullStoreSaysSoAndClearsOnlyWhatIsOver() {
        let store = KeyValueStore()
        let bounds = KeyValueBounds(entries: 3, bytes: .max)
        #expect(set(store, "a", ttl: 10, bounds: bounds) == .written(.string([])))
        #expect(set(store, "b", bounds: bounds) == .written(.string([])))
        #expect(set(store, "c", bounds: bounds) == .written(.string([])))
        #expect(set(store, "d", now: 9, bounds: bounds) == .full)
        #expect(set(store, "b", "again", now: 9, bounds: bounds) != .full)
        #expect(set(store, "d", now: 10, bounds: bounds) == .written(.string([])))
        #expect(set(store, "e", now: 10, bounds: bounds) == .full)
        #expect(store.count == 3)
    }

    @Test func bytesAreBoundedToo() {
        let store = KeyValueStore()
        let bounds = KeyValueBounds(entries: .max, bytes: Limits.keyValueEntryBytes + 1 + 10)
        #expect(set(store, "a", "0123456789", bounds: bounds) != .full)
        #expect(set(store, "a", "0123456789x", bounds: bounds) == .full)
        #expect(set(store, "a", "x", bounds: bounds) != .full)
        #expect(set(store, "b", "", bounds: bounds) == .full)
        #expect(store.byteCount == Limits.keyValueEntryBytes + 2)
    }

    @Test func whatIsTooLargeIsNotStored() {
        let store = KeyValueStore()
        let key = String(repeating: "k", count: Limits.keyValueKeyBytesMax)
        let text = String(repeating: "v", count: Limits.keyValueValueBytesMax)
        #expect(set(store, key, text, bounds: Self.wide) != .tooLarge)
        #expect(set(store, key + "k", "", bounds: Self.wide) == .tooLarge)
        #expect(set(store, key, text + "v", bounds: Self.wide) == .tooLarge)
        #expect(store.count == 1)
    }

    /// A time to live that is set again and again leaves no trail of timers, and one that is moved later holds.
    @Test func aTimeToLiveMayMove() {
        let store = KeyValueStore()
        for now in 0..<10_000 as Range<Nanoseconds> {
            _ = set(store, "a", ttl: 20_000 - now, now: now, bounds: Self.wide)
        }
        _ = set(store, "a", ttl: 50_000, now: 10_000, bounds: Self.wide)
        for index in 0..<100 { _ = set(store, "\(index)", now: 30_000, bounds: Self.wide) }
        #expect(get(store, "a", now: 59_999) == .string([]))
        #expect(get(store, "a", now: 60_000) == nil)
    }

    @Test func numbersAreAsInLua() {
        let cases: [(KeyValue, KeyValue, KeyValue?)] = [
            (.integer(.max), .integer(1), .integer(.min)),
            (.integer(1), .number(0.5), .number(1.5)),
            (.number(0.5), .integer(1), .number(1.5)),
            (.string([0x31]), .integer(1), nil),
            (.boolean(true), .integer(1), nil),
        ]
        for (left, right, sum) in cases { #expect(left.adding(right) == sum) }
        #expect(KeyValue.integer(1).equals(.number(1)))
        #expect(!KeyValue.integer(1).equals(.number(1.5)))
        #expect(!KeyValue.integer(1).equals(.string([0x31])))
    }

    /// Four threads, one counter by `incr`, one by compare and set: no step is lost, whoever is in between.
    @Test func nothingIsLostBetweenThreads() throws {
        let store = KeyValueStore()
        let bounds = KeyValueBounds(entries: 400, bytes: 1 << 20)
        let rounds: Int64 = 2000
        let threads = try (0..<4).map { number in
            try Thread.start(name: "kv-\(number)") {
                let counter = Array("counter".utf8)
                let other = Array("other".utf8)
                for round in 0..<rounds {
                    _ = store.apply(
                        .increment(by: .integer(1), initial: .integer(0), ttl: nil),
                        counter.span,
                        now: 0,
                        bounds: bounds
                    )
                    while true {
                        let old = store.value(other.span, now: 0)
                        let new = old?.adding(.integer(1)) ?? .integer(1)
                        let outcome = store.apply(
                            .compareAndSet(expected: old, to: new, ttl: nil),
                            other.span,
                            now: 0,
                            bounds: bounds
                        )
                        if outcome != .unchanged { break }
                    }
                    // What lives for a moment comes and goes around them, past the bounds.
                    _ = store.apply(
                        .set(.integer(round), ttl: 1),
                        Array("short \(number) \(round)".utf8).span,
                        now: Nanoseconds(round),
                        bounds: bounds
                    )
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(get(store, "counter", now: 0) == .integer(4 * rounds))
        #expect(get(store, "other", now: 0) == .integer(4 * rounds))
        #expect(store.count <= 400)
    }
}
