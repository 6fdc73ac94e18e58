import Testing

@testable import EdgeRuntime

@Suite struct BreakerTests {
    private enum Event {
        case admit(Nanoseconds, Breaker.Verdict)
        case fail(Nanoseconds, Breaker.Change)
        case succeed(Breaker.Change)
        case abandon(Nanoseconds)
    }

    private func tell(_ breaker: inout Breaker, _ events: [Event]) {
        for (place, event) in events.enumerated() {
            switch event {
            case .admit(let now, let verdict):
                #expect(breaker.admit(now: now) == verdict, "event \(place)")
            case .fail(let now, let change):
                #expect(breaker.failed(.timeout, now: now) == change, "event \(place)")
            case .succeed(let change): #expect(breaker.succeeded() == change, "event \(place)")
            case .abandon(let now): breaker.abandoned(now: now)
            }
        }
    }

    private static let most = Limits.functionFailuresMax
    private static let time = Limits.functionParkTime

    private func parked(at now: Nanoseconds) -> Breaker {
        var breaker = Breaker()
        for _ in 1..<Self.most { tell(&breaker, [.admit(now, .run), .fail(now, .none)]) }
        tell(&breaker, [.admit(now, .run), .fail(now, .parked)])
        return breaker
    }

    @Test func manyFailuresInARowPark() {
        var breaker = parked(at: 10)
        #expect(breaker.isParked)
        tell(&breaker, [.admit(10, .refuse), .admit(9 + Self.time, .refuse)])
    }

    @Test func oneSuccessStartsTheCountAnew() {
        var breaker = Breaker()
        for _ in 0..<5 {
            for _ in 1..<Self.most { tell(&breaker, [.admit(0, .run), .fail(0, .none)]) }
            tell(&breaker, [.admit(0, .run), .succeed(.none)])
        }
        #expect(!breaker.isParked)
    }

    @Test func oneRunTriesAndRecovers() {
        var breaker = parked(at: 0)
        tell(
            &breaker,
            [
                .admit(Self.time, .run), .admit(Self.time, .refuse), .succeed(.recovered),
                .admit(Self.time, .run), .succeed(.none),
            ]
        )
        #expect(!breaker.isParked)
    }

    @Test func oneRunTriesAndFails() {
        var breaker = parked(at: 0)
        tell(
            &breaker,
            [
                .admit(Self.time, .run), .fail(Self.time, .none),
                .admit(2 * Self.time - 1, .refuse), .admit(2 * Self.time, .run),
                .succeed(.recovered),
            ]
        )
    }

    /// Runs that began before it was parked say nothing new, but one that ended well does.
    @Test func thoseThatWereOnTheirWay() {
        var breaker = parked(at: 0)
        tell(&breaker, [.fail(5, .none), .admit(Self.time - 1, .refuse), .succeed(.recovered)])
        #expect(!breaker.isParked)
    }

    @Test func aTryThatWasGivenUpLeavesTheNextOneToDecide() {
        var breaker = parked(at: 0)
        tell(
            &breaker,
            [
                .admit(Self.time, .run), .abandon(Self.time + 3), .admit(Self.time + 3, .run),
                .succeed(.recovered),
            ]
        )
        tell(&breaker, [.abandon(0), .admit(0, .run)])
    }

    /// What raises for one viewer works for others; who never worked is broken.
    @Test func whatHasWorkedIsParkedForWhatCostsOnly() {
        var breaker = Breaker()
        tell(&breaker, [.admit(0, .run), .succeed(.none)])
        for _ in 0..<3 * Self.most {
            #expect(breaker.failed(.raised, now: 0) == .none)
            #expect(breaker.failed(.invalid, now: 0) == .none)
        }
        #expect(breaker.admit(now: 0) == .run)
        for _ in 1..<Self.most { #expect(breaker.failed(.instructions, now: 0) == .none) }
        #expect(breaker.failed(.instructions, now: 0) == .parked)
        tell(&breaker, [.admit(Self.time, .run)])
        #expect(breaker.failed(.raised, now: Self.time) == .none)
        tell(&breaker, [.admit(Self.time, .run), .succeed(.recovered)])

        var broken = Breaker()
        for _ in 1..<Self.most { #expect(broken.failed(.raised, now: 0) == .none) }
        #expect(broken.failed(.raised, now: 0) == .parked)
    }
}
