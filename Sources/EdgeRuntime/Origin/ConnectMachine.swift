// Happy eyeballs (RFC 8305): a race over the addresses of one name.
//
// Addresses keep the resolver's order but alternate between the families, starting with the family of the first.
// The next one starts when the last one failed or has been silent for `stagger`; the first that stands wins and
// the others are closed. One run is one connection attempt in the operator's sense (`connect_attempts`).
//
//   t=0      ── connect a6 ─────────────────────────────▶ closed
//   t=250ms            ── connect b4 ──────▶ stands: succeed(b4, closing: [a6])
//
// Times are nanoseconds of the loop's monotonic clock; indices are those of the list that was given.

struct ConnectMachine {
    enum Family: Equatable {
        case v4
        case v6
        /// A Unix socket: no race to run.
        case local
    }

    enum Event: Equatable {
        case start
        case attemptSucceeded(Int)
        case attemptFailed(Int)
        case timer
    }

    enum Failure: Equatable {
        /// Every address refused or was unreachable; the last errno tells which.
        case allFailed
        case timedOut
    }

    /// Addresses by index, one bit each.
    struct IndexSet: Equatable {
        var bits: UInt16 = 0
        var isEmpty: Bool { bits == 0 }
        func contains(_ index: Int) -> Bool { bits & 1 << UInt16(index) != 0 }

        /// Takes the lowest one out.
        mutating func popFirst() -> Int? {
            guard bits != 0 else { return nil }
            let index = bits.trailingZeroBitCount
            bits &= bits - 1
            return index
        }
    }

    enum Action: Equatable {
        case connect(Int, wakeAt: Int64)
        case wait(until: Int64)
        case succeed(Int, closing: IndexSet)
        case fail(Failure, closing: IndexSet)
    }

    private enum State: Equatable {
        case unstarted
        case racing
        case over
    }

    private var state = State.unstarted
    private var order = InlineArray<16, UInt8>(repeating: 0)
    private let count: Int
    private var started = 0
    private var running = IndexSet()
    private var nextStart: Int64 = 0
    private let deadline: Int64
    private let stagger: Int64

    /// `attemptsMax` bounds how many of the addresses are tried.
    init(
        families: Span<Family>,
        deadline: Int64,
        attemptsMax: Int = Limits.addressesPerNameMax,
        stagger: Int64 = Limits.connectStaggerNanoseconds
    ) {
        precondition(families.count > 0 && attemptsMax > 0, "nothing to connect to")
        let listed = min(families.count, Limits.addressesPerNameMax)
        count = min(listed, attemptsMax)
        self.deadline = deadline
        self.stagger = stagger
        alternate(families, listed)
    }

    /// Merges the two families in turns; a family that runs out leaves the rest to the other.
    private mutating func alternate(_ families: Span<Family>, _ listed: Int) {
        let leading = families[0]
        var taken: UInt16 = 0
        var wantsLeading = true
        for place in 0..<listed {
            var chosen = -1
            for index in 0..<listed where taken & 1 << UInt16(index) == 0 {
                if chosen < 0 { chosen = index }
                guard (families[index] == leading) == wantsLeading else { continue }
                chosen = index
                break
            }
            taken |= 1 << UInt16(chosen)
            order[place] = UInt8(chosen)
            wantsLeading.toggle()
        }
    }

    mutating func apply(_ event: Event, now: Int64) -> Action {
        switch (state, event) {
        case (.unstarted, .start):
            state = .racing
            return goOn(now: now, mayStart: true)
        case (.racing, .attemptSucceeded(let index)):
            finish(index)
            state = .over
            let others = running
            running = IndexSet()
            return .succeed(index, closing: others)
        case (.racing, .attemptFailed(let index)):
            finish(index)
            return goOn(now: now, mayStart: true)
        case (.racing, .timer):
            return goOn(now: now, mayStart: now >= nextStart)
        case (.unstarted, _), (.racing, .start), (.over, _):
            preconditionFailure("an event that this race cannot have")
        }
    }

    private mutating func goOn(now: Int64, mayStart: Bool) -> Action {
        guard now < deadline else {
            state = .over
            let others = running
            running = IndexSet()
            return .fail(.timedOut, closing: others)
        }
        if mayStart, started < count {
            let index = Int(order[started])
            started += 1
            running.bits |= 1 << UInt16(index)
            nextStart = now &+ stagger
            return .connect(index, wakeAt: started < count ? min(nextStart, deadline) : deadline)
        }
        guard !running.isEmpty else {
            state = .over
            return .fail(.allFailed, closing: IndexSet())
        }
        return .wait(until: started < count ? min(nextStart, deadline) : deadline)
    }

    private mutating func finish(_ index: Int) {
        precondition(running.contains(index), "an attempt that does not run")
        running.bits &= ~(1 << UInt16(index))
    }
}
