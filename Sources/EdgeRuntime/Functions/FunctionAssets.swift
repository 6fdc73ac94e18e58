// The functions of a generation on their way from the thread that built them to the loops: one library, and a machine
// for each loop, loaded aside so that no loop stops for it.

final class FunctionAssets: Sendable {
    let library: FunctionLibrary
    /// What `FunctionBuild` found that stops nothing, and the files that it read or looked for.
    let warnings: [Diagnostic]
    let files: Set<String>
    private let ready: Locked<[FunctionRuntime]>

    static let none = FunctionAssets(
        library: FunctionLibrary(
            generation: 0,
            settings: FunctionSettings(),
            hooks: [],
            modules: []
        ),
        ready: [],
        warnings: [],
        files: []
    )

    private init(
        library: FunctionLibrary,
        ready: [FunctionRuntime],
        warnings: [Diagnostic],
        files: Set<String>
    ) {
        self.library = library
        self.ready = Locked(ready)
        self.warnings = warnings
        self.files = files
    }

    /// Everything that is wrong goes into `diagnostics`, and then the answer has no functions.
    static func assets(
        of build: FunctionBuild,
        loops: Int,
        diagnostics: inout [Diagnostic]
    ) -> FunctionAssets {
        diagnostics += build.diagnostics.filter { $0.severity == .error }
        guard let library = build.library, !library.isEmpty else { return .none }
        var ready: [FunctionRuntime] = []
        for _ in 0..<loops {
            do throws(FunctionRuntime.LoadFailure) {
                if let runtime = try FunctionRuntime.ready(library) { ready.append(runtime) }
            } catch {
                diagnostics.append(
                    Diagnostic(
                        severity: .error,
                        position: nil,
                        key: "functions",
                        message: error.text,
                        remedy: "raise functions.limits.state_memory"
                    )
                )
                return .none
            }
        }
        return FunctionAssets(
            library: library,
            ready: ready,
            warnings: build.diagnostics.filter { $0.severity != .error },
            files: build.files
        )
    }

    /// Each loop takes one.
    func take() -> FunctionRuntime? { ready.withLock { $0.popLast() } }
}
