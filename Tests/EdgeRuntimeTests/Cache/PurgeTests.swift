import Testing

@testable import EdgeRuntime

/// Objects of an index, and what purges make of them.
@Suite struct PurgeTests {
    private static let secret = CacheSecret([UInt8](repeating: 7, count: 16).span)
    private let index = CacheIndex(budget: 1 << 20, secret: secret)

    private func purge(_ path: String, _ strength: PurgeStrength = .hard) {
        let target = InvalidationRules.Target.path(Array(path.utf8))
        let order = PurgeOrder(distribution: "shop", targets: [target], strength: strength)
        _ = order.carryOut(on: index)
    }

    private func store(
        _ path: String,
        _ key: UInt64 = 1,
        asOf sequence: UInt64? = nil
    ) throws -> CachedObject {
        let key = CacheKey(high: key, low: key)
        let join = index.join(
            key,
            nil,
            insteadOf: nil,
            generation: 1,
            sequence: sequence ?? index.purgeSequence,
            now: 0
        )
        guard case .leads(let fill) = join else { throw Stored() }
        let arena = Arena()
        var response = ResponseHead()
        response.status = 200
        let head = StoredHead(response, arena)
        let body = index.makeBody(key, blockBytes: 1 << 20, length: 0, isSparse: false)
        let object = CachedObject(
            key: key,
            variant: 0,
            head: try #require(head),
            freshness: Freshness(received: 0, initialAge: 0, lifetime: 60, basis: .maxAge),
            facts: ObjectFacts(
                distribution: CacheTags.hash("shop", secret: Self.secret),
                target: Array(path.utf8),
                pathLength: path.utf8.count,
                tags: [],
                sequence: fill.sequence
            ),
            body: body,
            etag: [],
            lastModified: nil
        )
        let run = index.begin(body, at: 0, to: 0)
        index.found(fill, object, vary: nil)
        index.end(body, run)
        return object
    }

    private struct Stored: Error {}

    private func sweep() {
        let newest = index.purgeSequence
        for shard in 0..<Limits.cacheShards {
            var place: Int? = 0
            while let at = place { place = index.sweep(shard, from: at) }
        }
        index.forgetRules(through: newest)
    }

    /// Two loops may find an object at the same time.
    @Test func everybodyWhoFoundItLearnsTheSame() throws {
        let soft = try store("/soft", 1)
        let hard = try store("/hard", 2)
        purge("/soft", .soft)
        purge("/hard")
        for _ in 0..<3 {
            #expect(index.examine(soft) == .soft)
            #expect(index.examine(hard) == .hard)
        }
        #expect(index.objectCount == 1)
    }

    @Test func aPurgeOfSomethingElseLeavesItAlone() throws {
        let object = try store("/a")
        for round in 0..<3 {
            purge("/b\(round)")
            sweep()
            #expect(index.purgeRuleCount == 0)
            #expect(index.examine(object) == nil, "round \(round)")
        }
        #expect(index.objectCount == 1)
    }

    @Test func aSweepTakesWhatWasPurged() throws {
        for number in 1...40 { _ = try store("/a/\(number)", UInt64(number)) }
        purge("/a/1*")
        sweep()
        #expect(index.objectCount == 40 - 11)
        #expect(index.purgeRuleCount == 0)
    }

    /// More places than one look takes, and removals in each: who moves up is not passed over.
    @Test func aSweepPassesNobodyOver() throws {
        index.resize(to: 64 << 20)
        for number in 1...3000 { _ = try store("/a/\(number)", UInt64(number) * 64) }
        purge("/a/*7*")
        let left = (1...3000).count { !"\($0)".contains("7") }
        sweep()
        #expect(index.objectCount == left)
    }

    /// A fetch that took longer than the rule was remembered.
    @Test func whatWasAskedForBeforeARuleThatIsGoneIsPurged() throws {
        purge("/late")
        sweep()
        let late = try store("/late", 1, asOf: 0)
        let new = try store("/late", 2)
        #expect(index.examine(late) == .hard)
        #expect(index.examine(new) == nil)
    }

    // MARK: What a rule compares with

    private func target(_ path: String, _ query: String?, _ filter: NameFilter) -> String {
        let arena = Arena()
        let start = arena.append(path.utf8.span)
        let rest = query.map { arena.append($0.utf8.span) }
        let target = StoredTarget(path: start, query: rest, arena, filter)
        #expect(target.pathLength == path.utf8.count)
        return String(decoding: target.bytes, as: UTF8.self)
    }

    @Test func ofTheQueryWhatIsInTheKey() {
        let v = NameFilter.only(NameSet(["v"], isCaseSensitive: true))
        let utm = NameFilter.except(NameSet(["utm"], isCaseSensitive: true))
        let rows: [(String?, NameFilter, String)] = [
            (nil, .all, "/a"), ("", .all, "/a?"), ("x=1&y", .all, "/a?x=1&y"),
            ("x=1", .none, "/a"), (nil, .none, "/a"),
            ("utm=7&v=2&w=3", v, "/a?v=2"), ("w=3", v, "/a"), ("", v, "/a"), (nil, v, "/a"),
            ("v&v=1", v, "/a?v&v=1"),
            ("utm=7&v=2&&w=3&utm", utm, "/a?v=2&w=3"), ("utm", utm, "/a"),
        ]
        for (query, filter, expected) in rows {
            #expect(target("/a", query, filter) == expected)
        }
    }
}
