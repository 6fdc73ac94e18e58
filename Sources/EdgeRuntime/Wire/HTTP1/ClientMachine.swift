// One exchange on one connection to an origin, and whether the connection may carry another. Pure.
//
//             requestStarted                 response complete, request complete before it
//   idle ───────────────────▶ exchanging ──────────────────────────────────▶ idle (finish(reusable: true))
//                                 │ response complete, request not, or the origin does not persist
//                                 │ 101: tunnel, never reused
//                                 ▼
//                               spent (finish(reusable: false), fail)
//
// A final head before the whole request is out: a success may be streamed while the request still is; after any
// other status, or while the body waits for its `100 Continue`, nothing more is sent (stopSending) and the
// connection is not reused. The same when the socket takes no more (sendingFailed): what the origin said before it
// stopped reading may still be a whole answer. It is always the response's end that ends the exchange.
//
// `Expect: 100-continue` is passed on: the body waits for the origin's word, or for the driver's patience
// (`continueTimedOut`), since an origin that does not know the field never answers it.

struct ClientMachine {
    enum Event: Equatable {
        case requestStarted(hasBody: Bool, expectsContinue: Bool)
        case continueTimedOut
        /// The last byte of the request was handed to the socket.
        case requestEnded
        /// The rest of the request cannot be sent.
        case sendingFailed
        case informational(status: UInt16)
        /// A final head; `persists` is what the origin's version, `Connection` and framing say.
        case headReceived(status: UInt16, persists: Bool)
        case responseEnded
    }

    enum Action: Equatable {
        case none
        case sendBody
        /// Nothing more of the request's body is wanted.
        case stopSending
        /// Pass an informational response on, or not: the driver knows which are known.
        case passInformational
        case tunnel
        case finish(reusable: Bool)
        case fail(EdgeError)
    }

    private enum Sending: Equatable {
        case awaitingContinue
        case body
        case complete
        /// The origin answered before it had all of it, or takes no more.
        case stopped
    }

    private enum Receiving: Equatable {
        case head(informational: Int)
        case body
    }

    private enum State: Equatable {
        case idle
        case exchanging(Sending, Receiving)
        case tunnel
        case spent
    }

    private var state = State.idle
    private var persists = true

    var isReceivingHead: Bool {
        guard case .exchanging(_, .head) = state else { return false }
        return true
    }

    /// Whether the body may be sent now.
    var maySendBody: Bool {
        switch state {
        case .exchanging(.body, _), .tunnel: true
        case .exchanging, .idle, .spent: false
        }
    }

    var isTunnel: Bool { state == .tunnel }

    var isAwaitingContinue: Bool {
        guard case .exchanging(.awaitingContinue, _) = state else { return false }
        return true
    }

    /// The whole request is out: from now on it is the origin's turn.
    var isRequestComplete: Bool {
        guard case .exchanging(.complete, _) = state else { return false }
        return true
    }

    mutating func apply(_ event: Event) -> Action {
        switch event {
        case .requestStarted(let hasBody, let expectsContinue):
            precondition(state == .idle, "one exchange at a time")
            let sending: Sending =
                hasBody ? (expectsContinue ? .awaitingContinue : .body) : .complete
            persists = true
            state = .exchanging(sending, .head(informational: 0))
            return .none
        case .continueTimedOut:
            guard case .exchanging(.awaitingContinue, let receiving) = state else { return .none }
            state = .exchanging(.body, receiving)
            return .sendBody
        case .requestEnded:
            guard case .exchanging(let sending, let receiving) = state, sending != .stopped else {
                return .none
            }
            state = .exchanging(.complete, receiving)
            return .none
        case .sendingFailed:
            persists = false
            guard case .exchanging(_, let receiving) = state else { return .none }
            state = .exchanging(.stopped, receiving)
            return .none
        case .informational(let status): return informational(status)
        case .headReceived(let status, let persists):
            return headReceived(status: status, persists: persists)
        case .responseEnded: return responseEnded()
        }
    }

    private mutating func informational(_ status: UInt16) -> Action {
        guard case .exchanging(let sending, .head(let count)) = state else {
            preconditionFailure("informational responses come before the final one")
        }
        if status == 101 {
            guard sending == .complete else { return fail(.badUpgrade) }
            state = .tunnel
            return .tunnel
        }
        guard count < Limits.informationalResponses else { return fail(.tooManyInformational) }
        state = .exchanging(sending, .head(informational: count + 1))
        guard status == 100 else { return .passInformational }
        guard sending == .awaitingContinue else { return .none }
        state = .exchanging(.body, .head(informational: count + 1))
        return .sendBody
    }

    private mutating func headReceived(status: UInt16, persists: Bool) -> Action {
        guard case .exchanging(let sending, .head) = state else {
            preconditionFailure("one final head for each request")
        }
        self.persists = persists
        switch sending {
        case .complete:
            state = .exchanging(.complete, .body)
            return .none
        case .body where status < 300:
            // A success may be streamed while the request still is.
            state = .exchanging(.body, .body)
            return .none
        case .body, .awaitingContinue, .stopped:
            self.persists = false
            state = .exchanging(.stopped, .body)
            return .stopSending
        }
    }

    private mutating func responseEnded() -> Action {
        switch state {
        case .exchanging(.complete, .body), .exchanging(.stopped, .body): return finish()
        case .exchanging(.body, .body), .exchanging(.awaitingContinue, .body):
            // The response is complete and the request is not: nobody will read the rest.
            persists = false
            return finish()
        case .tunnel:
            state = .spent
            return .finish(reusable: false)
        case .exchanging, .idle, .spent:
            preconditionFailure("the end of a response that did not begin")
        }
    }

    private mutating func finish() -> Action {
        state = persists ? .idle : .spent
        return .finish(reusable: persists)
    }

    private mutating func fail(_ error: EdgeError) -> Action {
        state = .spent
        return .fail(error)
    }
}
