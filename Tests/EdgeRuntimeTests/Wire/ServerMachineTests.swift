import Testing

@testable import EdgeRuntime

/// One row for each arrow of the diagram in `ServerMachine`: events, and what each of them asks for.
@Suite struct ServerMachineTests {
    private typealias Step = (ServerMachine.Event, ServerMachine.Action)

    private static let get = ServerMachine.Event.headReceived(
        persists: true,
        hasBody: false,
        expectsContinue: false
    )
    private static let lastGet = ServerMachine.Event.headReceived(
        persists: false,
        hasBody: false,
        expectsContinue: false
    )
    private static let post = ServerMachine.Event.headReceived(
        persists: true,
        hasBody: true,
        expectsContinue: false
    )
    private static let expecting = ServerMachine.Event.headReceived(
        persists: true,
        hasBody: true,
        expectsContinue: true
    )
    private static let started = ServerMachine.Event.responseStarted(delimited: true)

    @discardableResult
    private func run(_ name: String, requestsMax: Int = 100, _ steps: [Step]) -> ServerMachine {
        var machine = ServerMachine(requestsMax: requestsMax)
        for (index, step) in steps.enumerated() {
            let action = machine.apply(step.0)
            #expect(action == step.1, "\(name), step \(index): \(step.0)")
        }
        return machine
    }

    @Test func aConnectionGoesOnWhenBothHalvesAreComplete() {
        let simple = run(
            "two requests",
            [
                (Self.get, .none), (Self.started, .none), (.responseEnded, .nextRequest),
                (Self.get, .none), (Self.started, .none), (.responseEnded, .nextRequest),
            ]
        )
        #expect(simple.isIdle && simple.requestCount == 2)
        run(
            "the request first",
            [
                (Self.post, .none), (.bodyWanted, .none), (.requestEnded, .none),
                (Self.started, .none), (.responseEnded, .nextRequest),
            ]
        )
        run(
            "the response's head first",
            [
                (Self.post, .none), (Self.started, .none), (.requestEnded, .none),
                (.responseEnded, .nextRequest),
            ]
        )
    }

    @Test func aContinueIsWrittenOnceAndOnlyBeforeTheResponse() {
        run(
            "asked twice",
            [
                (Self.expecting, .none), (.bodyWanted, .writeContinue), (.bodyWanted, .none),
                (.requestEnded, .none), (Self.started, .none), (.responseEnded, .nextRequest),
            ]
        )
        run(
            "the viewer did not wait",
            [
                (Self.expecting, .none), (.requestEnded, .none), (.bodyWanted, .none),
                (Self.started, .none), (.responseEnded, .nextRequest),
            ]
        )
        let doubtful = run(
            "answered without the body",
            [(Self.expecting, .none), (Self.started, .none), (.bodyWanted, .none)]
        )
        #expect(!doubtful.persists)
        run(
            "answered without the body, which then came",
            [
                (Self.expecting, .none), (Self.started, .none), (.requestEnded, .none),
                (.responseEnded, .linger),
            ]
        )
    }

    @Test func theLastResponseClosesOrLingers() {
        run(
            "the viewer's last request",
            [(Self.lastGet, .none), (Self.started, .none), (.responseEnded, .close)]
        )
        run(
            "only the end tells the body's",
            [
                (Self.get, .none), (.responseStarted(delimited: false), .none),
                (.responseEnded, .linger),
            ]
        )
        run(
            "response complete, request not",
            [(Self.post, .none), (Self.started, .none), (.responseEnded, .linger)]
        )
        run(
            "the request cannot be read",
            [
                (Self.post, .none), (.requestFailed, .none), (Self.started, .none),
                (.responseEnded, .linger),
            ]
        )
        let spent = run(
            "as many as it may carry",
            requestsMax: 2,
            [
                (Self.get, .none), (Self.started, .none), (.responseEnded, .nextRequest),
                (Self.get, .none), (Self.started, .none), (.responseEnded, .linger),
            ]
        )
        #expect(spent.isSpent && spent.isClosed)
    }

    @Test func whoLeavesWhen() {
        run("idle", [(.peerEnded, .close), (.peerEnded, .none)])
        run(
            "behind a complete request",
            [
                (Self.get, .none), (.peerEnded, .none), (.peerEnded, .none),
                (Self.started, .none), (.responseEnded, .close),
            ]
        )
        run("in the middle of a request", [(Self.post, .none), (.peerEnded, .cancel)])
        run("instead of its body", [(Self.expecting, .none), (.peerEnded, .cancel)])
    }

    @Test func drainingEndsWhatIsIdleAndFinishesWhatRuns() {
        run("idle", [(.drained, .close), (.drained, .none)])
        run(
            "exchanging",
            [
                (Self.get, .none), (.drained, .none), (Self.started, .none),
                (.responseEnded, .linger), (.drained, .none),
            ]
        )
    }

    @Test func aResponseThatCannotBeCompletedIsCut() {
        run(
            "a length or chunks tell",
            [
                (Self.get, .none), (Self.started, .none),
                (.responseFailed, .truncate(abortively: false)),
            ]
        )
        run(
            "only a reset tells",
            [
                (Self.get, .none), (.responseStarted(delimited: false), .none),
                (.responseFailed, .truncate(abortively: true)),
            ]
        )
    }

    @Test func aTunnelEndsWithTheOrigin() {
        let open = run("open", [(Self.get, .none), (.upgraded, .none)])
        #expect(open.isTunnel && open.isReadingBody && !open.persists)
        let half = run("half", [(Self.get, .none), (.upgraded, .none), (.peerEnded, .none)])
        #expect(half.isTunnel && !half.isReadingBody)
        run(
            "the viewer, then the origin",
            [
                (Self.get, .none), (.upgraded, .none), (.peerEnded, .none), (.peerEnded, .none),
                (.responseEnded, .close),
            ]
        )
        run("the origin", [(Self.get, .none), (.upgraded, .none), (.responseEnded, .close)])
        run(
            "a failure",
            [(Self.get, .none), (.upgraded, .none), (.responseFailed, .truncate(abortively: true))]
        )
        let early = run(
            "the viewer ended before",
            [(Self.get, .none), (.peerEnded, .none), (.upgraded, .none)]
        )
        #expect(early.isTunnel && !early.isReadingBody)
        // `Connection: close` says that no request follows, not that nothing does.
        let last = run("the last request", [(Self.lastGet, .none), (.upgraded, .none)])
        #expect(last.isReadingBody)
    }

    @Test func nothingFollowsTheEnd() {
        run(
            "late events",
            [
                (.drained, .close), (.requestEnded, .none), (.bodyWanted, .none),
                (.requestFailed, .none), (.responseEnded, .none), (.responseFailed, .none),
                (.peerEnded, .none), (.drained, .none),
            ]
        )
        run(
            "before the first",
            [(.requestEnded, .none), (.responseEnded, .none), (Self.get, .none)]
        )
    }
}
