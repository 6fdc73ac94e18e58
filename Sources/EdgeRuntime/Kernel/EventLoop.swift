// One thread's tick.
//
//   wait ─▶ readiness ─▶ deadlines ─▶ letters ─▶ flush ─▶ wait …
//
// The clock is read when the wait ends and once more before the flush. A member acts on what it is told and marks
// whoever else has something to do now (`touch`); all of those get one `flush` at the end of the tick, which is
// where connections write. So a response costs one write however many steps made it, and no member is ever called
// from within another one's call.

package final class EventLoop {
    let reactor: Reactor
    let chunks = ChunkPool()
    let mailbox: Mailbox
    let blocking: BlockingPool
    private(set) var clock = Clock()
    var random: Random
    /// Passing bytes (ciphertext): good until the next call that may use it, never kept.
    let scratch = Chunk(capacity: Limits.scratchBytes)

    private var members = MemberTable()
    private var events: [ReactorEvent] = []
    private var answers: [UInt64: (EventLoop, Any) -> Void] = [:]
    private var nextAnswer: UInt64 = 0
    private var isStopping = false

    init(reactor: Reactor, blocking: BlockingPool, random: Random) {
        self.reactor = reactor
        self.blocking = blocking
        self.random = random
        switch reactor {
        case .epoll(let epoll):
            let wake = epoll.wake
            mailbox = Mailbox { wake.signal() }
        case .simulated:
            // One thread: whoever sends a letter is between ticks or inside one, and every tick drains the box.
            mailbox = Mailbox {}
        }
        events.reserveCapacity(Limits.eventsPerTick)
        reactor.readClock(&clock)
    }

    var now: Nanoseconds { clock.now }
    var memberCount: Int { members.count }

    // MARK: Members

    func add(_ member: LoopMember) { members.add(member) }

    /// The member hears nothing any more; its token finds nobody.
    func remove(_ member: LoopMember) { members.remove(member) }

    func member(_ token: Token) -> LoopMember? { members[token] }

    func forEachMember(_ body: (LoopMember) -> Void) { members.all.forEach(body) }

    @inline(__always)
    func setDeadline(_ member: LoopMember, at deadline: Nanoseconds) {
        members.setDeadline(member, at: deadline)
    }

    @inline(__always)
    func touch(_ member: LoopMember) { members.touch(member) }

    /// The same for somebody who may have left.
    @inline(__always)
    func touch(_ token: Token) { members.touch(token) }

    /// From within a flush: there is no need for another one.
    @inline(__always)
    func settle(_ member: LoopMember) { members.settle(member) }

    /// Lets go of all members, which hold the loop: the last word of who made it.
    func dissolve() {
        for member in members.all { member.dissolved() }
        var gone = MemberTable()
        swap(&gone, &members)
    }

    // MARK: Work elsewhere

    /// Runs `work` on a blocking thread and `then` on this loop with its answer. False: the pool is full.
    func offload<Answer: Sendable>(
        _ work: @escaping @Sendable () -> Answer,
        then: @escaping (Answer) -> Void
    ) -> Bool {
        let ticket = expect(then)
        let mailbox = self.mailbox
        let accepted = blocking.run { Self.answer(ticket, with: work(), mailbox) }
        if !accepted { answers[ticket] = nil }
        return accepted
    }

    /// For work that somebody else does: what this returns is called once, from any thread, and then `then` runs on
    /// this loop.
    func expecting<Answer: Sendable>(
        then: @escaping (Answer) -> Void
    ) -> @Sendable (Answer) -> Void {
        let ticket = expect(then)
        let mailbox = self.mailbox
        return { Self.answer(ticket, with: $0, mailbox) }
    }

    private func expect<Answer: Sendable>(_ then: @escaping (Answer) -> Void) -> UInt64 {
        let ticket = nextAnswer
        nextAnswer += 1
        answers[ticket] = { _, answer in
            guard let answer = answer as? Answer else { preconditionFailure("another's answer") }
            then(answer)
        }
        return ticket
    }

    private static func answer<Answer: Sendable>(
        _ ticket: UInt64,
        with answer: Answer,
        _ mailbox: Mailbox
    ) {
        mailbox.send { loop in loop.answers.removeValue(forKey: ticket)?(loop, answer) }
    }

    // MARK: The tick

    package func run() {
        while !isStopping { tick() }
    }

    /// Ends `run` after the current tick. From the loop's own thread: others send a letter.
    func stop() { isStopping = true }

    /// One round. `limit` bounds the wait, for tests and for the simulator.
    func tick(until limit: Nanoseconds = .never) {
        var deadline = min(members.earliestDeadline ?? .never, limit)
        if members.touchedCount > 0 { deadline = 0 }
        reactor.wait(until: deadline, &clock, into: &events)
        for event in events {
            guard let member = members.find(event.token) else { continue }
            member._withUnsafeGuaranteedRef { $0.ready(event.readiness) }
        }
        while let member = members.popExpired(at: clock.now) { member.expired() }
        for letter in mailbox.drain() { letter(self) }
        reactor.readClock(&clock)
        flushTouched()
    }

    private func flushTouched() {
        var flushed = 0
        var rounds = 0
        while flushed < members.touchedCount, rounds < Limits.flushRoundsPerTick {
            let end = members.touchedCount
            while flushed < end {
                let member = members.beginTurn(at: flushed)
                member._withUnsafeGuaranteedRef { $0.flush() }
                members.endTurn(member)
                flushed += 1
            }
            rounds += 1
        }
        members.dropTouched(flushed)
        _ = members.takeLeaving()
    }
}
