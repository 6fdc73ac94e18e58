// The order of a fetch's steps: one request to an origin, its retries and its failover. Pure.
//
//   build ──built──▶ send ──headArrived──▶ originResponse ──accepted──▶ streaming ──ended──▶ over
//   ▲ ▲ │             │ ▲                        │ │                       │
//   │ │ └─gaveUp──▶   │ │ again, elsewhere       │ │                    bodyFailed: cut short ──▶ over
//   │ │    over       │ │                        │ │
//   │ │         failed│ │                  failed│ │failedOver
//   │ │               ▼ │                        │ │
//   │ └─nextMember── retry ◀─────────────────────┘ │
//   │                 │ gaveUp ──▶ over            │
//   └──────────────────────────────────────────────┘
//
//   cancelled, from anywhere ──▶ over
//   failed while the request is built ──▶ retry
//
// A fetch is not the viewer's: it may serve several, and it may go on when they have left. It ends exactly once.

struct FetchMachine {
    enum Event: Equatable {
        case started
        case built
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
        case send
        case retry(EdgeError)
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
        case sending
        case judging
        case retrying
        case streaming
        case over
    }

    private var state = State.idle

    var isStreaming: Bool { state == .streaming }
    var isOver: Bool { state == .over }

    mutating func apply(_ event: Event) -> Action {
        switch (state, event) {
        case (.idle, .started), (.retrying, .nextMember):
            state = .building
            return .run(.build)
        case (.building, .built), (.retrying, .retryAgain), (.retrying, .retryElsewhere):
            state = .sending
            return .run(.send)
        case (.sending, .headArrived):
            state = .judging
            return .run(.originResponse)
        case (.sending, .failed(let error)), (.judging, .failed(let error)),
            (.building, .failed(let error)):
            state = .retrying
            return .run(.retry(error))
        case (.judging, .accepted):
            state = .streaming
            return .run(.announce)
        case (.judging, .failedOver):
            state = .building
            return .run(.build)
        case (.retrying, .gaveUp(let error)), (.building, .gaveUp(let error)):
            state = .over
            return .run(.reportFailure(error))
        case (.streaming, .bodyEnded), (.streaming, .bodyFailed):
            state = .over
            return .run(.close)
        case (.over, _): return .wait
        case (_, .cancelled):
            state = .over
            return .run(.close)
        default: preconditionFailure("\(event) while \(state)")
        }
    }
}
