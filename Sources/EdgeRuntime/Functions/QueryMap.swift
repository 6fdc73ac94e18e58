// The query as a map of decoded arguments, and the string that is made of it again. Arguments that nobody touched keep
// their bytes and their place.

enum QueryMap {
    private static func names(
        _ query: Span<UInt8>,
        _ argument: QueryPair,
        _ name: Span<UInt8>
    ) -> Bool {
        let written = query.extracting(argument.name)
        if written.equals(name) { return true }
        guard
            written.firstIndex(of: UInt8(ascii: "%")) != nil
                || written.firstIndex(of: UInt8(ascii: "+")) != nil
        else { return false }
        return QueryText.decode(written).span.equals(name)
    }

    static func push(_ name: Span<UInt8>, _ heads: Heads, _ stack: LuaStack) -> CInt {
        guard let slice = heads.request.query else { return 0 }
        let arena = heads.arena
        let query = arena[slice]
        var position = 0
        while let argument = QueryText.nextPair(query, &position) {
            guard names(query, argument, name) else { continue }
            pushValue(query, argument, stack)
            return 1
        }
        return 0
    }

    private static func pushValue(_ query: Span<UInt8>, _ argument: QueryPair, _ stack: LuaStack) {
        guard let value = argument.value else {
            stack.push("")
            return
        }
        stack.push(QueryText.decode(query.extracting(value)).span)
    }

    static func all(_ name: [UInt8], _ heads: Heads, _ stack: LuaStack) {
        stack.pushTable()
        guard let slice = heads.request.query else { return }
        let arena = heads.arena
        let query = arena[slice]
        var position = 0
        var count = 0
        while let argument = QueryText.nextPair(query, &position) {
            guard names(query, argument, name.span) else { continue }
            count += 1
            pushValue(query, argument, stack)
            stack.setRawItem(count, of: -2)
        }
    }

    /// Names and values in turn, in the order of the first arguments of each name.
    static func list(_ heads: Heads, _ call: LuaCall) -> CInt {
        let stack = call.stack
        stack.pushTable()
        guard let slice = heads.request.query else { return 1 }
        let arena = heads.arena
        let query = arena[slice]
        guard call.spend(query.count) else { return 1 }
        var seen: Set<[UInt8]> = []
        var position = 0
        while let argument = QueryText.nextPair(query, &position) {
            guard call.spend(Limits.functionNameUnits) else { return 1 }
            let name = QueryText.decode(query.extracting(argument.name))
            guard seen.insert(name).inserted else { continue }
            stack.push(name.span)
            stack.setRawItem(2 * seen.count - 1, of: -2)
            pushValue(query, argument, stack)
            stack.setRawItem(2 * seen.count, of: -2)
        }
        return 1
    }

    static func assign(
        _ name: [UInt8],
        from stack: LuaStack,
        at index: Int,
        to heads: Heads
    ) -> String? {
        var values: [[UInt8]] = []
        switch stack.kind(at: index) {
        case .nil, .none: break
        case .table:
            let count = stack.rawLength(at: index)
            guard count <= Limits.functionFieldsMax else { return "takes a shorter list" }
            for item in 0..<count {
                stack.pushRawItem(item + 1, of: index)
                let value = stack.text(at: -1)
                stack.pop()
                guard let value else { return "takes a list of strings" }
                values.append(value)
            }
        default:
            guard let value = stack.text(at: index) else { return "takes a string, a list or nil" }
            values = [value]
        }
        return replace(name, with: values, in: heads)
    }

    static func add(_ name: [UInt8], _ value: [UInt8], to heads: Heads) -> String? {
        var built = heads.request.query.map { heads.arena.copy(of: $0) } ?? []
        QueryText.append(name: name.span, value: value.span, to: &built)
        guard built.count <= 8192 else { return "makes the query too long" }
        heads.request.query = heads.arena.append(built.span)
        return nil
    }

    /// The new values take the place of the first old one.
    private static func replace(
        _ name: [UInt8],
        with values: [[UInt8]],
        in heads: Heads
    )
        -> String?
    {
        var built: [UInt8] = []
        var isWritten = false
        let arena = heads.arena
        if let slice = heads.request.query {
            let query = arena[slice]
            var position = 0
            while let argument = QueryText.nextPair(query, &position) {
                guard names(query, argument, name.span) else {
                    if !built.isEmpty { built.append(UInt8(ascii: "&")) }
                    for at in argument.name
                        .lowerBound..<(argument.value ?? argument.name).upperBound
                    {
                        built.append(query[at])
                    }
                    continue
                }
                guard !isWritten else { continue }
                isWritten = true
                for value in values {
                    QueryText.append(name: name.span, value: value.span, to: &built)
                }
            }
        }
        if !isWritten {
            for value in values { QueryText.append(name: name.span, value: value.span, to: &built) }
        }
        guard built.count <= 8192 else { return "makes the query too long" }
        heads.request.query = built.isEmpty ? nil : arena.append(built.span)
        return nil
    }
}
