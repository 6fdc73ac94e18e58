// edge.time and edge.sleep: the loop's clock, which a replay can stop.

enum TimeAPI {
    static let rows = [
        APIRow(
            "time.now",
            "now(): number",
            "Seconds since 1970, with fractions. The same in all of one tick of the loop."
        ) { state in
            guard let state else { return 0 }
            let call = LuaCall(state)
            guard let run = call.run else {
                return call.fail("edge.time.now cannot be called while a file is loaded")
            }
            let wall = run.loop.clock.wall
            call.stack.push(Double(wall.seconds) + Double(wall.nanoseconds) / 1e9)
            return 1
        },
        APIRow(
            "sleep",
            "sleep(seconds: number)",
            "Waits without holding anybody up.",
            waits: true
        ) { state in
            guard let state else { return 0 }
            return TimeAPI.sleep(LuaCall(state))
        },
    ]

    private static func sleep(_ call: LuaCall) -> CInt {
        if let refusal = call.refusalToWait("edge.sleep") { return call.fail(refusal) }
        let seconds = call.stack.number(at: 1)
        guard let run = call.run, seconds >= 0, seconds <= 86_400 else {
            return call.badArgument(1, "edge.sleep", "seconds from 0 to 86400 are wanted")
        }
        run.effect = .sleep(until: run.loop.now + Nanoseconds(seconds * 1e9))
        return call.wait()
    }
}
