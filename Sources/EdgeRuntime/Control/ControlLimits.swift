// Bounds of the operators' side.

extension Limits {
    /// Operators' connections at a time: a few people and scrapers. Past it a connection is closed at once.
    static let adminConnections = 32
    /// Accepted in one go; the control loop has little else to do.
    static let adminAcceptsPerTick = 8
    /// For a request to arrive whole and its answer to leave, and for a kept connection to rest.
    static let adminPatience = Nanoseconds.seconds(30)
    /// `curl` and Prometheus send a few hundred bytes.
    static let adminHead = HeadLimits(requestLine: 1024, head: 8 << 10, fields: 64)
    /// What a command waits for its answer: a reload reads certificates and folders from slow disks.
    static let adminAnswerSeconds = 60
    /// What a command takes for an answer at the most: metrics of a thousand origins are 4 MiB.
    static let adminAnswerBytes = 64 << 20
    /// Names that one line tells of a reload's changes. Past that a person wants `--json`.
    static let changesShown = 40
    /// Reasons of a refused reload that the event log takes, which is shared; its answer has them all.
    static let reloadReasonsLogged = 40
    /// The body of a request: a batch of a few thousand of the longest paths, or of tens of thousands of short ones.
    static let adminBodyBytes = 8 << 20
    /// Paths and tags of one batch: half of what the rules of invalidation remember, so that one batch alone never
    /// makes them purge a whole distribution instead, and a few milliseconds of the control loop.
    static let invalidationItemsMax = 50_000
    /// The contract's (§5.1).
    static let invalidationPathBytes = 4000
    /// No tag of a response is longer than what a line of a head may reasonably hold.
    static let invalidationTagBytes = 1024
    static let callerReferenceBytes = 256
    /// Invalidations that can be asked about, and what they may take together: weeks of releases and an afternoon of
    /// a script that purges page by page.
    static let invalidationsKept = 1000
    static let invalidationBytesKept = 16 << 20
    /// On one page of the list; the contract's default.
    static let invalidationsPerPage = 100
}
