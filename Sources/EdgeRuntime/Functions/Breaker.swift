// Parks a function that does nothing but fail, so that its requests are answered at once instead of after each limit.
// Pure.
//
//   running ──failures in a row──▶ parked ──time──▶ trying ──success──▶ running
//      ▲                             ▲                │
//      └──────── success             └──── failure ───┘
//
// An error that a function raises costs next to nothing, and one that has worked for some may raise for what a viewer
// sends: a stranger must not be able to park it for everybody. So once it has worked, only what costs counts: limits
// and timeouts.

struct Breaker {
    enum Verdict: Equatable {
        case run
        case refuse
    }

    enum Change: Equatable {
        case none
        case parked
        case recovered
    }

    private enum State {
        case running(failures: Int)
        case parked(until: Nanoseconds)
        /// One run decides; the others are still refused.
        case trying
    }

    private var state = State.running(failures: 0)
    private var hasWorked = false

    var isParked: Bool {
        if case .running = state { return false }
        return true
    }

    mutating func admit(now: Nanoseconds) -> Verdict {
        switch state {
        case .running: return .run
        case .trying: return .refuse
        case .parked(let until):
            guard now >= until else { return .refuse }
            state = .trying
            return .run
        }
    }

    mutating func succeeded() -> Change {
        hasWorked = true
        switch state {
        case .running(0): return .none
        case .running:
            state = .running(failures: 0)
            return .none
        case .trying, .parked:
            state = .running(failures: 0)
            return .recovered
        }
    }

    mutating func failed(_ kind: FunctionFailureReason, now: Nanoseconds) -> Change {
        if hasWorked, !kind.isCostly {
            abandoned(now: now)
            return .none
        }
        switch state {
        case .running(let failures) where failures + 1 < Limits.functionFailuresMax:
            state = .running(failures: failures + 1)
            return .none
        case .running, .trying:
            let wasTrying = isParked
            state = .parked(until: now + Limits.functionParkTime)
            return wasTrying ? .none : .parked
        case .parked: return .none
        }
    }

    /// A run was given up (the viewer left): it says nothing about the function.
    mutating func abandoned(now: Nanoseconds) {
        if case .trying = state { state = .parked(until: now) }
    }
}
