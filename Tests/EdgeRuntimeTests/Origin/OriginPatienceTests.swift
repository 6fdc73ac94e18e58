import Testing

@testable import EdgeRuntime

@Suite struct OriginPatienceTests {
    /// What is owed, how many bytes have moved, when; and the deadline. `response_timeout` is 5 s.
    private typealias Row = (OriginPatience.Owed, Int64, Int64, Nanoseconds)

    private func run(_ rows: [Row]) {
        var patience = OriginPatience()
        for (index, row) in rows.enumerated() {
            let deadline = patience.deadline(
                for: row.0,
                moved: row.1,
                responseTimeout: .seconds(5),
                now: .seconds(row.2)
            )
            #expect(deadline == row.3, "row \(index): \(row)")
        }
    }

    @Test func aHeadIsOneThing() {
        run([
            (.head, 0, 10, .seconds(15)), (.head, 1, 12, .seconds(15)),
            (.head, 2, 14, .seconds(15)),
        ])
    }

    @Test func theWordToGoOnIsOneThing() {
        let until = Nanoseconds.seconds(10) + Limits.continuePatience
        run([(.goAhead, 0, 10, until), (.goAhead, 7, 10, until), (.intake, 7, 11, .seconds(16))])
    }

    @Test func bytesMoveTheDeadlineAndLooksDoNot() {
        run([
            (.body, 100, 10, .seconds(15)), (.body, 100, 12, .seconds(15)),
            (.body, 101, 14, .seconds(19)), (.body, 101, 18, .seconds(19)),
        ])
        run([
            (.intake, 0, 10, .seconds(15)), (.intake, 0, 12, .seconds(15)),
            (.intake, 9, 13, .seconds(18)),
        ])
        let idle = Limits.tunnelIdle
        run([
            (.tunnel, 5, 10, .seconds(10) + idle), (.tunnel, 5, 20, .seconds(10) + idle),
            (.tunnel, 6, 30, .seconds(30) + idle),
        ])
    }

    @Test func eachDebtHasItsOwnTime() {
        run([
            (.intake, 40, 1, .seconds(6)), (.head, 0, 4, .seconds(9)), (.body, 40, 8, .seconds(13)),
            (.nothing, 0, 9, .never), (.body, 40, 60, .seconds(65)),
        ])
    }
}
