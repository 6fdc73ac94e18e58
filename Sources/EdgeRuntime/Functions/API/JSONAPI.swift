// edge.json: RFC 8259 to Lua values and back.
//
// A list that is empty and a table that is empty look the same in Lua: `edge.json.array(t)` says that a table is a
// list. `null` is `edge.json.null`, so that a member that is null and one that is missing can be told apart.

enum JSONAPI {
    static let rows = [
        APIRow(
            "json.decode",
            "decode(text: string): any, string?",
            "The value of a JSON text; nil and `line:column: reason` for what is none."
        ) { LuaCall.serve($0) { decode($0) } },
        APIRow(
            "json.encode",
            "encode(value: any): string?, string?",
            "A value as JSON, its names sorted; nil and a reason for what JSON cannot say."
        ) { LuaCall.serve($0) { encode($0) } },
        APIRow(
            "json.array",
            "array(list: table): table",
            "The same table, which is a list even if it is empty."
        ) { LuaCall.serve($0) { array($0) } },
        APIRow("json.is_null", "is_null(value: any): boolean", "Whether a decoded value is `null`.")
        {
            LuaCall.serve($0) { call in
                call.stack.push(isNull(call.stack, at: 1))
                return 1
            }
        },
        APIRow("json.null", "null(): null", "The value that `null` is decoded to.") {
            LuaCall.serve($0) { call in
                call.stack.push(null)
                return 1
            }
        },
    ]

    /// A view of nothing: equal to itself only.
    private static let null = LuaView(kind: ViewKind.null.rawValue, slot: 0, generation: 0)
    private static let arrayMark = "list"

    private static func isNull(_ stack: LuaStack, at index: Int) -> Bool {
        stack.view(at: index) == null
    }

    // MARK: Reading

    static func decode(_ call: LuaCall) -> CInt {
        let stack = call.stack
        guard let text = stack.bytes(at: 1) else {
            return call.badArgument(1, "edge.json.decode", "a string is wanted")
        }
        guard call.spend(text.count / 2) else { return 0 }
        do throws(JSONError) {
            return try push(text.span, call)
        } catch {
            let place = error.place(in: text.span)
            stack.drop(to: 1)
            stack.pushNil()
            stack.push("\(place.line):\(place.column): \(error.reason.word)")
            return 2
        }
    }

    /// Open lists and tables lie on the stack, a table under the name that waits for its value.
    private static func push(_ text: Span<UInt8>, _ call: LuaCall) throws(JSONError) -> CInt {
        let stack = call.stack
        var scanner = JSONScanner()
        var counts: [Int?] = []
        while let event = try scanner.next(text) {
            guard call.spend(Limits.functionValueUnits) else { return 0 }
            switch event {
            case .beginTable, .beginList:
                guard stack.hasRoom(for: 8) else {
                    throw JSONError(reason: .tooDeep, offset: scanner.eventStart)
                }
                stack.pushTable()
                if case .beginList = event {
                    counts.append(0)
                } else {
                    counts.append(nil)
                }
                continue
            case .name(let name):
                push(name, of: text, on: stack)
                continue
            case .endTable: counts.removeLast()
            case .endList:
                if counts.removeLast() == 0 { mark(on: stack) }
            case .string(let string): push(string, of: text, on: stack)
            case .integer(let value): stack.push(value)
            case .number(let value): stack.push(value)
            case .boolean(let value): stack.push(value)
            case .null: stack.push(null)
            }
            guard let last = counts.last else { continue }
            if let count = last {
                counts[counts.count - 1] = count + 1
                stack.setRawItem(count + 1, of: -2)
            } else {
                // The last of repeated names counts.
                stack.setRaw(in: -3)
            }
        }
        return 1
    }

    private static func push(_ string: JSONString, of text: Span<UInt8>, on stack: LuaStack) {
        if string.hasEscapes {
            let bytes = string.bytes(of: text)
            stack.push(bytes.span)
        } else {
            stack.push(text.extracting(string.range))
        }
    }

    private static func array(_ call: LuaCall) -> CInt {
        guard call.stack.kind(at: 1) == .table else {
            return call.badArgument(1, "edge.json.array", "a table is wanted")
        }
        if let name = call.stack.readOnlyName(at: 1) {
            return call.badArgument(1, "edge.json.array", "\(name) is read-only")
        }
        guard !call.stack.pushMetafield("__metatable", of: 1) else {
            return call.badArgument(1, "edge.json.array", "its metatable is protected")
        }
        call.stack.drop(to: 1)
        mark(on: call.stack)
        return 1
    }

    /// Says that the table on top is a list.
    private static func mark(on stack: LuaStack) {
        stack.pushTable()
        stack.push(arrayMark)
        stack.setField("__name", of: -2)
        stack.setMetatable(of: -2)
    }

    // MARK: Writing

    private static func encode(_ call: LuaCall) -> CInt {
        let stack = call.stack
        guard call.count > 0 else {
            return call.badArgument(1, "edge.json.encode", "a value is wanted")
        }
        stack.drop(to: 1)
        var writer = JSONWriter()
        do throws(Refusal) {
            try write(&writer, call)
        } catch {
            stack.drop(to: 1)
            stack.pushNil()
            stack.push(error.reason)
            return 2
        }
        let bytes = writer.bytes
        stack.push(bytes.span)
        return 1
    }

    private struct Refusal: Error {
        var reason: String
        /// Nobody will hear it.
        static let spent = Self(reason: "")
    }

    /// Writes the value on top, which stays. A table may lie in many places: what counts is what is written.
    private static func write(_ writer: inout JSONWriter, _ call: LuaCall) throws(Refusal) {
        let stack = call.stack
        guard call.spend(Limits.functionValueUnits) else { throw .spent }
        do throws(JSONWriter.Failure) {
            switch stack.kind(at: -1) {
            case .nil, .none: return try writer.null()
            case .boolean: return try writer.boolean(stack.boolean(at: -1))
            case .integer: return try writer.integer(stack.integer(at: -1) ?? 0)
            case .number: return try writer.number(stack.number(at: -1))
            case .string:
                let bytes = stack.bytes(at: -1) ?? []
                let before = writer.bytes.count
                call.spend(bytes.count / 2)
                defer { call.spend((writer.bytes.count - before) / 2) }
                return try writer.string(bytes.span)
            case .userdata where isNull(stack, at: -1): return try writer.null()
            case .table: break
            case .userdata, .function, .other:
                throw JSONWriter.Failure.notFinite
            }
        } catch {
            let kind = stack.kind(at: -1)
            guard kind == .number || kind == .string || kind == .integer else {
                throw Refusal(reason: "a \(stack.kindName(at: -1)) is not JSON")
            }
            throw Refusal(reason: "\(error.word)")
        }
        guard stack.hasRoom(for: 8) else { throw Refusal(reason: "too-deep") }
        let table = stack.absolute(-1)
        let length = stack.rawLength(at: table)
        if length > 0 || isMarked(stack) {
            try writeList(&writer, call, table, length)
        } else {
            try writeTable(&writer, call, table)
        }
    }

    private static func isMarked(_ stack: LuaStack) -> Bool {
        guard stack.pushMetafield("__name", of: -1) else { return false }
        defer { stack.pop() }
        return stack.string(at: -1) == arrayMark
    }

    private static func writeList(
        _ writer: inout JSONWriter,
        _ call: LuaCall,
        _ table: Int,
        _ length: Int
    ) throws(Refusal) {
        let stack = call.stack
        try mapped { () throws(JSONWriter.Failure) in try writer.beginList() }
        for item in 0..<length {
            stack.pushRawItem(item + 1, of: table)
            try write(&writer, call)
            stack.pop()
        }
        try mapped { () throws(JSONWriter.Failure) in try writer.endList() }
    }

    private static func writeTable(
        _ writer: inout JSONWriter,
        _ call: LuaCall,
        _ table: Int
    ) throws(Refusal) {
        let stack = call.stack
        var names: [[UInt8]] = []
        stack.pushNil()
        while stack.next(in: table) {
            stack.pop()
            guard let name = stack.bytes(at: -1) else {
                throw Refusal(reason: "a table with a key that is a \(stack.kindName(at: -1))")
            }
            guard call.spend(Limits.functionNameUnits + name.count) else { throw .spent }
            names.append(name)
        }
        names.sort { $0.lexicographicallyPrecedes($1) }
        try mapped { () throws(JSONWriter.Failure) in try writer.beginTable() }
        for name in names {
            try mapped { () throws(JSONWriter.Failure) in try writer.name(name.span) }
            stack.pushField(bytes: name.span, of: table)
            try write(&writer, call)
            stack.pop()
        }
        try mapped { () throws(JSONWriter.Failure) in try writer.endTable() }
    }

    private static func mapped(
        _ body: () throws(JSONWriter.Failure) -> Void
    ) throws(Refusal) {
        do throws(JSONWriter.Failure) { try body() } catch {
            throw Refusal(reason: "\(error.word)")
        }
    }
}
