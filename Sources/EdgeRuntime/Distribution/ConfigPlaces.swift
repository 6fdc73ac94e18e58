// Where in the text a table of the configuration was written.
//
// Starting at `return { … }`, follows constructors, names of locals of the file, parentheses and `include`, in step
// with the reader that walks the evaluated table. What code computed is found nowhere, and its reader falls back to
// the place around it.

struct ConfigPlaces {
    let units: [ConfigFile.Unit]
    let included: [String: [Int]]

    /// Constructors that together are one table; several only where files were merged.
    struct Table {
        struct Source {
            var unit: Int
            var items: [LuaTableItem]
            var position: LuaPosition
        }

        var places: ConfigPlaces
        var sources: [Source]

        var position: SourcePosition? {
            sources.first.map { places.position($0.position, unit: $0.unit) }
        }

        /// The item of a key: where it begins, where its value does, and what the value is made of.
        func item(
            _ key: ConfigTableReader.Key
        ) -> (
            key: SourcePosition, value: SourcePosition, table: Table
        )? {
            var next = 1
            for source in sources {
                var last: LuaTableItem?
                for item in source.items {
                    switch (item.key, key) {
                    case (.positional, .index(let wanted)):
                        if next == wanted { last = item }
                    case (.name(let name), .name(let wanted)):
                        if name == wanted { last = item }
                    case (.computed(let expression), _):
                        if Self.says(expression, key) { last = item }
                    case (.positional, .name), (.name, .index): break
                    }
                    if case .positional = item.key { next += 1 }
                }
                guard let last else { continue }
                return (
                    places.position(last.position, unit: source.unit),
                    places.position(last.value.position, unit: source.unit),
                    places.table(of: last.value, unit: source.unit)
                )
            }
            return nil
        }

        private static func says(_ expression: LuaExpression, _ key: ConfigTableReader.Key) -> Bool
        {
            switch (expression.kind, key) {
            case (.string(let bytes), .name(let name)): bytes.elementsEqual(name.utf8)
            case (.integer(let value), .index(let wanted)): value == Int64(wanted)
            default: false
            }
        }
    }

    func position(_ place: LuaPosition, unit: Int) -> SourcePosition {
        SourcePosition(file: units[unit].path, line: place.line, column: place.column)
    }

    /// What a file returns at its end.
    func root(unit: Int) -> Table {
        guard case .returning(let values)? = units[unit].chunk.body.statements.last?.kind,
            let value = values.first
        else { return Table(places: self, sources: []) }
        return table(of: value, unit: unit)
    }

    private func table(of expression: LuaExpression, unit: Int, depth: Int = 0) -> Table {
        // A local that names itself would lead in a circle.
        guard depth < Limits.configDepthMax else { return Table(places: self, sources: []) }
        switch expression.kind {
        case .table(let items):
            let source = Table.Source(unit: unit, items: items, position: expression.position)
            return Table(places: self, sources: [source])
        case .parenthesised(let inner):
            return table(of: inner, unit: unit, depth: depth + 1)
        case .name(let name):
            guard let value = local(name, unit: unit) else { break }
            return table(of: value, unit: unit, depth: depth + 1)
        case .call(let callee, nil, let arguments):
            guard case .name("include") = callee.kind,
                case .string(let bytes)? = arguments.first?.kind
            else { break }
            let pattern = String(decoding: bytes, as: UTF8.self)
            let files = included["\(unit):\(pattern)"] ?? []
            return Table(places: self, sources: files.flatMap { root(unit: $0).sources })
        default: break
        }
        return Table(places: self, sources: [])
    }

    /// The value of a local of the file itself, the last one of that name.
    private func local(_ name: String, unit: Int) -> LuaExpression? {
        for statement in units[unit].chunk.body.statements.reversed() {
            guard case .local(let names, let values) = statement.kind,
                let index = names.lastIndex(of: name), index < values.count
            else { continue }
            return values[index]
        }
        return nil
    }
}

/// Walks the evaluated table on the stack and makes the tree.
struct ConfigTableReader {
    enum Key: Hashable {
        case index(Int)
        case name(String)

        var text: String {
            switch self {
            case .index(let number): String(number)
            case .name(let name): name
            }
        }
    }

    let stack: LuaStack
    private(set) var diagnostics: [Diagnostic] = []
    private var above: Set<UnsafeRawPointer> = []
    private var path: [Key] = []

    init(stack: LuaStack) { self.stack = stack }

    private mutating func report(
        _ position: SourcePosition,
        _ message: String,
        _ remedy: String
    ) {
        diagnostics.append(
            Diagnostic(
                severity: .error,
                position: position,
                key: Self.text(of: path),
                message: message,
                remedy: remedy
            )
        )
    }

    private static func text(of path: [Key]) -> String {
        path.reduce(into: "") { text, key in
            switch key {
            case .index(let number): text += "[\(number)]"
            case .name(let name): text += text.isEmpty ? name : ".\(name)"
            }
        }
    }

    /// The value on top of the stack, which stays there.
    mutating func read(places: ConfigPlaces.Table?, at position: SourcePosition) -> ConfigNode? {
        switch stack.kind(at: -1) {
        case .none, .nil: return nil
        case .boolean:
            return ConfigNode(value: .boolean(stack.boolean(at: -1)), position: position)
        case .integer:
            return stack.integer(at: -1).map { ConfigNode(value: .integer($0), position: position) }
        case .number:
            let value = stack.number(at: -1)
            guard value.isFinite else {
                report(position, "this number is not finite", "write a finite one")
                return nil
            }
            return ConfigNode(value: .number(value), position: position)
        case .string:
            guard let text = stack.string(at: -1) else {
                report(position, "this string is not UTF-8", "save the file as UTF-8")
                return nil
            }
            return ConfigNode(value: .string(text), position: position)
        case .userdata:
            return stack.mark(at: -1).map { ConfigNode(value: .secret($0), position: position) }
        case .function, .other:
            report(
                position,
                "a \(stack.kindName(at: -1)) is not data",
                "a configuration holds strings, numbers, booleans and tables"
            )
            return nil
        case .table: return table(places: places, at: position)
        }
    }

    private mutating func table(
        places: ConfigPlaces.Table?,
        at position: SourcePosition
    ) -> ConfigNode? {
        guard let identity = stack.identity(at: -1) else { return nil }
        guard !above.contains(identity) else {
            report(position, "this table contains itself", "end the circle")
            return nil
        }
        guard above.count < Limits.configDepthMax, stack.hasRoom(for: 8) else {
            report(position, "tables nested too deep", "flatten them")
            return nil
        }
        above.insert(identity)
        defer { above.remove(identity) }
        var items: [(key: Key, keyPlace: SourcePosition, node: ConfigNode)] = []
        let index = stack.absolute(-1)
        stack.pushNil()
        while stack.next(in: index) {
            defer { stack.pop() }
            guard let key = key(at: -2) else {
                report(position, "a key is neither a name nor a number", "use strings as keys")
                continue
            }
            let found = places?.item(key)
            path.append(key)
            let keyPlace = found?.key ?? places?.position ?? position
            let node = read(places: found?.table, at: found?.value ?? keyPlace)
            path.removeLast()
            if let node { items.append((key, keyPlace, node)) }
        }
        return assemble(items, at: position)
    }

    private func key(at index: Int) -> Key? {
        if let number = stack.integer(at: index), stack.kind(at: index) == .integer {
            return .index(Int(number))
        }
        return stack.string(at: index).map { .name($0) }
    }

    /// Keys 1…n make a list, anything else a table; a mixture is a mistake.
    private mutating func assemble(
        _ items: [(key: Key, keyPlace: SourcePosition, node: ConfigNode)],
        at position: SourcePosition
    ) -> ConfigNode? {
        var numbered: [Int: ConfigNode] = [:]
        for item in items {
            if case .index(let number) = item.key { numbered[number] = item.node }
        }
        let run = (1...max(1, numbered.count)).compactMap { numbered[$0] }
        if run.count == items.count { return ConfigNode(value: .list(run), position: position) }
        if !numbered.isEmpty, numbered.count < items.count {
            let odd = items.first { item in
                if case .index = item.key { return true }
                return false
            }
            report(
                odd?.node.position ?? position,
                "this table mixes list items with named fields",
                "give the item a name, or put braces around the items"
            )
            return nil
        }
        let entries = items.map {
            ConfigEntry(key: $0.key.text, position: $0.keyPlace, node: $0.node)
        }
        return ConfigNode(entries: entries, position: position)
    }
}
