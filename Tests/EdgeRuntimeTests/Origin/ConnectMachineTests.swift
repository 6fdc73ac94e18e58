import Testing

@testable import EdgeRuntime

@Suite struct ConnectMachineTests {
    private func race(
        _ families: [ConnectMachine.Family],
        deadline: Int64 = 1000,
        attempts: Int = 16
    ) -> ConnectMachine {
        ConnectMachine(
            families: families.span,
            deadline: deadline,
            attemptsMax: attempts,
            stagger: 250
        )
    }

    private func set(_ indices: Int...) -> ConnectMachine.IndexSet {
        indices.reduce(into: .init()) { $0.bits |= 1 << UInt16($1) }
    }

    /// The order in which addresses are tried when each fails at once.
    private func order(_ families: [ConnectMachine.Family], attempts: Int = 16) -> [Int] {
        var race = race(families, attempts: attempts)
        var order: [Int] = []
        var action = race.apply(.start, now: 0)
        while case .connect(let index, _) = action {
            order.append(index)
            action = race.apply(.attemptFailed(index), now: 0)
        }
        #expect(action == .fail(.allFailed, closing: set()))
        return order
    }

    @Test func familiesAlternateFromTheFirst() {
        #expect(order([.v6, .v6, .v6, .v4, .v4]) == [0, 3, 1, 4, 2])
        #expect(order([.v4, .v4, .v6]) == [0, 2, 1])
        #expect(order([.v4, .v4, .v4]) == [0, 1, 2])
        #expect(order([.v6, .v4]) == [0, 1])
        #expect(order([.local]) == [0])
        #expect(order([.v6, .v6, .v4, .v4], attempts: 3) == [0, 2, 1])
        #expect(order(Array(repeating: .v4, count: 20)).count == 16)
    }

    @Test func theFirstThatStandsWins() {
        var race = race([.v6, .v4])
        #expect(race.apply(.start, now: 0) == .connect(0, wakeAt: 250))
        #expect(race.apply(.timer, now: 100) == .wait(until: 250))
        #expect(race.apply(.timer, now: 250) == .connect(1, wakeAt: 1000))
        #expect(race.apply(.attemptSucceeded(1), now: 260) == .succeed(1, closing: set(0)))
    }

    @Test func aFailureStartsTheNextAtOnce() {
        var race = race([.v6, .v4, .v4])
        #expect(race.apply(.start, now: 0) == .connect(0, wakeAt: 250))
        #expect(race.apply(.attemptFailed(0), now: 10) == .connect(1, wakeAt: 260))
        #expect(race.apply(.timer, now: 260) == .connect(2, wakeAt: 1000))
        #expect(race.apply(.attemptFailed(2), now: 270) == .wait(until: 1000))
        #expect(race.apply(.attemptSucceeded(1), now: 280) == .succeed(1, closing: set()))
    }

    @Test func theDeadlineEndsItAll() {
        var race = race([.v6, .v4, .v4], deadline: 300)
        #expect(race.apply(.start, now: 0) == .connect(0, wakeAt: 250))
        #expect(race.apply(.timer, now: 250) == .connect(1, wakeAt: 300))
        #expect(race.apply(.timer, now: 300) == .fail(.timedOut, closing: set(0, 1)))
    }

    @Test func theLastFailureIsTheFailure() {
        var race = race([.v4])
        #expect(race.apply(.start, now: 0) == .connect(0, wakeAt: 1000))
        #expect(race.apply(.attemptFailed(0), now: 5) == .fail(.allFailed, closing: set()))
    }

    @Test func indicesAreTakenInOrder() {
        var some = set(3, 1, 15)
        #expect(some.popFirst() == 1)
        #expect(some.popFirst() == 3)
        #expect(some.popFirst() == 15)
        #expect(some.popFirst() == nil)
    }
}
