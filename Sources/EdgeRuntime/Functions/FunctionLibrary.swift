// What one generation's functions are made of: every file that an attachment names or that another file requires,
// compiled once, the same for all loops. Immutable.

final class FunctionLibrary: Sendable {
    struct Module: Sendable {
        /// As `require` and attachments spell it.
        var name: String
        var path: String
        var code: [UInt8]
    }

    /// An attachment of some behaviour, ready to be bound to a machine.
    struct Hook: Sendable {
        var attachment: FunctionAttachment
        var stage: Stage
        /// `name@generation`, as logs say it.
        var title: String
        var secrets: [String: [UInt8]]
        var timeout: Nanoseconds
        /// Whether its code, or code that it may require, has the words to look at a body.
        var namesBody = false
    }

    let generation: UInt64
    let settings: FunctionSettings
    /// By the attachment's `id`.
    let hooks: [Hook]
    let modules: [Module]
    /// Where each name is in `modules`.
    let places: [String: Int]
    let stores: KeyValueStores
    /// Where each file whose functions are called is counted.
    let metricIndices: [String: Int]

    init(
        generation: UInt64,
        settings: FunctionSettings,
        hooks: [Hook],
        modules: [Module],
        stores: KeyValueStores = .none,
        metricIndices: [String: Int] = [:]
    ) {
        self.generation = generation
        self.settings = settings
        self.modules = modules
        places = Dictionary(modules.indices.map { (modules[$0].name, $0) }) { first, _ in first }
        self.stores = stores
        self.metricIndices = metricIndices
        let isNamedSomewhere = modules.contains { Self.namesBody($0.code) }
        guard isNamedSomewhere else {
            self.hooks = hooks
            return
        }
        let places = places
        self.hooks = hooks.map { hook in
            var hook = hook
            let code = places[hook.attachment.name].map { modules[$0].code } ?? []
            hook.namesBody = Self.namesBody(code) || Self.names("require", code)
            return hook
        }
    }

    /// Bodies come whole and uncoded only for functions that have a use for it; all others cost nothing.
    private static func namesBody(_ code: [UInt8]) -> Bool {
        names("body", code)
            && (names("map", code) || names("read", code) || names("chunks", code))
    }

    /// Whether the bytecode has the text as a constant: one byte for its length and a mark, then its bytes.
    private static func names(_ text: StaticString, _ code: [UInt8]) -> Bool {
        let constant = [UInt8(text.utf8CodeUnitCount + 1) | 0x80] + Array("\(text)".utf8)
        guard code.count >= constant.count else { return false }
        return (0...code.count - constant.count).contains { start in
            code[start] == constant[0] && code[start..<start + constant.count] == constant[...]
        }
    }

    var isEmpty: Bool { hooks.isEmpty }

    /// Every attachment of a configuration in the order of their ids.
    static func hooks(of configuration: Configuration, generation: UInt64) -> [Hook] {
        var hooks: [(Int, Hook)] = []
        let settings = configuration.settings
        for behavior in configuration.distributions.flatMap(\.behaviors) {
            for stage in Stage.allCases {
                for attachment in behavior.functions.chain(stage) {
                    let limit =
                        stage.isOrigin
                        ? settings.functions.originTimeout : settings.functions.viewerTimeout
                    var secrets: [String: [UInt8]] = [:]
                    for secret in attachment.secrets { secrets[secret.name ?? ""] = secret.value }
                    let hook = Hook(
                        attachment: attachment,
                        stage: stage,
                        title: "\(attachment.name)@\(generation)",
                        secrets: secrets,
                        timeout: attachment.timeout ?? limit
                    )
                    hooks.append((attachment.id, hook))
                }
            }
        }
        return hooks.sorted { $0.0 < $1.0 }.map(\.1)
    }
}
