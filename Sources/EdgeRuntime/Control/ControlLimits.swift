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
}
