// Why a function did not do its work, for the operator: which one, where, what, and how it got there.

struct FunctionFailure: Error {
    typealias Kind = FunctionFailureReason

    var kind: Kind
    /// `name@generation`
    var function: String
    var stage: Stage
    /// Begins with `file:line:` where the place is known.
    var message: String
    var traceback = ""
}

extension FunctionFailureReason {
    /// It took its loop what it may take.
    var isCostly: Bool {
        switch self {
        case .timeout, .instructions, .memory: true
        case .raised, .invalid, .parked, .throttled: false
        }
    }

    /// The statuses are those of §1.6.
    var error: EdgeError {
        switch self {
        case .raised: .functionFailed
        case .invalid: .functionInvalid
        case .timeout: .functionTimeout
        case .instructions, .memory, .parked, .throttled: .functionLimit
        }
    }
}
