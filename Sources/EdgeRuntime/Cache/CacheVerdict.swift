// What the cache made of a request, in one word each: the same in the log, in metrics, in `Cache-Status`, in what
// functions see and in explain (decision: reasons are words).

enum CacheVerdict: Equatable {
    enum Hit: UInt8, CaseIterable {
        case fresh
        /// It was not in memory.
        case disk
        case staleWhileRevalidate
        case staleOnError
        /// The viewer has said that it takes it.
        case staleAccepted

        var word: StaticString {
            switch self {
            case .fresh: "fresh"
            case .disk: "from_disk"
            case .staleWhileRevalidate: "stale_while_revalidate"
            case .staleOnError: "stale_on_error"
            case .staleAccepted: "stale_accepted"
            }
        }
    }

    enum Miss: UInt8, CaseIterable {
        case absent
        case otherVariants
        case stale
        case purged
        /// What is here is fresh, and the viewer wants it fresher.
        case unwanted

        var word: StaticString {
            switch self {
            case .absent: "absent"
            case .otherVariants: "other_variants"
            case .stale: "stale"
            case .purged: "purged"
            case .unwanted: "unwanted_by_viewer"
            }
        }
    }

    /// No cache for this behaviour, or the answer was there before it was asked.
    case none
    case hit(Hit)
    case missed(Miss)
    case passed(PassReason)

    var kind: StaticString {
        switch self {
        case .none: "none"
        case .hit: "hit"
        case .missed: "miss"
        case .passed: "passed"
        }
    }

    var word: StaticString? {
        switch self {
        case .none: nil
        case .hit(let hit): hit.word
        case .missed(let miss): miss.word
        case .passed(let reason): reason.word
        }
    }

    /// In `words`, for metrics.
    var place: Int? {
        switch self {
        case .none: nil
        case .hit(let hit): Int(hit.rawValue)
        case .missed(let miss): Hit.allCases.count + Int(miss.rawValue)
        case .passed(let reason):
            Hit.allCases.count + Miss.allCases.count + Int(reason.rawValue)
        }
    }

    static let words: [StaticString] =
        Hit.allCases.map(\.word) + Miss.allCases.map(\.word) + PassReason.allCases.map(\.word)
}
