// Second pass of the check: well-formed tree → model, and every rule that looks at more than one value.
//
// Goes on after a mistake, with whatever is left, so that all mistakes are told at once.

struct ConfigBuilder {
    let tree: ConfigNode
    let environment: (String) -> String?
    var diagnostics: [Diagnostic] = []
    var secrets: [String: SecretSource] = [:]
    /// Secrets that are used but cannot be found now.
    var missingSecrets: [Diagnostic] = []
    /// Attachments so far.
    var functionCount = 0
    var originNames: [String] = []
    var groupNames: [String] = []

    init(tree: ConfigNode, environment: @escaping (String) -> String?) {
        self.tree = tree
        self.environment = environment
    }

    mutating func report(
        _ node: ConfigNode,
        _ key: String,
        _ message: String,
        _ remedy: String,
        severity: Diagnostic.Severity = .error
    ) {
        diagnostics.append(
            Diagnostic(
                severity: severity,
                position: node.position,
                key: key,
                message: message,
                remedy: remedy
            )
        )
    }

    mutating func build(unavailable: [Diagnostic]) -> Configuration? {
        originNames = tree.table("origins").map(\.key)
        groupNames = tree.table("origin_groups").map(\.key)
        let settings = serverSettings()
        let origins = tree.table("origins").enumerated().map { index, entry in
            origin(entry, index: index)
        }
        let groups = tree.table("origin_groups").enumerated().map { index, entry in
            group(entry, index: index)
        }
        for name in groupNames where originNames.contains(name) {
            guard let entry = tree.table("origin_groups").first(where: { $0.key == name }) else {
                continue
            }
            var node = entry.node
            node.position = entry.position
            report(node, "origin_groups.\(name)", "an origin has this name, too", "rename one")
        }
        var distributions: [Distribution] = []
        for (index, entry) in tree.table("distributions").enumerated() {
            if let one = distribution(entry, index: index) { distributions.append(one) }
        }
        checkDomains()
        guard !diagnostics.contains(where: { $0.severity == .error }) else { return nil }
        guard origins.allSatisfy({ $0 != nil }),
            distributions.count == tree.table("distributions").count
        else { return nil }
        return Configuration(
            settings: settings,
            origins: origins.compactMap { $0 },
            originGroups: groups,
            distributions: distributions,
            unavailable: unavailable + missingSecrets
        )
    }

    // MARK: Pieces

    /// The absolute path of a setting; reports what is not there.
    mutating func path(
        _ parent: ConfigNode,
        _ name: String,
        key: String,
        wants: ConfigReader.Presence? = .file
    ) -> String? {
        guard let node = parent[name], let text = node.text else { return nil }
        let resolved = ConfigReader.resolve(text, beside: node.position.file)
        let key = "\(key).\(name)"
        if let wants {
            let found = ConfigReader.presence(of: resolved)
            let thing = wants == .folder ? "folder" : "file"
            switch found {
            case .missing:
                report(node, key, "no \(thing) \(resolved)", "create it, or correct the path")
            case .unreadable:
                report(
                    node,
                    key,
                    "\(resolved) cannot be read",
                    "grant this user the right to read it"
                )
            case .file, .folder:
                if found != wants {
                    report(node, key, "\(resolved) is not a \(thing)", "name a \(thing)")
                }
            }
        }
        return ConfigReader.absolute(resolved)
    }

    mutating func secret(_ node: ConfigNode, key: String) -> Secret? {
        switch node.value {
        case .string(let text): return Secret(name: nil, value: Array(text.utf8))
        case .secret(let name):
            guard let source = secrets[name] else {
                let known = Array(secrets.keys)
                let near = Suggestion.nearest(to: name, among: known).map {
                    "did you mean '\($0)'?"
                }
                report(
                    node,
                    key,
                    "no secret '\(name)'",
                    near ?? "add secrets = { \(name) = { env = \"…\" } }"
                )
                return nil
            }
            guard let value = value(of: source) else {
                missingSecrets.append(
                    Diagnostic(
                        severity: .warning,
                        position: node.position,
                        key: key,
                        message: "secret '\(name)' has no value: \(source.text) is not there",
                        remedy: "edged run refuses it; set it to run"
                    )
                )
                return Secret(name: name, value: [])
            }
            return Secret(name: name, value: value)
        case .boolean, .integer, .number, .list, .table: return nil
        }
    }

    private func value(of source: SecretSource) -> [UInt8]? {
        switch source {
        case .environment(let name): return environment(name).map { Array($0.utf8) }
        case .file(let path):
            guard case .success(var bytes) = ConfigReader.read(path, bytesMax: 1 << 16) else {
                return nil
            }
            if bytes.last == 0x0a { bytes.removeLast() }
            return bytes
        }
    }

    mutating func prefixes(_ node: ConfigNode?) -> [AddressPrefix] {
        (node?.items ?? []).compactMap { $0.text.flatMap { AddressPrefix($0) } }
    }

    mutating func target(_ node: ConfigNode?, key: String) -> Behavior.Target? {
        guard let node, let name = node.text else { return nil }
        if let index = originNames.firstIndex(of: name) { return .origin(index) }
        if let index = groupNames.firstIndex(of: name) { return .group(index) }
        unknownName(node, "origin or group", originNames + groupNames, key: key)
        return nil
    }

    mutating func unknownName(
        _ node: ConfigNode,
        _ kind: String,
        _ known: [String],
        key: String
    ) {
        let name = node.text ?? ""
        let remedy: String
        if let near = Suggestion.nearest(to: name, among: known) {
            remedy = "did you mean '\(near)'?"
        } else if known.isEmpty {
            remedy = "none is defined yet"
        } else {
            remedy = "known: \(known.joined(separator: ", "))"
        }
        report(node, key, "no \(kind) '\(name)'", remedy)
    }

    mutating func checkNames(_ node: ConfigNode?, _ kind: String, _ known: [String], key: String) {
        for (index, item) in (node?.items ?? []).enumerated() {
            guard let name = item.text, !known.contains(name) else { continue }
            unknownName(item, kind, known, key: "\(key)[\(index + 1)]")
        }
    }

    /// Domains are unique across distributions.
    private mutating func checkDomains() {
        var owners: [String: String] = [:]
        for entry in tree.table("distributions") {
            for (index, item) in (entry.node["domains"]?.items ?? []).enumerated() {
                guard let domain = item.text else { continue }
                if let owner = owners[domain] {
                    report(
                        item,
                        "distributions.\(entry.key).domains[\(index + 1)]",
                        "'\(domain)' is a domain of '\(owner)' already",
                        "keep it in one of them"
                    )
                }
                owners[domain] = owner(owners[domain], or: entry.key)
            }
        }
    }

    private func owner(_ first: String?, or second: String) -> String { first ?? second }
}

// Reading a tree that has the right shape.
extension ConfigNode {
    var text: String? {
        guard case .string(let text) = value else { return nil }
        return text
    }

    func text(_ key: String) -> String? { self[key]?.text }

    func int(_ key: String) -> Int? { int64(key).map { Int($0) } }

    func int64(_ key: String) -> Int64? {
        guard case .integer(let number)? = self[key]?.value else { return nil }
        return number
    }

    func bool(_ key: String) -> Bool? {
        guard case .boolean(let value)? = self[key]?.value else { return nil }
        return value
    }

    func table(_ key: String) -> [ConfigEntry] { self[key]?.entries ?? [] }
    func texts(_ key: String) -> [String] { (self[key]?.items ?? []).compactMap(\.text) }

    func word<Word: RawRepresentable<String>>(_ key: String, _ type: Word.Type) -> Word? {
        text(key).flatMap { Word(rawValue: $0) }
    }
}

extension SecretSource {
    var text: String {
        switch self {
        case .environment(let name): "environment variable \(name)"
        case .file(let path): path
        }
    }
}
