// What must not pass from one connection to the next: the fields that are hop-by-hop by nature and those that
// `Connection` names (RFC 9110 §7.6.1).
//
// A client that names fields there asks us to drop them, so it must not be able to drop what we or the origin rely
// on: fields that route, frame or count hops stay whatever `Connection` says.

enum HopByHop {
    /// The number of options is bounded, for each unknown one costs a walk over the fields.
    static func remove(
        from fields: inout HeaderFields,
        _ arena: Arena
    ) throws(EdgeError) {
        guard fields.contains(anyOf: names) else { return }
        var from = 0
        var options = 0
        // Nominated fields go first: once `Connection` itself is removed nobody knows them.
        while let index = fields.firstIndex(of: .connection, from: from) {
            let value = fields[index].value
            from = index + 1
            var position = 0
            while let element = FieldSyntax.nextElement(arena[value], &position) {
                options += 1
                guard options <= Limits.connectionOptions else { throw .tooManyConnectionOptions }
                let name = Slice(value.start + element.lowerBound, element.count)
                let removed = drop(name, &fields, arena, before: from)
                from -= removed
            }
        }
        fields.removeAll { $0.id.isHopByHop }
    }

    private static let names = PresenceMask(\.isHopByHop)

    /// Answers how many of the removed fields stood before `position`.
    private static func drop(
        _ name: Slice,
        _ fields: inout HeaderFields,
        _ arena: Arena,
        before position: Int
    ) -> Int {
        let id = HeaderName.named(arena[name])
        guard !id.isHopByHop, !id.staysWhenNominated else { return 0 }
        var removed = 0
        var from = 0
        while let index = fields.firstIndex(named: arena[name], in: arena, from: from) {
            if index < position - removed { removed += 1 }
            fields.remove(at: index)
            from = index
        }
        return removed
    }
}

extension HeaderName {
    fileprivate var staysWhenNominated: Bool {
        switch self {
        case .host, .contentLength, .contentType, .contentEncoding, .cacheControl, .via, .cdnLoop,
            .forwarded, .xForwardedFor, .xForwardedHost, .xForwardedPort, .xForwardedProto:
            true
        default: false
        }
    }
}
