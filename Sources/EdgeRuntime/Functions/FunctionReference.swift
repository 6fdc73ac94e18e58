// What is generated from the tables of names: docs/lua-api.md for people, and stubs for the Lua language server, with
// one event class for each stage so that an editor knows what a stage has not.

package enum FunctionReference {
    // MARK: The page

    package static var page: String {
        var text = """
            # The Lua API

            <!-- Made by `edged config lua-api`. Do not edit. -->

            Every name that a function can use besides Lua's own. How to write and attach a function is told in
            [functions](functions.md).

            ## The event

            A handler is called with one argument, the event. What it shows is read from the request as it is, nothing is
            copied: assign to change it. A stage in brackets means that the name exists there only.


            """
        for kind in ViewKind.allCases where kind != .null { text += section(kind) }
        text += "## edge\n\n"
        text +=
            "Names that wait give the loop to others meanwhile; they work in all four stages.\n\n"
        text += "| name | what it does |\n|---|---|\n"
        for row in FunctionAPI.rows {
            let waits = row.waits ? " Waits." : ""
            text += "| `edge.\(prefix(row))\(row.signature)` | \(row.sentence)\(waits) |\n"
        }
        text += "\n### edge.kv.store\n\n| name | what it does |\n|---|---|\n"
        for row in KeyValueAPI.methods { text += "| `:\(row.signature)` | \(row.sentence) |\n" }
        return text
    }

    private static func section(_ kind: ViewKind) -> String {
        let fields = ViewField.allCases.filter { $0.row.kind == kind }
        let methods = ViewMethod.allCases.filter { $0.kinds.contains(kind) }
        var text = "### \(kind.name)\n\n"
        let sentence = sentence(kind)
        if !sentence.isEmpty { text += "\(sentence)\n\n" }
        guard !fields.isEmpty || !methods.isEmpty else { return text }
        text += "| name | type | what it is |\n|---|---|---|\n"
        for field in fields {
            let row = field.row
            let assign = row.writable.isEmpty ? "" : " Assignable\(stages(row.writable))."
            text +=
                "| `\(row.name)`\(stages(row.readable)) | \(row.type) | \(row.sentence)\(assign) |\n"
        }
        for method in methods {
            text += "| `:\(method.signature)` | | \(method.sentence) |\n"
        }
        return text + "\n"
    }

    private static func sentence(_ kind: ViewKind) -> String {
        switch kind {
        case .requestHeaders, .responseHeaders:
            "By name, without regard to case: repeated fields are joined by `, `. Assign a string, a list of strings, or nil"
                + " to remove. Framing and hop-by-hop fields, `Via` and `CDN-Loop` belong to the edge; `X-Cache` and `X-Edge-*` can"
                + " only be removed. `pairs` goes over it."
        case .query:
            "By name, decoded; the first of repeated ones. Assign a string, a list or nil. `pairs` goes over it."
        case .requestCookies: "By name. Assign a string or nil. `pairs` goes over it."
        case .responseCookies:
            "By name. Assign a string, a table with `value`, `path`, `domain`, `max_age`, `expires`, `same_site`, `secure`,"
                + " `http_only`, `partitioned`, or nil to take it out of the answer."
        case .log:
            "Assign a string, a number or a boolean to a name: it is in the access log's line."
        case .requestBody:
            "What was read goes on to the origin unchanged. A body that is mapped is sent in chunks. With a"
                + " `Content-Encoding` it can be replaced, but neither read nor mapped."
        case .responseBody:
            "What was read goes on to the viewer unchanged. A mapped body has no length, its `ETag` becomes weak, and"
                + " digests, `Accept-Ranges` and trailers are left out; a failing map cuts it, for the head is out by then."
                + " Each piece has limits of its own, and the map may wait; the event is over by then, so keep what it needs"
                + " in locals. Answers without a body (HEAD, 204, 304) call no map. Where a function of a response stage has"
                + " the words for it in its code, the origin is asked without `Accept-Encoding` and `Range`, and what it codes"
                + " all the same (`gzip`, `deflate`, `br`) is decoded before functions see it. A body in another coding, or a"
                + " part (206), can be neither read nor mapped."
        case .event, .request, .response, .viewer, .tls, .origin, .cache, .null: ""
        }
    }

    private static func stages(_ set: StageSet) -> String {
        guard set != .all else { return "" }
        let names = Stage.allCases.filter { set.contains($0) }.map(\.name)
        return " (\(names.joined(separator: ", ")))"
    }

    /// `json.` of `json.decode`.
    private static func prefix(_ row: APIRow) -> String {
        let parts = "\(row.name)".split(separator: ".")
        return parts.count == 2 ? "\(parts[0])." : ""
    }

    // MARK: Stubs

    package static var stubs: String {
        var text = "---@meta\n-- Made by `edged config lua-stubs`. For the Lua language server.\n\n"
        for kind in ViewKind.allCases where kind != .event && kind != .null {
            text += stubClass(kind, stage: nil)
        }
        for stage in Stage.allCases { text += stubClass(.event, stage: stage) }
        text += "---@class edged.store\n"
        for row in KeyValueAPI.methods {
            let rest = "\(row.signature)".drop { $0 != "(" }.dropFirst()
            text += "---@field \(row.name) fun(self: edged.store, \(rest)\n"
        }
        text += "\n---@class edged.handlers\n"
        for stage in Stage.allCases {
            text += "---@field \(stage.word)? fun(event: edged.\(stage.word).event): table?\n"
        }
        text += "---@field init? fun()\n\n---@class edgelib\nedge = {}\n"
        var groups: Set<String> = []
        for row in FunctionAPI.rows {
            let group = String(prefix(row).dropLast())
            if !group.isEmpty, groups.insert(group).inserted { text += "edge.\(group) = {}\n" }
        }
        for row in FunctionAPI.rows { text += "\n" + stub(row) }
        return text
    }

    private static func stubClass(_ kind: ViewKind, stage: Stage?) -> String {
        let name = stage.map { "\($0.word).event" } ?? kind.name
        var text = "---@class edged.\(name)"
        if kind.isMap { text += ": { [string]: any }" }
        text += "\n"
        for field in ViewField.allCases where field.row.kind == kind {
            let row = field.row
            if let stage, !row.readable.contains(stage) { continue }
            text += "---@field \(row.name) \(stubType("\(row.type)")) \(row.sentence)\n"
        }
        for method in ViewMethod.allCases where method.kinds.contains(kind) {
            let parts = Signature("\(method.signature)")
            let parameters =
                (["self"]
                + parts.parameters.map { "\($0.name)\($0.isOptional ? "?" : ""): \($0.type)" })
                .joined(separator: ", ")
            let result = parts.results.isEmpty ? "" : ": \(parts.results)"
            text += "---@field \(method.name) fun(\(parameters))\(result) \(method.sentence)\n"
        }
        return text + "\n"
    }

    private static func stubType(_ type: String) -> String {
        let isOptional = type.hasSuffix("?")
        let plain = isOptional ? String(type.dropLast()) : type
        let known = ViewKind.allCases.contains { $0.name == plain || $0.name == "event.\(plain)" }
        let named = plain == "log" ? "edged.event.log" : known ? "edged.\(plain)" : plain
        return isOptional ? "\(named)|nil" : named
    }

    private static func stub(_ row: APIRow) -> String {
        let parts = Signature("\(row.signature)")
        var text = "---\(row.sentence)\n"
        for parameter in parts.parameters {
            text +=
                "---@param \(parameter.name)\(parameter.isOptional ? "?" : "") \(parameter.type)\n"
        }
        if !parts.results.isEmpty { text += "---@return \(parts.results)\n" }
        let names = parts.parameters.map(\.name).joined(separator: ", ")
        return text + "function edge.\(row.name)(\(names)) end\n"
    }

    /// `decode(text: string): any, string?`, taken apart.
    private struct Signature {
        var parameters: [(name: String, type: String, isOptional: Bool)] = []
        var results = ""

        init(_ text: String) {
            guard let begin = text.firstIndex(of: "("), let end = text.lastIndex(of: ")") else {
                return
            }
            for part in text[text.index(after: begin)..<end].split(separator: ",") {
                let pair = part.split(separator: ":", maxSplits: 1)
                var name = String(pair[0].drop { $0 == " " })
                let isOptional = name.hasSuffix("?")
                if isOptional { name.removeLast() }
                let type = pair.count > 1 ? String(pair[1].drop { $0 == " " }) : "any"
                parameters.append((name, type, isOptional))
            }
            results = String(text[text.index(after: end)...].drop { $0 == ":" || $0 == " " })
        }
    }
}
