// The event of a test, as its table says it, on its way into heads that the parsers of the wire have read: what no
// peer could send, no test can.

struct FunctionTestEvent {
    private var requestHead: [UInt8]
    private var responseHead: [UInt8]?
    private(set) var requestBody: [[UInt8]]
    private(set) var responseBody: [[UInt8]] = []
    private(set) var options: ConfigNode
    private(set) var secrets: [(name: String, value: [UInt8])] = []
    private(set) var now: Double?
    private(set) var id: String
    private(set) var distribution: String
    private(set) var behavior: String
    private(set) var origin: String
    private(set) var source: String
    private(set) var ip: String
    private(set) var port: Int64
    private(set) var isTLS: Bool
    private(set) var country: String?
    private(set) var region: String?
    private(set) var city: String?
    private(set) var asn: Int64?
    private(set) var cache: Cache?

    struct Cache {
        var verdict: String
        var reason: String
        var age: Int64?
    }

    private static let keys = [
        "method", "path", "host", "headers", "body", "ip", "port", "protocol", "country", "region",
        "city",
        "asn", "options", "secrets", "state", "now", "response", "origin", "distribution",
        "behavior", "id", "cache",
    ]
    private static let responseKeys = ["status", "headers", "body", "source"]

    /// From the table at `index`, which may be left out.
    init(_ stack: LuaStack, at index: Int, _ stage: Stage) throws(FunctionTestFault) {
        if stack.kind(at: index) == .none { stack.pushTable() }
        guard stack.kind(at: index) == .table else {
            throw FunctionTestFault(reason: "the event is a table: { path = \"/\" }")
        }
        let table = FunctionTestTable(stack: stack, index: index, name: "the event")
        try table.check(Self.keys)
        options = try table.options()
        requestBody = try table.pieces("body")
        secrets = try table.strings("secrets")
        now = try table.number("now")
        id = try table.text("id") ?? "test"
        distribution = try table.text("distribution") ?? "test"
        behavior = try table.text("behavior") ?? "*"
        origin = try table.text("origin") ?? "test"
        ip = try table.text("ip") ?? "192.0.2.1"
        port = try table.integer("port") ?? 50_000
        country = try table.text("country")
        region = try table.text("region")
        city = try table.text("city")
        asn = try table.integer("asn")
        let scheme = try table.text("protocol") ?? "https"
        guard scheme == "https" || scheme == "http" else {
            throw FunctionTestFault(reason: "protocol is \"http\" or \"https\"")
        }
        isTLS = scheme == "https"
        let method = try table.text("method") ?? "GET"
        let path = try table.text("path") ?? "/"
        let host = try table.text("host") ?? "example.com"
        let fields = try table.fields()
        requestHead = Array("\(method) \(path) HTTP/1.1\r\n".utf8)
        if !fields.contains(where: { $0.name.span.equalsIgnoringCase("host") }) {
            requestHead += Array("host: \(host)\r\n".utf8)
        }
        Self.append(fields, to: &requestHead)
        source = "origin"
        cache = try Self.readCache(stack, index)
        stack.pushField("response", of: index)
        defer { stack.pop() }
        let has = stack.kind(at: -1) == .table
        guard has == stage.hasResponse || !has && stage.hasResponse else {
            throw FunctionTestFault(reason: "\(stage.word) has no response")
        }
        guard stage.hasResponse else { return }
        if !has { stack.pushTable() }
        defer { if !has { stack.pop() } }
        try readResponse(
            FunctionTestTable(stack: stack, index: stack.count, name: "the response")
        )
    }

    private static func readCache(
        _ stack: LuaStack,
        _ index: Int
    ) throws(FunctionTestFault) -> Cache? {
        stack.pushField("cache", of: index)
        defer { stack.pop() }
        guard stack.kind(at: -1) == .table else { return nil }
        let table = FunctionTestTable(stack: stack, index: stack.count, name: "cache")
        try table.check(["verdict", "reason", "age"])
        return Cache(
            verdict: try table.text("verdict") ?? "miss",
            reason: try table.text("reason") ?? "absent",
            age: try table.integer("age")
        )
    }

    private mutating func readResponse(_ table: FunctionTestTable) throws(FunctionTestFault) {
        try table.check(Self.responseKeys)
        let status = try table.integer("status") ?? 200
        responseBody = try table.pieces("body")
        source = try table.text("source") ?? "origin"
        var head = Array("HTTP/1.1 \(status) \r\n".utf8)
        Self.append(try table.fields(), to: &head)
        responseHead = head
    }

    private static func append(_ fields: [(name: [UInt8], value: [UInt8])], to head: inout [UInt8])
    {
        for field in fields {
            head += field.name
            head += Array(": ".utf8)
            head += field.value
            head += [0x0d, 0x0a]
        }
        head += [0x0d, 0x0a]
    }

    func fill(_ heads: Heads) throws(FunctionTestFault) {
        do throws(EdgeError) {
            try HeadParser.parseRequest(
                requestHead.span,
                into: &heads.request,
                arena: heads.arena,
                limits: HeadLimits()
            )
        } catch {
            throw FunctionTestFault(reason: "no viewer could send this request: \(error.word)")
        }
        guard let responseHead else { return }
        do throws(EdgeError) {
            try HeadParser.parseResponse(
                responseHead.span,
                into: &heads.response,
                arena: heads.arena,
                limits: HeadLimits()
            )
        } catch {
            throw FunctionTestFault(reason: "no origin could send this response: \(error.word)")
        }
    }
}

/// Typed questions to a table of a test.
struct FunctionTestTable {
    let stack: LuaStack
    let index: Int
    let name: String

    /// A misspelt name would silently test something else.
    func check(_ known: [String]) throws(FunctionTestFault) {
        stack.pushNil()
        while stack.next(in: index) {
            stack.pop()
            let key = stack.kind(at: -1) == .string ? stack.string(at: -1) ?? "?" : "?"
            guard !known.contains(key) else { continue }
            stack.pop()
            let near = Suggestion.nearest(to: key, among: known).map { "did you mean '\($0)'?" }
            throw FunctionTestFault(
                reason: "\(name) has no '\(key)': "
                    + (near ?? "there are \(known.joined(separator: ", "))")
            )
        }
    }

    private func with<Answer>(
        _ key: String,
        _ kind: String,
        _ read: () -> Answer?
    ) throws(FunctionTestFault) -> Answer? {
        stack.pushField(key, of: index)
        defer { stack.pop() }
        if stack.kind(at: -1) == .nil { return nil }
        guard let value = read() else {
            throw FunctionTestFault(reason: "\(key) is \(kind), not a \(stack.kindName(at: -1))")
        }
        return value
    }

    func bytes(_ key: String) throws(FunctionTestFault) -> [UInt8]? {
        try with(key, "a string") { stack.text(at: -1) }
    }

    /// A string, or a list of the pieces in which it comes.
    func pieces(_ key: String) throws(FunctionTestFault) -> [[UInt8]] {
        try with(key, "a string, or a list of strings") { listed() } ?? []
    }

    func text(_ key: String) throws(FunctionTestFault) -> String? {
        try bytes(key).map { String(decoding: $0, as: UTF8.self) }
    }

    func integer(_ key: String) throws(FunctionTestFault) -> Int64? {
        try with(key, "an integer") { stack.integer(at: -1) }
    }

    func number(_ key: String) throws(FunctionTestFault) -> Double? {
        try with(key, "a number") {
            switch stack.kind(at: -1) {
            case .integer, .number: stack.number(at: -1)
            default: nil
            }
        }
    }

    /// What a configuration would say.
    func options() throws(FunctionTestFault) -> ConfigNode {
        let nowhere = SourcePosition(file: "test", line: 1, column: 1)
        stack.pushField("options", of: index)
        defer { stack.pop() }
        switch stack.kind(at: -1) {
        case .nil: return ConfigNode(value: .table([]), position: nowhere)
        case .table: break
        default: throw FunctionTestFault(reason: "options is a table")
        }
        var reader = ConfigTableReader(stack: stack)
        let node = reader.read(places: nil, at: nowhere)
        if let wrong = reader.diagnostics.first {
            throw FunctionTestFault(reason: "options.\(wrong.key): \(wrong.message)")
        }
        return node ?? ConfigNode(value: .table([]), position: nowhere)
    }

    func strings(_ key: String) throws(FunctionTestFault) -> [(name: String, value: [UInt8])] {
        stack.pushField(key, of: index)
        defer { stack.pop() }
        guard stack.kind(at: -1) != .nil else { return [] }
        guard stack.kind(at: -1) == .table else {
            throw FunctionTestFault(reason: "\(key) is a table of strings")
        }
        let table = stack.count
        var pairs: [(name: String, value: [UInt8])] = []
        stack.pushNil()
        while stack.next(in: table) {
            let value = stack.bytes(at: -1)
            stack.pop()
            guard stack.kind(at: -1) == .string, let name = stack.string(at: -1), let value else {
                stack.pop()
                throw FunctionTestFault(reason: "\(key) is a table of strings")
            }
            pairs.append((name, value))
        }
        return pairs
    }

    /// `headers`: by name a string, or a list of them for a field that is repeated.
    func fields() throws(FunctionTestFault) -> [(name: [UInt8], value: [UInt8])] {
        stack.pushField("headers", of: index)
        defer { stack.pop() }
        guard stack.kind(at: -1) != .nil else { return [] }
        guard stack.kind(at: -1) == .table else {
            throw FunctionTestFault(reason: "headers is a table of strings")
        }
        let table = stack.count
        var fields: [(name: [UInt8], value: [UInt8])] = []
        stack.pushNil()
        while stack.next(in: table) {
            let values = listed()
            stack.pop()
            guard let name = stack.bytes(at: -1), name.span.isToken, let values else {
                stack.pop()
                throw FunctionTestFault(reason: "headers has names, each with a string or a list")
            }
            for value in values {
                guard value.allSatisfy({ $0 >= 0x20 || $0 == 0x09 }) else {
                    stack.pop()
                    throw FunctionTestFault(reason: "a header's value has a control character")
                }
                fields.append((name, value))
            }
        }
        // A table has no order of its own.
        var order = Array(fields.enumerated())
        order.sort {
            $0.element.name == $1.element.name
                ? $0.offset < $1.offset
                : $0.element.name.lexicographicallyPrecedes($1.element.name)
        }
        return order.map(\.element)
    }

    private func listed() -> [[UInt8]]? {
        guard stack.kind(at: -1) == .table else { return stack.text(at: -1).map { [$0] } }
        var values: [[UInt8]] = []
        let table = stack.count
        for item in 0..<stack.rawLength(at: table) {
            stack.pushRawItem(item + 1, of: table)
            let value = stack.text(at: -1)
            stack.pop()
            guard let value else { return nil }
            values.append(value)
        }
        return values
    }
}
