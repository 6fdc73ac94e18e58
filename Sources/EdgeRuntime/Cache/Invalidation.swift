// What was purged: rules with numbers, looked at when an object is found. Pure.
//
//   everything of a distribution   one number
//   a path                         a table of hashes
//   a tag                          a table of hashes
//   a pattern                      a short list, tried one after the other
//
// To purge is to write a rule down, whatever it matches, so it takes the same time for one object and for a million.
// An object carries the number of the last rule at the moment when its *fetch* began: a rule with a larger number
// that matches it came later than what the origin was asked, and what a fetch under way brings after a purge is
// purged as well. An object remembers up to where it was looked at, so each rule is tried once for each object.
//
// Rules go when a sweep has looked at every object (`forget`). What a fetch brings that began before a rule which is
// gone counts as purged, since nobody can tell any more.

/// How strong a purge is.
enum PurgeStrength: UInt8, Sendable {
    /// To be asked about again; may be shown where stale answers may.
    case soft
    /// As if it had never been here.
    case hard
}

struct InvalidationRules: Sendable {
    enum Target: Equatable, Sendable {
        case everything
        /// Path and query as they are in the key, byte for byte; a `*` stands for any bytes.
        case path([UInt8])
        case tag([UInt8])
    }

    private struct Mark {
        /// Of the last rule of each strength.
        var soft: UInt64 = 0
        var hard: UInt64 = 0

        mutating func take(_ strength: PurgeStrength, _ sequence: UInt64) {
            switch strength {
            case .soft: soft = sequence
            case .hard: hard = sequence
            }
        }

        func verdict(since sequence: UInt64) -> PurgeStrength? {
            if hard > sequence { return .hard }
            return soft > sequence ? .soft : nil
        }

        var newest: UInt64 { max(soft, hard) }
    }

    private struct Pattern {
        var distribution: UInt64
        var text: [UInt8]
        var mark: Mark
    }

    /// Of the last rule.
    private(set) var sequence: UInt64 = 0
    /// Rules up to here are gone.
    private(set) var forgotten: UInt64 = 0
    private var all: [UInt64: Mark] = [:]
    private var paths: [UInt64: Mark] = [:]
    private var tags: [UInt64: Mark] = [:]
    private var patterns: [Pattern] = []
    private let secret: CacheSecret
    private let rulesMax: Int
    private let patternsMax: Int

    /// `number`: of the last rule there was before.
    init(
        secret: CacheSecret,
        after number: UInt64 = 0,
        rulesMax: Int = Limits.purgeRulesMax,
        patternsMax: Int = Limits.purgePatternsMax
    ) {
        self.secret = secret
        self.rulesMax = rulesMax
        self.patternsMax = patternsMax
        sequence = number
    }

    var count: Int { all.count + paths.count + tags.count + patterns.count }

    /// Answers its number. `distribution` is `CacheTags.hash` of the name. Where there are too many rules of a kind
    /// the whole distribution is purged instead: more than was asked for, never less. A rule that has its number
    /// already comes after all that are here.
    @discardableResult
    mutating func add(
        _ target: Target,
        of distribution: UInt64,
        _ strength: PurgeStrength,
        as given: UInt64? = nil
    ) -> UInt64 {
        sequence = given ?? sequence + 1
        let number = sequence
        switch target {
        case .everything: all[distribution, default: Mark()].take(strength, number)
        case .path(let text) where text.contains(UInt8(ascii: "*")):
            addPattern(text, distribution, strength)
        case .path(let text):
            let hash = hash(text, distribution)
            if paths[hash] == nil, paths.count >= rulesMax {
                return widen(distribution)
            }
            paths[hash, default: Mark()].take(strength, number)
        case .tag(let text):
            let hash = hash(text, distribution)
            if tags[hash] == nil, tags.count >= rulesMax { return widen(distribution) }
            tags[hash, default: Mark()].take(strength, number)
        }
        return number
    }

    private mutating func addPattern(
        _ text: [UInt8],
        _ distribution: UInt64,
        _ strength: PurgeStrength
    ) {
        if text == Array("/*".utf8) || text == Array("*".utf8) {
            all[distribution, default: Mark()].take(strength, sequence)
            return
        }
        let known = patterns.firstIndex { $0.distribution == distribution && $0.text == text }
        if let known {
            patterns[known].mark.take(strength, sequence)
            return
        }
        guard patterns.count < patternsMax else {
            _ = widen(distribution)
            return
        }
        var pattern = Pattern(distribution: distribution, text: text, mark: Mark())
        pattern.mark.take(strength, sequence)
        patterns.append(pattern)
    }

    private mutating func widen(_ distribution: UInt64) -> UInt64 {
        all[distribution, default: Mark()].take(.hard, sequence)
        return sequence
    }

    /// The next rule has a number above it.
    mutating func advance(to number: UInt64) { sequence = max(sequence, number) }

    /// What has happened to an object since its fetch began, or since it was looked at. Nil: nothing.
    func verdict(on facts: ObjectFacts, since checked: UInt64 = 0) -> PurgeStrength? {
        let since = max(facts.sequence, checked)
        // What may have matched is not known any more, and it may have been a hard one.
        guard since >= forgotten else { return .hard }
        var found = all[facts.distribution]?.verdict(since: since)
        if found == .hard { return .hard }
        if !paths.isEmpty, let mark = paths[hash(facts.target, facts.distribution)] {
            found = mark.verdict(since: since) ?? found
            if found == .hard { return .hard }
        }
        if !tags.isEmpty {
            for tag in facts.tags {
                guard let mark = tags[tag], let verdict = mark.verdict(since: since) else {
                    continue
                }
                if verdict == .hard { return .hard }
                found = verdict
            }
        }
        for pattern in patterns where pattern.distribution == facts.distribution {
            guard let verdict = pattern.mark.verdict(since: since), verdict != found,
                Self.matches(pattern.text.span, facts.target.span)
            else { continue }
            if verdict == .hard { return .hard }
            found = verdict
        }
        return found
    }

    /// Every object has been looked at since the rule with this number was written.
    mutating func forget(through number: UInt64) {
        forgotten = max(forgotten, number)
        all = all.filter { $0.value.newest > number }
        paths = paths.filter { $0.value.newest > number }
        tags = tags.filter { $0.value.newest > number }
        patterns.removeAll { $0.mark.newest <= number }
    }

    private func hash(_ text: [UInt8], _ distribution: UInt64) -> UInt64 {
        CacheTags.hash(text.span, of: distribution, secret: secret)
    }

    /// Two pointers with a way back to the last star: no pattern takes more than length × stars.
    static func matches(_ pattern: Span<UInt8>, _ text: Span<UInt8>) -> Bool {
        let star = UInt8(ascii: "*")
        var place = 0
        var at = 0
        var lastStar = -1
        var retry = 0
        while at < text.count {
            if place < pattern.count, pattern[place] == star {
                lastStar = place
                place += 1
                retry = at
            } else if place < pattern.count, pattern[place] == text[at] {
                place += 1
                at += 1
            } else if lastStar >= 0 {
                place = lastStar + 1
                retry += 1
                at = retry
            } else {
                return false
            }
        }
        while place < pattern.count, pattern[place] == star { place += 1 }
        return place == pattern.count
    }
}
