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
    /// Not counted: a loop outlives its members, and every call of theirs would pay for the proof.
    unowned(unsafe) let loop: EventLoop
    fileprivate(set) var token = Token(slot: .max, generation: 0)
    fileprivate(set) var deadline = Nanoseconds.never
    /// When the heap will look at this member; never later than `deadline`.
    fileprivate var armed = Nanoseconds.never
    fileprivate var isTouched = false

    init(loop: EventLoop) { self.loop = loop }

    /// The socket became ready.
    func ready(_ readiness: Readiness) {}
    /// The deadline has passed; it is unset before the call.
    func expired() {}
    /// Once at the end of a tick in which the member was touched.
    func flush() {}
}

/// The books of a loop's members: who is in which slot, and when each wants to be woken.
struct MemberTable {
    private var members: [LoopMember?] = []
    private var generations: [UInt32] = []
    private var free: [UInt32] = []
    private var timers = TimerHeap()
    private(set) var touched: [LoopMember] = []

    var count: Int { members.count - free.count }
    var earliestDeadline: Nanoseconds? { timers.earliest }

    mutating func add(_ member: LoopMember) {
        let slot: UInt32
        if let reused = free.popLast() {
            slot = reused
        } else {
            slot = UInt32(members.count)
            members.append(nil)
            generations.append(0)
        }
        members[Int(slot)] = member
        member.token = Token(slot: slot, generation: generations[Int(slot)])
    }

    mutating func remove(_ member: LoopMember) {
        let slot = member.token.slot
        guard self[member.token] != nil else { return }
        members[Int(slot)] = nil
        generations[Int(slot)] &+= 1
        free.append(slot)
        member.deadline = .never
        member.armed = .never
    }

    subscript(_ token: Token) -> LoopMember? {
        @inline(__always)
        get {
            let slot = Int(token.slot)
            guard slot < members.count, generations[slot] == token.generation else { return nil }
            return members[slot]
        }
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
        guard !member.isTouched else { return }
        member.isTouched = true
        touched.append(member)
    }

    /// Hands out the touched members and starts a new list in `spare`'s storage.
    mutating func takeTouched(into spare: inout [LoopMember]) {
        spare.removeAll(keepingCapacity: true)
        swap(&spare, &touched)
        for member in spare { member.isTouched = false }
    }

    func forEach(_ body: (LoopMember) -> Void) {
        for case let member? in members { body(member) }
    }
}
