import Testing

@testable import EdgeRuntime

@Suite struct HealthMachineTests {
    private func machine(_ members: Int, active: Bool = false) -> HealthMachine {
        HealthMachine(
            memberCount: members,
            passive: .init(failures: 3, firstNanoseconds: 100, longestNanoseconds: 350),
            active: active ? .init(intervalNanoseconds: 10, unhealthy: 3, healthy: 2) : nil,
            now: 0
        )
    }

    private func fail(
        _ machine: inout HealthMachine,
        _ member: Int,
        _ times: Int,
        now: Int64
    )
        -> HealthMachine.Change
    {
        var last = HealthMachine.Change.nothing
        for _ in 0..<times {
            last = machine.record(.failure, member: member, now: now, jitter: 0)
        }
        return last
    }

    @Test func failuresInARowEjectAndASuccessBetweenThemDoesNot() {
        var health = machine(2)
        #expect(fail(&health, 0, 2, now: 0) == .nothing)
        #expect(health.verdict.isWatched(0))
        #expect(health.record(.success, member: 0, now: 0, jitter: 0) == .nothing)
        #expect(!health.verdict.isWatched(0))
        #expect(fail(&health, 0, 2, now: 0) == .nothing)
        #expect(fail(&health, 0, 1, now: 5) == .ejected(member: 0, until: 105))
        #expect(health.verdict.out == 0b01)
        #expect(health.verdict.candidates(of: 2) == 0b10)
        #expect(health.nextDeadline == 105)
    }

    @Test func ejectionsGrowUpToABoundAndAreForgiven() {
        var health = machine(2)
        #expect(fail(&health, 1, 3, now: 0) == .ejected(member: 1, until: 100))
        #expect(health.tick(now: 99) == .nothing)
        #expect(health.tick(now: 100) == .probation(member: 1))
        #expect(health.verdict.out == 0)
        // On probation one failure is enough, and it costs twice as much.
        #expect(fail(&health, 1, 1, now: 100) == .ejected(member: 1, until: 300))
        #expect(health.tick(now: 300) == .probation(member: 1))
        #expect(fail(&health, 1, 1, now: 300) == .ejected(member: 1, until: 650))
        #expect(health.tick(now: 650) == .probation(member: 1))
        #expect(health.record(.success, member: 1, now: 660, jitter: 0) == .recovered(member: 1))
        #expect(health.verdict.isWatched(1))
        _ = health.record(.success, member: 1, now: 1000, jitter: 0)
        #expect(!health.verdict.isWatched(1))
        #expect(fail(&health, 1, 3, now: 1000) == .ejected(member: 1, until: 1100))
    }

    @Test func jitterShortensByAQuarterAtMost() {
        for jitter in [0, 1, 512, 1023, UInt32.max] {
            var health = machine(2)
            _ = fail(&health, 0, 2, now: 0)
            let change = health.record(.failure, member: 0, now: 0, jitter: jitter)
            guard case .ejected(_, let until) = change else {
                Issue.record("not ejected")
                continue
            }
            #expect(until <= 100 && until >= 75)
        }
    }

    @Test func theLastOneIsNeverEjected() {
        var health = machine(2)
        #expect(fail(&health, 0, 3, now: 0) == .ejected(member: 0, until: 100))
        #expect(fail(&health, 1, 3, now: 1) == .spared(member: 1))
        #expect(health.verdict.candidates(of: 2) == 0b10)
        #expect(health.tick(now: 100) == .probation(member: 0))
        #expect(fail(&health, 1, 1, now: 100) == .ejected(member: 1, until: 200))
        var alone = machine(1)
        #expect(fail(&alone, 0, 9, now: 0) == .spared(member: 0))
        #expect(alone.verdict.candidates(of: 1) == 1)
    }

    @Test func aLateAnswerDoesNotEndAnEjection() {
        var health = machine(2)
        _ = fail(&health, 0, 3, now: 0)
        #expect(health.record(.success, member: 0, now: 1, jitter: 0) == .nothing)
        #expect(health.record(.failure, member: 0, now: 1, jitter: 0) == .nothing)
        #expect(health.verdict.out == 1)
    }

    @Test func probesMarkDownAndUpAtTheirThresholds() {
        var health = machine(1, active: true)
        for round in 0..<3 {
            #expect(health.nextProbe(now: Int64(round) * 10) == 0)
            #expect(health.nextProbe(now: Int64(round) * 10) == nil)
            let change = health.probed(member: 0, passed: false, now: 0)
            #expect(change == (round == 2 ? .markedDown(member: 0) : .nothing))
        }
        #expect(health.verdict.out == 1)
        // Probes found all of them down: all are asked.
        #expect(health.verdict.candidates(of: 1) == 1)
        let results = [true, false, true, true]
        for (round, passed) in results.enumerated() {
            #expect(health.nextProbe(now: 100 + Int64(round) * 10) == 0)
            let change = health.probed(member: 0, passed: passed, now: 0)
            #expect(change == (round == 3 ? .markedUp(member: 0) : .nothing))
        }
        #expect(health.verdict.out == 0)
    }

    @Test func probesAreSpreadAndKeepTheirPeriod() {
        var health = machine(2, active: true)
        #expect(health.nextProbe(now: 0) == 0)
        #expect(health.nextDeadline == 5)
        #expect(health.nextProbe(now: 5) == 1)
        #expect(health.nextDeadline == nil)
        _ = health.probed(member: 0, passed: true, now: 6)
        #expect(health.nextDeadline == 10)
        // After a pause the missed ones are not caught up.
        #expect(health.nextProbe(now: 95) == 0)
        _ = health.probed(member: 0, passed: true, now: 96)
        #expect(health.nextDeadline == 105)
    }

    @Test func aPassedProbeEndsAnEjectionOfAMemberThatWasDown() {
        var health = machine(2, active: true)
        for now in [Int64(0), 10, 20] {
            _ = health.nextProbe(now: now)
            _ = health.probed(member: 0, passed: false, now: now)
        }
        _ = fail(&health, 0, 3, now: 21)
        for now in [Int64(30), 40] {
            #expect(health.nextProbe(now: now) == 0)
            _ = health.probed(member: 0, passed: true, now: now)
        }
        #expect(health.verdict.out == 0)
    }

    @Test func sixtyFourMembersFitTheVerdict() {
        #expect(HealthVerdict.allServe.candidates(of: 64) == .max)
        #expect(HealthVerdict(out: .max).candidates(of: 64) == .max)
        #expect(HealthVerdict(out: ~(1 << 63)).candidates(of: 64) == 1 << 63)
    }
}

@Suite struct MemberChoiceTests {
    private func counts(
        _ choice: inout MemberChoice,
        _ verdict: HealthVerdict,
        _ turns: Int
    )
        -> [Int]
    {
        var counts = Array(repeating: 0, count: choice.count)
        for _ in 0..<turns {
            guard let member = choice.choose(verdict: verdict, tried: 0) else { continue }
            counts[member] += 1
        }
        return counts
    }

    @Test(arguments: [UInt64(0), 1, 2, 77])
    func weightsAreKeptExactlyFromAnyStart(seed: UInt64) {
        var choice = MemberChoice(weights: [5, 1, 1], seed: seed)
        #expect(counts(&choice, .allServe, 700) == [500, 100, 100])
    }

    @Test func theOrderIsSmooth() {
        var choice = MemberChoice(weights: [5, 1, 1], seed: 0)
        let order = (0..<7).map { _ in choice.choose(verdict: .allServe, tried: 0) }
        #expect(order == [0, 0, 1, 0, 2, 0, 0])
    }

    @Test func whatIsOutOrTriedIsLeftAside() {
        var choice = MemberChoice(weights: [1, 1, 1], seed: 0)
        #expect(counts(&choice, HealthVerdict(out: 0b010), 100) == [50, 0, 50])
        #expect(choice.choose(verdict: .allServe, tried: 0b101) == 1)
        #expect(choice.choose(verdict: .allServe, tried: 0b111) == nil)
        #expect(choice.choose(verdict: HealthVerdict(out: 0b001), tried: 0b110) == nil)
        // Panic: none serves, so all are asked.
        #expect(choice.choose(verdict: HealthVerdict(out: 0b111), tried: 0b110) == 0)
    }

    @Test func weightZeroGetsNothingWhoeverElseFails() {
        var choice = MemberChoice(weights: [3, 0, 1], seed: 5)
        #expect(counts(&choice, .allServe, 400) == [300, 0, 100])
        #expect(choice.choose(verdict: .allServe, tried: 0b101) == nil)
        #expect(!choice.isChoosable(verdict: .allServe, tried: 0b101))
        #expect(counts(&choice, HealthVerdict(out: 0b001), 10) == [0, 0, 10])
    }

    @Test func aMemberThatComesBackDoesNotGetAFlood() {
        var choice = MemberChoice(weights: [1, 1], seed: 0)
        _ = counts(&choice, HealthVerdict(out: 0b10), 1000)
        let after = counts(&choice, .allServe, 10)
        #expect(after[1] <= 6)
    }
}
