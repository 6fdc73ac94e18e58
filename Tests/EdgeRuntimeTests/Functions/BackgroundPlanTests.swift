import Testing

@testable import EdgeRuntime

@Suite struct BackgroundPlanTests {
    private func task(
        _ hook: Int,
        every period: Nanoseconds?,
        now startsNow: Bool = false,
        once: Bool = false
    ) -> BackgroundTask {
        BackgroundTask(
            cause: period == nil ? .start : .period,
            hook: hook,
            period: period,
            startsNow: startsNow,
            isOncePerProcess: once
        )
    }

    /// Everything that begins until `end`, as `hook@time`; each ends `lasting` later.
    private func told(
        _ tasks: [BackgroundTask],
        isFirstLoop: Bool = true,
        lasting: Nanoseconds = 0,
        until end: Nanoseconds
    ) -> [String] {
        var plan = BackgroundPlan(tasks, isFirstLoop: isFirstLoop, now: 100)
        var told: [String] = []
        var running: [(place: Int, end: Nanoseconds)] = []
        while plan.next <= end || !running.isEmpty {
            let now = min(plan.next, running.map(\.end).min() ?? .never)
            guard now <= end else { break }
            for (place, at) in running where at <= now { plan.ended(place) }
            running.removeAll { $0.end <= now }
            for (place, task) in plan.takeDue(now: now) {
                told.append("\(task.hook)@\(now)")
                running.append((place, now + lasting))
            }
        }
        return told
    }

    @Test func eachComesAtItsTime() {
        let tasks = [task(1, every: 10), task(2, every: 15, now: true), task(3, every: nil)]
        #expect(
            told(tasks, until: 130)
                == ["2@100", "3@100", "1@110", "2@115", "1@120", "1@130", "2@130"]
        )
    }

    @Test func whatStillRunsIsNotBegunAgain() {
        #expect(told([task(1, every: 10)], lasting: 25, until: 160) == ["1@110", "1@140"])
    }

    @Test func onceIsForTheFirstLoop() {
        let tasks = [
            task(1, every: 10, once: true), task(2, every: 10), task(3, every: nil, once: true),
        ]
        #expect(told(tasks, until: 110) == ["3@100", "1@110", "2@110"])
        #expect(told(tasks, isFirstLoop: false, until: 110) == ["2@110"])
    }

    @Test func aPauseIsNotMadeUpFor() {
        var plan = BackgroundPlan([task(1, every: 10)], isFirstLoop: true, now: 0)
        #expect(plan.takeDue(now: 57).count == 1)
        plan.ended(0)
        #expect(plan.next == 60)
        #expect(plan.takeDue(now: 59).isEmpty)
    }

    @Test func nothingIsDueInAnEmptyPlan() {
        #expect(BackgroundPlan().next == .never)
        var plan = BackgroundPlan([task(1, every: nil)], isFirstLoop: true, now: 5)
        #expect(plan.takeDue(now: 5).count == 1)
        #expect(plan.next == .never)
    }
}
