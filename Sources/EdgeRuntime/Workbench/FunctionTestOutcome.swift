// What a run did, as the table that a test looks at.

enum FunctionTestOutcome {
    static func push(
        _ run: FunctionTestRun,
        _ ending: StageRun.Ending,
        headers: LuaReference,
        on stack: LuaStack
    ) {
        let heads = run.exchangeHeads
        let arena = heads.arena
        stack.pushTable()
        stack.pushTable()
        pushMethod(heads, on: stack)
        stack.setField("method", of: -2)
        stack.push(arena[heads.request.path])
        stack.setField("path", of: -2)
        if let query = heads.request.query {
            stack.push(arena[query])
            stack.setField("query_string", of: -2)
        }
        stack.push(arena[heads.request.host])
        stack.setField("host", of: -2)
        push(heads.request.fields, arena, headers, on: stack)
        stack.setField("headers", of: -2)
        stack.push(run.body(.request).span)
        stack.setField("body", of: -2)
        if run.steering.push(.requestCache, on: stack) { stack.setField("cache", of: -2) }
        if run.steering.push(.requestCacheKey, on: stack) { stack.setField("cache_key", of: -2) }
        stack.setField("request", of: -2)
        if let body = body(of: run, ending) {
            stack.pushTable()
            stack.push(Int64(heads.response.status))
            stack.setField("status", of: -2)
            push(heads.response.fields, arena, headers, on: stack)
            stack.setField("headers", of: -2)
            stack.push(body.span)
            stack.setField("body", of: -2)
            if run.steering.push(.responseTTL, on: stack) { stack.setField("ttl", of: -2) }
            stack.setField("response", of: -2)
        }
        stack.push(isAnswered(ending))
        stack.setField("answered", of: -2)
        run.pushState(on: stack)
        stack.setField("state", of: -2)
        stack.push(run.origin)
        stack.setField("origin", of: -2)
        stack.push(run.elapsed)
        stack.setField("elapsed", of: -2)
        pushFetches(run, on: stack)
        stack.setField("fetches", of: -2)
        pushNotes(run, on: stack)
    }

    private static func pushFetches(_ run: FunctionTestRun, on stack: LuaStack) {
        stack.pushTable()
        for (index, order) in run.sent.enumerated() {
            stack.pushTable()
            switch order.target {
            case .url(let url):
                stack.push(url.text.span)
                stack.setField("url", of: -2)
            case .origin(let name, let path):
                stack.push(name)
                stack.setField("origin", of: -2)
                stack.push(path.span)
                stack.setField("path", of: -2)
            }
            stack.push(order.method.span)
            stack.setField("method", of: -2)
            FunctionTestFetches.Answer.push(order.headers, on: stack)
            stack.setField("headers", of: -2)
            if let body = order.body {
                stack.push(body.span)
                stack.setField("body", of: -2)
            }
            stack.setRawItem(index + 1, of: -2)
        }
    }

    private static func isAnswered(_ ending: StageRun.Ending) -> Bool {
        switch ending {
        case .answered: true
        case .proceed, .failed: false
        }
    }

    /// Nil where there is no response yet.
    private static func body(of run: FunctionTestRun, _ ending: StageRun.Ending) -> [UInt8]? {
        if isAnswered(ending) { return run.answer.body }
        return run.stage.hasResponse ? run.body(.response) : nil
    }

    private static func pushMethod(_ heads: Heads, on stack: LuaStack) {
        let arena = heads.arena
        if heads.request.method == .other {
            stack.push(arena[heads.request.methodToken])
        } else {
            stack.push(heads.request.method.text)
        }
    }

    private static func pushNotes(_ run: FunctionTestRun, on stack: LuaStack) {
        stack.pushTable()
        for (index, line) in run.logs.enumerated() {
            stack.push(line)
            stack.setRawItem(index + 1, of: -2)
        }
        stack.setField("logs", of: -2)
        stack.pushTable()
        for note in run.notes {
            stack.push(note.value.span)
            stack.setField(String(decoding: note.name, as: UTF8.self), of: -2)
        }
        stack.setField("access_log", of: -2)
    }

    /// By name in small letters; repeated fields joined as functions see them, `set-cookie` always a list.
    private static func push(
        _ fields: borrowing HeaderFields,
        _ arena: Arena,
        _ metatable: LuaReference,
        on stack: LuaStack
    ) {
        stack.pushTable()
        for index in 0..<fields.count {
            let field = fields[index]
            let name = arena.name(of: field).lowercased
            let key = String(decoding: name, as: UTF8.self)
            stack.pushField(key, of: -1)
            if field.id == .setCookie {
                if stack.kind(at: -1) == .nil {
                    stack.pop()
                    stack.pushTable()
                }
                stack.push(arena[field.value])
                stack.setRawItem(stack.rawLength(at: -2) + 1, of: -2)
            } else if let before = stack.bytes(at: -1) {
                stack.pop()
                stack.push((before + Array(", ".utf8) + arena.copy(of: field.value)).span)
            } else {
                stack.pop()
                stack.push(arena[field.value])
            }
            stack.setField(key, of: -2)
        }
        stack.push(metatable)
        stack.setMetatable(of: -2)
    }
}

/// Plain values on their way from one machine to another.
enum FunctionTestValue {
    static func copy(
        _ source: LuaStack,
        at index: Int,
        to target: LuaStack,
        path: String,
        depth: Int = 0
    ) throws(FunctionTestFault) {
        guard depth < Limits.functionTestValueDepthMax, source.hasRoom(for: 4),
            target.hasRoom(for: 4)
        else { throw FunctionTestFault(reason: "\(path) has tables that are nested too deep") }
        if pushScalar(source, at: index, to: target) { return }
        guard source.kind(at: index) == .table else {
            let kind = source.kindName(at: index)
            throw FunctionTestFault(reason: "\(path) is a \(kind), which is no plain value")
        }
        target.pushTable()
        source.pushNil()
        while source.next(in: index) {
            let value = source.count
            guard pushScalar(source, at: value - 1, to: target) else {
                throw FunctionTestFault(reason: "\(path) has a key that is no plain value")
            }
            try copy(source, at: value, to: target, path: path, depth: depth + 1)
            target.setRaw(in: target.count - 2)
            source.pop()
        }
    }

    /// The same for somebody who only looks: what is no plain value becomes its kind in brackets.
    static func show(_ source: LuaStack, at index: Int, to target: LuaStack, depth: Int = 0) {
        if pushScalar(source, at: index, to: target) { return }
        guard source.kind(at: index) == .table, depth < Limits.functionTestValueDepthMax,
            source.hasRoom(for: 4), target.hasRoom(for: 4)
        else {
            target.push("<\(source.kindName(at: index))>")
            return
        }
        target.pushTable()
        source.pushNil()
        while source.next(in: index) {
            let value = source.count
            if !pushScalar(source, at: value - 1, to: target) {
                target.push("<\(source.kindName(at: value - 1))>")
            }
            show(source, at: value, to: target, depth: depth + 1)
            target.setRaw(in: target.count - 2)
            source.pop()
        }
    }

    private static func pushScalar(
        _ source: LuaStack,
        at index: Int,
        to target: LuaStack
    ) -> Bool {
        switch source.kind(at: index) {
        case .nil, .none: target.pushNil()
        case .boolean: target.push(source.boolean(at: index))
        case .integer: target.push(source.integer(at: index) ?? 0)
        case .number: target.push(source.number(at: index))
        case .string:
            guard source.withBytes(at: index, { target.push($0) }) != nil else { return false }
        case .table, .function, .userdata, .other: return false
        }
        return true
    }
}
