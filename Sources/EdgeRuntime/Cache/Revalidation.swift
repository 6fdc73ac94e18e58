// A 304 brings new fields for what is stored (RFC 9111 §3.2, §4.3.4), if it is about that.
//
// Each name that it has replaces all stored fields of that name, save
//
//   Content-Length, Content-Encoding, Content-Range,    say how the stored bytes lie here, which the origin does not
//   Content-Digest, Content-MD5, Trailer                know: the edge may have coded them or put them together
//   ETag                                                has matched; strong there may be weak here, for the same reason
//
// What the old answer said of its own time (Age, Date, Warning) goes, whether or not the new one says anything.

enum Revalidation {
    /// Turns the head of a 304 into the head that the object has from now on.
    static func merge(_ stored: StoredHead, into response: inout ResponseHead, _ arena: Arena) {
        var merged = ResponseHead()
        stored.restore(into: &merged, arena)
        response.fields.removeAll { describesBytes($0.id) }
        let told = response.fields.count
        for index in 0..<merged.fields.count {
            let field = merged.fields[index]
            if field.id == .age || field.id == .date || field.id == .warning { continue }
            let name = arena.name(of: field)
            let place = response.fields.firstIndex(named: name, in: arena) ?? told
            if describesBytes(field.id) || place >= told { response.fields.append(field) }
        }
        response.status = stored.status
        response.reason = .empty
    }

    private static func describesBytes(_ id: HeaderName) -> Bool {
        switch id {
        case .contentLength, .contentEncoding, .contentRange, .contentMD5, .contentDigest, .etag,
            .transferEncoding, .trailer:
            true
        default: false
        }
    }

    /// Whether a 304 is about what is stored: it names that by a tag or a date; without either it answers the one
    /// question that was asked.
    static func selects(
        _ response: borrowing ResponseHead,
        _ arena: Arena,
        etag: [UInt8],
        lastModified: Int64?,
        now: Int64
    ) -> Bool {
        if let told = response.fields.value(of: .etag) {
            // The origin's strong tag is a weak one here once the edge has coded the bytes.
            let areStrong = EntityTag.isStrong(arena[told]) && EntityTag.isStrong(etag.span)
            return areStrong
                ? EntityTag.matchesStrongly(arena[told], etag.span)
                : EntityTag.matchesWeakly(arena[told], etag.span)
        }
        guard let told = response.fields.value(of: .lastModified) else { return true }
        return HTTPDate.parse(arena[told], now: now) == lastModified
    }
}
