// The functions of a generation on their way from the thread that built them to the loops: one library, and a machine
// for each loop, loaded aside so that no loop stops for it.

final class FunctionAssets: Sendable {
    let library: FunctionLibrary
    private let ready: Locked<[FunctionRuntime]>

    static let none = FunctionAssets(
        library: FunctionLibrary(
            generation: 0,
            settings: FunctionSettings(),
            hooks: [],
            modules: []
        ),
        ready: []
    )

    private init(library: FunctionLibrary, ready: [FunctionRuntime]) {
        self.library = library
        self.ready = Locked(ready)
    }

    /// Everything that is wrong goes into `diagnostics`, and then the answer has no functions.
    static func build(
        _ configuration: Configuration,
        generation: UInt64,
        stores: KeyValueStores,
        loops: Int,
        diagnostics: inout [Diagnostic]
    ) -> FunctionAssets {
        let build = FunctionBuild.build(
            configuration,
            generation: generation,
            stores: stores,
            shelf: FunctionSources.installedShelf
        )
        diagnostics += build.diagnostics
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
        return FunctionAssets(library: library, ready: ready)
    }

    /// Each loop takes one.
    func take() -> FunctionRuntime? { ready.withLock { $0.popLast() } }
}
