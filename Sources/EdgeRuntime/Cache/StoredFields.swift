// What of a head is for others as well (RFC 9111 §3.1). What is not goes to the viewer who asked, and nobody else.
//
//   private="a", no-cache="a"      such fields are of one viewer
//   Set-Cookie                     where `min_ttl` overrules an origin that counted on not being kept
//   Age, Warning                   belong to one delivery; the edge says its own age, nobody says Warning any more
//   Date                           is added where the origin gave none (RFC 9110 §6.6.1)

struct StoredFields {
    private let directives: CacheDirectives
    private let leavesCookies: Bool

    init(_ response: borrowing ResponseHead, _ arena: Arena, _ rule: CacheRule) {
        directives = CacheDirectives(response: response.fields, arena)
        leavesCookies = rule.minTTL > 0 && !rule.keysCookies
    }

    /// Most heads are everybody's.
    var isAll: Bool {
        directives.noCacheFields == nil && directives.privateFields == nil && !leavesCookies
    }

    func isOfOneViewer(_ field: Field, _ arena: Arena) -> Bool {
        if leavesCookies, field.id == .setCookie { return true }
        let name = arena.name(of: field)
        return CacheDirectives.names(directives.noCacheFields, name, arena)
            || CacheDirectives.names(directives.privateFields, name, arena)
    }

    /// Makes a head what is stored of it.
    func reduce(_ fields: inout HeaderFields, _ arena: Arena, now: Int64) {
        fields.removeAll { field in
            field.id == .age || field.id == .warning || isOfOneViewer(field, arena)
        }
        guard !fields.contains(.date) else { return }
        let date = HTTPDate.render(now)
        fields.append(.date, value: arena.append(date.span))
    }
}

extension CacheRule {
    /// Who has other cookies reads another object.
    var keysCookies: Bool {
        if case .none = key.cookies { return false }
        return true
    }
}
