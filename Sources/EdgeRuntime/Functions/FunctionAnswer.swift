// What a function made instead of an origin: a response table, read into the heads of the exchange.
//
//   return { status = 403, headers = { ["content-type"] = "text/plain" }, body = "no\n" }

struct FunctionAnswer {
    enum Reading {
        /// Nothing, or a view of the event: the request goes on.
        case nothing
        case answer
        case invalid(String)
    }

    var body: [UInt8] = []

    static func read(_ stack: LuaStack, into answer: inout Self, _ run: StageRun) -> Reading {
        switch stack.kind(at: 1) {
        case .none, .nil: return .nothing
        case .userdata:
            guard let view = stack.view(at: 1), view.kind != ViewKind.null.rawValue else {
                return .invalid("it returned something that is no response")
            }
            return .nothing
        case .table: break
        case .boolean, .integer, .number, .string, .function, .other:
            return .invalid(
                "it returned \(stack.kindName(at: 1)): return nothing to go on, or a response table"
            )
        }
        do throws(Fault) {
            answer = try readTable(stack, run)
            return .answer
        } catch {
            return .invalid(error.reason)
        }
    }

    private struct Fault: Error {
        var reason: String
    }

    private static func readTable(_ stack: LuaStack, _ run: StageRun) throws(Fault) -> Self {
        try checkKeys(stack)
        let heads = run.heads
        stack.pushField("status", of: 1)
        let status = stack.kind(at: -1) == .nil ? 200 : stack.integer(at: -1)
        stack.pop()
        guard let status, (200...599).contains(status) else {
            throw Fault(reason: "its status is not an integer from 200 to 599")
        }
        stack.pushField("body", of: 1)
        let hasBody = stack.kind(at: -1) != .nil
        let body = stack.text(at: -1)
        stack.pop()
        guard !hasBody || body != nil else { throw Fault(reason: "its body is not a string") }
        var answer = Self()
        answer.body = body ?? []
        guard status != 204 && status != 304 || answer.body.isEmpty else {
            throw Fault(reason: "a \(status) has no body")
        }
        heads.response.reset()
        heads.response.status = UInt16(status)
        stack.pushField("headers", of: 1)
        defer { stack.pop() }
        var bytes = answer.body.count
        if stack.kind(at: -1) == .table {
            bytes += try readHeaders(stack, run)
        } else if stack.kind(at: -1) != .nil {
            throw Fault(reason: "its headers are not a table")
        }
        let limit = run.runtime.library.settings.responseBytes
        guard bytes <= limit else {
            throw Fault(
                reason: "its response has \(bytes) bytes; functions.limits.response is \(limit)"
            )
        }
        return answer
    }

    private static func checkKeys(_ stack: LuaStack) throws(Fault) {
        let known = ["status", "headers", "body"]
        stack.pushNil()
        while stack.next(in: 1) {
            let key = stack.kind(at: -2) == .string ? stack.string(at: -2) : nil
            stack.pop()
            guard let key, known.contains(key) else {
                let near = key.flatMap { Suggestion.nearest(to: $0, among: known) }
                let hint =
                    near.map { ": did you mean '\($0)'?" } ?? ": there are status, headers, body"
                throw Fault(reason: "its response has '\(key ?? "a key that is no name")'\(hint)")
            }
        }
    }

    private static func readHeaders(_ stack: LuaStack, _ run: StageRun) throws(Fault) -> Int {
        let table = stack.absolute(-1)
        var bytes = 0
        var names: [[UInt8]] = []
        stack.pushNil()
        while stack.next(in: table) {
            stack.pop()
            guard let name = stack.bytes(at: -1) else {
                throw Fault(reason: "a header's name is not a string")
            }
            guard names.count < Limits.functionFieldsMax else {
                throw Fault(reason: "it has too many headers")
            }
            names.append(name)
        }
        // A table has no order of its own; what is sent does.
        names.sort { $0.lexicographicallyPrecedes($1) }
        for name in names {
            stack.pushField(bytes: name.span, of: table)
            let fault = HeaderMap.assign(
                name.span,
                from: stack,
                at: stack.count,
                to: &run.heads.response.fields,
                run
            )
            bytes += name.count + (stack.bytes(at: -1)?.count ?? 0)
            stack.pop()
            if let fault {
                throw Fault(
                    reason:
                        "headers[\"\(String(decoding: name.prefix(100), as: UTF8.self))\"]: \(fault)"
                )
            }
        }
        return bytes
    }
}
