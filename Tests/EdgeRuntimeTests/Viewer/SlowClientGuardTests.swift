import Testing

@testable import EdgeRuntime

/// Times in nanoseconds: a head may take 10, a body 20, a rest 30; output is judged in windows of one second.
@Suite struct SlowClientGuardTests {
    private func guardian(
        now: Nanoseconds = 0,
        window: Nanoseconds = .seconds(1)
    )
        -> SlowClientGuard
    {
        var limits = EdgeLimits()
        limits.headTimeout = 10
        limits.bodyTimeout = 20
        limits.idleTimeout = 30
        limits.writeTimeout = window
        limits.writeRate = 1000
        return SlowClientGuard(limits: limits, now: now)
    }

    @Test func aByteNowAndThenDoesNotProlongTheHead() {
        var slow = guardian(now: 5)
        #expect(slow.deadline(for: .head, at: 5) == 15)
        for now: Nanoseconds in 6..<15 {
            slow.received(1, at: now)
            #expect(slow.deadline(for: .head, at: now) == 15)
        }
        #expect(slow.expired(at: 15, 0) == .tooSlow(.headTimeout))
    }

    @Test func restEndsWithTheFirstByteOfTheNextHead() {
        var slow = guardian()
        slow.headReceived(at: 1)
        #expect(slow.expired(at: 1000, 0) == .goOn)
        #expect(slow.deadline(for: .idle, at: 100) == 130)
        #expect(slow.deadline(for: .idle, at: 110) == 130)
        var gone = slow
        #expect(gone.expired(at: 130, 0) == .tooSlow(.idleTimeout))
        slow.received(1, at: 120)
        #expect(slow.deadline(for: .head, at: 121) == 130)
        #expect(slow.expired(at: 130, 0) == .tooSlow(.headTimeout))
    }

    @Test func emptyLinesDoNotProlongTheRest() {
        var slow = guardian()
        slow.headReceived(at: 1)
        #expect(slow.deadline(for: .idle, at: 100) == 130)
        slow.received(2, at: 120)
        #expect(slow.deadline(for: .idle, at: 120) == 130)
    }

    @Test func aPipelinedHeadHasItsTimeFromItsTurn() {
        var slow = guardian()
        slow.headReceived(at: 1)
        slow.received(5, at: 2)
        #expect(slow.deadline(for: .head, at: 500) == 510)
        #expect(slow.deadline(for: .head, at: 505) == 510)
    }

    @Test func aBodyHasItsTimeBetweenTwoReadsWhileThereIsRoom() {
        var slow = guardian()
        slow.headReceived(at: 1)
        #expect(slow.deadline(for: .body, at: 2) == 22)
        slow.received(10, at: 15)
        #expect(slow.deadline(for: .body, at: 15) == 35)
        slow.rest()
        #expect(slow.expired(at: 40, 0) == .goOn)
        // There was no room until now, so the time before does not count.
        #expect(slow.deadline(for: .body, at: 400) == 420)
        #expect(slow.expired(at: 420, 0) == .tooSlow(.bodyTimeout))
    }

    @Test(arguments: [
        (Nanoseconds.seconds(1), Int64(1000)), (.seconds(2), 2000), (.milliseconds(500), 500),
    ])
    func inEveryWindowItsBytesMustLeave(window: Nanoseconds, owed: Int64) {
        var slow = guardian(window: window)
        #expect(slow.writeBlocked(at: 7, 100) == 7 + window)
        // A later word that it is blocked does not move the window.
        #expect(slow.writeBlocked(at: 9, 150) == 7 + window)
        #expect(slow.expired(at: 6 + window, 100) == .goOn)
        var enough = slow
        #expect(enough.expired(at: 7 + window, 100 + owed) == .goOn)
        #expect(enough.writeBlocked(at: 8 + window, 100 + owed) == 7 + 2 * window)
        #expect(enough.expired(at: 7 + 2 * window, 100 + owed) == .tooSlow(.writeTimeout))
        #expect(slow.expired(at: 7 + window, 99 + owed) == .tooSlow(.writeTimeout))
    }

    @Test func whatHasDrainedStartsANewWindow() {
        var slow = guardian()
        _ = slow.writeBlocked(at: 0, 0)
        slow.writeDrained()
        #expect(slow.writeBlocked(at: 50, 10) == .seconds(1) + 50)
    }
}
