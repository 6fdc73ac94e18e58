// One purge, whoever asks for it: what, of which distribution, how strongly. An operator's batch and a viewer's
// `PURGE` are both one of these, so both do the same and leave the same line in the event log.

struct PurgeOrder: Equatable, Sendable {
    var distribution: String
    var targets: [InvalidationRules.Target]
    var strength = PurgeStrength.hard

    /// Answers the number of the last rule: what is fetched from now on is not touched.
    /// `completion` is told when a restart will know of all of it, or why not.
    @discardableResult
    func carryOut(on index: CacheIndex, then completion: PurgeCompletion? = nil) -> UInt64 {
        let hash = CacheTags.hash(distribution, secret: index.secret)
        var last = index.purgeSequence
        // One after the other goes to the disk, so what is true of the last is true of all.
        for (place, target) in targets.enumerated() {
            let isLast = place == targets.count - 1
            last = index.purge(target, of: hash, strength, then: isLast ? completion : nil)
        }
        if targets.isEmpty { completion?(nil) }
        return last
    }

    /// The same for who may wait. Answers what is to be told about a disk that did not take it.
    func carryOutForGood(on index: CacheIndex) -> String? {
        let standing = Locked(PurgeStanding.pending)
        carryOut(on: index) { fault in
            standing.withLockNotifying { $0 = PurgeStanding(fault) }
        }
        return standing.withLock(
            waitingAtMost: Int(Limits.purgePatience / .milliseconds(1)),
            until: { $0 != .pending },
            { $0 }
        ).warning
    }

    private var counts: (paths: Int, tags: Int, isEverything: Bool) {
        var counts = (paths: 0, tags: 0, isEverything: false)
        for target in targets {
            switch target {
            case .everything: counts.isEverything = true
            case .path: counts.paths += 1
            case .tag: counts.tags += 1
            }
        }
        return counts
    }

    /// What the event log says of it.
    var facts: [EventField] {
        let counts = counts
        var fields = [EventField("distribution", .text(distribution))]
        if counts.isEverything { fields.append(EventField("everything", .flag(true))) }
        if counts.paths > 0 { fields.append(EventField("paths", .number(Int64(counts.paths)))) }
        if counts.tags > 0 { fields.append(EventField("tags", .number(Int64(counts.tags)))) }
        if !counts.isEverything { fields.append(EventField("first", .text(first))) }
        fields.append(EventField("strength", .word(strength.word)))
        return fields
    }

    /// What somebody is answered who has asked for it without a batch.
    func json(_ standing: PurgeStanding) -> String {
        let counts = counts
        let warning = standing.warning.map { ",\"warning\":\(ConfigDump.quoted($0))" } ?? ""
        return "{\"distribution\":\(ConfigDump.quoted(distribution)),\"paths\":\(counts.paths),"
            + "\"tags\":\(counts.tags),\"strength\":\"\(strength.word)\"\(warning)}\n"
    }

    /// A few of many, so that a person knows which purge it was.
    private var first: String {
        var shown: [String] = []
        for target in targets.prefix(Limits.purgeTargetsLogged) {
            switch target {
            case .everything: break
            case .path(let text): shown.append(String(decoding: text, as: UTF8.self))
            case .tag(let text): shown.append("tag:" + String(decoding: text, as: UTF8.self))
            }
        }
        return shown.joined(separator: " ")
    }
}

typealias PurgeCompletion = @Sendable (DiskFault?) -> Void

/// Whether a purge outlives the process. In memory it is effective at once, whatever the disk does.
enum PurgeStanding: Equatable, Sendable {
    case pending
    case lasting
    case failed(DiskFault)

    init(_ fault: DiskFault?) { self = fault.map { .failed($0) } ?? .lasting }

    /// Nil: there is nothing to be told.
    var warning: String? {
        switch self {
        case .lasting: nil
        case .pending: Self.words("it has not answered yet")
        case .failed(let fault): Self.words("\(fault)")
        }
    }

    private static func words(_ reason: String) -> String {
        "purged, but the disk has not taken note of it, so a restart could bring it back: "
            + reason
    }
}

extension PurgeStrength {
    var word: StaticString {
        switch self {
        case .soft: "soft"
        case .hard: "hard"
        }
    }
}
