// What a request says about its way: `Via`, `X-Forwarded-For`, `X-Forwarded-Proto`, `Forwarded` (RFC 7239) and
// `CDN-Loop` (RFC 8586). Each hop appends itself; several fields of a name become one. Nothing but the arena grows.

enum ForwardedFields {
    struct Hop: Equatable {
        /// Who is connected to us; nil for a Unix socket.
        var peer: IPAddress?
        /// Whether the peer is one of ours and its word about the scheme counts.
        var peerIsTrusted: Bool
        var isTLS: Bool
        var version: Version
    }

    /// For a request towards an origin. `host` is what the viewer asked for, since the head may name the origin by
    /// now; `name` is the edge's own, a token.
    static func keepUp(
        _ head: inout RequestHead,
        hop: Hop,
        host: Slice,
        name: Span<UInt8>,
        in arena: Arena
    ) throws(EdgeError) {
        try loop(&head.fields, name, arena)
        via(&head.fields, received: hop.version, name: name, in: arena)
        if let peer = hop.peer { address(&head.fields, peer, arena) }
        let isHTTPS = scheme(&head.fields, hop, arena)
        forwarded(&head.fields, hop.peer, isHTTPS, host, arena)
        guard !arena.isOverflown else { throw .arenaOverflow }
    }

    /// For a request that is made on behalf of another one: the way of that one and this hop, so that who asks
    /// itself is seen, however many edges are in the circle.
    static func markWay(
        _ fields: inout HeaderFields,
        after others: borrowing HeaderFields,
        in source: Arena,
        received version: Version,
        name: Span<UInt8>,
        in arena: Arena
    ) throws(EdgeError) {
        for index in 0..<others.count {
            let field = others[index]
            guard field.id == .via || field.id == .cdnLoop else { continue }
            fields.append(field.id, value: arena.append(field.value, from: source))
        }
        try loop(&fields, name, arena)
        via(&fields, received: version, name: name, in: arena)
        guard !arena.isOverflown else { throw .arenaOverflow }
    }

    /// Appends this hop to the way that a message took. `version` is that in which it was received: what the next
    /// one speaks is for the next one to say (RFC 9110 §7.6.3).
    static func via(
        _ fields: inout HeaderFields,
        received version: Version,
        name: Span<UInt8>,
        in arena: Arena
    ) {
        let mark = joined(.via, fields, arena)
        switch version {
        case .http10: _ = arena.append("1.0 ")
        case .http11: _ = arena.append("1.1 ")
        case .http2: _ = arena.append("2.0 ")
        }
        _ = arena.append(name)
        fields.set(.via, value: arena.slice(since: mark))
    }

    // MARK: CDN-Loop

    /// Whether this edge is named: it has seen the request before, and once is too often (RFC 8586 §2).
    static func isLoop(
        _ fields: borrowing HeaderFields,
        name: Span<UInt8>,
        in arena: Arena
    ) -> Bool {
        var next = fields.firstIndex(of: .cdnLoop)
        while let index = next {
            let value = arena[fields[index].value]
            var position = 0
            while let element = FieldSyntax.nextElement(value, &position) {
                let part = value.extracting(element)
                if part.extracting(FieldSyntax.head(part)).equalsIgnoringCase(name) { return true }
            }
            next = fields.firstIndex(of: .cdnLoop, from: index + 1)
        }
        return false
    }

    private static func loop(
        _ fields: inout HeaderFields,
        _ name: Span<UInt8>,
        _ arena: Arena
    ) throws(EdgeError) {
        guard !isLoop(fields, name: name, in: arena) else { throw .loopDetected }
        // A list that long went in circles through somebody, and cutting it would hide that.
        guard length(of: .cdnLoop, fields) <= Limits.forwardedBytesMax else { throw .loopDetected }
        let mark = joined(.cdnLoop, fields, arena)
        _ = arena.append(name)
        fields.set(.cdnLoop, value: arena.slice(since: mark))
    }

    // MARK: The others

    private static func address(_ fields: inout HeaderFields, _ peer: IPAddress, _ arena: Arena) {
        let mark = joined(.xForwardedFor, fields, arena)
        peer.write { arena.append(byte: $0) }
        fields.set(.xForwardedFor, value: arena.slice(since: mark))
    }

    private static func scheme(_ fields: inout HeaderFields, _ hop: Hop, _ arena: Arena) -> Bool {
        if hop.peerIsTrusted, let value = fields.value(of: .xForwardedProto) {
            if arena[value].equalsIgnoringCase("https") || arena[value].equalsIgnoringCase("http") {
                let isHTTPS = value.count == 5
                fields.set(.xForwardedProto, value: value)
                return isHTTPS
            }
        }
        fields.set(.xForwardedProto, value: arena.append(hop.isTLS ? "https" : "http"))
        return hop.isTLS
    }

    /// `for=192.0.2.1;proto=https;host=example.com`; what is no token is quoted, IPv6 in brackets as well.
    private static func forwarded(
        _ fields: inout HeaderFields,
        _ peer: IPAddress?,
        _ isHTTPS: Bool,
        _ host: Slice,
        _ arena: Arena
    ) {
        let mark = joined(.forwarded, fields, arena)
        _ = arena.append("for=")
        if let peer {
            if peer.isIPv4 {
                peer.write { arena.append(byte: $0) }
            } else {
                _ = arena.append("\"[")
                peer.write { arena.append(byte: $0) }
                _ = arena.append("]\"")
            }
        } else {
            _ = arena.append("unknown")
        }
        _ = arena.append(isHTTPS ? ";proto=https" : ";proto=http")
        // An authority was checked by the parser: no quotes and no backslashes in it.
        if !host.isEmpty {
            let isToken = arena[host].isToken
            _ = arena.append(isToken ? ";host=" : ";host=\"")
            _ = arena.append(copyOf: host)
            if !isToken { arena.append(byte: UInt8(ascii: "\"")) }
        }
        fields.set(.forwarded, value: arena.slice(since: mark))
    }

    // MARK: Joining

    private static func length(of id: HeaderName, _ fields: borrowing HeaderFields) -> Int {
        var length = 0
        var next = fields.firstIndex(of: id)
        while let index = next {
            length += fields[index].value.count + 2
            next = fields.firstIndex(of: id, from: index + 1)
        }
        return length
    }

    /// Begins a value with all that was said so far and a comma; answers where the value begins.
    private static func joined(
        _ id: HeaderName,
        _ fields: borrowing HeaderFields,
        _ arena: Arena
    ) -> Int {
        var excess = length(of: id, fields) - Limits.forwardedBytesMax
        var mark = arena.used
        var next = fields.firstIndex(of: id)
        while let index = next {
            var value = fields[index].value
            next = fields.firstIndex(of: id, from: index + 1)
            if excess > 0 {
                // The oldest hops come first: drop whole elements until the rest fits.
                let dropped = elementStart(arena[value], atLeast: excess)
                excess -= dropped
                value = Slice(value.start + dropped, value.count - dropped)
            }
            guard !value.isEmpty else { continue }
            _ = arena.append(copyOf: value)
            _ = arena.append(", ")
        }
        if arena.isOverflown { mark = arena.used }
        return mark
    }

    /// The start of the first element at or behind `minimum`, or the end.
    private static func elementStart(_ value: Span<UInt8>, atLeast minimum: Int) -> Int {
        guard minimum < value.count else { return value.count }
        guard let comma = value.firstIndex(of: .comma, from: minimum) else { return value.count }
        var at = comma + 1
        while at < value.count, value[at].isBlank { at += 1 }
        return at
    }
}

/// Whose request it is: the peer's, unless the peer is a proxy of ours that names somebody else.
enum ViewerAddress {
    static func isTrusted(_ address: IPAddress, _ trusted: [AddressPrefix]) -> Bool {
        for index in trusted.indices where trusted[index].contains(address) { return true }
        return false
    }

    /// The rightmost address of `X-Forwarded-For` that is not a proxy of ours: everything further left was written
    /// by somebody whom we do not trust. `peer` is nil for a Unix socket, which only local proxies use.
    static func decide(
        peer: IPAddress?,
        trusted: [AddressPrefix],
        fields: borrowing HeaderFields,
        in arena: Arena
    ) -> IPAddress? {
        if let peer, !isTrusted(peer, trusted) { return peer }
        var viewer = peer
        var index = fields.count
        while index > 0 {
            index -= 1
            guard fields[index].id == .xForwardedFor else { continue }
            let value = arena[fields[index].value]
            var end = value.count
            while end > 0 {
                var start = end
                while start > 0, value[start - 1] != .comma { start -= 1 }
                let element = value.trimmed(start, end)
                end = start - 1
                guard !element.isEmpty else { continue }
                // What cannot be read hides all that is left of it.
                guard let address = address(value.extracting(element)) else { return viewer }
                viewer = address
                guard isTrusted(address, trusted) else { return viewer }
            }
        }
        return viewer
    }

    /// An address as proxies write it: plain, with a port, in brackets.
    private static func address(_ text: Span<UInt8>) -> IPAddress? {
        if let plain = IPAddress(text) { return plain }
        if text[0] == UInt8(ascii: "[") {
            guard let close = text.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            return IPAddress(text.extracting(1..<close))
        }
        guard let colon = text.firstIndex(of: .colon) else { return nil }
        return IPAddress(text.extracting(first: colon))
    }
}
