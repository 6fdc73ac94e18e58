// What `edge.fetch` answers in a test. Nothing is ever sent: a request that nobody has scripted fails the test.

final class FunctionTestFetches {
    struct Answer {
        var status: Int64
        var headers: [(name: [UInt8], value: [UInt8])]
        var body: [UInt8]
        /// Instead of an answer: the word for what went wrong.
        var failure: String?
    }

    private var answers: [String: [Answer]] = [:]

    /// `test.fetch(target, answer)`: several answers for one target are given in their order, the last one from then on.
    func add(_ stack: LuaStack, target: Int, answer: Int) throws(FunctionTestFault) {
        let key = try Self.key(stack, at: target)
        guard stack.kind(at: answer) == .table else {
            throw FunctionTestFault(reason: "the answer is a table: { status = 200, body = \"…\" }")
        }
        let table = FunctionTestTable(stack: stack, index: answer, name: "the answer")
        try table.check(["status", "headers", "body", "error"])
        let status = try table.integer("status") ?? 200
        guard (100...999).contains(status) else {
            throw FunctionTestFault(reason: "status is an integer from 100 to 999")
        }
        let made = Answer(
            status: status,
            headers: try table.fields(),
            body: try table.bytes("body") ?? [],
            failure: try table.text("error")
        )
        answers[key, default: []].append(made)
    }

    private static func key(
        _ stack: LuaStack,
        at index: Int
    ) throws(FunctionTestFault) -> String {
        switch stack.kind(at: index) {
        case .string:
            do throws(FetchURL.Fault) {
                return key(.url(try FetchURL(stack.bytes(at: index) ?? [])))
            } catch {
                throw FunctionTestFault(reason: "the target \(error.reason)")
            }
        case .table:
            let table = FunctionTestTable(stack: stack, index: index, name: "the target")
            try table.check(["origin", "path"])
            guard let origin = try table.text("origin"), let path = try table.bytes("path") else {
                throw FunctionTestFault(reason: "the target has an origin and a path")
            }
            return key(.origin(origin, path: path))
        case .none, .nil, .boolean, .integer, .number, .function, .userdata, .other:
            throw FunctionTestFault(reason: "the target is a URL or { origin = …, path = … }")
        }
    }

    /// Two spellings of one URL are the same target.
    private static func key(_ target: FetchOrder.Target) -> String {
        switch target {
        case .url(let url):
            let path = String(decoding: url.path, as: UTF8.self)
            return "\(url.isTLS ? "https" : "http")://\(url.host):\(url.port)\(path)"
        case .origin(let name, let path):
            return "\(name) \(String(decoding: path, as: UTF8.self))"
        }
    }

    func answer(to order: FetchOrder) -> Answer? {
        let key = Self.key(order.target)
        guard let list = answers[key], let first = list.first else { return nil }
        if list.count > 1 { answers[key]?.removeFirst() }
        return first
    }

    static func unscripted(_ order: FetchOrder) -> String {
        "the function fetches \(shown(order.target)), which this test does not answer: "
            + "write test.fetch(\(shown(order.target)), { status = 200, body = \"…\" }) before"
    }

    private static func shown(_ target: FetchOrder.Target) -> String {
        switch target {
        case .url(let url): "\"\(String(decoding: url.text, as: UTF8.self))\""
        case .origin(let name, let path):
            "{ origin = \"\(name)\", path = \"\(String(decoding: path, as: UTF8.self))\" }"
        }
    }
}

extension FunctionTestFetches.Answer {
    /// As a function gets it.
    func push(for order: FetchOrder, on stack: LuaStack) -> Int {
        var failure = failure
        if body.count > order.bodyBytesMax { failure = "\(EdgeError.bodyTooLarge.word)" }
        if let failure {
            stack.pushNil()
            stack.push(failure)
            return 2
        }
        stack.pushTable()
        stack.push(status)
        stack.setField("status", of: -2)
        Self.push(headers, on: stack)
        stack.setField("headers", of: -2)
        stack.push(body.span)
        stack.setField("body", of: -2)
        return 1
    }

    /// By name in small letters; repeated fields are joined, `set-cookie` is a list.
    static func push(_ headers: [(name: [UInt8], value: [UInt8])], on stack: LuaStack) {
        stack.pushTable()
        var values: [String: [[UInt8]]] = [:]
        for header in headers {
            let name = String(decoding: header.name.span.lowercased, as: UTF8.self)
            values[name, default: []].append(header.value)
        }
        for (name, list) in values.sorted(by: { $0.key < $1.key }) {
            if name == "set-cookie" {
                stack.pushTable()
                for (index, value) in list.enumerated() {
                    stack.push(value.span)
                    stack.setRawItem(index + 1, of: -2)
                }
            } else {
                stack.push(Array(list.joined(separator: [UInt8(ascii: ","), .space])).span)
            }
            stack.setField(name, of: -2)
        }
    }
}
