// edge.fetch and edge.all: requests of a function's own, and several of them at once.

enum FetchAPI {
    static let rows = [
        APIRow(
            "fetch",
            "fetch(target: any, options?: table): table?, string?",
            """
            Asks an http or https URL, or { origin, path } of a configured origin. Answers { status, headers, body }, \
            or nil and a word for what went wrong. Options: method, headers, body, timeout in seconds, max_body in \
            bytes, redirects to follow.
            """,
            waits: true
        ) { state in
            guard let state else { return 0 }
            return FetchAPI.fetch(LuaCall(state))
        },
        APIRow(
            "all",
            "all(functions: function[]): table[]",
            """
            Runs functions beside each other, so that what they wait for overlaps. Answers a list in their order: \
            { n = count, … } with what each returned, { error = message } where it raised.
            """,
            waits: true
        ) { state in
            guard let state else { return 0 }
            return FetchAPI.all(LuaCall(state))
        },
    ]

    private static func fetch(_ call: LuaCall) -> CInt {
        if let refusal = call.refusalToWait("edge.fetch") { return call.fail(refusal) }
        guard let run = call.run else { return 0 }
        let settings = run.runtime.library.settings
        let order: FetchOrder
        do throws(Fault) {
            var read = FetchOrder(target: try target(call.stack), bodyBytesMax: settings.bodyBytes)
            if !call.isMissing(2) { try options(call.stack, into: &read, run) }
            order = read
        } catch {
            return call.badArgument(error.argument, "edge.fetch", error.reason)
        }
        run.fetches += 1
        guard run.fetches <= settings.fetches else { return call.refuse("too_many_fetches") }
        if case .url(let url) = order.target, !url.isAllowed(by: settings.fetchAllow) {
            return call.refuse("host_not_allowed")
        }
        run.effect = .fetch(order)
        return call.wait()
    }

    private static func all(_ call: LuaCall) -> CInt {
        if let refusal = call.refusalToWait("edge.all") { return call.fail(refusal) }
        guard let run = call.run else { return 0 }
        let stack = call.stack
        guard stack.kind(at: 1) == .table else {
            return call.badArgument(1, "edge.all", "a list of functions is wanted")
        }
        let count = stack.rawLength(at: 1)
        guard run.strands.count + count <= Limits.functionStrandsMax else {
            return call.badArgument(
                1,
                "edge.all",
                "no more than \(Limits.functionStrandsMax) functions run at once"
            )
        }
        for place in 0..<count {
            stack.pushRawItem(place + 1, of: 1)
            guard stack.kind(at: -1) == .function else {
                let kind = stack.kindName(at: -1)
                return call.badArgument(1, "edge.all", "item \(place + 1) is a \(kind)")
            }
            stack.pop()
        }
        var threads: [LuaThread] = []
        for place in 0..<count {
            let thread = run.runtime.takeThread()
            stack.pushRawItem(place + 1, of: 1)
            stack.move(to: thread.stack)
            threads.append(thread)
        }
        call.spend(count * Limits.functionStrandUnits)
        run.effect = .all(threads)
        return call.wait()
    }

    // MARK: Reading

    private struct Fault: Error {
        var argument: Int
        var reason: String
    }

    private static func target(_ stack: LuaStack) throws(Fault) -> FetchOrder.Target {
        switch stack.kind(at: 1) {
        case .string:
            do throws(FetchURL.Fault) {
                return .url(try FetchURL(stack.bytes(at: 1) ?? []))
            } catch {
                throw Fault(argument: 1, reason: "it \(error.reason)")
            }
        case .table:
            try checkKeys(stack, argument: 1, known: ["origin", "path"])
            stack.pushField("origin", of: 1)
            stack.pushField("path", of: 1)
            defer { stack.pop(2) }
            guard let name = stack.string(at: -2) else {
                throw Fault(argument: 1, reason: "its origin is no name")
            }
            guard let path = stack.bytes(at: -1), isPath(path.span) else {
                throw Fault(argument: 1, reason: "its path is no string that begins with a slash")
            }
            return .origin(name, path: path)
        case .none, .nil, .boolean, .integer, .number, .function, .userdata, .other:
            throw Fault(argument: 1, reason: "a URL or { origin = …, path = … } is wanted")
        }
    }

    private static func isPath(_ path: Span<UInt8>) -> Bool {
        guard path.count > 0, path.count <= Limits.urlBytesMax, path[0] == UInt8(ascii: "/") else {
            return false
        }
        return path.firstControl(from: 0, to: path.count) == nil
            && path.firstIndex(of: .space) == nil && path.firstIndex(of: UInt8(ascii: "#")) == nil
    }

    private static func checkKeys(
        _ stack: LuaStack,
        argument: Int,
        known: [String]
    ) throws(Fault) {
        stack.pushNil()
        while stack.next(in: argument) {
            let key = stack.kind(at: -2) == .string ? stack.string(at: -2) : nil
            stack.pop()
            guard let key, known.contains(key) else {
                stack.pop()
                let near = key.flatMap { Suggestion.nearest(to: $0, among: known) }
                let hint =
                    near.map { "did you mean '\($0)'?" }
                    ?? "there are \(known.joined(separator: ", "))"
                throw Fault(
                    argument: argument,
                    reason: "it has '\(key ?? "a key that is no name")': \(hint)"
                )
            }
        }
    }

    private static func options(
        _ stack: LuaStack,
        into order: inout FetchOrder,
        _ run: StageRun
    ) throws(Fault) {
        guard stack.kind(at: 2) == .table else {
            throw Fault(argument: 2, reason: "a table of options is wanted")
        }
        try checkKeys(
            stack,
            argument: 2,
            known: ["method", "headers", "body", "timeout", "max_body", "redirects"]
        )
        if let method = try option("method", stack, { $0.bytes(at: -1) }, "a string") {
            guard method.count <= 32, method.span.isToken else {
                throw Fault(argument: 2, reason: "its method is no token")
            }
            guard method != Array("CONNECT".utf8) else {
                throw Fault(argument: 2, reason: "CONNECT asks for a tunnel, which there is not")
            }
            order.method = method
        }
        order.body = try option("body", stack, { $0.text(at: -1) }, "a string")
        let seconds = try option(
            "timeout",
            stack,
            { stack -> Double? in
                let seconds = stack.number(at: -1)
                return seconds > 0 && seconds <= 86_400 ? seconds : nil
            },
            "seconds above 0, at most 86400"
        )
        if let seconds { order.deadline = run.loop.now + Nanoseconds(seconds * 1e9) }
        let bytes = try option(
            "max_body",
            stack,
            { stack in stack.integer(at: -1).flatMap { $0 >= 0 ? Int($0) : nil } },
            "an integer from 0"
        )
        if let bytes { order.bodyBytesMax = min(bytes, order.bodyBytesMax) }
        let redirects = try option(
            "redirects",
            stack,
            { stack in
                stack.integer(at: -1)
                    .flatMap { 0...Int64(Limits.fetchRedirectsMax) ~= $0 ? Int($0) : nil }
            },
            "an integer from 0 to \(Limits.fetchRedirectsMax)"
        )
        order.redirects = redirects ?? 0
        if case .origin = order.target, order.redirects > 0 {
            throw Fault(argument: 2, reason: "redirects are followed for a URL only")
        }
        try headers(stack, into: &order)
    }

    private static func option<Value>(
        _ name: String,
        _ stack: LuaStack,
        _ read: (LuaStack) -> Value?,
        _ wanted: String
    ) throws(Fault) -> Value? {
        stack.pushField(name, of: 2)
        defer { stack.pop() }
        guard stack.kind(at: -1) != .nil else { return nil }
        guard let value = read(stack) else {
            throw Fault(argument: 2, reason: "its \(name) is not \(wanted)")
        }
        return value
    }

    private static func headers(_ stack: LuaStack, into order: inout FetchOrder) throws(Fault) {
        stack.pushField("headers", of: 2)
        defer { stack.pop() }
        guard stack.kind(at: -1) != .nil else { return }
        guard stack.kind(at: -1) == .table else {
            throw Fault(argument: 2, reason: "its headers are not a table")
        }
        let table = stack.absolute(-1)
        stack.pushNil()
        while stack.next(in: table) {
            defer { stack.pop() }
            guard stack.kind(at: -2) == .string, let name = stack.bytes(at: -2) else {
                stack.pop()
                throw Fault(argument: 2, reason: "a header's name is not a string")
            }
            if let fault = HeaderMap.fault(inName: name.span) ?? add(name, stack, to: &order) {
                let shown = String(decoding: name.prefix(100), as: UTF8.self)
                stack.pop()
                throw Fault(argument: 2, reason: "headers[\"\(shown)\"] \(fault)")
            }
        }
        // A table has no order of its own; what is sent does.
        order.headers.sort { $0.name.lexicographicallyPrecedes($1.name) }
    }

    /// The value on top, or each of a list.
    private static func add(
        _ name: [UInt8],
        _ stack: LuaStack,
        to order: inout FetchOrder
    ) -> String? {
        let index = stack.absolute(-1)
        let isList = stack.kind(at: index) == .table
        let count = isList ? stack.rawLength(at: index) : 1
        guard order.headers.count + count <= Limits.functionFieldsMax else {
            return "is one too many: there are \(Limits.functionFieldsMax) at most"
        }
        for item in 0..<count {
            if isList { stack.pushRawItem(item + 1, of: index) } else { stack.pushCopy(of: index) }
            let value = stack.text(at: -1)
            stack.pop()
            guard let value else { return "takes a string or a list of strings" }
            if let fault = HeaderMap.fault(inValue: value.span) { return fault }
            order.headers.append((name: name, value: value))
        }
        return nil
    }
}
