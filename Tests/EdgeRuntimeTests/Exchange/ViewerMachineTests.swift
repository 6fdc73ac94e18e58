import Testing

@testable import EdgeRuntime

/// One row for each arrow of the diagram in `ViewerMachine`.
@Suite struct ViewerMachineTests {
    private typealias Step = (ViewerMachine.Event, ViewerMachine.Action)

    private static let admit: Step = (.started, .run(.admit))
    private static let admitted: Step = (.admitted, .run(.viewerRequest))
    private static let look: Step = (.proceeded, .run(.lookup))
    private static let fetch: Step = (.passed, .run(.fetch))
    private static let head: Step = (.headArrived, .run(.respond))
    private static let ready: Step = (.ready, .run(.viewerResponse))
    private static let deliver: Step = (.proceeded, .run(.deliver))
    private static let error = EdgeError.arenaOverflow

    @discardableResult
    private func run(_ name: String, _ steps: [Step]) -> ViewerMachine {
        var machine = ViewerMachine()
        for (index, step) in steps.enumerated() {
            let action = machine.apply(step.0)
            #expect(action == step.1, "\(name), step \(index): \(step.0)")
        }
        return machine
    }

    @Test func theStraightWay() {
        let over = run(
            "fetched",
            [
                Self.admit, Self.admitted, Self.look, Self.fetch, Self.head, Self.ready,
                Self.deliver,
                (.delivered, .run(.finish)),
                (.finished, .wait),
            ]
        )
        #expect(over.isOver)
        run(
            "the edge's own",
            [Self.admit, (.answered, .run(.respond)), Self.ready, Self.deliver]
        )
        let delivering = run(
            "delivering",
            [Self.admit, Self.admitted, Self.look, Self.fetch, Self.head, Self.ready, Self.deliver]
        )
        #expect(delivering.isDelivering && !delivering.isWaitingForHead)
        #expect(
            run("fetching", [Self.admit, Self.admitted, Self.look, Self.fetch]).isWaitingForHead
        )
    }

    @Test func aFailureBecomesAPage() {
        let page: [Step] = [
            (.failed(Self.error), .run(.fallback(Self.error))),
            (.answered, .run(.respond)), Self.ready, Self.deliver,
        ]
        run("admission", [Self.admit] + page)
        run("fetch", [Self.admit, Self.admitted, Self.look, Self.fetch] + page)
        run(
            "completing the answer",
            [Self.admit, Self.admitted, Self.look, Self.fetch, Self.head] + page
        )
    }

    @Test func aPageThatFailsIsDeliveredAsItIs() {
        let failure: Step = (.failed(Self.error), .run(.fallback(Self.error)))
        let again: [Step] = [
            (.answered, .run(.respond)), (.failed(Self.error), .run(.deliver)),
            (.delivered, .run(.finish)),
        ]
        run("admission", [Self.admit, failure] + again)
        run("fetch", [Self.admit, Self.admitted, Self.look, Self.fetch, failure] + again)
        run(
            "answer",
            [Self.admit, Self.admitted, Self.look, Self.fetch, Self.head, failure] + again
        )
    }

    @Test func anErrorPageIsFetchedOnce() {
        let wanted: Step = (.errorPageWanted, .run(.lookup))
        let shown = run(
            "for the origin's status",
            [
                Self.admit, Self.admitted, Self.look, Self.fetch, Self.head, wanted, Self.fetch,
                Self.head, Self.ready, Self.deliver,
            ]
        )
        #expect(shown.isErrorPage)
        // Behind a fallback and a page for it comes one more fallback, and no further.
        run(
            "for a failure, and fails itself",
            [
                Self.admit, Self.admitted, Self.look, Self.fetch,
                (.failed(Self.error), .run(.fallback(Self.error))),
                (.answered, .run(.respond)), wanted, Self.fetch, Self.head,
                (.failed(Self.error), .run(.fallback(Self.error))),
                (.answered, .run(.respond)), (.failed(Self.error), .run(.deliver)),
            ]
        )
    }

    @Test func whoIsGoneIsFinishedOnce() {
        let ways: [(String, [Step])] = [
            ("idle", []), ("admitting", [Self.admit]),
            ("looking", [Self.admit, Self.admitted, Self.look]),
            ("fetching", [Self.admit, Self.admitted, Self.look, Self.fetch]),
            ("responding", [Self.admit, Self.admitted, Self.look, Self.fetch, Self.head]),
            (
                "delivering",
                [
                    Self.admit, Self.admitted, Self.look, Self.fetch, Self.head, Self.ready,
                    Self.deliver,
                ]
            ),
        ]
        for (name, way) in ways {
            run(
                name,
                way + [
                    (.viewerGone, .run(.finish)), (.viewerGone, .wait),
                    (.headArrived, .wait), (.failed(Self.error), .wait), (.delivered, .wait),
                    (.finished, .wait), (.viewerGone, .wait), (.headArrived, .wait),
                    (.failed(Self.error), .wait),
                ]
            )
        }
    }

    @Test func aBodyThatFailsIsTruncated() {
        let over = run(
            "truncated",
            [
                Self.admit, Self.admitted, Self.look, Self.fetch, Self.head, Self.ready,
                Self.deliver,
                (.bodyFailed, .run(.truncate)),
                (.finished, .wait), (.viewerGone, .wait),
            ]
        )
        #expect(over.isOver)
    }

    @Test func functionsAnswerOrFailAtEitherStage() {
        let shown: [Step] = [(.answered, .run(.respond)), (.ready, .run(.viewerResponse))]
        let failed: Step = (.failed(Self.error), .run(.fallback(Self.error)))
        run("viewer-request answers", [Self.admit, Self.admitted] + shown + [Self.deliver])
        run("viewer-request fails", [Self.admit, Self.admitted, failed] + shown + [Self.deliver])
        // What hides the failure of viewer-response, or replaces its answer, is not shown to it again.
        let concluding = [Self.admit, Self.admitted, Self.look, Self.fetch, Self.head, Self.ready]
        let after: [Step] = [(.answered, .run(.respond)), (.ready, .run(.deliver))]
        run("viewer-response answers", concluding + after)
        run("viewer-response fails", concluding + [failed] + after)
        run("the viewer leaves meanwhile", concluding + [(.viewerGone, .run(.finish))])
    }

    @Test func whatIsStoredIsShown() {
        let looking = [Self.admit, Self.admitted, Self.look]
        let found: Step = (.found, .run(.respond))
        run("a hit", looking + [found, Self.ready, Self.deliver, (.delivered, .run(.finish))])
        // The fetch that was begun for all turns out to be for this viewer alone.
        run("a fetch taken over", looking + [Self.head, Self.ready, Self.deliver])
        run("a fetch that failed", looking + [(.failed(Self.error), .run(.fallback(Self.error)))])
        run(
            "an error page from the cache",
            looking + [found, (.errorPageWanted, .run(.lookup)), found, Self.ready, Self.deliver]
        )
        #expect(run("waiting", looking).isWaitingForHead)
    }
}
