// Which members of an origin are worth asking: what requests met (passive) and what probes found (active).
//
// Passive: `failures` in a row eject a member for a time that doubles with each ejection. When it is over the
// member is on probation: one more failure ejects it again at once, one success ends the probation. A member that
// then works for as long as it was out is forgiven.
// Active: `unhealthy` failed probes in a row take a member out, `healthy` passed ones bring it back.
//
//            failures in a row                     time over                   success
//   serving ──────────────────▶ ejected(until) ────────────▶ on probation ───────────────▶ serving
//                                    ▲                             │ failure
//                                    └─────────────────────────────┘ for twice as long
//
// Requests never eject the last member that serves: an answer from a bad member beats none. Probes may find all
// of them down; then all of them are asked (panic), because a broken probe must not take down a working site.
//
// One machine per origin, behind a lock; loops read the published `HealthVerdict` and report failures, and
// successes only of members that are watched, so a healthy origin costs no lock at all.
// Times are nanoseconds of the monotonic clock.

/// What loops need to know, in two words. Read apart they may differ by one event; both orders are harmless.
struct HealthVerdict: Equatable {
    /// Members not to ask.
    var out: UInt64 = 0
    /// Members whose successes matter.
    var watched: UInt64 = 0

    static let allServe = Self()

    /// The members to choose from: those that are in, or all of them if none is.
    func candidates(of count: Int) -> UInt64 {
        let all = count >= 64 ? UInt64.max : (1 << UInt64(count)) - 1
        let serving = all & ~out
        return serving == 0 ? all : serving
    }

    func isWatched(_ member: Int) -> Bool { watched & 1 << UInt64(member) != 0 }
}

struct HealthMachine {
    struct Passive: Equatable {
        var failures = Limits.ejectionFailures
        var firstNanoseconds = Limits.ejectionFirstNanoseconds
        var longestNanoseconds = Limits.ejectionLongestNanoseconds
    }

    struct Active: Equatable {
        var intervalNanoseconds: Int64
        var unhealthy: UInt8 = 3
        var healthy: UInt8 = 2
    }

    enum Outcome: Equatable {
        case success
        /// A connection error, a timeout, or a status that the operator counts as one.
        case failure
    }

    enum Change: Equatable {
        case nothing
        case ejected(member: Int, until: Int64)
        case probation(member: Int)
        case recovered(member: Int)
        case markedDown(member: Int)
        case markedUp(member: Int)
        /// Enough failures to eject, but it is the last one that serves.
        case spared(member: Int)
    }

    /// Where a member stands, in one word for people.
    enum Condition: Equatable {
        case serving
        case probation
        case ejected
        case down

        var word: StaticString {
            switch self {
            case .serving: "serving"
            case .probation: "probation"
            case .ejected: "ejected"
            case .down: "down"
            }
        }
    }

    func condition(of member: Int) -> Condition {
        if members[member].isDown { return .down }
        return switch members[member].standing {
        case .serving: .serving
        case .probation: .probation
        case .ejected: .ejected
        }
    }

    private enum Standing: Equatable {
        case serving
        case ejected(until: Int64)
        case probation
    }

    private struct Member {
        var standing = Standing.serving
        var failures: UInt8 = 0
        var ejections: UInt8 = 0
        var lastEjection: Int64 = 0
        var returnedAt: Int64 = 0
        var isDown = false
        var probesInRow: UInt8 = 0
        var isProbing = false
        var nextProbe: Int64 = 0
    }

    private let passive: Passive
    private let active: Active?
    private var members: [Member]
    private(set) var verdict = HealthVerdict.allServe

    /// The first probes are spread over one interval, so that many origins do not probe in step.
    init(memberCount: Int, passive: Passive = Passive(), active: Active?, now: Int64) {
        precondition(memberCount > 0 && memberCount <= Limits.originMembersMax, "checked by config")
        self.passive = passive
        self.active = active
        members = Array(repeating: Member(), count: memberCount)
        guard let active else { return }
        for index in members.indices {
            members[index].nextProbe =
                now &+ active.intervalNanoseconds / Int64(memberCount) * Int64(index)
        }
    }

    /// When `tick` or `nextProbe` has something to do, at the earliest.
    var nextDeadline: Int64? {
        var earliest: Int64?
        for member in members {
            if case .ejected(let until) = member.standing {
                earliest = min(earliest ?? until, until)
            }
            if active != nil, !member.isProbing {
                earliest = min(earliest ?? member.nextProbe, member.nextProbe)
            }
        }
        return earliest
    }

    // MARK: Passive

    /// `jitter` is a random number: it shortens an ejection by up to a quarter, so members do not return in step.
    mutating func record(
        _ outcome: Outcome,
        member: Int,
        now: Int64,
        jitter: UInt32
    ) -> Change {
        defer { publish() }
        switch outcome {
        case .success: return succeed(member, now: now)
        case .failure: return fail(member, now: now, jitter: jitter)
        }
    }

    private mutating func succeed(_ member: Int, now: Int64) -> Change {
        members[member].failures = 0
        switch members[member].standing {
        case .ejected:
            // An exchange that began before the ejection; one late answer proves nothing.
            return .nothing
        case .probation:
            members[member].standing = .serving
            return .recovered(member: member)
        case .serving:
            let served = now &- members[member].returnedAt
            if members[member].ejections > 0, served >= members[member].lastEjection {
                members[member].ejections = 0
            }
            return .nothing
        }
    }

    private mutating func fail(_ member: Int, now: Int64, jitter: UInt32) -> Change {
        switch members[member].standing {
        case .ejected:
            return .nothing
        case .probation:
            return eject(member, now: now, jitter: jitter)
        case .serving:
            if members[member].failures < passive.failures { members[member].failures += 1 }
            guard members[member].failures >= passive.failures else { return .nothing }
            return eject(member, now: now, jitter: jitter)
        }
    }

    private mutating func eject(_ member: Int, now: Int64, jitter: UInt32) -> Change {
        let others = members.indices.contains { $0 != member && isServing(members[$0]) }
        guard others else { return .spared(member: member) }
        let doublings = min(Int64(members[member].ejections), 16)
        var duration = min(
            passive.firstNanoseconds << doublings,
            passive.longestNanoseconds
        )
        duration -= duration / 4 * Int64(jitter % 1024) / 1024
        members[member].standing = .ejected(until: now &+ duration)
        members[member].failures = 0
        members[member].lastEjection = duration
        if members[member].ejections < .max { members[member].ejections += 1 }
        return .ejected(member: member, until: now &+ duration)
    }

    /// One member whose ejection is over; ask again until it is `.nothing`.
    mutating func tick(now: Int64) -> Change {
        for index in members.indices {
            guard case .ejected(let until) = members[index].standing, until <= now else {
                continue
            }
            members[index].standing = .probation
            members[index].returnedAt = now
            publish()
            return .probation(member: index)
        }
        return .nothing
    }

    // MARK: Active

    /// One member whose probe is due; ask again until it is nil. Every probe ends in `probed`.
    mutating func nextProbe(now: Int64) -> Int? {
        guard let active else { return nil }
        for index in members.indices
        where !members[index].isProbing && members[index].nextProbe <= now {
            members[index].isProbing = true
            // From the due time, not from now, or the period drifts; a long pause is not caught up.
            let next = members[index].nextProbe &+ active.intervalNanoseconds
            members[index].nextProbe = next > now ? next : now &+ active.intervalNanoseconds
            return index
        }
        return nil
    }

    mutating func probed(member: Int, passed: Bool, now: Int64) -> Change {
        guard let active else { preconditionFailure("a probe that nobody asked for") }
        precondition(members[member].isProbing, "a probe that nobody asked for")
        defer { publish() }
        members[member].isProbing = false
        // A probe that agrees with what is known starts the count of those that do not again.
        guard passed == members[member].isDown else {
            members[member].probesInRow = 0
            return .nothing
        }
        members[member].probesInRow += 1
        guard members[member].probesInRow >= (passed ? active.healthy : active.unhealthy) else {
            return .nothing
        }
        members[member].probesInRow = 0
        members[member].isDown = !passed
        guard passed else { return .markedDown(member: member) }
        // What probes bring back is not held out by what happened before.
        if case .ejected = members[member].standing {
            members[member].standing = .probation
            members[member].returnedAt = now
        }
        return .markedUp(member: member)
    }

    // MARK: Inside

    private func isServing(_ member: Member) -> Bool {
        if case .ejected = member.standing { return false }
        return !member.isDown
    }

    private mutating func publish() {
        var next = HealthVerdict()
        for index in members.indices {
            let bit: UInt64 = 1 << UInt64(index)
            if !isServing(members[index]) { next.out |= bit }
            let isNoted =
                members[index].failures > 0 || members[index].ejections > 0
                || members[index].standing != .serving
            if isNoted { next.watched |= bit }
        }
        verdict = next
    }
}
