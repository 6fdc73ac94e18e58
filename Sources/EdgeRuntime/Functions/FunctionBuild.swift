// Builds the functions of a generation aside: reads, compiles and runs every file once, binds every attachment, and
// reports all that is wrong at once. What it hands out is known to load.

struct FunctionBuild {
    var diagnostics: [Diagnostic] = []
    var library: FunctionLibrary?
    /// Every file that was read, and those that were looked for: where a mistake is mended.
    var files: Set<String> = []

    /// With the functions of this generation.
    var vocabulary: MetricVocabulary

    var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }

    static func build(
        _ configuration: Configuration,
        generation: UInt64,
        stores: KeyValueStores,
        shelf: String?,
        vocabulary: MetricVocabulary
    ) -> Self {
        var build = Self(vocabulary: vocabulary)
        let settings = configuration.settings.functions
        let hooks = FunctionLibrary.hooks(of: configuration, generation: generation)
        guard !hooks.isEmpty else {
            build.library = FunctionLibrary(
                generation: generation,
                settings: settings,
                hooks: [],
                modules: []
            )
            return build
        }
        let sources = FunctionSources(folder: settings.folderPath, shelf: shelf)
        let library = FunctionLibrary(
            generation: generation,
            settings: settings,
            hooks: hooks,
            modules: [],
            stores: stores
        )
        guard let runtime = FunctionRuntime(library: library, sources: sources) else {
            build.report(nil, "functions", "no memory for a Lua machine", "raise state_memory")
            return build
        }
        for (id, hook) in hooks.enumerated() {
            do throws(FunctionRuntime.LoadFailure) {
                try runtime.bind(id)
            } catch {
                build.report(error, hook, sources, besides: runtime.findings)
            }
        }
        build.files = runtime.filesRead.union(runtime.filesMissed)
        build.diagnostics = (build.diagnostics + runtime.findings).sorted { $0.precedes($1) }
        guard !build.hasErrors else { return build }
        let counted = Set(hooks.map(\.attachment.name)).union(runtime.taskFiles)
        build.vocabulary = vocabulary.adding(functions: counted.sorted())
        var indices: [String: Int] = [:]
        for (index, name) in build.vocabulary.functions.enumerated() where counted.contains(name) {
            indices[name] = index
        }
        build.library = FunctionLibrary(
            generation: generation,
            settings: settings,
            hooks: hooks,
            modules: runtime.modulesRead,
            stores: stores,
            metricIndices: indices
        )
        return build
    }

    private mutating func report(
        _ position: SourcePosition?,
        _ key: String,
        _ message: String,
        _ remedy: String
    ) {
        let diagnostic = Diagnostic(
            severity: .error,
            position: position,
            key: key,
            message: message,
            remedy: remedy
        )
        // A file that several attachments name fails once.
        if !diagnostics.contains(diagnostic) { diagnostics.append(diagnostic) }
    }

    private mutating func report(
        _ failure: FunctionRuntime.LoadFailure,
        _ hook: FunctionLibrary.Hook,
        _ sources: FunctionSources,
        besides findings: [Diagnostic]
    ) {
        let name = hook.attachment.name
        switch failure {
        case .missing(let tried):
            let near = Suggestion.nearest(to: name, among: sources.names())
            report(
                hook.attachment.position,
                "functions",
                "there is no function '\(name)' (looked for \(tried))",
                near.map { "did you mean '\($0)'?" } ?? "create the file, or correct the name"
            )
        case .unreadable(let path, let reason):
            report(
                hook.attachment.position,
                "functions",
                "cannot read \(path): \(reason)",
                "correct its rights"
            )
        case .broken(let position, let message, let remedy):
            // The check has told the same, with its column and a remedy.
            let isTold = findings.contains { finding in
                finding.severity == .error && finding.position?.file == position?.file
                    && finding.position?.line == position?.line
            }
            if !isTold { report(position, "", message, remedy) }
        }
    }
}
