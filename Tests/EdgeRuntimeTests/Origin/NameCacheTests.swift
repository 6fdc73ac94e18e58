import Testing

@testable import EdgeRuntime

@Suite struct NameCacheTests {
    private typealias Cache = NameCache<Int>

    private func cache(names: Int = 4, waiters: Int = 3) -> Cache {
        Cache(
            settings: .init(
                positiveNanoseconds: 100,
                negativeNanoseconds: 10,
                staleNanoseconds: 1000,
                namesMax: names,
                waitersMax: waiters
            )
        )
    }

    private func enter(_ cache: inout Cache, _ name: String, now: Int64 = 0) -> Cache.NameID? {
        cache.enter(Array(name.utf8).span, now: now)
    }

    private func word(_ lookup: Cache.Lookup) -> String {
        switch lookup {
        case .answer(let answer, let refresh): "\(answer)\(refresh ? " refresh" : "")"
        case .wait(_, let resolve): resolve ? "wait resolve" : "wait"
        case .unresolvable: "unresolvable"
        case .refuse: "refuse"
        }
    }

    @Test func oneLookupServesAllWhoWait() throws {
        var cache = cache()
        let name = try #require(enter(&cache, "origin.example"))
        #expect(word(cache.lookup(name, token: 1, now: 0)) == "wait resolve")
        #expect(word(cache.lookup(name, token: 2, now: 0)) == "wait")
        #expect(word(cache.lookup(name, token: 3, now: 0)) == "wait")
        #expect(word(cache.lookup(name, token: 4, now: 0)) == "refuse")
        cache.resolved(name, 7, now: 5)
        #expect(cache.outcome(name) == 7)
        #expect(cache.nextWaiter(of: name) == 1)
        #expect(cache.nextWaiter(of: name) == 2)
        #expect(cache.nextWaiter(of: name) == 3)
        #expect(cache.nextWaiter(of: name) == nil)
        #expect(word(cache.lookup(name, token: 5, now: 104)) == "7")
    }

    @Test func anOldAnswerServesWhileItIsRefreshed() throws {
        var cache = cache()
        let name = try #require(enter(&cache, "a"))
        _ = cache.lookup(name, token: 1, now: 0)
        cache.resolved(name, 7, now: 0)
        #expect(word(cache.lookup(name, token: 2, now: 100)) == "7 refresh")
        #expect(word(cache.lookup(name, token: 3, now: 101)) == "7")
        cache.resolved(name, 8, now: 102)
        #expect(word(cache.lookup(name, token: 4, now: 103)) == "8")
    }

    @Test func anOldAnswerOutlivesFailedLookupsForAWhile() throws {
        var cache = cache()
        let name = try #require(enter(&cache, "a"))
        _ = cache.lookup(name, token: 1, now: 0)
        cache.resolved(name, 7, now: 0)
        #expect(word(cache.lookup(name, token: 2, now: 200)) == "7 refresh")
        cache.resolved(name, nil, now: 201)
        #expect(word(cache.lookup(name, token: 3, now: 205)) == "7")
        #expect(word(cache.lookup(name, token: 4, now: 212)) == "7 refresh")
        cache.resolved(name, nil, now: 213)
        #expect(word(cache.lookup(name, token: 5, now: 1100)) == "wait resolve")
        cache.resolved(name, nil, now: 1101)
        #expect(cache.outcome(name) == nil)
    }

    @Test func aFailureIsRememberedBriefly() throws {
        var cache = cache()
        let name = try #require(enter(&cache, "nowhere"))
        _ = cache.lookup(name, token: 1, now: 0)
        cache.resolved(name, nil, now: 0)
        #expect(cache.nextWaiter(of: name) == 1)
        #expect(cache.outcome(name) == nil)
        #expect(word(cache.lookup(name, token: 2, now: 9)) == "unresolvable")
        #expect(word(cache.lookup(name, token: 3, now: 10)) == "wait resolve")
    }

    @Test func aLiteralAddressIsNeverLookedUp() throws {
        var cache = cache()
        let name = try #require(enter(&cache, "127.0.0.1"))
        cache.setLiteral(9, for: name)
        #expect(word(cache.lookup(name, token: 1, now: .max / 2)) == "9")
    }

    @Test func whoLeavesGivesTheirPlaceBack() throws {
        var cache = cache(waiters: 2)
        let name = try #require(enter(&cache, "a"))
        guard case .wait(let first, _) = cache.lookup(name, token: 1, now: 0) else {
            Issue.record("nothing is known yet")
            return
        }
        _ = cache.lookup(name, token: 2, now: 0)
        cache.cancel(first)
        #expect(word(cache.lookup(name, token: 3, now: 0)) == "wait")
        cache.resolved(name, 1, now: 1)
        #expect(cache.nextWaiter(of: name) == 2)
        #expect(cache.nextWaiter(of: name) == 3)
    }

    @Test func namesAreEnteredOnceAndTheLeastUsedMakesRoom() throws {
        var cache = cache(names: 2)
        let first = try #require(enter(&cache, "a.example", now: 1))
        #expect(enter(&cache, "A.EXAMPLE", now: 2) == first)
        cache.hold(first)
        let second = try #require(enter(&cache, "b.example", now: 3))
        let third = try #require(enter(&cache, "c.example", now: 4))
        #expect(!cache.isLive(second))
        #expect(cache.isLive(first) && cache.isLive(third))
        #expect(cache.count == 2)
        #expect(cache.name(third) == Array("c.example".utf8))
        _ = cache.lookup(third, token: 1, now: 5)
        // One is held, the other is being looked up.
        #expect(enter(&cache, "d.example", now: 6) == nil)
        cache.unhold(first)
        #expect(enter(&cache, "d.example", now: 7) != nil)
    }
}
