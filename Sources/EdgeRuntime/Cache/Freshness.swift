// How long a stored response is good (RFC 9111 §4.2), and what it may still be shown for after that (RFC 5861).
//
//   stored                       lifetime            + stale-while-revalidate     + stale-if-error
//     ├──────── fresh ──────────────┼── shown, asked about meanwhile ─┼── shown if the origin fails ─┼─ gone
//     age = corrected initial age + time since the response came
//
// Seconds of the wall clock. A clock that goes back makes nothing older than it was when it came.

/// Which rule gave the lifetime; the word of `explain`.
enum FreshnessBasis: UInt8, Sendable, CaseIterable {
    case sMaxage
    case maxAge
    case expires
    case defaultTTL
    case minTTL
    case errorTTL
    case function

    var word: StaticString {
        switch self {
        case .sMaxage: "s-maxage"
        case .maxAge: "max-age"
        case .expires: "expires"
        case .defaultTTL: "default_ttl"
        case .minTTL: "min_ttl"
        case .errorTTL: "error_ttl"
        case .function: "function"
        }
    }
}

enum FreshnessVerdict: Equatable {
    case fresh
    case staleWhileRevalidate
    /// The viewer has said that it takes it.
    case staleAccepted
    /// Fresh, and the viewer wants it fresher.
    case unwanted
    case stale
}

struct Freshness: Equatable, Sendable {
    /// When the response came.
    var received: Int64
    /// Its age by then.
    var initialAge: Int64
    var lifetime: Int64
    var basis: FreshnessBasis
    /// Behind the lifetime: shown at once, and asked about.
    var staleWhileRevalidate: Int64 = 0
    /// Behind the lifetime: shown if the origin fails.
    var staleIfError: Int64 = 0
    /// `no-cache`: to be asked about each time, whatever its age.
    var mustAsk = false

    func age(at now: Int64) -> Int64 { initialAge &+ max(0, now &- received) }

    func remaining(at now: Int64) -> Int64 { lifetime - age(at: now) }

    func judge(at now: Int64) -> FreshnessVerdict {
        guard !mustAsk else { return .stale }
        let past = age(at: now) - lifetime
        if past < 0 { return .fresh }
        return past < staleWhileRevalidate ? .staleWhileRevalidate : .stale
    }

    /// With what the viewer says (§5.2.1). `max-stale` reaches no further than what may be shown when the origin fails:
    /// where that is forbidden, so is this. Who speaks of freshness does not want to wait with an old answer in hand.
    func judge(at now: Int64, for viewer: CacheDirectives) -> FreshnessVerdict {
        let verdict = judge(at: now)
        guard !mustAsk else { return verdict }
        let age = age(at: now)
        let isTooOld =
            viewer.contains(.noCache) || viewer.maxAge.map { age > $0 } ?? false
            || viewer.minFresh.map { lifetime - age < $0 } ?? false
        switch verdict {
        case .fresh: return isTooOld ? .unwanted : .fresh
        case .staleWhileRevalidate, .staleAccepted, .unwanted, .stale:
            let past = age - lifetime
            if !isTooOld, let accepted = viewer.maxStale, past <= accepted,
                past < max(staleIfError, staleWhileRevalidate)
            {
                return .staleAccepted
            }
            let wantsFresh =
                viewer.contains(.noCache) || viewer.maxAge != nil || viewer.minFresh != nil
            return wantsFresh ? .stale : verdict
        }
    }

    func mayHideError(at now: Int64) -> Bool {
        !mustAsk && age(at: now) - lifetime < staleIfError
    }

    /// Of use only to whoever asks about it.
    var isNeverFresh: Bool { mustAsk || initialAge >= lifetime }
}
