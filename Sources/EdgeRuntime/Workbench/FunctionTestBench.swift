// What one test runs its function on: a machine with the function as a server would load it, and a loop whose clock
// moves only when somebody waits.

final class FunctionTestBench {
    private let file: FunctionTests.File
    private var runtime: FunctionRuntime?
    private var loop: EventLoop?
    private var epochSeconds: Int64 = 0
    private var isBound: Set<Stage> = []
    private var options: [Stage: ConfigNode] = [:]
    let fetches = FunctionTestFetches()

    init(_ file: FunctionTests.File) { self.file = file }

    deinit { loop?.dissolve() }

    /// 2023-11-14T22:13:20Z, for a test that does not say what time it is.
    private static let someTime = 1_700_000_000.0

    func run(
        _ stage: Stage,
        _ event: FunctionTestEvent,
        values: LuaStack
    ) throws(FunctionTestFault) -> (FunctionTestRun, StageRun.Ending) {
        let loop = try loop(at: event.now)
        let runtime = try bound(stage, event)
        let run = FunctionTestRun(
            runtime: runtime,
            loop: loop,
            event: event,
            fetches: fetches
        )
        try event.fill(run.exchangeHeads)
        try run.takeState(from: values, at: 2)
        let began = loop.now
        let hook = runtime.library.hooks[Int(stage.rawValue)]
        var ending = run.begin(stage, [hook.attachment], heads: run.exchangeHeads)
        // A run always has a deadline, and the loop goes straight to the next one.
        while ending == nil {
            loop.tick()
            ending = run.takeEnding()
        }
        guard let ending else { preconditionFailure("a loop ended too early") }
        if case .proceed = ending, let failed = run.runMaps() { return (run, failed) }
        run.elapsed = Double(loop.now - began) / 1e9
        return (run, ending)
    }

    // MARK: Time

    private func loop(at now: Double?) throws(FunctionTestFault) -> EventLoop {
        if let loop {
            guard let now else { return loop }
            let target = Nanoseconds((now - Double(epochSeconds)) * 1e9)
            // A run of more than one slice has moved the clock on by a little: that second is still the same one.
            guard target > loop.now - .seconds(1) else {
                throw FunctionTestFault(reason: "now = \(now): time does not go back in a test")
            }
            while loop.now < target { loop.tick(until: target) }
            return loop
        }
        let start = now ?? Self.someTime
        guard start > -1e11, start < 1e11 else {
            throw FunctionTestFault(reason: "now takes seconds since 1970")
        }
        let blocking: BlockingPool
        do throws(Thread.StartFailure) {
            blocking = try BlockingPool(threads: 0)
        } catch {
            throw FunctionTestFault(reason: "no thread can be started")
        }
        // The reactor's own clock begins at one second.
        epochSeconds = Int64(start.rounded(.down)) - 1
        let made = EventLoop(
            reactor: .simulated(SimulatedReactor(seed: 1, epochSeconds: epochSeconds)),
            blocking: blocking,
            random: Random(seed: 1)
        )
        loop = made
        return try loop(at: start)
    }

    // MARK: The function

    private func bound(
        _ stage: Stage,
        _ event: FunctionTestEvent
    ) throws(FunctionTestFault) -> FunctionRuntime {
        let runtime: FunctionRuntime
        if let known = self.runtime { runtime = known } else { runtime = try load() }
        self.runtime = runtime
        let id = Int(stage.rawValue)
        if !isBound.contains(stage) {
            do throws(FunctionRuntime.LoadFailure) {
                try runtime.bind(id)
            } catch {
                throw Self.fault(error)
            }
            isBound.insert(stage)
        }
        let stack = runtime.state.stack
        // The same options are the same table, as they are for a function that is attached once.
        if options[stage]?.says(theSameAs: event.options) != true {
            options[stage] = event.options
            stack.forget(runtime.hooks[id].options)
            FunctionOptions.push(event.options, on: stack)
            stack.makeReadOnly("event.options")
            runtime.hooks[id].options = stack.keep()
        }
        stack.forget(runtime.hooks[id].secrets)
        stack.pushTable()
        for (name, value) in event.secrets {
            stack.push(value.span)
            stack.setField(name, of: -2)
        }
        stack.makeReadOnly("event.secrets")
        runtime.hooks[id].secrets = stack.keep()
        // That a function fails again and again is what some tests are about.
        runtime.hooks[id].breaker = Breaker()
        return runtime
    }

    private func load() throws(FunctionTestFault) -> FunctionRuntime {
        var settings = FunctionSettings()
        settings.folderPath = file.folder
        let hooks = Stage.allCases.map { stage in
            FunctionLibrary.Hook(
                attachment: FunctionAttachment(id: Int(stage.rawValue), name: file.function),
                stage: stage,
                title: "\(file.function)@1",
                secrets: [:],
                timeout: stage.isOrigin ? settings.originTimeout : settings.viewerTimeout
            )
        }
        let library = FunctionLibrary(
            generation: 1,
            settings: settings,
            hooks: hooks,
            modules: []
        )
        let sources = FunctionSources(
            folder: file.folder,
            shelf: FunctionSources.installedShelf
        )
        guard let runtime = FunctionRuntime(library: library, sources: sources) else {
            throw FunctionTestFault(reason: "no memory for a Lua machine")
        }
        return runtime
    }

    private static func fault(_ failure: FunctionRuntime.LoadFailure) -> FunctionTestFault {
        switch failure {
        case .missing(let tried):
            return FunctionTestFault(reason: "there is no function (looked for \(tried))")
        case .unreadable(let path, let reason):
            return FunctionTestFault(reason: "cannot read \(path): \(reason)")
        case .broken(let position, let message, let remedy):
            let place = position.map { "\($0.file):\($0.line): " } ?? ""
            return FunctionTestFault(reason: "\(place)\(message) — \(remedy)")
        }
    }
}
