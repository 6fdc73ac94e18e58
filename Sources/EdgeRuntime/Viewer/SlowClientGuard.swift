// How long a viewer may take for what it has to do, phase by phase. Pure: time and progress are inputs.
//
//   head    from its first byte (on a new connection: from the accept) to its end       head_timeout
//   body    between two reads, while the exchange has room for more                      body_timeout
//   write   in every window of write_timeout, write_rate × window bytes must have left   write_rate
//   idle    between the end of a response and the first byte of the next request         idle_timeout
//
// A byte now and then does not prolong the head's time: that is what slow-header attacks live on.

struct SlowClientGuard {
    enum Phase {
        case head
        case idle
        case body
    }

    enum Verdict: Equatable {
        case goOn
        case tooSlow(EdgeError)
    }

    private enum Waiting {
        case head
        case idle
        case body
        /// For the exchange: its fetch has deadlines of its own.
        case nothing
    }

    private let limits: EdgeLimits
    private var waiting = Waiting.head
    private var headStarted: Nanoseconds
    private var lastReceived: Nanoseconds
    private var idleSince: Nanoseconds
    private var writeWindow: (start: Nanoseconds, bytes: Int64)?

    init(limits: EdgeLimits, now: Nanoseconds) {
        self.limits = limits
        headStarted = now
        lastReceived = now
        idleSince = now
    }

    @inline(__always)
    mutating func received(_ count: Int, at now: Nanoseconds) {
        lastReceived = now
        guard case .idle = waiting else { return }
        waiting = .head
        headStarted = now
    }

    @inline(__always)
    mutating func headReceived(at now: Nanoseconds) {
        waiting = .nothing
        lastReceived = now
        // The next idle phase begins when this exchange is over; see `deadline(for: .idle)`.
        idleSince = .never
    }

    /// Nothing is expected of the viewer for now.
    mutating func rest() { waiting = .nothing }

    mutating func deadline(for phase: Phase, at now: Nanoseconds) -> Nanoseconds {
        switch phase {
        case .head:
            // Bytes of it may have come while the last exchange still ran; its time begins when it is its turn.
            if case .head = waiting {} else { headStarted = now }
            waiting = .head
            return headStarted + limits.headTimeout
        case .idle:
            if idleSince == .never { idleSince = now }
            waiting = .idle
            return idleSince + limits.idleTimeout
        case .body:
            // While there was no room for more the viewer could not have sent any.
            if case .body = waiting {} else { lastReceived = now }
            waiting = .body
            return lastReceived + limits.bodyTimeout
        }
    }

    /// The socket takes nothing more for now.
    mutating func writeBlocked(at now: Nanoseconds, _ bytesOut: Int64) -> Nanoseconds {
        let window = writeWindow ?? (now, bytesOut)
        writeWindow = window
        return window.start + limits.writeTimeout
    }

    mutating func writeDrained() { writeWindow = nil }

    /// The deadline has passed.
    mutating func expired(at now: Nanoseconds, _ bytesOut: Int64) -> Verdict {
        if let window = writeWindow {
            guard now - window.start >= limits.writeTimeout else { return .goOn }
            let owed = Int64(limits.writeRate) * (limits.writeTimeout / 1_000_000) / 1000
            guard bytesOut - window.bytes >= owed else { return .tooSlow(.writeTimeout) }
            writeWindow = (now, bytesOut)
            return .goOn
        }
        switch waiting {
        case .head: return .tooSlow(.headTimeout)
        case .idle: return .tooSlow(.idleTimeout)
        case .body: return .tooSlow(.bodyTimeout)
        case .nothing: return .goOn
        }
    }
}
