// One purge, whoever asks for it: what, of which distribution, how strongly. An operator's batch and a viewer's
// `PURGE` are both one of these, so both do the same and leave the same line in the event log.

struct PurgeOrder: Equatable, Sendable {
    var distribution: String
    var targets: [InvalidationRules.Target]
    var strength = PurgeStrength.hard

    /// Answers the number of the last rule: what is fetched from now on is not touched.
    func carryOut(on index: CacheIndex) -> UInt64 {
        let hash = CacheTags.hash(distribution, secret: index.secret)
        var last = index.purgeSequence
        for target in targets { last = index.purge(target, of: hash, strength) }
        return last
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
    var json: String {
        let counts = counts
        return "{\"distribution\":\(ConfigDump.quoted(distribution)),\"paths\":\(counts.paths),"
            + "\"tags\":\(counts.tags),\"strength\":\"\(strength.word)\"}\n"
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

extension PurgeStrength {
    var word: StaticString {
        switch self {
        case .soft: "soft"
        case .hard: "hard"
        }
    }
}
