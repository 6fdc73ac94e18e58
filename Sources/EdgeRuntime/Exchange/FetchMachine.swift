// The order of a fetch's steps: one request to an origin, its retries and its failover. Pure.
//
//   build ─▶ originRequest ─▶ complete ─▶ send ─headArrived─▶ judge ─▶ originResponse ─▶ announce ─▶ streaming ─▶ over
//   ▲  │ │    functions │answered           │ ▲                 │ │      functions         ▲            │
//   │  │ │              └───────────────────┼─┼─────────────────┼─┼──────────────────────┘    bodyFailed: cut short
//   │  │ └─gaveUp─▶ over              failed│ │again, elsewhere │ │
//   │  │failed                              ▼ │           failed│ │failedOver
//   │  └──────────────────────────────▶    retry ◀──────────────┘ │
//   │                                      │ │ gaveUp ─▶ over     │
//   └──────────nextMember──────────────────┘─┴────────────────────┘
//
//   cancelled, from anywhere ──▶ over; gaveUp, where a function failed ──▶ over
//
// A fetch is not the viewer's: it may serve several, and it may go on when they have left. It ends exactly once.

struct FetchMachine {
    enum Event: Equatable {
        case started
        case built
        /// The functions of a stage have run and the fetch goes on.
        case proceeded
        /// A function made the response.
        case answered
        case completed
        case headArrived
        /// Before a head was accepted.
        case failed(EdgeError)
        case accepted
        /// The head's status hands over to the next member of the group.
        case failedOver
        case retryAgain
        case retryElsewhere
        case nextMember
        case gaveUp(EdgeError)
        case bodyEnded
        case bodyFailed(EdgeError)
        case cancelled
    }

    enum Step: Equatable {
        case build
        case originRequest
        case complete
        case send
        case retry(EdgeError)
        case judge
        case originResponse
        case announce
        case reportFailure(EdgeError)
        case close
    }

    enum Action: Equatable {
        case run(Step)
        case wait
    }

    private enum State: Equatable {
        case idle
        case building
        case requesting
        case completing
        case sending
        case judging
        case responding
        case retrying
        case streaming
        case over
    }

    private var state = State.idle

    var isStreaming: Bool { state == .streaming }
    /// The origin's head is taken: what fails from now on is its body.
    var hasHead: Bool { state == .streaming || state == .responding }
    var isOver: Bool { state == .over }

    mutating func apply(_ event: Event) -> Action {
        if state == .over { return .wait }
        switch event {
        case .started: return go(from: state == .idle, to: .building, .build)
        case .built: return go(from: state == .building, to: .requesting, .originRequest)
        case .proceeded:
            guard state == .requesting else {
                return go(from: state == .responding, to: .streaming, .announce)
            }
            return go(from: true, to: .completing, .complete)
        case .answered:
            let mayAnswer = state == .requesting || state == .responding
            return go(from: mayAnswer, to: .streaming, .announce)
        case .completed: return go(from: state == .completing, to: .sending, .send)
        case .headArrived: return go(from: state == .sending, to: .judging, .judge)
        case .failed(let error):
            let mayFail =
                state == .building || state == .completing || state == .sending || state == .judging
            return go(from: mayFail, to: .retrying, .retry(error))
        case .accepted: return go(from: state == .judging, to: .responding, .originResponse)
        case .failedOver: return go(from: state == .judging, to: .building, .build)
        case .retryAgain, .retryElsewhere:
            return go(from: state == .retrying, to: .sending, .send)
        case .nextMember: return go(from: state == .retrying, to: .building, .build)
        case .gaveUp(let error):
            let mayGiveUp =
                state == .retrying || state == .building || state == .completing
                || state == .requesting || state == .responding
            return go(from: mayGiveUp, to: .over, .reportFailure(error))
        case .bodyEnded, .bodyFailed: return go(from: state == .streaming, to: .over, .close)
        case .cancelled: return go(from: true, to: .over, .close)
        }
    }

    private mutating func go(from isAllowed: Bool, to next: State, _ step: Step) -> Action {
        precondition(isAllowed, "\(step) while \(state)")
        state = next
        return .run(step)
    }
}
