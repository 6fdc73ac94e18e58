import Testing

@testable import EdgeRuntime

@Suite struct TimerHeapTests {
    @Test(arguments: 0..<20) func whatIsDueComesInOrder(seed: UInt64) {
        var random = Random(seed: seed)
        var heap = TimerHeap()
        var deadlines: [Nanoseconds] = []
        for slot in 0..<200 {
            let deadline = Nanoseconds(random.next() % 100)
            deadlines.append(deadline)
            heap.insert(Token(slot: UInt32(slot), generation: 0), at: deadline)
        }
        #expect(heap.count == 200)
        #expect(heap.earliest == deadlines.min())
        var seen: [Nanoseconds] = []
        var slots: Set<UInt32> = []
        while let entry = heap.popDue(at: 49) {
            seen.append(entry.deadline)
            slots.insert(entry.token.slot)
            #expect(deadlines[Int(entry.token.slot)] == entry.deadline)
        }
        #expect(seen == deadlines.filter { $0 <= 49 }.sorted())
        #expect(slots.count == seen.count)
        #expect(heap.count == 200 - seen.count)
    }

    @Test func nothingIsDueTooEarlyOrTwice() {
        var heap = TimerHeap()
        #expect(heap.popDue(at: .never) == nil)
        heap.insert(Token(slot: 1, generation: 2), at: 10)
        #expect(heap.popDue(at: 9) == nil)
        #expect(heap.popDue(at: 10)?.token == Token(slot: 1, generation: 2))
        #expect(heap.popDue(at: 10) == nil)
        #expect(heap.earliest == nil)
    }
}

@Suite struct MemberTableTests {
    private let loop: EventLoop

    init() throws {
        loop = EventLoop(
            reactor: .simulated(SimulatedReactor(seed: 1)),
            blocking: try BlockingPool(threads: 0),
            random: Random(seed: 1)
        )
    }

    private func expired(_ table: inout MemberTable, at now: Nanoseconds) -> [LoopMember] {
        var members: [LoopMember] = []
        while let member = table.popExpired(at: now) { members.append(member) }
        return members
    }

    @Test func aTokenFindsItsMemberAndNobodyElse() {
        var table = MemberTable()
        let first = LoopMember(loop: loop)
        let second = LoopMember(loop: loop)
        table.add(first)
        let old = first.token
        #expect(table[old] === first)
        #expect(Token(packed: old.packed) == old)
        table.remove(first)
        table.remove(first)
        #expect(table[old] == nil && table.count == 0)
        table.add(second)
        #expect(second.token.slot == old.slot && second.token != old)
        #expect(table[old] == nil)
        #expect(table[second.token] === second)
        // Whoever is gone cannot take its successor with it.
        table.remove(first)
        #expect(table[second.token] === second && table.count == 1)
        #expect(table[Token(slot: 99, generation: 0)] == nil)
    }

    @Test func aDeadlineMayMove() {
        var table = MemberTable()
        let member = LoopMember(loop: loop)
        table.add(member)
        table.setDeadline(member, at: 10)
        table.setDeadline(member, at: 30)
        #expect(expired(&table, at: 29).isEmpty)
        #expect(expired(&table, at: 30).count == 1)
        #expect(expired(&table, at: 100).isEmpty)
        table.setDeadline(member, at: 130)
        table.setDeadline(member, at: 110)
        #expect(table.earliestDeadline == 110)
        #expect(expired(&table, at: 110).count == 1)
        #expect(expired(&table, at: 200).isEmpty)
        table.setDeadline(member, at: 210)
        table.setDeadline(member, at: .never)
        #expect(expired(&table, at: 1000).isEmpty)
        table.setDeadline(member, at: 1010)
        #expect(expired(&table, at: 1010).count == 1)
    }

    @Test func whoIsGoneDoesNotExpire() {
        var table = MemberTable()
        let first = LoopMember(loop: loop)
        let second = LoopMember(loop: loop)
        table.add(first)
        table.setDeadline(first, at: 10)
        table.remove(first)
        table.add(second)
        #expect(expired(&table, at: 10).isEmpty)
        table.setDeadline(second, at: 20)
        #expect(expired(&table, at: 20).first === second)
    }

    @Test func whoComesBackHasItsOwnDeadline() {
        var table = MemberTable()
        let member = LoopMember(loop: loop)
        table.add(member)
        table.setDeadline(member, at: 10)
        table.remove(member)
        table.add(member)
        table.setDeadline(member, at: 20)
        #expect(expired(&table, at: 19).isEmpty)
        #expect(expired(&table, at: 20).count == 1)
    }

    @Test func aStormOfShortLivesIsSwept() {
        var table = MemberTable()
        let stays = LoopMember(loop: loop)
        table.add(stays)
        table.setDeadline(stays, at: 1)
        for _ in 0..<(2 * Limits.staleTimersTolerated) {
            let member = LoopMember(loop: loop)
            table.add(member)
            table.setDeadline(member, at: 2)
            table.remove(member)
        }
        #expect(table.count == 1)
        #expect(expired(&table, at: 3).count == 1)
    }

    @Test func whoIsTouchedTwiceIsHandedOutOnce() {
        var table = MemberTable()
        let first = LoopMember(loop: loop)
        let second = LoopMember(loop: loop)
        table.add(first)
        table.add(second)
        table.touch(first)
        table.touch(second)
        table.touch(first)
        let round = untouched(&table)
        #expect(round.map(ObjectIdentifier.init) == [first, second].map(ObjectIdentifier.init))
        #expect(untouched(&table).isEmpty)
        table.touch(first.token)
        #expect(untouched(&table).map(ObjectIdentifier.init) == [ObjectIdentifier(first)])
        table.remove(second)
        table.touch(second.token)
        table.touch(Token.nobody)
        #expect(untouched(&table).isEmpty)
    }

    private func untouched(_ table: inout MemberTable) -> [LoopMember] {
        var members: [LoopMember] = []
        let count = table.touchedCount
        for index in 0..<count {
            let member = table.beginTurn(at: index)
            members.append(member.takeUnretainedValue())
            table.endTurn(member)
        }
        table.dropTouched(count)
        return members
    }

    @Test func whoIsTouchedInItsTurnGetsAnother() {
        var table = MemberTable()
        let member = LoopMember(loop: loop)
        table.add(member)
        table.touch(member)
        let turn = table.beginTurn(at: 0)
        table.touch(member)
        table.touch(member)
        table.endTurn(turn)
        table.dropTouched(1)
        #expect(untouched(&table).count == 1)
        table.touch(member)
        let last = table.beginTurn(at: 0)
        table.touch(member)
        table.settle(member)
        table.endTurn(last)
        table.dropTouched(1)
        #expect(untouched(&table).isEmpty)
    }

    @Test func whoIsRemovedIsKeptUntilTheRoundIsOver() {
        var table = MemberTable()
        weak var gone: LoopMember?
        do {
            let member = LoopMember(loop: loop)
            gone = member
            table.add(member)
            table.remove(member)
        }
        let isThere = gone != nil
        #expect(isThere)
        _ = table.takeLeaving()
        let isStillThere = gone != nil
        #expect(!isStillThere)
    }
}
