// How a connection from a viewer ends, and why. Pure: time and progress are inputs.
//
//            closeAfterOutput               outputIsOut
//   open ───────────────────▶ output ──────────────────▶ over
//     │ lingerAfterOutput                outputIsOut
//     └─────────────────────▶ last output ──────────▶ lingering ──▶ over: the viewer's end, its bytes, its time
//
// As long as output waits the write rate decides, as for any other output: the end of an answer may take a slow
// viewer minutes. Only then does the time to linger begin.

struct ConnectionEnding {
    enum Action: Equatable {
        case goOn
        case close
        /// End our half and read into the void.
        case linger(until: Nanoseconds)
    }

    private enum State {
        case open
        case output
        case lastOutput
        case lingering(until: Nanoseconds, bytesLeft: Int)
    }

    private var state = State.open
    /// The first one counts: what follows only carries it out.
    private(set) var reason: CloseReason?

    var isOpen: Bool {
        switch state {
        case .open: true
        case .output, .lastOutput, .lingering: false
        }
    }

    var isLingering: Bool {
        switch state {
        case .lingering: true
        case .open, .output, .lastOutput: false
        }
    }

    mutating func because(_ reason: CloseReason) {
        if self.reason == nil { self.reason = reason }
    }

    mutating func closeAfterOutput() { state = .output }

    mutating func lingerAfterOutput() { state = .lastOutput }

    /// All that was queued has left.
    mutating func outputIsOut(at now: Nanoseconds) -> Action {
        switch state {
        case .open: return .goOn
        case .output: return .close
        case .lastOutput:
            let until = now + Limits.lingerTime
            state = .lingering(until: until, bytesLeft: Limits.lingerBytes)
            return .linger(until: until)
        case .lingering(let until, _): return .linger(until: until)
        }
    }

    /// What the viewer still sent was read and dropped.
    mutating func dropped(_ count: Int) -> Action {
        guard case .lingering(let until, let bytesLeft) = state else { return .goOn }
        guard count < bytesLeft else { return .close }
        state = .lingering(until: until, bytesLeft: bytesLeft - count)
        return .goOn
    }
}
