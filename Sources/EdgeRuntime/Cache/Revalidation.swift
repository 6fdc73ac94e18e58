// A 304 brings new fields for what is stored (RFC 9111 §3.2, §4.3.4): each name that it has replaces all stored fields
// of that name, save those that describe the stored bytes, which a 304 cannot change.

enum Revalidation {
    /// Turns the head of a 304 into the head that the object has from now on.
    static func merge(_ stored: StoredHead, into response: inout ResponseHead, _ arena: Arena) {
        var merged = ResponseHead()
        stored.restore(into: &merged, arena)
        response.fields.removeAll { describesBytes($0.id) }
        for index in 0..<merged.fields.count {
            let field = merged.fields[index]
            let name = arena.name(of: field)
            if response.fields.firstIndex(named: name, in: arena) == nil || describesBytes(field.id)
            {
                response.fields.append(field)
            }
        }
        response.status = stored.status
        response.reason = .empty
    }

    private static func describesBytes(_ id: HeaderName) -> Bool {
        switch id {
        case .contentLength, .contentEncoding, .contentType, .contentRange, .contentMD5,
            .contentDigest, .transferEncoding, .trailer:
            true
        default: false
        }
    }
}
