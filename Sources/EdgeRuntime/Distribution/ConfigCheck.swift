// The door: a file → a configuration, or everything that is wrong with it.

package struct LoadResult: Sendable {
    /// `nil` if there is an error among the diagnostics.
    package var configuration: Configuration?
    package var diagnostics: [Diagnostic]
    /// The texts that positions point into, by path.
    package var sources: [String: [UInt8]]
    /// What `include` named, resolved: files that match later belong to the configuration, too.
    var patterns: [String] = []
    /// The effective tree, defaults filled in.
    var tree: ConfigNode?

    package var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }

    /// Canonical JSON of the effective configuration; accepted again as input.
    package var dump: String? { tree.map { ConfigDump.text(of: $0) } }
}

package enum ConfigCheck {
    package static func load(path: String) -> LoadResult {
        var result = check(ConfigFile.load(path: path), environment: ConfigReader.environment)
        if let configuration = result.configuration, configuration.settings.listen.isEmpty {
            result.diagnostics.append(
                Diagnostic(
                    severity: .warning,
                    position: SourcePosition(file: path, line: 1, column: 1),
                    key: "listen",
                    message: "no viewer can reach it",
                    remedy: "add listen = { { address = \"127.0.0.1:8080\" } }"
                )
            )
        }
        return result
    }

    /// For tests and tools that hold the text already; relative paths are resolved beside `path`.
    static func load(
        text: String,
        path: String = "edge.lua",
        environment: @escaping (String) -> String? = ConfigReader.environment
    ) -> LoadResult {
        let loaded = ConfigFile.load(Array(text.utf8), path: path, environment: environment)
        return check(loaded, environment: environment)
    }

    private static func check(
        _ loaded: ConfigFile.Loaded,
        environment: @escaping (String) -> String?
    ) -> LoadResult {
        var result = LoadResult(
            configuration: nil,
            diagnostics: loaded.diagnostics,
            sources: loaded.sources,
            patterns: loaded.patterns,
            tree: nil
        )
        guard let raw = loaded.tree else { return result }
        var shape = ConfigShape()
        guard let tree = shape.check(raw) else {
            result.diagnostics += shape.diagnostics
            return result
        }
        var builder = ConfigBuilder(tree: tree, environment: environment)
        let built = builder.build(unavailable: shape.unavailable)
        result.diagnostics += shape.diagnostics + builder.diagnostics
        result.diagnostics.sort { $0.precedes($1) }
        guard !result.hasErrors, let built else { return result }
        result.configuration = built
        result.diagnostics += built.unavailable
        result.diagnostics.sort { $0.precedes($1) }
        result.tree = tree
        return result
    }
}

extension Diagnostic {
    func precedes(_ other: Diagnostic) -> Bool {
        guard let left = position, let right = other.position else { return position == nil }
        if left.file != right.file { return left.file < right.file }
        return (left.line, left.column, key) < (right.line, right.column, other.key)
    }
}
