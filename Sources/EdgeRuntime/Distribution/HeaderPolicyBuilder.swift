// Compiles `response_headers`.

extension ConfigBuilder {
    /// Framing belongs to the edge (§2.13 of the contract lists what a policy may not touch).
    private static let framing = NameSet.fields([
        "connection", "content-encoding", "content-length", "expect", "host", "keep-alive",
        "trailer", "transfer-encoding", "upgrade", "via", "te", "proxy-connection",
    ])

    mutating func headerPolicy(_ node: ConfigNode?, key: String) -> HeaderPolicy {
        guard let node else { return .none }
        var policy = HeaderPolicy.none
        let removed = node["remove"]?.items ?? []
        for (index, item) in removed.enumerated() {
            checkFraming(item, item.text ?? "", key: "\(key).remove[\(index + 1)]")
        }
        policy.removes = NameSet.fields(removed.compactMap(\.text).map { $0.lowercased() })
        policy.cors = cors(node["cors"], key: "\(key).cors")
        if let security = node["security"] { policy.fields += securityFields(security) }
        var seen: Set<String> = []
        for entry in node.table("set") {
            let key = "\(key).set.\(entry.key)"
            var place = entry.node
            place.position = entry.position
            checkFraming(place, entry.key, key: key)
            if !seen.insert(entry.key.lowercased()).inserted {
                report(place, key, "this header is there twice, in other letters", "keep one")
            }
            let value = entry.node.text ?? entry.node.text("value") ?? ""
            let overrides = entry.node.bool("override") ?? true
            policy.fields.append(HeaderPolicy.Field(entry.key, value, overrides: overrides))
        }
        return policy
    }

    private mutating func checkFraming(_ node: ConfigNode, _ name: String, key: String) {
        guard Self.framing.contains(name.utf8.span) else { return }
        report(node, key, "'\(name)' belongs to the edge", "take it out")
    }

    private func securityFields(_ node: ConfigNode) -> [HeaderPolicy.Field] {
        let overrides = node.bool("override") ?? true
        var fields: [HeaderPolicy.Field] = []
        for name in [
            "strict_transport_security", "frame_options", "referrer_policy", "xss_protection",
            "content_security_policy",
        ] {
            guard let value = node.text(name) else { continue }
            let isOld = name == "frame_options" || name == "xss_protection"
            let field = (isOld ? "x-" : "") + name.map { $0 == "_" ? "-" : $0 }
            fields.append(HeaderPolicy.Field(field, value, overrides: overrides))
        }
        if node.bool("content_type_options") == true {
            fields.append(
                HeaderPolicy.Field("x-content-type-options", "nosniff", overrides: overrides)
            )
        }
        return fields
    }

    private mutating func cors(_ node: ConfigNode?, key: String) -> CORSPolicy? {
        guard let node else { return nil }
        let origins = (node["origins"]?.items ?? []).compactMap(\.text)
        let credentials = node.bool("credentials") ?? false
        if credentials, let place = node["origins"], origins.contains("*") {
            report(
                place,
                "\(key).origins",
                "any site could read what belongs to a signed-in user",
                "name the origins, or write credentials = false"
            )
        }
        if origins.count > 1, let place = node["origins"], origins.contains("*") {
            report(place, "\(key).origins", "\"*\" covers the others", "keep \"*\" or the others")
        }
        func joined(_ name: String) -> [UInt8]? {
            let all = node.texts(name)
            return all.isEmpty ? nil : Array(all.joined(separator: ", ").utf8)
        }
        let everyMethod = Array("GET, HEAD, OPTIONS, PUT, POST, PATCH, DELETE".utf8)
        for (index, item) in (node["headers"]?.items ?? []).enumerated() {
            guard let name = item.text, name != "*" else { continue }
            guard let problem = TextKind.fieldName(name) else { continue }
            report(item, "\(key).headers[\(index + 1)]", problem.message, problem.remedy)
        }
        return CORSPolicy(
            origins: origins.map(Self.allowedOrigin),
            methods: node.texts("methods").contains("ALL") ? everyMethod : joined("methods"),
            headers: joined("headers"),
            exposes: joined("expose"),
            allowsCredentials: credentials,
            maxAge: node.int64("max_age").map { Array(String($0 / .seconds(1)).utf8) },
            overrides: node.bool("override") ?? true
        )
    }

    private static func allowedOrigin(_ text: String) -> CORSPolicy.AllowedOrigin {
        if text == "*" { return .any }
        guard let star = text.firstIndex(of: "*") else { return .exact(Array(text.utf8)) }
        return .wildcard(
            before: Array(text[..<star].utf8),
            after: Array(text[text.index(after: star)...].utf8)
        )
    }
}
