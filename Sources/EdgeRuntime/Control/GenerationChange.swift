// What is different between two generations: two effective configurations and the certificates that were read go
// in, names come out. Pure; the answer of `edged reload` and the event log are made of it.
//
// The effective tree is compared, defaults filled in, so that a setting that is spelled out where it was left to
// its default is no change. What a file holds is not in the tree: a certificate that was renewed in place is told
// by its fingerprint.

struct GenerationChange: Equatable, Sendable {
    struct Names: Equatable, Sendable {
        var added: [String] = []
        var removed: [String] = []
        var changed: [String] = []

        var isEmpty: Bool { added.isEmpty && removed.isEmpty && changed.isEmpty }
    }

    enum Part: CaseIterable, Sendable {
        case distributions
        case origins
        case originGroups
        case listeners
        case certificates

        var word: StaticString {
            switch self {
            case .distributions: "distributions"
            case .origins: "origins"
            case .originGroups: "origin_groups"
            case .listeners: "listeners"
            case .certificates: "certificates"
            }
        }
    }

    private var names: [Part: Names] = [:]
    /// Other settings of the top level that say something else now.
    var settings: [String] = []

    subscript(_ part: Part) -> Names {
        get { names[part] ?? Names() }
        set { names[part] = newValue.isEmpty ? nil : newValue }
    }

    var isEmpty: Bool { names.isEmpty && settings.isEmpty }

    init() {}

    init(
        from old: ConfigNode,
        to new: ConfigNode,
        certificates: (old: [CertificateFacts], new: [CertificateFacts]) = ([], [])
    ) {
        for (part, key) in [
            (Part.distributions, "distributions"), (.origins, "origins"),
            (.originGroups, "origin_groups"),
        ] {
            self[part] = Self.compare(Self.entries(old[key]), Self.entries(new[key])) {
                $0.says(theSameAs: $1)
            }
        }
        self[.listeners] = Self.compare(Self.listeners(old), Self.listeners(new)) {
            $0.says(theSameAs: $1)
        }
        self[.certificates] = Self.compare(
            certificates.old.map { ($0.file, $0) },
            certificates.new.map { ($0.file, $0) }
        ) { $0 == $1 }
        settings = Self.settings(old, new)
    }

    /// `workers` is not among them: it is told as something that needs a restart.
    private static let compared: Set = [
        "distributions", "origins", "origin_groups", "listen", "workers",
    ]

    private static func settings(_ old: ConfigNode, _ new: ConfigNode) -> [String] {
        let names = compare(entries(old), entries(new)) { $0.says(theSameAs: $1) }
        return (names.added + names.removed + names.changed).filter { !compared.contains($0) }
            .sorted()
    }

    private static func entries(_ node: ConfigNode?) -> [(String, ConfigNode)] {
        (node?.entries ?? []).map { ($0.key, $0.node) }
    }

    private static func listeners(_ tree: ConfigNode) -> [(String, ConfigNode)] {
        (tree["listen"]?.items ?? []).compactMap { item in
            item.text("address").map { ($0, item) }
        }
    }

    /// In the order of the names.
    private static func compare<Value>(
        _ old: [(String, Value)],
        _ new: [(String, Value)],
        same: (Value, Value) -> Bool
    ) -> Names {
        let before = Dictionary(old, uniquingKeysWith: { first, _ in first })
        let after = Dictionary(new, uniquingKeysWith: { first, _ in first })
        var names = Names()
        for (name, value) in after {
            guard let known = before[name] else {
                names.added.append(name)
                continue
            }
            if !same(known, value) { names.changed.append(name) }
        }
        names.removed = before.keys.filter { after[$0] == nil }.sorted()
        names.added.sort()
        names.changed.sort()
        return names
    }
}
