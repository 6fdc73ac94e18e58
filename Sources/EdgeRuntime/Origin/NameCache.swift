// What a loop knows about the names of origins. Lookups block, so they run off the loop; this decides when.
//
//             lookup                     resolved(answer)          ttl over, lookup
//   unknown ───────────▶ resolving ───────────────────────▶ known ─────────────────▶ known, refreshing
//      ▲                     │ resolved(nil)                  ▲                            │
//      │ negative ttl over   ▼                                └────── resolved(answer) ────┤
//      └────────────── failed(until)                                  resolved(nil): the old answer serves on
//
// One lookup per name at a time. Who comes while nothing is known waits; who comes while an old answer is being
// refreshed gets the old one. A name that stops resolving keeps its last answer for `stale`: an outage of the
// name service is not an outage of the origin. A literal address is an answer that never ends.
//
// `Answer` is whatever the driver wants to keep (a list of addresses, a number of a pool). Waiters are tokens of
// the driver, in a bounded table that all names share. Times are nanoseconds of the loop's monotonic clock.

struct NameCache<Answer> {
    struct Settings: Equatable {
        var positiveNanoseconds = Limits.namePositiveNanoseconds
        var negativeNanoseconds = Limits.nameNegativeNanoseconds
        var staleNanoseconds = Limits.nameStaleNanoseconds
        var namesMax = Limits.namesMax
        var waitersMax = Limits.nameWaitersMax
    }

    struct NameID: Hashable {
        var slot: UInt32
        var generation: UInt32
    }

    struct WaiterID: Hashable {
        var slot: UInt32
        var generation: UInt32
    }

    enum Lookup {
        /// With `refresh`, also start a lookup of this name.
        case answer(Answer, refresh: Bool)
        /// Wait for the answer; with `resolve`, start the lookup.
        case wait(WaiterID, resolve: Bool)
        /// It does not resolve, and was asked for not long ago.
        case unresolvable
        /// Too many requests wait for names.
        case refuse
    }

    private enum Knowledge {
        case unknown
        case known(Answer, freshUntil: Int64, staleUntil: Int64)
        case literal(Answer)
        case failed(until: Int64)
    }

    private struct Entry {
        var name: [UInt8] = []
        var knowledge = Knowledge.unknown
        var isResolving = false
        var lastUse: Int64 = 0
        var generation: UInt32 = 0
        var waiters = SlotList()
        /// How many holders keep the name (a configured origin); 0 may be replaced by another name.
        var holds = 0
    }

    private struct Waiter: LinkedSlot {
        var links = SlotLinks()
        var generation: UInt32 = 0
        var token: UInt64 = 0
        var name: UInt32 = SlotLinks.none
    }

    private let settings: Settings
    private var entries: [Entry] = []
    private var waiters: [Waiter] = []
    private var freeWaiters = SlotList()

    init(settings: Settings = Settings()) { self.settings = settings }

    var count: Int { entries.count }

    // MARK: Names

    /// Finds or enters a name; nil when the table is full of names in use. A linear search: origins are few, and
    /// a configured one is entered once.
    mutating func enter(_ name: Span<UInt8>, now: Int64) -> NameID? {
        var oldest: Int?
        for index in entries.indices {
            if entries[index].name.span.equalsIgnoringCase(name) { return id(of: index) }
            let isIdle =
                entries[index].holds == 0 && !entries[index].isResolving
                && entries[index].waiters.count == 0
            guard isIdle else { continue }
            if oldest.map({ entries[index].lastUse < entries[$0].lastUse }) ?? true {
                oldest = index
            }
        }
        let slot: Int
        if entries.count < settings.namesMax {
            slot = entries.count
            entries.append(Entry())
        } else if let oldest {
            slot = oldest
            entries[slot].generation &+= 1
            entries[slot].knowledge = .unknown
        } else {
            return nil
        }
        entries[slot].name = Array(unsafeUninitializedCapacity: name.count) { target, count in
            for index in name.indices { target.initializeElement(at: index, to: name[index]) }
            count = name.count
        }
        entries[slot].lastUse = now
        return id(of: slot)
    }

    /// The name is an address: it is its own answer.
    mutating func setLiteral(_ answer: Answer, for id: NameID) {
        entries[live(id)].knowledge = .literal(answer)
    }

    /// A held name is never replaced by another one. Every `hold` has its `unhold`.
    mutating func hold(_ id: NameID) { entries[live(id)].holds += 1 }

    mutating func unhold(_ id: NameID) {
        let slot = live(id)
        precondition(entries[slot].holds > 0, "unheld more often than held")
        entries[slot].holds -= 1
    }

    func isLive(_ id: NameID) -> Bool {
        Int(id.slot) < entries.count && entries[Int(id.slot)].generation == id.generation
    }

    /// For the lookup job and for messages.
    func name(_ id: NameID) -> [UInt8] { entries[live(id)].name }

    // MARK: Lookups

    mutating func lookup(_ id: NameID, token: UInt64, now: Int64) -> Lookup {
        let slot = live(id)
        entries[slot].lastUse = now
        switch entries[slot].knowledge {
        case .literal(let answer):
            return .answer(answer, refresh: false)
        case .known(let answer, let freshUntil, let staleUntil):
            if now < freshUntil { return .answer(answer, refresh: false) }
            guard now < staleUntil else { return wait(slot, token) }
            let refresh = !entries[slot].isResolving
            entries[slot].isResolving = true
            return .answer(answer, refresh: refresh)
        case .failed(let until):
            return now < until ? .unresolvable : wait(slot, token)
        case .unknown:
            return wait(slot, token)
        }
    }

    private mutating func wait(_ slot: Int, _ token: UInt64) -> Lookup {
        let place: UInt32
        if let free = freeWaiters.popLast(in: &waiters) {
            place = free
        } else if waiters.count < settings.waitersMax {
            place = UInt32(waiters.count)
            waiters.append(Waiter())
        } else {
            return .refuse
        }
        waiters[Int(place)].token = token
        waiters[Int(place)].name = UInt32(slot)
        entries[slot].waiters.append(place, in: &waiters)
        let resolve = !entries[slot].isResolving
        entries[slot].isResolving = true
        let waiter = WaiterID(slot: place, generation: waiters[Int(place)].generation)
        return .wait(waiter, resolve: resolve)
    }

    /// The lookup is over; nil means that the name does not resolve. Then take the waiters with `nextWaiter` and
    /// tell them what `outcome` says.
    mutating func resolved(_ id: NameID, _ answer: Answer?, now: Int64) {
        let slot = live(id)
        precondition(entries[slot].isResolving, "an answer that nobody asked for")
        entries[slot].isResolving = false
        if let answer {
            let freshUntil = now &+ settings.positiveNanoseconds
            entries[slot].knowledge = .known(
                answer,
                freshUntil: freshUntil,
                staleUntil: freshUntil &+ settings.staleNanoseconds
            )
            return
        }
        if case .known(let old, _, let staleUntil) = entries[slot].knowledge, now < staleUntil {
            entries[slot].knowledge = .known(
                old,
                freshUntil: now &+ settings.negativeNanoseconds,
                staleUntil: staleUntil
            )
            return
        }
        entries[slot].knowledge = .failed(until: now &+ settings.negativeNanoseconds)
    }

    /// The answer for those who waited: nil means unresolvable.
    func outcome(_ id: NameID) -> Answer? {
        switch entries[live(id)].knowledge {
        case .literal(let answer), .known(let answer, _, _): answer
        case .unknown, .failed: nil
        }
    }

    /// In the order of arrival.
    mutating func nextWaiter(of id: NameID) -> UInt64? {
        let slot = live(id)
        guard let place = entries[slot].waiters.popFirst(in: &waiters) else { return nil }
        let token = waiters[Int(place)].token
        release(place)
        return token
    }

    /// The request is gone; its lookup goes on for those who come next.
    mutating func cancel(_ waiter: WaiterID) {
        let place = Int(waiter.slot)
        precondition(
            place < waiters.count && waiters[place].generation == waiter.generation
                && waiters[place].name != SlotLinks.none,
            "a waiter that does not wait"
        )
        entries[Int(waiters[place].name)].waiters.remove(waiter.slot, in: &waiters)
        release(waiter.slot)
    }

    private mutating func release(_ place: UInt32) {
        waiters[Int(place)].generation &+= 1
        waiters[Int(place)].name = SlotLinks.none
        freeWaiters.append(place, in: &waiters)
    }

    private func id(of slot: Int) -> NameID {
        NameID(slot: UInt32(slot), generation: entries[slot].generation)
    }

    private func live(_ id: NameID) -> Int {
        precondition(isLive(id), "a name that was replaced")
        return Int(id.slot)
    }
}
