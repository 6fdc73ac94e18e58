// The request as the origin gets it: what the behaviour's policy lets through, the origin's own fields, and `Host`.
//
// Order: what no viewer may say, the policy (fields, cookies, query), `Host`, the operator's fields last, so that
// they overwrite. Framing, hop-by-hop fields and the way so far (`ForwardedFields`) are others' business.

enum OriginRequestFields {
    /// What the policy lets through, and whose name `Host` is: the viewer's, or the origin's `authority`.
    static func filter(
        _ policy: OriginRequestPolicy,
        authority: Slice,
        of head: inout RequestHead,
        in arena: Arena
    ) throws(EdgeError) {
        let hadUserAgent = head.fields.contains(.userAgent)
        head.fields.removeAll { field in
            isForbidden(field, arena) || !isKept(field, policy, arena)
        }
        // Origins log and route by it; an empty one looks like a robot.
        if hadUserAgent, !head.fields.contains(.userAgent) {
            head.fields.append(.userAgent, value: arena.append("edge"))
        }
        if !policy.keepsAllCookies { filterCookies(policy, &head.fields, arena) }
        if !policy.keepsWholeQuery, let query = head.query {
            head.query = filterQuery(query, policy, arena)
        }
        if !policy.forwardsHost || head.authority.isEmpty { head.authority = authority }
        head.fields.set(.host, value: head.authority)
        guard !arena.isOverflown else { throw .arenaOverflow }
    }

    /// What is the origin's own: its `path` before the request's, empty or `/prefix`, and the operator's fields.
    static func complete(
        _ head: inout RequestHead,
        headers: [OriginHeader],
        pathPrefix: Slice,
        in arena: Arena
    ) throws(EdgeError) {
        if !pathPrefix.isEmpty { prefix(&head, pathPrefix, arena) }
        for index in headers.indices {
            overwrite(headers[index], &head.fields, arena)
        }
        guard !arena.isOverflown else { throw .arenaOverflow }
    }

    /// Trailers are fields like others to whoever reads them: the same policy, and none that the operator speaks.
    static func filter(
        trailers fields: inout HeaderFields,
        _ policy: OriginRequestPolicy,
        headers: [OriginHeader],
        in arena: Arena
    ) {
        fields.removeAll { field in
            isForbidden(field, arena) || !policy.keepsHeader(arena.name(of: field))
                || headers.contains { arena.name(of: field).equalsIgnoringCase($0.name.span) }
        }
    }

    // MARK: Fields

    /// `X-Edge-*` is our voice, `Proxy-*` was meant for a proxy (and `Proxy` is no field but a trap: it becomes
    /// HTTP_PROXY in CGI), and the last two would let a viewer speak for the edge.
    private static func isForbidden(_ field: Field, _ arena: Arena) -> Bool {
        switch field.id {
        case .xRealIP, .xEdgeId, .xEdgePop, .proxyAuthenticate, .proxyAuthorization,
            .proxyConnection:
            return true
        case .other:
            let name = arena[field.name]
            return begins(name, with: "x-edge-") || begins(name, with: "proxy-")
                || name.equalsIgnoringCase("proxy")
                || name.equalsIgnoringCase("x-http-method-override")
        default:
            return false
        }
    }

    private static func begins(_ name: Span<UInt8>, with prefix: StaticString) -> Bool {
        let count = prefix.utf8CodeUnitCount
        return name.count >= count && name.extracting(first: count).equalsIgnoringCase(prefix)
    }

    private static func isKept(
        _ field: Field,
        _ policy: OriginRequestPolicy,
        _ arena: Arena
    ) -> Bool {
        switch field.id {
        case .host, .cookie, .contentLength, .transferEncoding, .connection, .upgrade, .expect,
            .te, .trailer:
            true
        default: policy.keepsHeader(arena.name(of: field))
        }
    }

    /// The operator's fields replace the viewer's, whatever their case.
    private static func overwrite(
        _ header: OriginHeader,
        _ fields: inout HeaderFields,
        _ arena: Arena
    ) {
        let name = header.name.span
        let id = HeaderName.named(name)
        while let index = fields.firstIndex(named: name, in: arena) { fields.remove(at: index) }
        let spelled = id == .other ? arena.append(name) : .empty
        fields.append(Field(id, name: spelled, value: arena.append(header.value.value.span)))
    }

    // MARK: Cookies

    private static func filterCookies(
        _ policy: OriginRequestPolicy,
        _ fields: inout HeaderFields,
        _ arena: Arena
    ) {
        var index = 0
        while let found = fields.firstIndex(of: .cookie, from: index) {
            let kept = filter(
                fields[found].value,
                arena,
                separator: .semicolon,
                joint: "; "
            ) { policy.keepsCookie($0) }
            guard let kept else {
                fields.remove(at: found)
                continue
            }
            fields[found] = Field(.cookie, value: kept)
            index = found + 1
        }
    }

    // MARK: Query

    /// nil when nothing is left: the `?` goes with the last argument.
    private static func filterQuery(
        _ query: Slice,
        _ policy: OriginRequestPolicy,
        _ arena: Arena
    ) -> Slice? {
        filter(query, arena, separator: UInt8(ascii: "&"), joint: "&") {
            policy.keepsQueryName($0)
        }
    }

    /// Keeps the parts whose name (what stands before `=`) is kept, in their order.
    private static func filter(
        _ list: Slice,
        _ arena: Arena,
        separator: UInt8,
        joint: StaticString,
        _ keeps: (Span<UInt8>) -> Bool
    ) -> Slice? {
        let mark = arena.used
        var isFirst = true
        var start = 0
        while start <= list.count {
            let part: Slice
            let isKept: Bool
            do {
                let bytes = arena[list]
                let end = bytes.firstIndex(of: separator, from: start) ?? bytes.count
                let range = bytes.trimmed(start, end)
                start = end + 1
                guard !range.isEmpty else { continue }
                part = Slice(list.start + range.lowerBound, range.count)
                let text = bytes.extracting(range)
                let equals = text.firstIndex(of: UInt8(ascii: "=")) ?? text.count
                isKept = keeps(text.extracting(first: equals))
            }
            guard isKept else { continue }
            if !isFirst { _ = arena.append(joint) }
            isFirst = false
            _ = arena.append(copyOf: part)
        }
        guard !isFirst, !arena.isOverflown else {
            return nil
        }
        return arena.slice(since: mark)
    }

    // MARK: Path

    private static func prefix(_ head: inout RequestHead, _ prefix: Slice, _ arena: Arena) {
        guard head.form != .asterisk, head.form != .authority else { return }
        let mark = arena.used
        _ = arena.append(copyOf: prefix)
        _ = arena.append(copyOf: head.path)
        head.path = arena.slice(since: mark)
    }
}
