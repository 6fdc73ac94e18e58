// What the cache made of a request, in one word each (decision: reasons are words).

enum CacheVerdict: Equatable {
    enum Hit {
        case fresh
        /// It was not in memory.
        case disk
        case staleWhileRevalidate
        case staleOnError
    }

    enum Miss {
        case absent
        case otherVariants
        case stale
        case purged
    }

    /// No cache for this behaviour.
    case none
    case hit(Hit)
    case missed(Miss)
    case passed(PassReason)
}
