// After a failure on the way to an origin: the same member again, another one, the next origin of the group, or stop.
//
//   failure                              retried within the origin         handed to the next origin of a group
//   ───────                              ─────────────────────────         ────────────────────────────────────
//   connect (refused, timeout, queue)    any method: nothing was sent      GET, HEAD, OPTIONS
//   name does not resolve, TLS           no: it would fail again           GET, HEAD, OPTIONS
//   reset or closed without an answer    nothing sent: any method          GET, HEAD, OPTIONS
//                                        else: idempotent methods
//   no answer in time                    GET and HEAD, by another member   GET, HEAD, OPTIONS
//   a broken answer                      no: it came from the application  no
//   a status of the operator's list      no                                GET, HEAD, OPTIONS
//
// Always: nothing of an answer has been received, the body can be sent again, there is time left, and attempts are
// left. A kept-alive connection that died costs no attempt: the origin closed it while we were writing, and the next
// try is on a fresh one, so this cannot go on. A POST of which bytes were sent is never repeated. A server that was
// silent is not asked again: the viewer has waited for all of `response_timeout`, and more of the same would only
// make that setting mean something else.

struct RetryPlan {
    struct Failure: Equatable {
        var error: EdgeError
        /// Bytes of the request reached the connection.
        var sentAnything: Bool
        /// Bytes of a final answer came back.
        var receivedAnything: Bool
        var connectionWasReused: Bool
        /// The body is empty, kept, or untouched.
        var bodyIsReplayable: Bool
    }

    struct Choices: Equatable {
        /// Members of this origin that serve and were not tried.
        var membersLeft: Int
        /// Origins of the group behind this one.
        var groupLeft: Int
    }

    enum Verdict: Equatable {
        /// On a fresh connection.
        case again
        case otherMember
        case nextOfGroup
        case stop(Reason)
    }

    /// Why it ends here; the word in the log.
    enum Reason: Equatable {
        case attemptsSpent
        case deadline
        case notRepeatable
        case answerBegan
        case bodyGone
        case notTheOrigin
        /// Statuses: the answer goes to the viewer as it is.
        case final

        var word: StaticString {
            switch self {
            case .attemptsSpent: "attempts_spent"
            case .deadline: "deadline"
            case .notRepeatable: "not_repeatable"
            case .answerBegan: "answer_began"
            case .bodyGone: "body_gone"
            case .notTheOrigin: "not_the_origin"
            case .final: "final"
            }
        }
    }

    private let method: Method
    private let attemptsMax: Int
    private let deadline: Nanoseconds
    private(set) var attempts = 0
    private(set) var staleRetries = 0

    /// `attemptsMax` is the origin's `connect_attempts`.
    init(method: Method, attemptsMax: Int, deadline: Nanoseconds) {
        precondition(attemptsMax > 0, "checked by config")
        self.method = method
        self.attemptsMax = attemptsMax
        self.deadline = deadline
    }

    mutating func after(_ failure: Failure, _ choices: Choices, now: Nanoseconds) -> Verdict {
        guard failure.error.party == .origin || isQueue(failure.error) else {
            return .stop(.notTheOrigin)
        }
        guard now < deadline else { return .stop(.deadline) }
        guard !failure.receivedAnything else { return .stop(.answerBegan) }
        guard failure.bodyIsReplayable else { return .stop(.bodyGone) }
        let isStale =
            failure.connectionWasReused && failure.error.retry == .ifConnectionWasReused
        if isStale, !failure.sentAnything || method.isIdempotent {
            staleRetries += 1
            return .again
        }
        attempts += 1
        guard isRepeatable(failure) else {
            return handOver(failure.error, choices, otherwise: .notRepeatable)
        }
        guard attempts < attemptsMax else {
            return handOver(failure.error, choices, otherwise: .attemptsSpent)
        }
        if choices.membersLeft > 0 { return .otherMember }
        guard failure.error.kind != .originResponseTimeout else {
            return handOver(failure.error, choices, otherwise: .notRepeatable)
        }
        return .again
    }

    /// `isListed`: the operator's group fails over on this status.
    mutating func after(status isListed: Bool, _ choices: Choices, now: Nanoseconds) -> Verdict {
        guard isListed, choices.groupLeft > 0, mayHandOver else { return .stop(.final) }
        guard now < deadline else { return .stop(.deadline) }
        startOver()
        return .nextOfGroup
    }

    private mutating func handOver(
        _ error: EdgeError,
        _ choices: Choices,
        otherwise reason: Reason
    ) -> Verdict {
        guard choices.groupLeft > 0, mayHandOver, isConnectionOrTimeout(error) else {
            return .stop(reason)
        }
        startOver()
        return .nextOfGroup
    }

    /// Each origin of a group has its own attempts.
    private mutating func startOver() { attempts = 0 }

    private var mayHandOver: Bool { method == .get || method == .head || method == .options }

    private func isRepeatable(_ failure: Failure) -> Bool {
        switch failure.error.kind {
        case .originRefused, .originUnreachable, .originConnectTimeout, .originUnhealthy,
            .queueFull, .queueTimeout:
            true
        case .originReset, .originClosed, .originWriteFailed:
            !failure.sentAnything || method.isIdempotent
        case .originResponseTimeout:
            method == .get || method == .head
        default: false
        }
    }

    private func isConnectionOrTimeout(_ error: EdgeError) -> Bool {
        switch error.kind {
        case .originNameUnresolved, .originRefused, .originUnreachable, .originConnectTimeout,
            .originTLS, .originCertificate, .originResponseTimeout, .originIdleTimeout,
            .originTotalTimeout, .originReset, .originClosed, .originWriteFailed,
            .originUnhealthy, .queueFull, .queueTimeout:
            true
        default: false
        }
    }

    private func isQueue(_ error: EdgeError) -> Bool {
        error.kind == .queueFull || error.kind == .queueTimeout
    }
}
