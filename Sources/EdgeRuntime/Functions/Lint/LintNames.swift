// The names that a function's file may use: Lua's own as far as the sandbox has them, `edge`'s, and header fields.

struct LintNames {
    /// What all files share, and the names in it where it is a library.
    let globals: [String: Set<String>]
    /// `edge.json` → `decode`, …; under the empty name those of `edge` itself.
    let edge: [String: [String]]

    static let standard = Self()

    private init() {
        globals = FunctionSandbox.names
        var edge: [String: [String]] = ["": []]
        for row in FunctionAPI.rows {
            let parts = "\(row.name)".split(separator: ".").map(String.init)
            guard parts.count == 2 else {
                edge["", default: []].append(parts[0])
                continue
            }
            if edge[parts[0]] == nil { edge["", default: []].append(parts[0]) }
            edge[parts[0], default: []].append(parts[1])
        }
        self.edge = edge
    }

    /// What other places that run Lua have, and what to use here.
    private static let elsewhere: [String: String] = [
        "os": "the time is edge.time.now(), and settings are event.options",
        "io": "functions read no files: use event.options, edge.kv or require",
        "debug": "functions have no debug library",
        "package": "require looks in the functions folder only",
        "dofile": "use require",
        "loadfile": "use require",
        "loadstring": "code comes from files only: use require",
        "collectgarbage": "memory is the edge's affair",
        "unpack": "in Lua 5.4 it is table.unpack",
        "setfenv": "Lua 5.4 has no setfenv",
        "getfenv": "Lua 5.4 has no getfenv",
        "module": "return a table at the end of the file",
        "ngx": "here it is edge and event",
        "event": "it is the argument of a handler: hand it on",
        "request": "it is event.request",
        "response": "it is event.response",
        "headers": "they are event.request.headers and event.response.headers",
    ]

    func undefined(_ name: String, near: [String], isCertain: Bool) -> LintFault {
        var fault = LintFault(
            "undefined global '\(name)'",
            meant: name,
            among: near + globals.keys.sorted(),
            else: "declare it with local, or give it a value in this file"
        )
        if let hint = Self.elsewhere[name] { fault.remedy = hint }
        fault.severity = isCertain ? .error : .warning
        return fault
    }

    func read(_ name: String, of value: LintValue, isCertain: Bool) -> (LintValue, LintFault?) {
        let (title, known): (String, [String])
        switch value {
        case .edge:
            (title, known) = ("edge", edge[""] ?? [])
            if edge[name] != nil { return (.group(name), nil) }
        case .group(let group): (title, known) = ("edge.\(group)", edge[group] ?? [])
        case .library(let library): (title, known) = (library, (globals[library] ?? []).sorted())
        case .unseen, .view, .store, .function, .unknown: return (.unknown, nil)
        }
        guard !known.contains(name) else { return (.unknown, nil) }
        var fault = LintFault("\(title) has no '\(name)'", meant: name, among: known)
        fault.severity = isCertain ? .error : .warning
        return (.unknown, fault)
    }

    // MARK: Header fields

    /// Fields of others that are close to one of ours by chance.
    private static let others: Set = ["cookie2", "accept-ch", "expect-ct", "sec-ch-ua-arch"]

    private static let wellKnown = HeaderName.allCases.filter { $0 != .other }
        .map { "\($0.canonical)".lowercased() }

    /// Short names, and those that begin with `x-`, are mostly somebody's own; a false alarm is worse than none.
    static func misspelt(_ bytes: [UInt8]) -> LintFault? {
        guard HeaderName.named(bytes.span) == .other else { return nil }
        let name = String(decoding: bytes, as: UTF8.self).lowercased()
        let isPrivate = name.hasPrefix("x-") || name.hasPrefix("x_")
        guard name.utf8.count >= (isPrivate ? 12 : 6), !others.contains(name) else { return nil }
        let dashed = String(name.map { $0 == "_" ? "-" : $0 })
        let reach = isPrivate || name.utf8.count < 10 ? 1 : 2
        let near = wellKnown.map { ($0, Suggestion.distance(dashed, $0)) }.min { $0.1 < $1.1 }
        guard let near, near.1 <= reach else { return nil }
        var fault = LintFault(
            "the header '\(name)' looks like '\(near.0)'",
            "did you mean '\(near.0)'?"
        )
        fault.severity = .warning
        return fault
    }
}

extension FunctionSandbox {
    /// As `pushShared` makes them, and the globals that every file has for itself.
    static let names: [String: Set<String>] = {
        guard let state = LuaState(memoryBytesMax: 1 << 20) else {
            preconditionFailure("no memory for a Lua machine")
        }
        let stack = state.stack
        var names: [String: Set<String>] = ["edge": [], "require": [], "print": [], "_G": []]
        stack.pushLibraries()
        let all = stack.absolute(-1)
        stack.pushNil()
        while stack.next(in: all) {
            let isLibrary = stack.kind(at: -1) == .table
            let name = stack.string(at: -2) ?? ""
            if !isLibrary || libraries.contains(name) {
                names[name] = isLibrary ? members(of: stack.absolute(-1), on: stack) : []
            }
            stack.pop()
        }
        return names
    }()

    private static func members(of table: Int, on stack: LuaStack) -> Set<String> {
        var members: Set<String> = []
        stack.pushNil()
        while stack.next(in: table) {
            stack.pop()
            if let name = stack.string(at: -1) { members.insert(name) }
        }
        return members
    }
}
