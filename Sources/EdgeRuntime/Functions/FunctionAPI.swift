// Every name under `edge`, once: what it is called, how, what it does, and the code. The machine's table, the check,
// the editor's stubs and docs/lua-api.md are made of these rows.

struct APIRow: Sendable {
    /// `edge.time.now` is `time.now` here.
    var name: StaticString
    /// As it stands in the documentation: `now(): number`.
    var signature: StaticString
    var sentence: StaticString
    /// Whether the function may have to wait.
    var waits = false
    var host: LuaHost

    init(
        _ name: StaticString,
        _ signature: StaticString,
        _ sentence: StaticString,
        waits: Bool = false,
        host: @escaping LuaHost
    ) {
        self.name = name
        self.signature = signature
        self.sentence = sentence
        self.waits = waits
        self.host = host
    }
}

enum FunctionAPI {
    static let rows: [APIRow] =
        LogAPI.rows + TimeAPI.rows + FetchAPI.rows + JSONAPI.rows + EncodingAPI.rows
        + CryptoAPI.rows + JWTAPI.rows + KeyValueAPI.rows + BackgroundAPI.rows

    /// Pushes the table `edge`, which nobody can write.
    static func pushEdge(on stack: LuaStack) {
        stack.pushTable()
        let edge = stack.absolute(-1)
        var groups: [String] = []
        for row in rows {
            let parts = "\(row.name)".split(separator: ".").map(String.init)
            stack.push(row.host)
            guard parts.count == 2 else {
                stack.setField(parts[0], of: edge)
                continue
            }
            if !groups.contains(parts[0]) {
                groups.append(parts[0])
                stack.pushTable()
                stack.setField(parts[0], of: edge)
            }
            stack.pushField(parts[0], of: edge)
            stack.insert(below: 1)
            stack.setField(parts[1], of: -2)
            stack.pop()
        }
        for group in groups {
            stack.pushField(group, of: edge)
            stack.makeReadOnly("edge.\(group)")
            stack.setField(group, of: edge)
        }
        stack.makeReadOnly("edge")
    }
}

extension LuaCall {
    /// The run whose code calls, or nil while a file is being loaded.
    var run: StageRun? { FunctionRuntime.of(stack).current }

    /// Whether the caller can wait; else what to raise.
    func refusalToWait(_ function: StaticString) -> String? {
        guard run != nil else { return "\(function) cannot be called while a file is loaded" }
        guard canWait else {
            return
                "\(function) cannot wait here: not inside a callback of table.sort or string.gsub,"
                + " a metamethod or an iterator; call it before"
        }
        return nil
    }
}
