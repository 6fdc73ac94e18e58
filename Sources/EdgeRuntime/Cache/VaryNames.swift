// What an answer depends on besides its key (RFC 9111 §4.1): the names of its `Vary`, and from them a number for each
// combination of values that requests have.
//
// A field that the behaviour does not send to the origin cannot have made a difference, so it makes none here. Fields
// of one name count as one; spaces around them and the case of the name do not count.

struct VaryNames: Equatable, Sendable {
    private let headers: KeyHeaders

    /// Nil: it varies by nothing.
    init?(_ fields: borrowing HeaderFields, _ arena: Arena, _ rule: CacheRule) {
        guard rule.vary == .standard, fields.contains(.vary) else { return nil }
        var names: [String] = []
        var next = fields.firstIndex(of: .vary)
        while let index = next {
            let text = arena[fields[index].value]
            var position = 0
            while let element = FieldSyntax.nextElement(text, &position) {
                guard names.count < Limits.cacheVaryNames else { break }
                names.append(text.extracting(element).text)
            }
            next = fields.firstIndex(of: .vary, from: index + 1)
        }
        names.removeAll { $0 == "*" }
        guard !names.isEmpty else { return nil }
        headers = KeyHeaders(names)
    }

    /// As they were stored.
    init?(names: [String]) {
        guard !names.isEmpty else { return nil }
        headers = KeyHeaders(names)
    }

    static func == (left: Self, right: Self) -> Bool { left.headers.names == right.headers.names }

    var names: [String] { headers.names }

    func variant(
        of request: borrowing RequestHead,
        _ arena: Arena,
        _ policy: OriginRequestPolicy,
        _ encoding: NormalizedEncoding,
        _ secret: CacheSecret
    ) -> UInt64 {
        var hash = SipHash(secret.key)
        for index in 0..<headers.count {
            let name = headers.names[index]
            if name == "accept-encoding", encoding != .none || !policy.keepsHeader(name.utf8.span) {
                // As the origin is asked: none and identity are the same to it.
                hash.update(encoding.keyBits, bytes: 1)
                continue
            }
            let isSent =
                name == "cookie" ? policy.keepsAnyCookie : policy.keepsHeader(name.utf8.span)
            var next = isSent ? headers.firstField(index, in: request.fields, arena) : nil
            hash.updateLength(next == nil ? 0 : 1)
            while let place = next {
                hash.updatePart(arena[request.fields[place].value])
                next = headers.firstField(index, in: request.fields, arena, from: place + 1)
            }
        }
        return hash.finish().low
    }
}
