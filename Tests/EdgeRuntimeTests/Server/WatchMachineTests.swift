import Testing

@testable import EdgeRuntime

@Suite struct WatchMachineTests {
    private enum Step {
        case stirred(Double, looksAt: Double)
        case looked(WatchMachine.Finding, Double, WatchMachine.Verdict)
    }

    private static func at(_ seconds: Double) -> Nanoseconds {
        Nanoseconds(seconds * 1000) * 1_000_000
    }

    @Test(arguments: [
        // One write, then silence.
        [Step.stirred(1, looksAt: 1.2), .looked(.changed, 1.2, .reload)],
        // Something else in the folder.
        [.stirred(1, looksAt: 1.2), .looked(.same, 1.2, .rest)],
        // A tool at work: wait until it is done, and then wait anew.
        [
            .stirred(1, looksAt: 1.2), .stirred(1.1, looksAt: 1.3), .stirred(1.25, looksAt: 1.45),
            .looked(.changed, 1.45, .reload), .stirred(5, looksAt: 5.2),
        ],
        // One that never ends is looked at all the same.
        [.stirred(1, looksAt: 1.2), .stirred(2.9, looksAt: 3), .stirred(2.95, looksAt: 3)],
        // Between two renames.
        [
            .stirred(1, looksAt: 1.2), .looked(.missing, 1.2, .lookAgain(at: at(2.2))),
            .stirred(1.3, looksAt: 1.5), .looked(.changed, 1.5, .reload),
        ],
        // Really gone; and the next time is another time.
        [
            .stirred(1, looksAt: 1.2), .looked(.missing, 1.2, .lookAgain(at: at(2.2))),
            .looked(.missing, 2.2, .reload),
            .stirred(9, looksAt: 9.2), .looked(.missing, 9.2, .lookAgain(at: at(10.2))),
        ],
    ])
    private func looksWhenItIsQuiet(_ steps: [Step]) {
        var machine = WatchMachine()
        for step in steps {
            switch step {
            case .stirred(let now, let looksAt):
                #expect(machine.stirred(at: Self.at(now)) == Self.at(looksAt), "\(step)")
            case .looked(let finding, let now, let verdict):
                #expect(machine.looked(finding, at: Self.at(now)) == verdict, "\(step)")
            }
        }
    }
}
