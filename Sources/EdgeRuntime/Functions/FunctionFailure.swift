// Why a function did not do its work, for the operator: which one, where, what, and how it got there.

struct FunctionFailure: Error {
    enum Kind: UInt8, CaseIterable {
        /// It raised an error.
        case raised
        /// What it returned or set cannot be sent.
        case invalid
        case instructions
        case memory
        /// Wall time.
        case timeout
        /// It failed so often that it is not run for a while.
        case parked
        /// There are as many runs as there may be.
        case throttled

        var word: StaticString {
            switch self {
            case .raised: "raised"
            case .invalid: "invalid"
            case .instructions: "instructions"
            case .memory: "memory"
            case .timeout: "timeout"
            case .parked: "parked"
            case .throttled: "throttled"
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

    var kind: Kind
    /// `name@generation`
    var function: String
    var stage: Stage
    /// Begins with `file:line:` where the place is known.
    var message: String
    var traceback = ""
}
