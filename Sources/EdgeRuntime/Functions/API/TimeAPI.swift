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
        APIRow("time.http", "http(time: number): string", "As in `Date` and `Expires`.") {
            LuaCall.serve($0) { call in
                guard let seconds = seconds(call, 1) else {
                    return call.badArgument(1, "edge.time.http", "seconds since 1970 are wanted")
                }
                let text = HTTPDate.render(seconds.seconds)
                call.stack.push(text.span)
                return 1
            }
        },
        APIRow(
            "time.parse_http",
            "parse_http(text: string): number?",
            "The time of a date in one of HTTP's three forms; nil for what is none."
        ) {
            LuaCall.serve($0) { call in
                guard let text = call.stack.bytes(at: 1) else { return 0 }
                let now = call.run?.loop.clock.wall.seconds ?? 0
                guard let time = HTTPDate.parse(text.span, now: now) else { return 0 }
                call.stack.push(time)
                return 1
            }
        },
        APIRow("time.rfc3339", "rfc3339(time: number): string", "`2026-11-21T06:10:00Z`.") {
            LuaCall.serve($0) { call in
                guard let time = seconds(call, 1), let text = TimeText.format(time) else {
                    return call.badArgument(1, "edge.time.rfc3339", "seconds since 1970 are wanted")
                }
                call.stack.push(text.span)
                return 1
            }
        },
        APIRow(
            "time.parse_rfc3339",
            "parse_rfc3339(text: string): number?",
            "The time of such a text; nil for what is none."
        ) {
            LuaCall.serve($0) { call in
                guard let text = call.stack.bytes(at: 1), let time = TimeText.parse(text.span)
                else {
                    return 0
                }
                call.stack.push(Double(time.seconds) + Double(time.nanoseconds) / 1e9)
                return 1
            }
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

    private static func seconds(_ call: LuaCall, _ index: Int) -> WallTime? {
        switch call.stack.kind(at: index) {
        case .integer, .number: break
        default: return nil
        }
        let value = call.stack.number(at: index)
        guard value > -62_135_596_800, value < 253_402_300_800 else { return nil }
        let whole = value.rounded(.down)
        return WallTime(seconds: Int64(whole), nanoseconds: Int32((value - whole) * 1e9))
    }
}
