// edge.log and print: lines of a function's own in the event log.

enum LogAPI {
    static let rows = [
        APIRow(
            "log",
            "log(text: string, fields?: table)",
            "Writes a line to the event log, with the request's id and the function's name."
        ) { state in
            guard let state else { return 0 }
            return LogAPI.log(LuaCall(state))
        }
    ]

    private static func log(_ call: LuaCall) -> CInt {
        let stack = call.stack
        switch stack.kind(at: 1) {
        case .string, .integer, .number: break
        default: return call.badArgument(1, "edge.log", "a string is wanted")
        }
        guard let run = call.run, takesLine(run) else { return 0 }
        var line = shown(stack, at: 1)
        if stack.kind(at: 2) == .table {
            stack.pushNil()
            while line.utf8.count <= Limits.functionMessageBytesMax, stack.next(in: 2) {
                let isNamed = stack.kind(at: -2) == .string || stack.kind(at: -2) == .integer
                line += " \(isNamed ? shown(stack, at: -2) : "?")=\(shown(stack, at: -1))"
                stack.pop()
            }
        }
        run.log(.info, FunctionText.bounded(line))
        return 0
    }

    /// As much of a value as a line may have: what a function wants to show may be megabytes.
    private static func shown(_ stack: LuaStack, at index: Int) -> String {
        let most = Limits.functionMessageBytesMax + 1
        switch stack.kind(at: index) {
        case .boolean: return stack.boolean(at: index) ? "true" : "false"
        case .string:
            return stack.withBytes(at: index) { bytes in
                bytes.extracting(first: most).withUnsafeBufferPointer {
                    String(decoding: $0, as: UTF8.self)
                }
            } ?? ""
        case .integer, .number:
            return stack.text(at: index).map { String(decoding: $0, as: UTF8.self) } ?? ""
        case .none, .nil, .table, .function, .userdata, .other: return stack.kindName(at: index)
        }
    }

    /// The arguments with tabs between them, as one line of the log.
    static let print: LuaHost = { state in
        guard let state else { return 0 }
        let call = LuaCall(state)
        guard let run = call.run, takesLine(run) else { return 0 }
        var line = ""
        for index in 0..<call.count where line.utf8.count <= Limits.functionMessageBytesMax {
            line += (index == 0 ? "" : "\t") + shown(call.stack, at: index + 1)
        }
        run.log(.info, FunctionText.bounded(line))
        return 0
    }

    private static func takesLine(_ run: StageRun) -> Bool {
        run.logLines += 1
        let limit = run.runtime.library.settings.logLines
        if run.logLines == limit + 1 {
            run.log(.warn, "more than \(limit) lines: the rest is dropped")
        }
        return run.logLines <= limit
    }
}
