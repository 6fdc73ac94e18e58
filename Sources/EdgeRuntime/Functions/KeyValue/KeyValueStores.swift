// The stores as one generation sees them. A store without a file is the process's: the next generation takes it over
// with all that is in it. What is in one with a file belongs to the file: it is read when the generation is built,
// and whole again when the file changes.

struct KeyValueStores: Sendable {
    struct Row: Sendable {
        var name: String
        var store: KeyValueStore
        var bounds: KeyValueBounds
        /// Functions only read such a store.
        var file: String?
    }

    /// By name, in its order.
    private(set) var rows: [Row] = []

    static let none = Self()

    private init() {}

    init(
        _ settings: [String: KeyValueSettings],
        replacing previous: KeyValueStores = .none,
        now: Nanoseconds,
        diagnostics: inout [Diagnostic]
    ) {
        for (name, setting) in settings.sorted(by: { $0.key < $1.key }) {
            let bounds = KeyValueBounds(entries: setting.entries, bytes: setting.bytes)
            let known = previous.rows.first { $0.name == name && $0.file == nil }
            var row = Row(
                name: name,
                store: setting.filePath == nil ? known?.store ?? KeyValueStore() : KeyValueStore(),
                bounds: bounds,
                file: setting.filePath
            )
            if row.file != nil {
                do throws(Diagnostic) {
                    row.store = try Self.read(row, now)
                } catch {
                    diagnostics.append(error)
                }
            }
            rows.append(row)
        }
    }

    func index(of name: String) -> Int? { rows.firstIndex { $0.name == name } }

    var files: Set<String> { Set(rows.compactMap(\.file)) }

    /// Reads again what lies in `files`; a file that is wrong changes nothing.
    func reread(
        _ files: Set<String>,
        now: Nanoseconds
    ) -> [(store: String, entries: Int, mistake: Diagnostic?)] {
        rows.filter { $0.file.map(files.contains) ?? false }.map { row in
            do throws(Diagnostic) {
                row.store.replace(with: try Self.read(row, now))
                return (row.name, row.store.count, nil)
            } catch {
                return (row.name, row.store.count, error)
            }
        }
    }

    // MARK: Files

    private static func read(_ row: Row, _ now: Nanoseconds) throws(Diagnostic) -> KeyValueStore {
        let path = row.file ?? ""
        let store = KeyValueStore()
        let top = SourcePosition(file: path, line: 1, column: 1)
        func mistake(_ place: SourcePosition, _ message: String, _ remedy: String) -> Diagnostic {
            Diagnostic(
                severity: .error,
                position: place,
                key: "kv.\(row.name)",
                message: message,
                remedy: remedy
            )
        }
        let bytes: [UInt8]
        switch ConfigReader.read(path, bytesMax: Limits.configFileBytesMax) {
        case .success(let read): bytes = read
        case .failure(let error):
            throw mistake(top, "cannot read it: \(error.message)", "correct the file or its rights")
        }
        let root: ConfigNode?
        do throws(Diagnostic) {
            root = try JSONReader.read(bytes, file: path)
        } catch {
            throw mistake(error.position ?? top, error.message, error.remedy)
        }
        for (key, place, node) in try Self.entries(root, mistake, top) {
            guard let value = KeyValue(node) else {
                throw mistake(
                    node.position,
                    "a store holds strings, numbers and booleans",
                    "write it flat, or as JSON in a string"
                )
            }
            let outcome = store.apply(
                .set(value, ttl: nil),
                Array(key.utf8).span,
                now: now,
                bounds: row.bounds
            )
            switch outcome {
            case .written: break
            case .full:
                throw mistake(
                    place,
                    "the store is full after \(store.count) entries",
                    "raise kv.\(row.name).entries or kv.\(row.name).size"
                )
            case .tooLarge:
                throw mistake(
                    place,
                    "a key has at most \(Limits.keyValueKeyBytesMax) bytes, a value"
                        + " \(Limits.keyValueValueBytesMax)",
                    "shorten it"
                )
            case .deleted, .unchanged, .notANumber: preconditionFailure("a set does none of it")
            }
        }
        return store
    }

    private static func entries(
        _ root: ConfigNode?,
        _ mistake: (SourcePosition, String, String) -> Diagnostic,
        _ top: SourcePosition
    ) throws(Diagnostic) -> [(key: String, place: SourcePosition, node: ConfigNode)] {
        switch root?.value {
        case .table(let entries): return entries.map { ($0.key, $0.position, $0.node) }
        // What means a secret in a configuration is an entry like any other here.
        case .secret(let name):
            let place = root?.position ?? top
            return [("secret", place, ConfigNode(value: .string(name), position: place))]
        case .boolean, .integer, .number, .string, .list, nil:
            throw mistake(
                root?.position ?? top,
                "the file is not a JSON object",
                "write { \"key\": \"value\" }"
            )
        }
    }
}

extension KeyValue {
    fileprivate init?(_ node: ConfigNode) {
        switch node.value {
        case .boolean(let value): self = .boolean(value)
        case .integer(let value): self = .integer(value)
        case .number(let value): self = .number(value)
        case .string(let value): self = .string(Array(value.utf8))
        case .secret, .list, .table: return nil
        }
    }
}
