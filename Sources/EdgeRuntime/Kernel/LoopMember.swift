// Whoever lives on a loop: connections, listeners, pools.
//
// A subclass overrides what it wants to hear. All calls come from the loop's own thread, in the tick's order
// (readiness, deadlines, letters, one flush), and never from inside another member's call: a member that wants
// another one to act marks it with `loop.touch`, so no call stack grows through the house.

/// Names a member in the kernel's and the heap's books: slot and generation, so that a late event for a member
/// that is gone finds nobody.
struct Token: Equatable {
    var slot: UInt32
    var generation: UInt32

    init(slot: UInt32, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }

    init(packed: UInt64) {
        slot = UInt32(truncatingIfNeeded: packed)
        generation = UInt32(truncatingIfNeeded: packed >> 32)
    }

    var packed: UInt64 { UInt64(generation) << 32 | UInt64(slot) }

    static let nobody = Self(slot: .max, generation: 0)
}

/// What the reactor saw. Edges, not levels: a member remembers what it has not used up.
struct Readiness: OptionSet {
    let rawValue: UInt8
    static let readable = Self(rawValue: 1)
    static let writable = Self(rawValue: 2)
    /// Both directions are gone: reset, or closed by both sides.
    static let hungUp = Self(rawValue: 4)
    /// The peer's end is on its way: reading goes on until it is seen, since no other edge will tell.
    static let ending = Self(rawValue: 8)
}

class LoopMember {
    /// A constant, since what is reached through one is used without being counted. `EventLoop.dissolve` ends the circle.
    final let loop: EventLoop
    fileprivate(set) var token = Token.nobody
    fileprivate(set) var deadline = Nanoseconds.never
    /// When the heap will look at this member; never later than `deadline`.
    fileprivate var armed = Nanoseconds.never
    fileprivate var turn = Turn.none

    fileprivate enum Turn {
        case none
        /// In the list of those who get a flush.
        case listed
        case flushing
        /// Flushing, and touched meanwhile.
        case again
    }

    init(loop: EventLoop) { self.loop = loop }

    /// The socket became ready.
    func ready(_ readiness: Readiness) {}
    /// The deadline has passed; it is unset before the call.
    func expired() {}
    /// Once at the end of a tick in which the member was touched.
    func flush() {}
    /// The loop is gone: whatever holds this member and is held by it is to be let go of.
    func dissolved() {}
}

/// The books of a loop's members: who is in which slot, and when each wants to be woken.
///
/// They count each member once, from `add` to the end of the round in which it was removed, and once more while it is
/// touched. So nobody dies within a call of the loop, and the loop need not count whom it calls.
struct MemberTable: ~Copyable {
    private var members: [Unmanaged<LoopMember>?] = []
    private var generations: [UInt32] = []
    private var free: [UInt32] = []
    private var timers = TimerHeap()
    private var touched = UniqueArray<Unmanaged<LoopMember>>()
    private var leaving: [LoopMember] = []

    init() {}

    deinit {
        for member in members { member?.release() }
        for index in 0..<touched.count { touched[index].release() }
    }

    var count: Int { members.count - free.count }
    var earliestDeadline: Nanoseconds? { timers.earliest }
    var touchedCount: Int { touched.count }

    mutating func add(_ member: LoopMember) {
        let slot: UInt32
        if let reused = free.popLast() {
            slot = reused
        } else {
            slot = UInt32(members.count)
            members.append(nil)
            generations.append(0)
        }
        members[Int(slot)] = .passRetained(member)
        member.token = Token(slot: slot, generation: generations[Int(slot)])
    }

    mutating func remove(_ member: LoopMember) {
        let slot = member.token.slot
        guard let counted = find(member.token) else { return }
        leaving.append(counted.takeRetainedValue())
        members[Int(slot)] = nil
        generations[Int(slot)] &+= 1
        free.append(slot)
        member.deadline = .never
        member.armed = .never
    }

    subscript(_ token: Token) -> LoopMember? { find(token)?.takeUnretainedValue() }

    /// For a call that is over before the round is.
    @inline(__always)
    func find(_ token: Token) -> Unmanaged<LoopMember>? {
        let slot = Int(token.slot)
        guard slot < members.count, generations[slot] == token.generation else { return nil }
        return members[slot]
    }

    @inline(__always)
    mutating func setDeadline(_ member: LoopMember, at deadline: Nanoseconds) {
        member.deadline = deadline
        guard deadline < member.armed else { return }
        member.armed = deadline
        timers.insert(member.token, at: deadline)
        // Entries of members that are gone wait for their time; a storm of short lives must not pile them up.
        if timers.count > 4 * members.count + Limits.staleTimersTolerated { dropStaleTimers() }
    }

    private mutating func dropStaleTimers() {
        var kept = TimerHeap()
        while let entry = timers.popDue(at: .never) {
            if let member = self[entry.token], member.armed == entry.deadline {
                kept.insert(entry.token, at: entry.deadline)
            }
        }
        timers = kept
    }

    /// The next member whose deadline has really passed. Entries that came up early go back.
    mutating func popExpired(at now: Nanoseconds) -> LoopMember? {
        while let entry = timers.popDue(at: now) {
            guard let member = self[entry.token], member.armed == entry.deadline else { continue }
            member.armed = .never
            if member.deadline <= now {
                member.deadline = .never
                return member
            }
            if member.deadline != .never { setDeadline(member, at: member.deadline) }
        }
        return nil
    }

    @inline(__always)
    mutating func touch(_ member: LoopMember) {
        switch member.turn {
        case .none:
            member.turn = .listed
            touched.append(.passRetained(member))
        case .flushing: member.turn = .again
        case .listed, .again: break
        }
    }

    /// Whoever flushes has done all that it was touched for meanwhile.
    @inline(__always)
    func settle(_ member: LoopMember) {
        if member.turn == .again { member.turn = .flushing }
    }

    /// The same for somebody who may have left.
    @inline(__always)
    mutating func touch(_ token: Token) {
        find(token)?._withUnsafeGuaranteedRef { touch($0) }
    }

    /// The member at a place of the list, which is flushed now; `endTurn` is next.
    @inline(__always)
    func beginTurn(at index: Int) -> Unmanaged<LoopMember> {
        touched[index]._withUnsafeGuaranteedRef { $0.turn = .flushing }
        return touched[index]
    }

    /// Who was touched while it flushed comes up again.
    @inline(__always)
    mutating func endTurn(_ member: Unmanaged<LoopMember>) {
        let isAgain = member._withUnsafeGuaranteedRef { member in
            let isAgain = member.turn == .again
            member.turn = isAgain ? .listed : .none
            return isAgain
        }
        if isAgain { touched.append(member) } else { member.release() }
    }

    /// The first `count` have had their turn.
    mutating func dropTouched(_ count: Int) { touched.removeFirst(count) }

    /// Those who were removed in this round, to be let go of when nothing else is open here: they may remove others.
    mutating func takeLeaving() -> [LoopMember] {
        guard !leaving.isEmpty else { return [] }
        let gone = leaving
        leaving = []
        return gone
    }

    /// A copy, because members come and go while they are walked through.
    var all: [LoopMember] { members.compactMap { $0?.takeUnretainedValue() } }
}
