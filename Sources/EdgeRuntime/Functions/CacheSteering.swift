// What the functions of one stage say of the cache. They only note it; who runs the stage obeys.

struct CacheSteering {
    /// `request.cache = "pass"`: neither looked up nor kept.
    var isPassed = false
    /// `request.cache_key`.
    var key: [UInt8]?
    /// `response.ttl`, in seconds.
    var ttl: Double?

    /// What is wrong with the value at `index`, or nil when it was taken.
    mutating func assign(_ field: ViewField, from stack: LuaStack, at index: Int) -> String? {
        switch field {
        case .requestCache:
            if case .nil = stack.kind(at: index) {
                isPassed = false
            } else {
                guard stack.string(at: index) == "pass" else { return "takes \"pass\" or nil" }
                isPassed = true
            }
        case .requestCacheKey:
            if case .nil = stack.kind(at: index) {
                key = nil
            } else {
                guard let text = stack.text(at: index) else { return "takes a string or nil" }
                guard text.count <= Limits.functionCacheKeyBytesMax else {
                    return "is longer than \(Limits.functionCacheKeyBytesMax) bytes"
                }
                key = text
            }
        case .responseTTL:
            switch stack.kind(at: index) {
            case .nil: ttl = nil
            case .integer, .number:
                let seconds = stack.number(at: index)
                guard seconds >= 0, seconds <= Limits.functionTTLMax else {
                    return "takes seconds, from 0 to 100 years"
                }
                ttl = seconds
            case .none, .boolean, .string, .table, .function, .userdata, .other:
                return "takes seconds or nil"
            }
        default: return "cannot be assigned"
        }
        return nil
    }

    /// False: there is nothing to tell.
    func push(_ field: ViewField, on stack: LuaStack) -> Bool {
        switch field {
        case .requestCache:
            guard isPassed else { return false }
            stack.push("pass" as StaticString)
        case .requestCacheKey:
            guard let key else { return false }
            stack.push(key.span)
        case .responseTTL:
            guard let ttl else { return false }
            stack.push(ttl)
        default: return false
        }
        return true
    }

    /// Tags as a field of the response, in place of those that the origin sent.
    static func assignTags(
        from stack: LuaStack,
        at index: Int,
        to fields: inout HeaderFields,
        _ arena: Arena
    ) -> String? {
        var tags: [[UInt8]] = []
        switch stack.kind(at: index) {
        case .nil: break
        case .string:
            guard let tag = stack.bytes(at: index) else { return "takes a list of strings" }
            tags.append(tag)
        case .table:
            let count = stack.rawLength(at: index)
            guard count <= Limits.functionFieldsMax else {
                return "takes at most \(Limits.functionFieldsMax) tags"
            }
            for place in 0..<count {
                stack.pushRawItem(place + 1, of: index)
                let tag = stack.bytes(at: -1)
                stack.pop()
                guard let tag else { return "takes a list of strings" }
                tags.append(tag)
            }
        case .none, .boolean, .integer, .number, .function, .userdata, .other:
            return "takes a list of strings or nil"
        }
        for tag in tags where tag.isEmpty || !tag.allSatisfy(Self.isOfTag) {
            return "has a tag with a blank, a comma or a control character, or an empty one"
        }
        fields.removeAll { field in
            field.id == .cacheTag || field.id == .surrogateKey
                || field.id == .other && arena[field.name].equalsIgnoringCase("xkey")
        }
        guard !tags.isEmpty else { return nil }
        let text = Array(tags.joined(separator: [UInt8(ascii: ",")]))
        fields.append(.cacheTag, value: arena.append(array: text))
        return nil
    }

    private static func isOfTag(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte != 0x7F && byte != UInt8(ascii: ",")
    }
}
