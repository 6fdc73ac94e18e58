import Testing

@testable import EdgeRuntime

@Suite struct RetryPlanTests {
    private func failure(
        _ kind: EdgeError.Kind,
        sent: Bool = true,
        received: Bool = false,
        reused: Bool = false,
        replayable: Bool = true
    ) -> RetryPlan.Failure {
        .init(
            error: EdgeError(kind),
            sentAnything: sent,
            receivedAnything: received,
            connectionWasReused: reused,
            bodyIsReplayable: replayable
        )
    }

    private func verdict(
        _ method: EdgeRuntime.Method,
        _ failure: RetryPlan.Failure,
        members: Int = 0,
        group: Int = 0,
        attempts: Int = 3,
        now: Nanoseconds = 0
    ) -> RetryPlan.Verdict {
        var plan = RetryPlan(method: method, attemptsMax: attempts, deadline: 100)
        return plan.after(failure, .init(membersLeft: members, groupLeft: group), now: now)
    }

    @Test func aConnectThatFailedIsRepeatedWhateverTheMethod() {
        for method in [EdgeRuntime.Method.get, .post, .put, .other] {
            let failure = failure(.originRefused, sent: false)
            #expect(verdict(method, failure) == .again)
            #expect(verdict(method, failure, members: 1) == .otherMember)
            #expect(verdict(method, failure, attempts: 1) == .stop(.attemptsSpent))
        }
    }

    @Test func attemptsAreCounted() {
        var plan = RetryPlan(method: .post, attemptsMax: 3, deadline: 100)
        let none = RetryPlan.Choices(membersLeft: 0, groupLeft: 1)
        let timeout = failure(.originConnectTimeout, sent: false)
        #expect(plan.after(timeout, none, now: 0) == .again)
        #expect(plan.after(timeout, none, now: 1) == .again)
        #expect(plan.after(timeout, none, now: 2) == .stop(.attemptsSpent))
    }

    @Test func aReusedConnectionThatDiedCostsNoAttempt() {
        for method in [EdgeRuntime.Method.get, .put, .delete] {
            #expect(verdict(method, failure(.originClosed, reused: true), attempts: 1) == .again)
        }
        let untouched = failure(.originReset, sent: false, reused: true)
        #expect(verdict(.post, untouched, attempts: 1) == .again)
    }

    @Test func aPostIsNeverSentTwice() {
        for kind in [EdgeError.Kind.originReset, .originClosed, .originWriteFailed] {
            for reused in [true, false] {
                let failure = failure(kind, reused: reused)
                #expect(verdict(.post, failure, members: 3, group: 1) == .stop(.notRepeatable))
                #expect(verdict(.patch, failure, group: 1) == .stop(.notRepeatable))
            }
        }
        #expect(verdict(.post, failure(.originResponseTimeout)) == .stop(.notRepeatable))
    }

    @Test func silenceIsRepeatedForReadsOnlyAndElsewhere() {
        let silence = failure(.originResponseTimeout)
        #expect(verdict(.get, silence) == .stop(.notRepeatable))
        #expect(verdict(.get, silence, group: 1) == .nextOfGroup)
        #expect(verdict(.get, silence, members: 1) == .otherMember)
        #expect(verdict(.head, silence, members: 1) == .otherMember)
        #expect(verdict(.get, silence, members: 1, attempts: 1) == .stop(.attemptsSpent))
        #expect(verdict(.put, silence) == .stop(.notRepeatable))
        #expect(verdict(.delete, silence, group: 1) == .stop(.notRepeatable))
        #expect(verdict(.options, silence, group: 1) == .nextOfGroup)
    }

    @Test func whatEndsIt() {
        #expect(verdict(.get, failure(.originReset, received: true)) == .stop(.answerBegan))
        #expect(verdict(.get, failure(.originRefused), now: 100) == .stop(.deadline))
        #expect(verdict(.put, failure(.originReset, replayable: false)) == .stop(.bodyGone))
        #expect(verdict(.get, failure(.clientClosed)) == .stop(.notTheOrigin))
        #expect(verdict(.get, failure(.originBadHead), group: 1) == .stop(.notRepeatable))
        #expect(verdict(.get, failure(.originTLS)) == .stop(.notRepeatable))
    }

    @Test func theGroupTakesOverForReads() {
        let kinds: [EdgeError.Kind] = [
            .originNameUnresolved, .originTLS, .originCertificate, .originTotalTimeout,
        ]
        for kind in kinds {
            for method in [EdgeRuntime.Method.get, .head, .options] {
                #expect(verdict(method, failure(kind, sent: false), group: 1) == .nextOfGroup)
            }
            #expect(verdict(.post, failure(kind, sent: false), group: 1) == .stop(.notRepeatable))
        }
        let refused = failure(.originRefused, sent: false)
        #expect(verdict(.get, refused, group: 1, attempts: 1) == .nextOfGroup)
        #expect(verdict(.get, failure(.queueFull, sent: false), members: 1) == .otherMember)
    }

    @Test func eachOriginOfAGroupHasItsOwnAttempts() {
        var plan = RetryPlan(method: .get, attemptsMax: 2, deadline: 100)
        let refused = failure(.originRefused, sent: false)
        #expect(plan.after(refused, .init(membersLeft: 0, groupLeft: 1), now: 0) == .again)
        #expect(plan.after(refused, .init(membersLeft: 0, groupLeft: 1), now: 0) == .nextOfGroup)
        #expect(plan.after(refused, .init(membersLeft: 0, groupLeft: 0), now: 0) == .again)
        #expect(
            plan.after(refused, .init(membersLeft: 0, groupLeft: 0), now: 0)
                == .stop(.attemptsSpent)
        )
    }

    @Test func chosenStatusesHandOverReadsOnly() {
        for (method, listed, left, expected) in [
            (EdgeRuntime.Method.get, true, 1, RetryPlan.Verdict.nextOfGroup),
            (.options, true, 1, .nextOfGroup), (.post, true, 1, .stop(.final)),
            (.get, false, 1, .stop(.final)), (.get, true, 0, .stop(.final)),
        ] {
            var plan = RetryPlan(method: method, attemptsMax: 3, deadline: 100)
            let choices = RetryPlan.Choices(membersLeft: 1, groupLeft: left)
            #expect(plan.after(status: listed, choices, now: 0) == expected)
        }
    }
}
