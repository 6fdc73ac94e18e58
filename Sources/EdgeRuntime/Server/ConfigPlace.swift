// Where in the operator's files something is written that turned out to be unattainable: the check has passed, so
// only the effective tree still knows.

struct ConfigPlace {
    var position: SourcePosition?
    var key: String

    func error(_ message: String, _ remedy: String = "") -> Diagnostic {
        Diagnostic(
            severity: .error,
            position: position,
            key: position == nil ? "" : key,
            message: message,
            remedy: remedy
        )
    }
}

/// Places in one effective tree; without a tree nothing has a place.
struct ConfigPlaceFinder {
    let tree: ConfigNode?

    func listener(_ index: Int) -> ConfigPlace {
        let key = "listen[\(index + 1)]"
        guard let items = tree?["listen"]?.items, index < items.count else {
            return ConfigPlace(position: nil, key: key)
        }
        let place = items[index]["address"] ?? items[index]
        return ConfigPlace(position: place.position, key: key)
    }

    func origin(_ name: String) -> ConfigPlace {
        let position = entry("origins", name)?.position
        return ConfigPlace(position: position, key: "origins.\(name)")
    }

    func setting(_ table: String, _ name: String) -> ConfigPlace {
        ConfigPlace(position: entry(table, name)?.position, key: "\(table).\(name)")
    }

    /// Where `file` is named inside of `listen` or `origins`, else `fallback`.
    func file(_ file: String, else fallback: ConfigPlace) -> ConfigPlace {
        guard !file.isEmpty, let tree else { return fallback }
        for part in ["listen", "origins"] {
            guard let node = tree[part], let position = Self.find(file, in: node) else { continue }
            return ConfigPlace(position: position, key: fallback.key)
        }
        return fallback
    }

    private func entry(_ table: String, _ name: String) -> ConfigEntry? {
        tree?.table(table).first { $0.key == name }
    }

    private static func find(_ file: String, in node: ConfigNode) -> SourcePosition? {
        switch node.value {
        case .string(let text):
            let path = ConfigReader.resolve(text, beside: node.position.file)
            return ConfigReader.absolute(path) == file ? node.position : nil
        case .list(let items):
            for item in items { if let found = find(file, in: item) { return found } }
            return nil
        case .table(let entries):
            for entry in entries { if let found = find(file, in: entry.node) { return found } }
            return nil
        case .boolean, .integer, .number, .secret: return nil
        }
    }
}
