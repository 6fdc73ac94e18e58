// The life of one HTTP/1.1 connection from a viewer: when the next request may be read, and how it ends. Pure.
//
// Two halves, one verdict. The reading half knows how far the request is, the writing half how far the response;
// the connection goes on only if both are complete and nobody asked for its end.
//
//            headReceived                    both halves complete, persists
//   idle ───────────────────▶ exchanging ───────────────────────────────────▶ idle (nextRequest)
//     │ peerEnded, drained        │ upgraded            │ complete, the viewer's last ─▶ closed (close)
//     ▼                           │                     │ response complete, request not,
//   closed (close)                ▼                     │ or the viewer may have sent another ─▶ closed (linger)
//                              tunnel                   │ response cannot be completed ─▶ closed (truncate)
//                                 │                     └ peerEnded, request not complete ─▶ closed (cancel)
//                                 │ responseEnded ─▶ closed (close)
//                                 └ responseFailed ─▶ closed (truncate)
//
// A viewer that ends its half behind a complete request still gets the answer; in a tunnel, too, the origin has the
// last word.
//
// Linger: the response is out, but the viewer still sends. A close now would reset the connection and destroy the
// response on its way, so the driver ends its own half and reads into the void for a bounded while.

struct ServerMachine {
    enum Event: Equatable {
        /// A valid head; `persists` is what its version and `Connection` say.
        case headReceived(persists: Bool, hasBody: Bool, expectsContinue: Bool)
        /// Somebody reads the request's body.
        case bodyWanted
        /// The last byte of the request was read.
        case requestEnded
        /// The rest of the request will not be read.
        case requestFailed
        /// The final head is being written; `delimited` unless only the connection's end tells the body's.
        case responseStarted(delimited: Bool)
        case responseEnded
        /// The head is out and the rest will not come.
        case responseFailed
        case upgraded
        case peerEnded
        /// The edge goes away: finish what runs, start nothing.
        case drained
    }

    enum Action: Equatable {
        case none
        case writeContinue
        case nextRequest
        case close
        case linger
        /// Send what is queued, then let the viewer see that the response is not complete.
        case truncate(abortively: Bool)
        /// The viewer left in the middle of its request.
        case cancel
    }

    private enum Reading: Equatable {
        case awaitingContinue
        case body
        case complete
    }

    private enum Writing: Equatable {
        case pending
        case body(delimited: Bool)
    }

    private enum State: Equatable {
        case idle
        case exchanging(Reading, Writing)
        case tunnel(readEnded: Bool)
        case closed
    }

    private var state = State.idle
    /// Whether the connection outlives the current exchange, as far as is known; decides our `Connection` field.
    private(set) var persists = true
    private(set) var requestCount = 0
    /// The viewer has ended its half, or has said that this request is its last.
    private var peerIsDone = false
    /// The viewer has ended its half: not even a tunnel has anything to read.
    private var hasPeerEnded = false
    private let requestsMax: Int

    init(requestsMax: Int) { self.requestsMax = requestsMax }

    var isIdle: Bool { state == .idle }
    var isClosed: Bool { state == .closed }
    /// The connection has carried as many requests as it may.
    var isSpent: Bool { requestCount >= requestsMax }
    var isTunnel: Bool {
        guard case .tunnel = state else { return false }
        return true
    }
    /// Whether bytes that come in belong to the body of the current request.
    var isReadingBody: Bool {
        switch state {
        case .exchanging(.body, _), .exchanging(.awaitingContinue, _): true
        case .tunnel(let readEnded): !readEnded
        case .exchanging(.complete, _), .idle, .closed: false
        }
    }

    mutating func apply(_ event: Event) -> Action {
        switch event {
        case .headReceived(let persists, let hasBody, let expectsContinue):
            precondition(state == .idle, "one request at a time")
            requestCount += 1
            if !persists { peerIsDone = true }
            self.persists = self.persists && persists && requestCount < requestsMax
            let reading: Reading =
                hasBody ? (expectsContinue ? .awaitingContinue : .body) : .complete
            state = .exchanging(reading, .pending)
            return .none
        case .bodyWanted: return bodyWanted()
        case .requestEnded: return requestEnded()
        case .requestFailed:
            persists = false
            return .none
        case .responseStarted(let delimited):
            guard case .exchanging(let reading, .pending) = state else {
                preconditionFailure("one response for each request")
            }
            if !delimited { persists = false }
            // A viewer that was never told to go on may send its body or not: the next bytes are in doubt.
            if reading == .awaitingContinue { persists = false }
            state = .exchanging(reading, .body(delimited: delimited))
            return .none
        case .responseEnded: return responseEnded()
        case .responseFailed: return responseFailed()
        case .upgraded:
            guard case .exchanging(_, .pending) = state else {
                preconditionFailure("only a pending request is upgraded")
            }
            persists = false
            state = .tunnel(readEnded: hasPeerEnded)
            return .none
        case .peerEnded: return peerEnded()
        case .drained:
            persists = false
            guard state == .idle else { return .none }
            state = .closed
            return .close
        }
    }

    private mutating func bodyWanted() -> Action {
        guard case .exchanging(.awaitingContinue, let writing) = state else { return .none }
        guard writing == .pending else { return .none }
        state = .exchanging(.body, .pending)
        return .writeContinue
    }

    private mutating func requestEnded() -> Action {
        switch state {
        case .exchanging(_, let writing):
            state = .exchanging(.complete, writing)
            return .none
        case .tunnel, .idle, .closed: return .none
        }
    }

    private mutating func responseEnded() -> Action {
        switch state {
        case .exchanging(.complete, _): return finish()
        case .exchanging:
            state = .closed
            return .linger
        case .tunnel:
            // Nobody is left to take what the viewer may still send.
            state = .closed
            return .close
        case .idle, .closed: return .none
        }
    }

    private mutating func responseFailed() -> Action {
        switch state {
        case .exchanging(_, .body(let delimited)):
            state = .closed
            return .truncate(abortively: !delimited)
        case .tunnel:
            state = .closed
            return .truncate(abortively: true)
        case .exchanging(_, .pending):
            preconditionFailure("before its head a response is replaced")
        case .idle, .closed: return .none
        }
    }

    private mutating func peerEnded() -> Action {
        switch state {
        case .idle:
            state = .closed
            return .close
        case .exchanging(.complete, _):
            // A half-close: the viewer has said all it wants to say and still waits for the answer.
            persists = false
            peerIsDone = true
            hasPeerEnded = true
            return .none
        case .exchanging:
            state = .closed
            return .cancel
        case .tunnel:
            state = .tunnel(readEnded: true)
            return .none
        case .closed: return .none
        }
    }

    private mutating func finish() -> Action {
        guard persists else {
            state = .closed
            return peerIsDone ? .close : .linger
        }
        state = .idle
        return .nextRequest
    }
}
