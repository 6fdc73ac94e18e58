// Maps of names: header fields, query arguments, cookies, and the log's own fields, read and written where they lie.

enum FieldMap {
    static func get(_ call: LuaCall, _ kind: ViewKind, _ run: StageRun) -> CInt {
        let stack = call.stack
        guard stack.kind(at: 2) == .string else { return 0 }
        switch kind {
        case .requestHeaders:
            return stack.withBytes(at: 2) {
                HeaderMap.push($0, run.heads.request.fields, call, run)
            }
                ?? 0
        case .responseHeaders:
            return stack.withBytes(at: 2) {
                HeaderMap.push($0, run.heads.response.fields, call, run)
            }
                ?? 0
        case .query:
            call.spend(Int(run.heads.request.query?.count ?? 0) / 8)
            return stack.withBytes(at: 2) { QueryMap.push($0, run.heads, stack) } ?? 0
        case .requestCookies:
            return stack.withBytes(at: 2) { CookieMap.push($0, run.heads, stack) } ?? 0
        case .responseCookies:
            return stack.withBytes(at: 2) { CookieMap.pushSet($0, run.heads, stack) } ?? 0
        case .log: return call.fail("event.log is only written")
        case .event, .request, .requestBody, .response, .responseBody, .viewer, .tls, .origin,
            .cache, .null:
            return 0
        }
    }

    static func set(_ call: LuaCall, _ kind: ViewKind, _ run: StageRun) -> CInt {
        let stack = call.stack
        guard stack.kind(at: 2) == .string else {
            return EventViews.invalid(call, run, "a name is a string, not \(stack.kindName(at: 2))")
        }
        if kind == .log {
            if let reason = run.note(stack.bytes(at: 2) ?? [], from: stack, at: 3) {
                return EventViews.invalid(call, run, "event.log: \(reason)")
            }
            return 0
        }
        let isRequest = kind == .requestHeaders || kind == .query || kind == .requestCookies
        if isRequest, run.stage.hasResponse {
            return EventViews.invalid(
                call,
                run,
                "\(kind.name) cannot change in \(run.stage.word): it was sent"
            )
        }
        guard run.heads.arena.used < Limits.arenaBytesMax - Limits.functionArenaReserve else {
            return EventViews.invalid(call, run, "more headers than an exchange may have")
        }
        guard let fault = assign(kind, from: stack, run) else { return 0 }
        let shown = String(decoding: stack.bytes(at: 2)?.prefix(100) ?? [], as: UTF8.self)
        return EventViews.invalid(call, run, "\(kind.name)[\"\(shown)\"]: \(fault)")
    }

    /// The name lies at 2, the value at 3; answers what is wrong with them.
    private static func assign(
        _ kind: ViewKind,
        from stack: LuaStack,
        _ run: StageRun
    ) -> String? {
        let heads = run.heads
        switch kind {
        case .requestHeaders:
            let fault: String?? = stack.withBytes(at: 2) { name in
                let before = HeaderName.named(name) == .host ? HeadsBefore(heads) : nil
                let refusal = HeaderMap.assign(
                    name,
                    from: stack,
                    at: 3,
                    to: &heads.request.fields,
                    run
                )
                guard let before else { return refusal }
                let fault = refusal ?? settleHost(heads)
                if fault != nil { before.restore(heads) }
                return fault
            }
            return fault ?? nil
        case .responseHeaders:
            let fault: String?? = stack.withBytes(at: 2) {
                HeaderMap.assign($0, from: stack, at: 3, to: &heads.response.fields, run)
            }
            return fault ?? nil
        case .query: return QueryMap.assign(name(stack), from: stack, at: 3, to: heads)
        case .requestCookies: return CookieMap.assign(name(stack), from: stack, at: 3, to: heads)
        case .responseCookies:
            return CookieMap.assignSet(name(stack), from: stack, at: 3, to: heads)
        case .event, .request, .requestBody, .response, .responseBody, .viewer, .tls, .origin, .log,
            .cache, .null:
            return nil
        }
    }

    private static func name(_ stack: LuaStack) -> [UInt8] { stack.bytes(at: 2) ?? [] }

    /// A `Host` of a function's own is a host like a viewer's.
    private static func settleHost(_ heads: Heads) -> String? {
        heads.request.form = .origin
        do throws(EdgeError) {
            try TargetParser.settleAuthority(&heads.request, heads.arena)
            return nil
        } catch {
            return "is not a host name"
        }
    }

    /// Pushes a list of names and values in turn, each name once; nothing for what `next` goes over.
    static func list(_ call: LuaCall, _ kind: ViewKind?, _ run: StageRun) -> CInt {
        switch kind {
        case .query: return QueryMap.list(run.heads, call)
        case .requestCookies: return CookieMap.list(run.heads, call)
        case .requestHeaders, .responseHeaders, .responseCookies, .event, .request, .requestBody,
            .response, .responseBody, .viewer, .tls, .origin, .log, .cache, .null, nil:
            return 0
        }
    }

    /// Pushes the name and the value after the key at 2.
    static func next(_ call: LuaCall, _ kind: ViewKind, _ run: StageRun) -> CInt {
        switch kind {
        case .requestHeaders: return HeaderMap.next(run.heads.request.fields, call, run)
        case .responseHeaders: return HeaderMap.next(run.heads.response.fields, call, run)
        case .responseCookies: return call.fail("pairs does not go over response.cookies")
        case .query, .requestCookies, .event, .request, .requestBody, .response, .responseBody,
            .viewer, .tls, .origin, .log, .cache, .null:
            return call.fail("pairs goes over headers, query and cookies")
        }
    }
}
