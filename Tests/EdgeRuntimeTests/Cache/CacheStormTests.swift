// Any order of asking, storing, revalidating, failing, purging, sweeping, evicting and reading, beside a model that
// remembers what the origin had when a fetch began. What must hold after every step:
//
// - what is served as fresh was asked for, or confirmed, after the last purge that matches it
// - what is read is one version of one object, from its first byte to its last
// - memory in use is within the budget, apart from what is on its way or still being read
// - of fetches for one key, in one generation, with nothing purged meanwhile, there is one

import Glibc
import Testing

@testable import EdgeRuntime

@Suite struct CacheStormTests {
    static let storms = getenv("EDGED_CACHE_STORMS").flatMap { UInt64(String(cString: $0)) } ?? 24

    @Test(arguments: 1...storms) func nothingPurgedIsFreshAndNothingIsTorn(seed: UInt64) throws {
        var storm = Storm(seed: seed, budget: seed % 3 == 0 ? 24 << 10 : 200 << 10)
        for _ in 0..<6000 { try storm.step() }
        try storm.end()
        // A storm in which nothing happens proves nothing.
        #expect(storm.served > 100)
        #expect(storm.bytesRead > 100_000)
        #expect(storm.refused > 5)
        #expect(storm.confirmed > 5)
        #expect(storm.failed > 5)
    }
}

private struct Storm {
    struct Broken: Error, CustomStringConvertible {
        var description: String
    }

    /// What the model knows of a body.
    final class Content {
        let key: Int
        let version: Int
        let length: Int
        var hasFailed = false

        init(key: Int, version: Int, length: Int) {
            self.key = key
            self.version = version
            self.length = length
        }

        func byte(at position: Int) -> UInt8 {
            UInt8(truncatingIfNeeded: key &* 31 &+ version &* 7 &+ position &* (1 + key % 3))
        }
    }

    struct Fetch {
        var key: Int
        /// Nil: of one block of a sparse body.
        var fill: Fill?
        var known: CachedObject?
        var body: StoredBody?
        var run: BodyRun?
        var content: Content?
    }

    struct Reader {
        var body: StoredBody
        var mark: ReaderMark?
        var content: Content
        var position: Int64 = 0
        var isFresh: Bool
    }

    struct Purge {
        var number: UInt64
        var matches: (Int) -> Bool
    }

    static let keys = 10
    static let blockBytes = 4096
    let index: CacheIndex
    let desk: LoopEar
    var random: Random
    var fetches: [Fetch] = []
    var readers: [Reader] = []
    var purges: [Purge] = []
    var contents: [ObjectIdentifier: (StoredBody, Content)] = [:]
    /// With the last purge before it was asked for, or confirmed.
    var begun: [ObjectIdentifier: (CachedObject, UInt64)] = [:]
    var place: (shard: Int, at: Int, through: UInt64)?
    var version = 0
    var generation: UInt64 = 1
    var now: Nanoseconds = 0
    var (served, refused, confirmed, failed, bytesRead) = (0, 0, 0, 0, 0)
    let hash: UInt64

    init(seed: UInt64, budget: Int) {
        let secret = CacheSecret([UInt8](repeating: 7, count: CacheSecret.byteCount).span)
        index = CacheIndex(budget: budget, secret: secret)
        hash = CacheTags.hash("shop", secret: secret)
        desk = LoopEar {}
        random = Random(seed: seed)
    }

    mutating func pick(_ count: Int) -> Int { Int(random.next(below: UInt64(count))) }

    func cacheKey(_ key: Int) -> CacheKey {
        CacheKey(high: UInt64(key), low: UInt64(key) &* 0x9e37_79b9_7f4a_7c15)
    }

    mutating func step() throws {
        now += .milliseconds(1)
        switch pick(200) {
        case 0..<60: try ask(pick(Self.keys))
        case 60..<130: try fetchSome()
        case 130..<180: try readSome()
        case 180..<183: purge()
        case 183..<195: sweep()
        case 195: generation += 1
        case 196: index.resize(to: (16 << 10) << pick(5))
        default: try leave()
        }
        try checkBudget()
    }

    // MARK: Asking

    mutating func ask(_ key: Int) throws {
        switch index.look(cacheKey(key), nil, now: now) {
        case .object(let object, let standing): try judge(object, standing, key)
        case .pass: break
        case .absent, .otherVariants: join(key, insteadOf: nil)
        case .varies: throw Broken(description: "nothing varies here")
        }
    }

    mutating func judge(
        _ object: CachedObject,
        _ standing: CachedObject.Standing,
        _ key: Int
    ) throws {
        var isDoubted = standing.isDoubted
        if standing.checkedSequence < index.purgeSequence {
            switch index.examine(object) {
            case .hard:
                refused += 1
                return join(key, insteadOf: nil)
            case .soft: isDoubted = true
            case nil: break
            }
        }
        if isDoubted || pick(12) == 0 { return join(key, insteadOf: object) }
        guard let (_, sequence) = begun[ObjectIdentifier(object)] else {
            throw Broken(description: "an object from nowhere")
        }
        for purge in purges where purge.number > sequence && purge.matches(key) {
            throw Broken(description: "key \(key): purged by \(purge.number), asked at \(sequence)")
        }
        try show(object, key)
    }

    mutating func show(_ object: CachedObject, _ key: Int) throws {
        guard let (_, content) = contents[ObjectIdentifier(object.body)], content.key == key else {
            throw Broken(description: "another key's body")
        }
        served += 1
        guard readers.count < 40 else { return }
        let (length, mark) = index.open(object.body)
        if let length, length != Int64(content.length) { throw Broken(description: "a length") }
        var reader = Reader(body: object.body, mark: mark, content: content, isFresh: true)
        if pick(4) == 0 { reader.position = Int64(pick(content.length + 1)) }
        readers.append(reader)
    }

    mutating func join(_ key: Int, insteadOf known: CachedObject?) {
        let sequence = index.purgeSequence
        let alike = fetches.contains {
            guard $0.key == key, let fill = $0.fill else { return false }
            return fill.generation == generation && fill.sequence == sequence
        }
        let join = index.join(
            cacheKey(key),
            nil,
            insteadOf: known,
            generation: generation,
            sequence: sequence,
            now: now
        )
        guard case .leads(let fill) = join else { return }
        #expect(!alike, "two fetches for one key")
        fetches.append(Fetch(key: key, fill: fill, known: known))
    }

    // MARK: Fetching

    mutating func fetchSome() throws {
        guard !fetches.isEmpty else { return }
        let place = pick(fetches.count)
        var fetch = fetches[place]
        let isOver = fetch.run == nil ? answer(&fetch) : bring(&fetch)
        if isOver { fetches.remove(at: place) } else { fetches[place] = fetch }
    }

    /// True: it is over.
    mutating func answer(_ fetch: inout Fetch) -> Bool {
        guard let fill = fetch.fill else { return true }
        let failure = EdgeError.originUnreachable
        switch pick(10) {
        case 0:
            failed += 1
            index.failed(fill, failure)
            return true
        case 1:
            index.passed(fill, .setCookie, until: now + .milliseconds(20))
            return true
        case 2...4:
            guard let known = fetch.known else { fallthrough }
            confirmed += 1
            let new = object(fetch.key, known.body, known.facts.confirmed(at: fill.sequence))
            index.found(fill, new, vary: nil)
            return true
        default:
            version += 1
            let length = pick(5) == 0 ? 0 : pick(4 * Self.blockBytes)
            let content = Content(key: fetch.key, version: version, length: length)
            let isSparse = length > 0 && pick(3) == 0
            let body = index.makeBody(
                cacheKey(fetch.key),
                blockBytes: Self.blockBytes,
                length: isSparse || pick(2) == 0 ? Int64(length) : nil,
                isSparse: isSparse
            )
            contents[ObjectIdentifier(body)] = (body, content)
            let facts = ObjectFacts(
                distribution: hash,
                target: Array("/\(fetch.key)".utf8),
                pathLength: 2,
                tags: tags(fetch.key),
                sequence: fill.sequence
            )
            let end = isSparse ? min(length, Self.blockBytes) : length
            fetch.run = index.begin(body, at: 0, to: body.length == nil ? .max : Int64(end))
            fetch.body = body
            fetch.content = content
            index.found(fill, object(fetch.key, body, facts), vary: nil)
            fetch.fill = nil
            return false
        }
    }

    func tags(_ key: Int) -> [UInt64] {
        let tag = Array("tag\(key % 3)".utf8)
        return [CacheTags.hash(tag.span, of: hash, secret: index.secret)]
    }

    mutating func object(_ key: Int, _ body: StoredBody, _ facts: ObjectFacts) -> CachedObject {
        let arena = Arena()
        let response = ResponseHead()
        guard let head = StoredHead(response, arena) else { preconditionFailure("an empty head") }
        let object = CachedObject(
            key: cacheKey(key),
            variant: 0,
            head: head,
            freshness: Freshness(received: 0, initialAge: 0, lifetime: 60, basis: .maxAge),
            facts: facts,
            body: body,
            etag: [],
            lastModified: nil
        )
        begun[ObjectIdentifier(object)] = (object, facts.sequence)
        return object
    }

    mutating func bring(_ fetch: inout Fetch) -> Bool {
        guard let body = fetch.body, let run = fetch.run, let content = fetch.content else {
            return true
        }
        let progress = index.progress(body, run)
        if pick(30) == 0 {
            failed += 1
            if !body.isSparse { content.hasFailed = true }
            index.fail(body, run, .originUnreachable, until: now + .milliseconds(5))
            return true
        }
        if pick(60) == 0, !body.isSparse {
            index.detach(body)
            content.hasFailed = true
        }
        let position = Int(progress.position)
        let end = min(Int(min(run.end, Int64(Int.max))), content.length)
        guard position < end else {
            index.end(body, run)
            return true
        }
        let count = min(1 + pick(6000), min(progress.room, end - position))
        let bytes = (position..<position + count).map { content.byte(at: $0) }
        index.append(Chunk(bytes.span), to: body, run)
        return false
    }

    // MARK: Reading

    mutating func readSome() throws {
        guard !readers.isEmpty else { return }
        let place = pick(readers.count)
        var reader = readers[place]
        let reading = index.read(
            reader.body,
            at: reader.position,
            reader.mark,
            now: now,
            for: desk
        )
        switch reading {
        case .bytes(let range):
            let start = Int(reader.position)
            let bytes = range.bytes
            for offset in 0..<bytes.count
            where bytes[offset] != reader.content.byte(at: start + offset) {
                throw Broken(description: "torn at \(start + offset)")
            }
            reader.position += Int64(bytes.count)
            bytesRead += bytes.count
            readers[place] = reader
        case .pending: break
        case .ended:
            guard reader.position >= Int64(reader.content.length) else {
                throw Broken(description: "ended at \(reader.position)")
            }
            finish(place)
        case .failed(let error):
            guard reader.content.hasFailed || reader.body.isSparse else {
                throw Broken(description: "\(error.word), though nothing failed")
            }
            finish(place)
        case .absent:
            guard reader.body.isSparse else { throw Broken(description: "absent, of a whole body") }
            guard let run = index.claim(reader.body, at: reader.position) else { return }
            fetches.append(
                Fetch(
                    key: reader.content.key,
                    body: reader.body,
                    run: run,
                    content: reader.content
                )
            )
        }
    }

    mutating func finish(_ place: Int) {
        let reader = readers.remove(at: place)
        if let mark = reader.mark { index.close(reader.body, mark) }
    }

    mutating func leave() throws {
        if !readers.isEmpty { finish(pick(readers.count)) }
    }

    // MARK: Purging

    mutating func purge() {
        let key = pick(Self.keys)
        let strength: PurgeStrength = pick(3) == 0 ? .soft : .hard
        let target: InvalidationRules.Target
        let matches: (Int) -> Bool
        switch pick(8) {
        case 0:
            target = .everything
            matches = { _ in true }
        case 1, 2:
            let tag = key % 3
            target = .tag(Array("tag\(tag)".utf8))
            matches = { $0 % 3 == tag }
        case 3:
            target = .path(Array("/*".utf8))
            matches = { _ in true }
        default:
            target = .path(Array("/\(key)".utf8))
            matches = { $0 == key }
        }
        let number = index.purge(target, of: hash, strength)
        purges.append(Purge(number: number, matches: matches))
    }

    /// As the sweep of a loop does it: a part at a time, with everything else in between.
    mutating func sweep() {
        guard let (shard, at, through) = place else {
            place = (0, 0, index.purgeSequence)
            return
        }
        if let next = index.sweep(shard, from: at) {
            place = (shard, next, through)
        } else if shard + 1 < Limits.cacheShards {
            place = (shard + 1, 0, through)
        } else {
            place = nil
            index.forgetRules(through: through)
        }
    }

    // MARK: Memory

    func checkBudget() throws {
        // What is on its way or has just been dropped under a reader cannot go.
        var slack = 0
        for (body, _) in contents.values where body.isComing { slack += body.pieceBytes + 4096 }
        guard index.usedBytes <= index.budgetBytes + slack else {
            throw Broken(description: "\(index.usedBytes) of \(index.budgetBytes) bytes")
        }
        guard index.usedBytes >= 0, index.objectCount >= 0 else {
            throw Broken(description: "less than nothing")
        }
    }

    /// Everybody goes, everything is purged: nothing is left.
    mutating func end() throws {
        while !fetches.isEmpty { try fetchSome() }
        while !readers.isEmpty { finish(0) }
        #expect(index.usedBytes <= index.budgetBytes)
        let newest = index.purge(.everything, of: hash, .hard)
        for shard in 0..<Limits.cacheShards {
            var place: Int? = 0
            while let at = place { place = index.sweep(shard, from: at) }
        }
        index.forgetRules(through: newest)
        #expect(index.objectCount == 0 && index.usedBytes == 0)
    }
}
