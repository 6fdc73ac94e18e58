// The order of a viewer exchange's steps, and what may follow each. Pure; `ExchangeDriver` runs what it says.
//
//                                  ┌────found─────────────────────┐
//   admit ─▶ viewerRequest ─▶ lookup ─passed─▶ fetch ─headArrived─▶ respond ─▶ viewerResponse ─▶ deliver ─▶ finish
//     │           │ functions   │ ▲              │                  ▲   │        │ functions       │
//     │ failed    │ failed      │ └──errorPage (once)───────────────┼───┘        │ failed          │
//     ├───────────┴─────────────┴────────────────┴──▶ fallback ◀────┼────────────┘                 │
//     │                                                  └─answered─▶┤                             │
//     └─answered (the edge, or a function)──────────────────────────┘                              │
//                                                                                                  │
//   viewerGone, from anywhere ───────────────────────────────────────────────▶ finish ◀────────────┘ bodyFailed: truncated
//
// The functions of viewer-response run once for each answer, on the edge's own as well; what replaces their answer or
// hides their failure is not shown to them again.
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
        /// The functions of a stage have run and the exchange goes on.
        case proceeded
        /// There is an answer that is no origin's: a redirect, a refusal, a preflight, a function's.
        case answered
        /// The answer is stored, or is being stored.
        case found
        /// It has to be fetched for this viewer alone.
        case passed
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
        case viewerRequest
        case lookup
        case fetch
        case fallback(EdgeError)
        case respond
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
        case requesting
        case looking
        case fetching
        case responding
        case concluding
        case delivering
        case finishing
        case finished
    }

    private var state = State.idle
    /// An error page that itself is an error is not replaced by another one.
    private(set) var isErrorPage = false
    /// The answer is the edge's own page.
    private var isFallback = false
    /// The functions of viewer-response have seen the answer.
    private var isConcluded = false

    var isDelivering: Bool { state == .delivering }
    var isWaitingForHead: Bool { state == .fetching || state == .looking }
    /// It waits for a purge to last.
    var isAdmitting: Bool { state == .admitting }
    /// The functions of viewer-request run.
    var isRequesting: Bool { state == .requesting }
    var isOver: Bool { state == .finished }

    mutating func apply(_ event: Event) -> Action {
        switch event {
        case .started:
            guard state == .idle else { impossible(event) }
            state = .admitting
            return .run(.admit)
        case .admitted:
            guard state == .admitting else { impossible(event) }
            state = .requesting
            return .run(.viewerRequest)
        case .proceeded:
            switch state {
            case .requesting:
                state = .looking
                return .run(.lookup)
            case .concluding:
                state = .delivering
                return .run(.deliver)
            case .idle, .admitting, .looking, .fetching, .responding, .delivering, .finishing,
                .finished:
                impossible(event)
            }
        case .answered:
            switch state {
            case .admitting, .requesting, .looking, .fetching, .responding, .concluding:
                state = .responding
                return .run(.respond)
            case .idle, .delivering, .finishing, .finished: impossible(event)
            }
        case .found:
            guard state == .looking else { impossible(event) }
            state = .responding
            return .run(.respond)
        case .passed:
            guard state == .looking else { impossible(event) }
            state = .fetching
            return .run(.fetch)
        case .headArrived:
            switch state {
            // Also of a fetch that was begun for many and turned out to be for this one alone.
            case .fetching, .looking:
                state = .responding
                return .run(.respond)
            // News of a fetch that nobody waits for any more.
            case .finishing, .finished: return .wait
            case .idle, .admitting, .requesting, .responding, .concluding, .delivering:
                impossible(event)
            }
        case .failed(let error): return failed(error)
        case .errorPageWanted:
            guard state == .responding else { impossible(event) }
            precondition(!isErrorPage, "one replacement for each answer")
            isErrorPage = true
            isFallback = false
            state = .looking
            return .run(.lookup)
        case .ready:
            guard state == .responding else { impossible(event) }
            guard !isConcluded else {
                state = .delivering
                return .run(.deliver)
            }
            isConcluded = true
            state = .concluding
            return .run(.viewerResponse)
        case .delivered:
            switch state {
            case .delivering:
                state = .finishing
                return .run(.finish)
            case .finishing: return .wait
            case .idle, .admitting, .requesting, .looking, .fetching, .responding, .concluding,
                .finished:
                impossible(event)
            }
        case .bodyFailed:
            guard state == .delivering else { impossible(event) }
            state = .finishing
            return .run(.truncate)
        case .viewerGone:
            switch state {
            case .idle, .admitting, .requesting, .looking, .fetching, .responding, .concluding,
                .delivering:
                state = .finishing
                return .run(.finish)
            case .finishing, .finished: return .wait
            }
        case .finished:
            guard state == .finishing else { impossible(event) }
            state = .finished
            return .wait
        }
    }

    private mutating func failed(_ error: EdgeError) -> Action {
        switch state {
        case .admitting, .requesting, .looking, .fetching, .concluding:
            state = .responding
            isFallback = true
            return .run(.fallback(error))
        case .responding:
            guard isFallback else {
                isFallback = true
                return .run(.fallback(error))
            }
            state = .delivering
            return .run(.deliver)
        case .finishing, .finished: return .wait
        case .idle, .delivering: impossible(.failed(error))
        }
    }

    /// Only a mistake of ours leads here: what viewers and origins do has its rows above.
    private func impossible(_ event: Event) -> Never {
        preconditionFailure("\(event) while \(state)")
    }
}
