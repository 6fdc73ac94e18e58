// Single facts of an event, by name: read from the heads where they lie, written where the stage allows it.

enum EventFacts {
    /// False: there is nothing to tell.
    static func push(
        _ field: ViewField,
        of run: StageRun,
        _ view: LuaView,
        on stack: LuaStack
    ) -> Bool {
        let heads = run.heads
        let arena = heads.arena
        switch field {
        case .eventStage: stack.push(run.stage.word)
        case .eventFunction: stack.push(run.hook.title)
        case .eventGeneration: stack.push(Int64(run.runtime.library.generation))
        case .eventOptions: stack.push(run.hookReferences.options)
        case .eventSecrets: stack.push(run.hookReferences.secrets)
        case .requestMethod:
            if heads.request.method == .other {
                stack.push(arena[heads.request.methodToken])
            } else {
                stack.push(heads.request.method.text)
            }
        case .requestPath: stack.push(arena[heads.request.path])
        case .requestQueryString:
            guard let query = heads.request.query else { return false }
            stack.push(arena[query])
        case .requestHost: stack.push(arena[heads.request.host])
        case .requestVersion:
            switch heads.request.version {
            case .http10: stack.push("1.0" as StaticString)
            case .http11: stack.push("1.1" as StaticString)
            case .http2: stack.push("2" as StaticString)
            }
        case .responseStatus: stack.push(Int64(heads.response.status))
        case .requestCache, .requestCacheKey, .responseTTL:
            return run.steering.push(field, on: stack)
        default: return run.push(field, on: stack)
        }
        return true
    }

    /// What is wrong with the value at `index`, or nil when it was taken.
    static func assign(
        _ field: ViewField,
        of run: StageRun,
        from stack: LuaStack,
        at index: Int
    ) -> String? {
        let heads = run.heads
        switch field {
        case .requestMethod:
            guard let bytes = stack.bytes(at: index), bytes.span.isToken else {
                return "takes a method's name"
            }
            guard Method.named(bytes.span) != .connect else {
                return "cannot be CONNECT: a function opens no tunnel"
            }
            heads.request.method = Method.named(bytes.span)
            heads.request.methodToken = heads.arena.append(bytes.span)
        case .requestPath:
            guard let bytes = stack.bytes(at: index) else { return "takes a string" }
            if let reason = TargetText.fault(inPath: bytes.span) { return reason }
            heads.request.path = heads.arena.append(bytes.span)
            heads.request.form = .origin
        case .requestQueryString:
            if case .nil = stack.kind(at: index) {
                heads.request.query = nil
                return nil
            }
            guard let bytes = stack.bytes(at: index) else { return "takes a string or nil" }
            if let reason = TargetText.fault(inQuery: bytes.span) { return reason }
            heads.request.query = heads.arena.append(bytes.span)
        case .responseStatus:
            guard let status = stack.integer(at: index), (200...599).contains(status) else {
                return "takes an integer from 200 to 599"
            }
            heads.response.status = UInt16(status)
            heads.response.reason = .empty
        case .requestCache, .requestCacheKey, .responseTTL:
            return run.steering.assign(field, from: stack, at: index)
        case .responseTags:
            return CacheSteering.assignTags(
                from: stack,
                at: index,
                to: &heads.response.fields,
                heads.arena
            )
        default: return run.assign(field, from: stack, at: index)
        }
        return nil
    }
}

/// What may stand in a request's target when a function writes it.
enum TargetText {
    static func fault(inPath path: Span<UInt8>) -> String? {
        guard path.count > 0, path[0] == UInt8(ascii: "/") else { return "must begin with '/'" }
        for index in path.indices where path[index] == UInt8(ascii: "?") {
            return "has a '?': assign the query to query_string"
        }
        return fault(in: path)
    }

    static func fault(inQuery query: Span<UInt8>) -> String? { fault(in: query) }

    /// Spaces, controls and `#` would end or change the request line. Bytes above 0x7F pass as they do from viewers.
    private static func fault(in text: Span<UInt8>) -> String? {
        guard text.count <= 8192 else { return "is longer than 8192 bytes" }
        for index in text.indices {
            let byte = text[index]
            if byte <= 0x20 || byte == 0x7F || byte == UInt8(ascii: "#") {
                return "has a space, a control character or '#': escape it"
            }
        }
        return nil
    }
}
