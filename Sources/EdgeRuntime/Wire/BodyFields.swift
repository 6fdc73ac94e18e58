// What fields say of a body's bytes, when the edge changes those: by a coding, by a function.

enum BodyFields {
    /// Lengths, checksums and places in the old bytes.
    static func dropMeasures(_ fields: inout HeaderFields, _ arena: Arena) {
        fields.removeAll { field in
            switch field.id {
            case .contentLength, .contentMD5, .contentDigest, .acceptRanges: return true
            case .other:
                let name = arena[field.name]
                return name.equalsIgnoringCase("digest") || name.equalsIgnoringCase("repr-digest")
            default: return false
            }
        }
    }

    /// The tag stands for the same meaning, no longer for the same bytes. What is no tag stands for nothing.
    static func weakenTag(_ fields: inout HeaderFields, _ arena: Arena) {
        guard let index = fields.firstIndex(of: .etag) else { return }
        let tag = fields[index].value
        if EntityTag.isWeak(arena[tag]) { return }
        guard EntityTag.isStrong(arena[tag]) else { return fields.removeAll(.etag) }
        let mark = arena.used
        _ = arena.append("W/")
        _ = arena.append(copyOf: tag)
        fields[index] = Field(.etag, value: arena.slice(since: mark))
    }
}
