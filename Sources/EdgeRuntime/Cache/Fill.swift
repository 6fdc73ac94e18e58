// One fetch for a key, and those who wait for its head: on its own loop and on others.
//
//   waiting ─▶ found    the object is there, its body may still be on its way: look again
//          ├─▶ stale    the origin failed, and what is here is shown
//          ├─▶ passed   the answer cannot serve others: ask for yourself
//          └─▶ failed   with the reason
//
// News go to loops, not to exchanges: a loop's ear collects what has changed and tells it once a tick.

final class Fill: @unchecked Sendable {
    enum Outcome {
        /// With what it varies by.
        case found(CachedObject, VaryNames?)
        /// There was nothing better to be had.
        case stale(CachedObject)
        case passed(PassReason)
        case failed(EdgeError)
    }

    let id: UInt64
    let key: CacheKey
    /// Nil as long as nobody knows what the answer varies by.
    let variant: UInt64?
    /// Collapsing never crosses generations: the other one may ask another origin.
    let generation: UInt64
    /// The last purge when it began.
    let sequence: UInt64

    // Guard: the lock of the key's shard.
    private(set) var outcome: Outcome?
    /// What it brings was made invalid before it came: for those who wait already, and for nobody after them.
    var isOutdated = false
    private var ears = EarList()

    init(id: UInt64, key: CacheKey, variant: UInt64?, generation: UInt64, sequence: UInt64) {
        self.id = id
        self.key = key
        self.variant = variant
        self.generation = generation
        self.sequence = sequence
    }

    func settle(_ outcome: Outcome) -> EarList {
        precondition(self.outcome == nil, "a fill ends once")
        self.outcome = outcome
        return ears.take()
    }

    func add(_ ear: LoopEar) { ears.add(ear) }
}

/// Where a loop hears of changes that other loops make.
final class LoopEar: Sendable {
    private let news = Locked<[UInt64]>([])
    private let wake: @Sendable () -> Void

    init(wake: @escaping @Sendable () -> Void) { self.wake = wake }

    func tell(_ id: UInt64) {
        let wasEmpty = news.withLock { news in
            news.append(id)
            return news.count == 1
        }
        if wasEmpty { wake() }
    }

    func take() -> [UInt64] {
        news.withLock { news in
            let taken = news
            news = []
            return taken
        }
    }
}

/// A few ears, each once.
struct EarList {
    private var ears: [LoopEar] = []

    var isEmpty: Bool { ears.isEmpty }

    mutating func add(_ ear: LoopEar) {
        for known in ears where known === ear { return }
        ears.append(ear)
    }

    mutating func add(_ others: Self) {
        for ear in others.ears { add(ear) }
    }

    mutating func take() -> Self {
        let taken = self
        if !ears.isEmpty { ears = [] }
        return taken
    }

    /// Outside of any lock.
    func tell(_ id: UInt64) {
        for ear in ears { ear.tell(id) }
    }
}
