// Header fields as functions see them: names without regard to case, repeated fields joined, framing out of reach.

enum HeaderMap {
    /// Pushes the value of a name; those of repeated fields are joined by commas (RFC 9110 §5.3).
    static func push(
        _ name: Span<UInt8>,
        _ fields: borrowing HeaderFields,
        _ call: LuaCall,
        _ run: StageRun
    ) -> CInt {
        let arena = run.heads.arena
        guard let first = fields.firstIndex(named: name, in: arena) else { return 0 }
        if fields[first].id == .setCookie {
            return call.fail(
                "set-cookie cannot be joined: use response.cookies, or headers:all(\"set-cookie\")"
            )
        }
        guard let second = fields.firstIndex(named: name, in: arena, from: first + 1) else {
            call.stack.push(arena[fields[first].value])
            return 1
        }
        var joined = arena.copy(of: fields[first].value)
        var next: Int? = second
        while let index = next {
            joined += [UInt8(ascii: ","), UInt8(ascii: " ")]
            joined += arena.copy(of: fields[index].value)
            next = fields.firstIndex(named: name, in: arena, from: index + 1)
        }
        call.stack.push(joined.span)
        return 1
    }

    /// A string or number replaces every field of the name, a list makes several, nil removes them.
    static func assign(
        _ name: Span<UInt8>,
        from stack: LuaStack,
        at index: Int,
        to fields: inout HeaderFields,
        _ run: StageRun
    ) -> String? {
        let id = HeaderName.named(name)
        if let fault = fault(inName: name, id) { return fault }
        let isRemoved = stack.kind(at: index) == .nil
        if !isRemoved, isOurs(name) { return ours }
        let arena = run.heads.arena
        switch stack.kind(at: index) {
        case .string:
            // What nearly all assign, without a copy on the way.
            let refusal: String?? = stack.withBytes(at: index) { value in
                if let refusal = fault(inValue: value) { return refusal }
                return set(id, name, value, in: &fields, arena)
            }
            return refusal ?? nil
        case .nil, .none:
            remove(id, name, from: &fields, arena)
            return nil
        case .table:
            let count = stack.rawLength(at: index)
            guard count > 0, count <= Limits.functionFieldsMax else {
                return "takes a list of 1 to \(Limits.functionFieldsMax) strings"
            }
            var values: [[UInt8]] = []
            for item in 1...count {
                stack.pushRawItem(item, of: index)
                let value = stack.text(at: -1)
                stack.pop()
                guard let value else { return "takes a list of strings" }
                if let fault = fault(inValue: value.span) { return fault }
                values.append(value)
            }
            var kept = fields.count
            for index in 0..<fields.count where isNamed(fields[index], id, name, arena) {
                kept -= 1
            }
            guard kept + values.count <= Limits.functionHeadFieldsMax else { return tooMany }
            remove(id, name, from: &fields, arena)
            for value in values { append(id, name, value.span, to: &fields, arena) }
            return nil
        case .integer, .number:
            guard let value = stack.text(at: index) else { return "takes a string" }
            return set(id, name, value.span, in: &fields, arena)
        case .boolean, .function, .userdata, .other:
            return "takes a string, a list of strings or nil, not a \(stack.kindName(at: index))"
        }
    }

    static func add(
        _ name: [UInt8],
        _ value: [UInt8],
        to fields: inout HeaderFields,
        _ arena: Arena
    ) -> String? {
        let id = HeaderName.named(name.span)
        if let fault = fault(inName: name.span, id) ?? fault(inValue: value.span) { return fault }
        if isOurs(name.span) { return ours }
        guard fields.count < Limits.functionHeadFieldsMax else { return tooMany }
        append(id, name.span, value.span, to: &fields, arena)
        return nil
    }

    private static let tooMany = "there are too many fields"
    private static let ours = "says what the edge did: only the edge sets it"

    /// What viewers and the edges behind this one are told about it; what an origin sent may be taken away.
    private static func isOurs(_ name: Span<UInt8>) -> Bool {
        if name.equalsIgnoringCase("x-cache") { return true }
        return name.count > 7 && name.extracting(first: 7).equalsIgnoringCase("x-edge-")
    }

    private static func isNamed(
        _ field: Field,
        _ id: HeaderName,
        _ name: Span<UInt8>,
        _ arena: Arena
    ) -> Bool {
        id == .other
            ? field.id == .other && arena[field.name].equalsIgnoringCase(name) : field.id == id
    }

    private static func append(
        _ id: HeaderName,
        _ name: Span<UInt8>,
        _ value: Span<UInt8>,
        to fields: inout HeaderFields,
        _ arena: Arena
    ) {
        let spelled = id == .other ? arena.append(name) : .empty
        fields.append(Field(id, name: spelled, value: arena.append(value)))
    }

    private static func place(
        _ id: HeaderName,
        _ name: Span<UInt8>,
        _ fields: borrowing HeaderFields,
        _ arena: Arena,
        from start: Int = 0
    ) -> Int? {
        id == .other
            ? fields.firstIndex(named: name, in: arena, from: start)
            : fields.firstIndex(of: id, from: start)
    }

    /// Keeps the place of the first field of the name.
    private static func set(
        _ id: HeaderName,
        _ name: Span<UInt8>,
        _ value: Span<UInt8>,
        in fields: inout HeaderFields,
        _ arena: Arena
    ) -> String? {
        guard let first = place(id, name, fields, arena) else {
            guard fields.count < Limits.functionHeadFieldsMax else { return tooMany }
            append(id, name, value, to: &fields, arena)
            return nil
        }
        while let other = place(id, name, fields, arena, from: first + 1) {
            fields.remove(at: other)
        }
        fields[first].value = arena.append(value)
        return nil
    }

    private static func remove(
        _ id: HeaderName,
        _ name: Span<UInt8>,
        from fields: inout HeaderFields,
        _ arena: Arena
    ) {
        while let index = place(id, name, fields, arena) { fields.remove(at: index) }
    }

    /// Every value of a name, in order.
    static func all(
        _ name: [UInt8],
        _ fields: borrowing HeaderFields,
        _ run: StageRun,
        _ stack: LuaStack
    ) {
        let arena = run.heads.arena
        stack.pushTable()
        var count = 0
        var next = fields.firstIndex(named: name.span, in: arena)
        while let index = next {
            count += 1
            stack.push(arena[fields[index].value])
            stack.setRawItem(count, of: -2)
            next = fields.firstIndex(named: name.span, in: arena, from: index + 1)
        }
    }

    /// Each name once, in the order of the first fields, in small letters.
    static func next(_ fields: borrowing HeaderFields, _ call: LuaCall, _ run: StageRun) -> CInt {
        let stack = call.stack
        let arena = run.heads.arena
        var index = 0
        if stack.kind(at: 2) == .string {
            let found: Int?? = stack.withBytes(at: 2) { fields.firstIndex(named: $0, in: arena) }
            guard let place = found ?? nil else { return 0 }
            index = place + 1
        }
        while index < fields.count {
            let field = fields[index]
            let isFirst = fields.firstIndex(named: arena.name(of: field), in: arena) == index
            if isFirst, field.id != .setCookie {
                let lowered = arena.name(of: field).lowercased
                stack.push(lowered.span)
                _ = push(lowered.span, fields, call, run)
                return 2
            }
            index += 1
        }
        return 0
    }

    // MARK: What may be written

    static func fault(inName name: Span<UInt8>) -> String? {
        fault(inName: name, HeaderName.named(name))
    }

    private static func fault(inName name: Span<UInt8>, _ id: HeaderName) -> String? {
        switch id {
        case .other: return name.count > 0 && name.isToken ? nil : "is not a field name"
        case .connection, .contentLength, .transferEncoding, .keepAlive, .te, .trailer, .upgrade,
            .proxyConnection, .proxyAuthenticate, .proxyAuthorization, .expect:
            return "framing and hop-by-hop fields belong to the edge"
        case .via, .cdnLoop: return "the edge keeps it up itself"
        default: return nil
        }
    }

    static func fault(inValue value: Span<UInt8>) -> String? {
        guard value.count > 0 else { return nil }
        guard value.count <= Limits.functionFieldBytesMax else {
            return "is longer than \(Limits.functionFieldBytesMax) bytes"
        }
        for index in value.indices {
            let byte = value[index]
            if byte < 0x20 && byte != 0x09 || byte == 0x7F {
                return "has a line break or a control character"
            }
        }
        let isBlank = { (byte: UInt8) in byte == .space || byte == 0x09 }
        guard !isBlank(value[0]), !isBlank(value[value.count - 1]) else {
            return "begins or ends with a blank"
        }
        return nil
    }
}
