// Tags by which an origin names what an object is made of, so that it can be purged by them: `Surrogate-Key` and
// `xkey` (separated by spaces), `Cache-Tag` (by commas). Viewers do not see them.

enum CacheTags {
    static func hash(_ text: Span<UInt8>, of distribution: UInt64, secret: CacheSecret) -> UInt64 {
        var hash = SipHash(secret.key)
        hash.update(distribution, bytes: 8)
        hash.updatePart(text)
        return hash.finish().low
    }

    /// Of a distribution's name.
    static func hash(_ name: String, secret: CacheSecret) -> UInt64 {
        hash(name.utf8.span, of: 0, secret: secret)
    }

    /// The hashes of all tags, which are taken off the fields. Past the bound the rest is left out, and `isCut` says so:
    /// such an object cannot be kept, for a purge might miss it.
    static func take(
        from fields: inout HeaderFields,
        _ arena: Arena,
        of distribution: UInt64,
        secret: CacheSecret
    ) -> (tags: [UInt64], isCut: Bool) {
        var tags: [UInt64] = []
        var isCut = false
        forEach(in: fields, arena) { tag in
            guard tags.count < Limits.cacheTagsMax else {
                isCut = true
                return
            }
            tags.append(hash(tag, of: distribution, secret: secret))
        }
        if !tags.isEmpty { remove(from: &fields, arena) }
        return (tags, isCut)
    }

    static func remove(from fields: inout HeaderFields, _ arena: Arena) {
        fields.removeAll { separator($0, arena) != nil }
    }

    /// Every tag of every such field.
    static func forEach(
        in fields: borrowing HeaderFields,
        _ arena: Arena,
        _ body: (Span<UInt8>) -> Void
    ) {
        for index in 0..<fields.count {
            let field = fields[index]
            guard let separator = separator(field, arena) else { continue }
            let text = arena[field.value]
            var start = 0
            while start < text.count {
                var end = start
                while end < text.count, !isBetween(text[end], separator) { end += 1 }
                if end > start { body(text.extracting(start..<end)) }
                start = end + 1
            }
        }
    }

    private static func isBetween(_ byte: UInt8, _ separator: UInt8) -> Bool {
        byte == separator || byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }

    private static func separator(_ field: Field, _ arena: Arena) -> UInt8? {
        switch field.id {
        case .surrogateKey: return UInt8(ascii: " ")
        case .cacheTag: return UInt8(ascii: ",")
        case .other:
            return arena[field.name].equalsIgnoringCase("xkey") ? UInt8(ascii: " ") : nil
        default: return nil
        }
    }
}
