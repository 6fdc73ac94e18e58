// The order of a viewer exchange's steps, and what may follow each. Pure; `ExchangeDriver` runs what it says.
//
//   admit ──admitted──▶ fetch ──headArrived──▶ viewerResponse ──ready──▶ deliver ──delivered──▶ finish
//     │                   │ ▲                    ▲   │                      │
//     │                   │ └────errorPage───────┼───┘ (once)               │
//     │ failed            │ failed               │   │ failed (once)        │
//     ├─────────────▶ fallback ◀─────────────────┼───┘                      │
//     │                   └──answered───────────▶┤                          │
//     └──answered────────────────────────────────┘                          │
//                                                                           │
//   viewerGone, from anywhere ──────────────────────────────────▶ finish ◀──┘ bodyFailed: truncated
//
// An answer that cannot be completed is replaced by a page of the edge; if that cannot be completed either it is
// delivered as it is, so no exchange goes round for ever.
//
// Every exchange reaches `finish`, once. A step that has to wait for somebody leaves the machine in its `…ing`
// state; the event that ends the wait comes from the fetch or from the viewer's connection.

struct ViewerMachine {
    enum Event: Equatable {
        case started
        case admitted
        /// The edge itself has the answer: a redirect, a refusal, a preflight.
        case answered
        /// The origin's final head is there.
        case headArrived
        /// The fetch came to nothing before a head.
        case failed(EdgeError)
        /// The answer's status is to be replaced by a page that has to be fetched.
        case errorPageWanted
        case ready
        case delivered
        /// The head is out and the rest will not come.
        case bodyFailed
        case viewerGone
        case finished
    }

    enum Step: Equatable {
        case admit
        case fetch
        case fallback(EdgeError)
        case viewerResponse
        case deliver
        case truncate
        case finish
    }

    enum Action: Equatable {
        case run(Step)
        case wait
    }

    private enum State: Equatable {
        case idle
        case admitting
        case fetching
        case responding
        case delivering
        case finishing
        case finished
    }

    private var state = State.idle
    /// An error page that itself is an error is shown as it is.
    private(set) var isErrorPage = false
    /// The answer is the edge's own page.
    private var isFallback = false

    var isDelivering: Bool { state == .delivering }
    var isWaitingForHead: Bool { state == .fetching }
    var isOver: Bool { state == .finished }

    mutating func apply(_ event: Event) -> Action {
        switch (state, event) {
        case (.idle, .started):
            state = .admitting
            return .run(.admit)
        case (.admitting, .admitted):
            state = .fetching
            return .run(.fetch)
        case (.admitting, .answered), (.fetching, .headArrived), (.fetching, .answered):
            state = .responding
            return .run(.viewerResponse)
        case (.fetching, .failed(let error)), (.admitting, .failed(let error)):
            state = .responding
            isFallback = true
            return .run(.fallback(error))
        case (.responding, .answered): return .run(.viewerResponse)
        case (.responding, .failed(let error)):
            guard !isFallback else {
                state = .delivering
                return .run(.deliver)
            }
            isFallback = true
            return .run(.fallback(error))
        case (.responding, .errorPageWanted):
            precondition(!isErrorPage, "one replacement for each answer")
            isErrorPage = true
            isFallback = false
            state = .fetching
            return .run(.fetch)
        case (.responding, .ready):
            state = .delivering
            return .run(.deliver)
        case (.delivering, .delivered), (_, .viewerGone):
            guard state != .finishing, state != .finished else { return .wait }
            state = .finishing
            return .run(.finish)
        case (.delivering, .bodyFailed):
            state = .finishing
            return .run(.truncate)
        case (.finishing, .finished):
            state = .finished
            return .wait
        case (.finishing, .failed), (.finishing, .headArrived), (.finishing, .delivered),
            (.finished, .failed), (.finished, .headArrived):
            // News of a fetch that nobody waits for any more.
            return .wait
        default: preconditionFailure("\(event) while \(state)")
        }
    }
}
