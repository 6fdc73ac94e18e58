// When to look at files that stirred, and when to reload. Pure; time is an argument.
//
//   still ── stirred ─▶ settling ── quiet, or long enough ─▶ look ─┬─ same ─────▶ still
//                        ▲    │ stirred again: wait on             ├─ changed ──▶ reload, still
//                        └────┘                                    └─ missing ──▶ look again once, then reload
//
// An editor that saves by writing aside and renaming, and a tool that replaces a certificate and then its key, leave
// moments in which files do not fit together or are not there. A reload that meets one is refused and harmless, but it is
// noise.

struct WatchMachine {
    enum Finding: Equatable {
        case same
        case changed
        /// A file that was there is not.
        case missing
    }

    enum Verdict: Equatable {
        case rest
        case lookAgain(at: Nanoseconds)
        case reload
    }

    private var settlingSince: Nanoseconds?
    private var hasWaited = false

    /// When to look.
    mutating func stirred(at now: Nanoseconds) -> Nanoseconds {
        let since = settlingSince ?? now
        settlingSince = since
        return min(now + Limits.watchQuiet, since + Limits.watchPatience)
    }

    mutating func looked(_ finding: Finding, at now: Nanoseconds) -> Verdict {
        settlingSince = nil
        if finding == .missing, !hasWaited {
            hasWaited = true
            return .lookAgain(at: now + Limits.watchMissing)
        }
        hasWaited = false
        return finding == .same ? .rest : .reload
    }
}
