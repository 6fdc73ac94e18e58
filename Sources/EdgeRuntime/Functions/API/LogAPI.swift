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
        guard let text = call.stack.text(at: 1) else {
            return call.badArgument(1, "edge.log", "a string is wanted")
        }
        var line = String(decoding: text, as: UTF8.self)
        if call.stack.kind(at: 2) == .table {
            call.stack.pushNil()
            while call.stack.next(in: 2) {
                let name =
                    call.stack.text(at: -2).map { String(decoding: $0, as: UTF8.self) } ?? "?"
                line += " \(name)=\(shown(call.stack))"
                call.stack.pop()
            }
        }
        write(line, call)
        return 0
    }

    private static func shown(_ stack: LuaStack) -> String {
        switch stack.kind(at: -1) {
        case .boolean: return stack.boolean(at: -1) ? "true" : "false"
        default:
            return stack.text(at: -1).map { String(decoding: $0, as: UTF8.self) }
                ?? stack.kindName(at: -1)
        }
    }

    /// The arguments with tabs between them, as one line of the log.
    static let print: LuaHost = { state in
        guard let state else { return 0 }
        let call = LuaCall(state)
        var parts: [String] = []
        for index in 1...max(1, call.count) where call.count > 0 {
            call.stack.pushCopy(of: index)
            parts.append(shown(call.stack))
            call.stack.pop()
        }
        write(parts.joined(separator: "\t"), call)
        return 0
    }

    private static func write(_ line: String, _ call: LuaCall) {
        guard let run = call.run else { return }
        run.logLines += 1
        let limit = run.runtime.library.settings.logLines
        guard run.logLines <= limit else {
            if run.logLines == limit + 1 {
                run.log(.warn, "more than \(limit) lines: the rest is dropped")
            }
            return
        }
        run.log(.info, FunctionText.bounded(line))
    }
}
