// edge.every and edge.defer: work that no request waits for. A module's `init` is the third kind; see FunctionRuntime.

enum BackgroundAPI {
    static let rows = [
        APIRow(
            "every",
            "every(seconds: number, f: function, options?: table)",
            """
            At the top of a file: calls `f` so often, on every loop, or with `once` on one; \
            with `now` the first time at once.
            """
        ) { state in
            guard let state else { return 0 }
            return BackgroundAPI.every(LuaCall(state))
        },
        APIRow(
            "defer",
            "defer(f: function)",
            "Calls `f` when the response has been sent; the event is over then, so copy what it needs."
        ) { state in
            guard let state else { return 0 }
            return BackgroundAPI.later(LuaCall(state))
        },
    ]

    private static func every(_ call: LuaCall) -> CInt {
        guard call.run == nil else {
            return call.fail("edge.every belongs at the top of a file, not in a handler")
        }
        let stack = call.stack
        let isNumber = stack.kind(at: 1) == .integer || stack.kind(at: 1) == .number
        let seconds = stack.number(at: 1)
        let bounds = Limits.functionPeriodMin...Limits.functionPeriodMax
        guard isNumber, bounds.contains(seconds) else {
            return call.badArgument(
                1,
                "edge.every",
                "seconds from \(bounds.lowerBound) to \(bounds.upperBound) are wanted"
            )
        }
        guard stack.kind(at: 2) == .function else {
            return call.badArgument(2, "edge.every", "a function is wanted")
        }
        var task = BackgroundTask(cause: .period, hook: 0, period: Nanoseconds(seconds * 1e9))
        if !call.isMissing(3) {
            guard stack.kind(at: 3) == .table else {
                return call.badArgument(3, "edge.every", "options are a table")
            }
            stack.pushNil()
            while stack.next(in: 3) {
                let key = stack.kind(at: -2) == .string ? stack.string(at: -2) : nil
                let isSet = stack.boolean(at: -1)
                stack.pop()
                switch key {
                case "once"?: task.isOncePerProcess = isSet
                case "now"?: task.startsNow = isSet
                default:
                    return call.badArgument(
                        3,
                        "edge.every",
                        "no option '\(key ?? "?")': there are once, now"
                    )
                }
            }
        }
        let runtime = FunctionRuntime.of(stack)
        guard runtime.tasks.count < Limits.functionTasksMax else {
            return call.fail("more than \(Limits.functionTasksMax) calls of edge.every")
        }
        stack.pushCopy(of: 2)
        runtime.add(task, handler: stack.keep())
        return 0
    }

    private static func later(_ call: LuaCall) -> CInt {
        guard let run = call.run else {
            return call.fail("edge.defer belongs in a handler, not at the top of a file")
        }
        guard call.stack.kind(at: 1) == .function else {
            return call.badArgument(1, "edge.defer", "a function is wanted")
        }
        call.stack.pushCopy(of: 1)
        let handler = call.stack.keep()
        guard let refusal = run.later(handler) else { return 0 }
        call.stack.forget(handler)
        return call.fail(refusal)
    }
}
