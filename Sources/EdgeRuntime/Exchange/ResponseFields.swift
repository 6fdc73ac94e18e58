// What the behaviour does to the fields of a response: remove, then CORS, then security and the operator's own.
//
// An entry that overrides replaces what the origin sent; one that does not is added only where the origin sent none.
// CORS fields are for CORS requests, those of a preflight for preflights; a response that depends on `Origin` says so
// in `Vary`, also when this request had none, or a cache between us and the browser would mix the two up.

enum ResponseFields {
    /// What of the request matters; slices of the same arena.
    struct Request {
        var origin: Slice?
        /// OPTIONS with `Access-Control-Request-Method`.
        var isPreflight: Bool
        var requestedHeaders: Slice?
        var requestedMethod: Slice?

        init(_ head: borrowing RequestHead) {
            origin = head.fields.value(of: .origin)
            requestedMethod = head.fields.value(of: .accessControlRequestMethod)
            requestedHeaders = head.fields.value(of: .accessControlRequestHeaders)
            isPreflight = head.method == .options && origin != nil && requestedMethod != nil
        }
    }

    static func apply(
        _ policy: HeaderPolicy,
        request: Request,
        to fields: inout HeaderFields,
        in arena: Arena
    ) throws(EdgeError) {
        if !policy.removes.isEmpty {
            fields.removeAll { policy.removes.contains(arena.name(of: $0)) }
        }
        if let cors = policy.cors { apply(cors, request, &fields, arena) }
        for index in policy.fields.indices {
            let entry = policy.fields[index]
            put(entry.name.span, entry.value.span, overrides: entry.overrides, &fields, arena)
        }
        guard !arena.isOverflown else { throw .arenaOverflow }
    }

    private static func put(
        _ name: Span<UInt8>,
        _ value: Span<UInt8>,
        overrides: Bool,
        _ fields: inout HeaderFields,
        _ arena: Arena
    ) {
        let id = HeaderName.named(name)
        if fields.firstIndex(named: name, in: arena) != nil {
            guard overrides else { return }
            while let index = fields.firstIndex(named: name, in: arena) {
                fields.remove(at: index)
            }
        }
        let spelled = id == .other ? arena.append(name) : .empty
        fields.append(Field(id, name: spelled, value: arena.append(value)))
    }

    // MARK: CORS

    private static func apply(
        _ cors: CORSPolicy,
        _ request: Request,
        _ fields: inout HeaderFields,
        _ arena: Arena
    ) {
        if cors.overrides {
            fields.removeAll { isCORS($0.id) }
        } else if fields.contains(.accessControlAllowOrigin) {
            // The origin answers for itself.
            return
        }
        if dependsOnOrigin(cors) { varyByOrigin(&fields, arena) }
        guard let origin = request.origin else { return }
        switch cors.decide(origin: arena[origin]) {
        case .refuse: return
        case .any: fields.append(.accessControlAllowOrigin, value: arena.append("*"))
        case .echo: fields.append(.accessControlAllowOrigin, value: origin)
        }
        if cors.allowsCredentials {
            fields.append(.accessControlAllowCredentials, value: arena.append("true"))
        }
        guard request.isPreflight else {
            if let exposes = cors.exposes {
                fields.append(.accessControlExposeHeaders, value: arena.append(exposes.span))
            }
            return
        }
        list(.accessControlAllowMethods, cors.methods, request.requestedMethod, &fields, arena)
        list(.accessControlAllowHeaders, cors.headers, request.requestedHeaders, &fields, arena)
        if let maxAge = cors.maxAge {
            fields.append(.accessControlMaxAge, value: arena.append(maxAge.span))
        }
    }

    /// `*` repeats what was asked for, because browsers do not take a star together with credentials.
    private static func list(
        _ id: HeaderName,
        _ allowed: [UInt8]?,
        _ requested: Slice?,
        _ fields: inout HeaderFields,
        _ arena: Arena
    ) {
        guard let allowed else { return }
        guard allowed.span.equals("*") else {
            fields.append(id, value: arena.append(allowed.span))
            return
        }
        guard let requested else { return }
        fields.append(id, value: requested)
    }

    private static func isCORS(_ id: HeaderName) -> Bool {
        switch id {
        case .accessControlAllowOrigin, .accessControlAllowCredentials,
            .accessControlAllowHeaders, .accessControlAllowMethods,
            .accessControlExposeHeaders, .accessControlMaxAge:
            true
        default: false
        }
    }

    private static func dependsOnOrigin(_ cors: CORSPolicy) -> Bool {
        for index in cors.origins.indices {
            if case .any = cors.origins[index] { return cors.allowsCredentials }
        }
        return true
    }

    private static func varyByOrigin(_ fields: inout HeaderFields, _ arena: Arena) {
        var next = fields.firstIndex(of: .vary)
        while let index = next {
            let value = arena[fields[index].value]
            if FieldSyntax.list(value, contains: "origin")
                || FieldSyntax.list(value, contains: "*")
            {
                return
            }
            next = fields.firstIndex(of: .vary, from: index + 1)
        }
        fields.append(.vary, value: arena.append("Origin"))
    }
}
