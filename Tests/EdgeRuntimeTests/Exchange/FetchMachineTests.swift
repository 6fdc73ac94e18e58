import Testing

@testable import EdgeRuntime

/// One row for each arrow of the diagram in `FetchMachine`.
@Suite struct FetchMachineTests {
    private typealias Step = (FetchMachine.Event, FetchMachine.Action)

    private static let build: Step = (.started, .run(.build))
    private static let built: Step = (.built, .run(.originRequest))
    private static let complete: Step = (.proceeded, .run(.complete))
    private static let send: Step = (.completed, .run(.send))
    private static let head: Step = (.headArrived, .run(.judge))
    private static let taken: Step = (.accepted, .run(.originResponse))
    private static let accept: Step = (.proceeded, .run(.announce))
    private static let error = EdgeError.originReset
    private static let retry: Step = (.failed(error), .run(.retry(error)))

    @discardableResult
    private func run(_ name: String, _ steps: [Step]) -> FetchMachine {
        var machine = FetchMachine()
        for (index, step) in steps.enumerated() {
            let action = machine.apply(step.0)
            #expect(action == step.1, "\(name), step \(index): \(step.0)")
        }
        return machine
    }

    @Test func theStraightWay() {
        let streaming = run(
            "streaming",
            [Self.build, Self.built, Self.complete, Self.send, Self.head, Self.taken, Self.accept]
        )
        #expect(streaming.isStreaming && !streaming.isOver)
        let over = run(
            "ended",
            [
                Self.build, Self.built, Self.complete, Self.send, Self.head, Self.taken,
                Self.accept, (.bodyEnded, .run(.close)),
            ]
        )
        #expect(over.isOver && !over.isStreaming)
        run(
            "cut short",
            [
                Self.build, Self.built, Self.complete, Self.send, Self.head, Self.taken,
                Self.accept,
                (.bodyFailed(Self.error), .run(.close)), (.bodyFailed(Self.error), .wait),
            ]
        )
    }

    @Test func aFailureIsRetried() {
        run(
            "again",
            [
                Self.build, Self.built, Self.complete, Self.send, Self.retry,
                (.retryAgain, .run(.send)), Self.head,
            ]
        )
        run(
            "elsewhere, twice",
            [
                Self.build, Self.built, Self.complete, Self.send, Self.retry,
                (.retryElsewhere, .run(.send)), Self.retry,
                (.retryElsewhere, .run(.send)), Self.head, Self.taken, Self.accept,
            ]
        )
        run(
            "by the next of the group",
            [
                Self.build, Self.built, Self.complete, Self.send, Self.retry,
                (.nextMember, .run(.build)), Self.built, Self.complete, Self.send,
                Self.head, Self.taken, Self.accept,
            ]
        )
        run(
            "behind a head that cannot be taken",
            [
                Self.build, Self.built, Self.complete, Self.send, Self.head, Self.retry,
                (.retryElsewhere, .run(.send)),
            ]
        )
        run(
            "behind a request that could not be built",
            [
                Self.build, Self.retry, (.nextMember, .run(.build)), Self.built, Self.complete,
                Self.send,
            ]
        )
    }

    @Test func aStatusHandsOver() {
        run(
            "to the next of the group",
            [
                Self.build, Self.built, Self.complete, Self.send, Self.head,
                (.failedOver, .run(.build)), Self.built, Self.complete, Self.send,
                Self.head, Self.taken, Self.accept,
            ]
        )
    }

    @Test func givingUpIsSaidOnce() {
        let stop: Step = (.gaveUp(Self.error), .run(.reportFailure(Self.error)))
        run(
            "while building",
            [Self.build, stop, (.gaveUp(Self.error), .wait), (.cancelled, .wait)]
        )
        let over = run(
            "after tries",
            [Self.build, Self.built, Self.complete, Self.send, Self.retry, stop]
        )
        #expect(over.isOver)
    }

    @Test func aCancelledFetchEndsOnceFromAnywhere() {
        let ways: [(String, [Step])] = [
            ("idle", []), ("building", [Self.build]),
            ("sending", [Self.build, Self.built, Self.complete, Self.send]),
            ("judging", [Self.build, Self.built, Self.complete, Self.send, Self.head]),
            ("retrying", [Self.build, Self.built, Self.complete, Self.send, Self.retry]),
            (
                "streaming",
                [
                    Self.build, Self.built, Self.complete, Self.send, Self.head, Self.taken,
                    Self.accept,
                ]
            ),
        ]
        for (name, way) in ways {
            run(
                name,
                way + [
                    (.cancelled, .run(.close)), (.cancelled, .wait), (.headArrived, .wait),
                    (.failed(Self.error), .wait), (.accepted, .wait), (.bodyEnded, .wait),
                ]
            )
        }
    }

    @Test func functionsAnswerOrFailAtEitherStage() {
        let requesting = [Self.build, Self.built]
        let responding = [Self.build, Self.built, Self.complete, Self.send, Self.head, Self.taken]
        let stop: Step = (.gaveUp(Self.error), .run(.reportFailure(Self.error)))
        for (name, way) in [("origin-request", requesting), ("origin-response", responding)] {
            #expect(run(name, way + [(.answered, .run(.announce))]).isStreaming)
            #expect(run(name, way + [stop]).isOver)
            #expect(run(name, way + [(.cancelled, .run(.close))]).isOver)
        }
        #expect(run("waiting", responding).hasHead)
    }
}
