import Testing

@testable import EdgeRuntime

/// One row for each arrow of the diagram in `ClientMachine`.
@Suite struct ClientMachineTests {
    private typealias Step = (ClientMachine.Event, ClientMachine.Action)

    private static let get = ClientMachine.Event.requestStarted(
        hasBody: false,
        expectsContinue: false
    )
    private static let post = ClientMachine.Event.requestStarted(
        hasBody: true,
        expectsContinue: false
    )
    private static let expecting = ClientMachine.Event.requestStarted(
        hasBody: true,
        expectsContinue: true
    )
    private static let ok = ClientMachine.Event.headReceived(status: 200, persists: true)
    private static let refusal = ClientMachine.Event.headReceived(status: 413, persists: true)

    @discardableResult
    private func run(_ name: String, _ steps: [Step]) -> ClientMachine {
        var machine = ClientMachine()
        for (index, step) in steps.enumerated() {
            let action = machine.apply(step.0)
            #expect(action == step.1, "\(name), step \(index): \(step.0)")
        }
        return machine
    }

    @Test func aCompleteExchangeLeavesTheConnectionForAnother() {
        run(
            "two requests",
            [
                (Self.get, .none), (Self.ok, .none), (.responseEnded, .finish(reusable: true)),
                (Self.post, .none), (.requestEnded, .none), (Self.ok, .none),
                (.responseEnded, .finish(reusable: true)),
            ]
        )
        run(
            "streamed both ways",
            [
                (Self.post, .none), (Self.ok, .none), (.requestEnded, .none),
                (.responseEnded, .finish(reusable: true)),
            ]
        )
        run(
            "a refusal behind the whole request",
            [
                (Self.post, .none), (.requestEnded, .none), (Self.refusal, .none),
                (.responseEnded, .finish(reusable: true)),
            ]
        )
    }

    @Test func aConnectionIsSpent() {
        run(
            "by the origin's word",
            [
                (Self.get, .none), (.headReceived(status: 200, persists: false), .none),
                (.responseEnded, .finish(reusable: false)),
            ]
        )
        run(
            "by a success before the end of the request",
            [
                (Self.post, .none), (Self.ok, .none), (.responseEnded, .finish(reusable: false)),
                (.requestEnded, .none),
            ]
        )
        let stopped = run(
            "by a refusal before the end of the request",
            [(Self.post, .none), (Self.refusal, .stopSending), (.requestEnded, .none)]
        )
        #expect(!stopped.maySendBody && !stopped.isRequestComplete)
        run(
            "by a refusal, its end",
            [
                (Self.post, .none), (Self.refusal, .stopSending),
                (.responseEnded, .finish(reusable: false)),
            ]
        )
    }

    @Test func anAnswerOutlivesTheSending() {
        for head in [Self.ok, Self.refusal] {
            let broken = run(
                "answered, then broken",
                [(Self.post, .none), (.sendingFailed, .none), (.requestEnded, .none)]
            )
            #expect(!broken.maySendBody && !broken.isRequestComplete && broken.isReceivingHead)
            run(
                "the answer, its end",
                [
                    (Self.post, .none), (.sendingFailed, .none), (head, .stopSending),
                    (.responseEnded, .finish(reusable: false)),
                ]
            )
        }
        run(
            "while a success is streamed",
            [
                (Self.post, .none), (Self.ok, .none), (.sendingFailed, .none),
                (.responseEnded, .finish(reusable: false)),
            ]
        )
        let tunnel = run(
            "in a tunnel",
            [(Self.get, .none), (.informational(status: 101), .tunnel), (.sendingFailed, .none)]
        )
        #expect(tunnel.isTunnel)
    }

    @Test func theBodyWaitsForTheWordToGoOn() {
        let waiting = run("waiting", [(Self.expecting, .none)])
        #expect(waiting.isAwaitingContinue && !waiting.maySendBody)
        let told = run(
            "told, once more, and too late",
            [
                (Self.expecting, .none), (.informational(status: 100), .sendBody),
                (.informational(status: 100), .none), (.continueTimedOut, .none),
            ]
        )
        #expect(told.maySendBody && told.isReceivingHead)
        run(
            "patience is over, then told",
            [
                (Self.expecting, .none), (.continueTimedOut, .sendBody),
                (.continueTimedOut, .none), (.informational(status: 100), .none),
                (.requestEnded, .none), (Self.ok, .none),
                (.responseEnded, .finish(reusable: true)),
            ]
        )
        run(
            "answered instead",
            [
                (Self.expecting, .none), (Self.ok, .stopSending), (.continueTimedOut, .none),
                (.responseEnded, .finish(reusable: false)),
            ]
        )
        run("nobody waits", [(Self.get, .none), (.continueTimedOut, .none)])
        run("nobody asks", [(.continueTimedOut, .none), (.requestEnded, .none)])
    }

    @Test func informationalResponsesHaveAnEnd() {
        var steps: [Step] = [(Self.get, .none)]
        steps += (0..<Limits.informationalResponses).map { _ in
            (.informational(status: 103), .passInformational)
        }
        run("as many as allowed", steps + [(Self.ok, .none)])
        run(
            "one more",
            steps + [(.informational(status: 103), .fail(.tooManyInformational))]
        )
    }

    @Test func aTunnelIsNeverReused() {
        let open = run("open", [(Self.get, .none), (.informational(status: 101), .tunnel)])
        #expect(open.isTunnel && open.maySendBody)
        run(
            "to its end",
            [
                (Self.get, .none), (.informational(status: 101), .tunnel), (.requestEnded, .none),
                (.responseEnded, .finish(reusable: false)),
            ]
        )
        run(
            "before the whole request",
            [(Self.post, .none), (.informational(status: 101), .fail(.badUpgrade))]
        )
    }
}
