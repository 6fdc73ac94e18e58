// The methods of views, called with a colon: `headers:add(name, value)`.

enum ViewMethod: CaseIterable {
    case add
    case all
    case read
    case chunks
    case map

    var name: StaticString {
        switch self {
        case .add: "add"
        case .all: "all"
        case .read: "read"
        case .chunks: "chunks"
        case .map: "map"
        }
    }

    var kinds: [ViewKind] {
        switch self {
        case .add: [.requestHeaders, .responseHeaders, .query]
        case .all: [.requestHeaders, .responseHeaders, .query, .requestCookies]
        case .read, .chunks, .map: [.requestBody, .responseBody]
        }
    }

    var signature: StaticString {
        switch self {
        case .add: "add(name: string, value: string)"
        case .all: "all(name: string): string[]"
        case .read: "read(max?: integer): string"
        case .chunks: "chunks(): function"
        case .map: "map(piece: fun(chunk: string?): string?): any"
        }
    }

    var sentence: StaticString {
        switch self {
        case .add: "Adds one more value of this name behind those there are."
        case .all: "Every value of this name, in order."
        case .read:
            "Waits for the whole body, at most `functions.limits.body`; it still goes on unchanged."
        case .chunks: "For a `for` loop: like `read`, in the pieces in which the body arrives."
        case .map:
            "To be assigned to `body`: for each piece that flows, and at the end for nil, what is sent instead."
        }
    }

    var host: LuaHost {
        switch self {
        case .add:
            { state in
                guard let state else { return 0 }
                return ViewMethod.add(LuaCall(state))
            }
        case .all:
            { state in
                guard let state else { return 0 }
                return ViewMethod.all(LuaCall(state))
            }
        case .read:
            { state in
                guard let state else { return 0 }
                return BodyAPI.read(LuaCall(state))
            }
        case .chunks:
            { state in
                guard let state else { return 0 }
                return BodyAPI.chunks(LuaCall(state))
            }
        case .map:
            { state in
                guard let state else { return 0 }
                return BodyAPI.map(LuaCall(state))
            }
        }
    }

    private static func add(_ call: LuaCall) -> CInt {
        let stack = call.stack
        guard let view = stack.view(at: 1), let run = EventViews.run(stack, view),
            let kind = ViewKind(rawValue: view.kind)
        else { return call.fail("call it with a colon: headers:add(name, value)") }
        guard let name = stack.bytes(at: 2), let value = stack.text(at: 3) else {
            return call.fail("add takes a name and a value")
        }
        guard run.heads.arena.used < Limits.arenaBytesMax - Limits.functionArenaReserve else {
            return EventViews.invalid(call, run, "more headers than an exchange may have")
        }
        let fault: String?
        switch kind {
        case .requestHeaders, .query:
            guard !run.stage.hasResponse else {
                let message = "\(kind.name) cannot change in \(run.stage.word): it was sent"
                return EventViews.invalid(call, run, message)
            }
            fault =
                kind == .query
                ? QueryMap.add(name, value, to: run.heads)
                : HeaderMap.add(name, value, to: &run.heads.request.fields, run.heads.arena)
        case .responseHeaders:
            fault = HeaderMap.add(name, value, to: &run.heads.response.fields, run.heads.arena)
        case .event, .request, .requestCookies, .requestBody, .response, .responseCookies,
            .responseBody, .viewer, .tls, .origin, .log, .cache, .null:
            fault = "cannot be added to"
        }
        guard let fault else { return 0 }
        let shown = String(decoding: name.prefix(100), as: UTF8.self)
        return EventViews.invalid(call, run, "\(kind.name):add(\"\(shown)\"): \(fault)")
    }

    private static func all(_ call: LuaCall) -> CInt {
        let stack = call.stack
        guard let view = stack.view(at: 1), let run = EventViews.run(stack, view),
            let kind = ViewKind(rawValue: view.kind), let name = stack.bytes(at: 2)
        else { return call.fail("call it with a colon and a name: headers:all(name)") }
        switch kind {
        case .requestHeaders: HeaderMap.all(name, run.heads.request.fields, run, stack)
        case .responseHeaders: HeaderMap.all(name, run.heads.response.fields, run, stack)
        case .query: QueryMap.all(name, run.heads, stack)
        case .requestCookies: CookieMap.all(name, run.heads, stack)
        case .event, .request, .requestBody, .response, .responseCookies, .responseBody, .viewer,
            .tls, .origin, .log, .cache, .null:
            return 0
        }
        return 1
    }
}
