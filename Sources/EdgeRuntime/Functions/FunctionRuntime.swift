// The functions of one generation on one loop: a Lua machine, the handlers bound in it, and the runs that go on.
//
// Built aside by the thread that reloads, then handed to its loop, where it stays. Let go of when the generation has
// no exchange any more; its memory goes with it.

final class FunctionRuntime: @unchecked Sendable {
    // Guard: one thread builds it, then its loop's thread alone uses it.

    /// A handler with what it was attached with.
    struct Hook {
        var handler = LuaReference.none
        var options = LuaReference.none
        var secrets = LuaReference.none
        var breaker = Breaker()
        /// Nil where nothing is counted: in tests, and while a generation is built.
        var metricIndex: Int?
    }

    enum LoadFailure: Error {
        case missing(tried: String)
        case unreadable(path: String, reason: String)
        case broken(SourcePosition?, message: String, remedy: String)

        var text: String {
            switch self {
            case .missing(let tried): "a file is missing: looked for \(tried)"
            case .unreadable(let path, let reason): "cannot read \(path): \(reason)"
            case .broken(_, let message, _): message
            }
        }
    }

    let library: FunctionLibrary
    let state: LuaState
    /// What each run may spend.
    let budget: LuaBudget
    var hooks: [Hook]
    var keys = FunctionKeys()
    var secureRandom = SecureRandom.system
    /// Whose Lua code runs now.
    unowned(unsafe) var current: StageRun?
    /// Only while a generation is built: files are not read for requests.
    private let sources: FunctionSources?
    private(set) var filesRead: Set<String> = []
    /// Where a file was looked for and not found.
    private(set) var filesMissed: Set<String> = []
    /// What the check says of the files that compile.
    private(set) var findings: [Diagnostic] = []
    private(set) var modulesRead: [FunctionLibrary.Module] = []
    /// Of `edge.every` and `init`, in their order.
    private(set) var tasks: [BackgroundTask] = []
    /// Those whose functions they are.
    private(set) var taskFiles: Set<String> = []
    /// What is known of the hooks behind those of the library.
    private var moreFacts: [FunctionLibrary.Hook] = []
    private var freeHooks: [Int] = []
    /// While files are loaded no loop is there to draw from.
    private var random: Random
    private var loaded: [String: LuaReference] = [:]
    /// The file of each module that was asked for.
    private var paths: [String: String] = [:]
    private var loading: [String] = []
    private var handlersChecked: Set<String> = []
    private var shared = LuaReference.none
    private var spareThreads: [LuaThread] = []
    private var slots: [StageRun?] = []
    private var freeSlots: [Int] = []
    private(set) var runCount = 0
    private var lastGeneration: UInt64 = 0

    init?(library: FunctionLibrary, sources: FunctionSources? = nil) {
        guard let state = LuaState(memoryBytesMax: library.settings.stateMemoryBytes) else {
            return nil
        }
        self.library = library
        budget = LuaBudget(
            instructions: library.settings.instructions,
            memoryBytes: library.settings.memoryBytes,
            slice: Limits.functionSlice
        )
        self.sources = sources
        self.state = state
        random = Random(seed: library.generation)
        hooks = library.hooks.map { Hook(metricIndex: library.metricIndices[$0.attachment.name]) }
        state.stack.setContext(Unmanaged.passUnretained(self).toOpaque())
        EventViews.install(on: state.stack)
        FunctionSandbox.pushShared(on: state.stack)
        shared = state.stack.keep()
    }

    /// For a loop: everything was loaded once before, so what fails now is memory.
    static func ready(_ library: FunctionLibrary) throws(LoadFailure) -> FunctionRuntime? {
        guard !library.isEmpty else { return nil }
        guard let runtime = FunctionRuntime(library: library) else {
            throw .broken(nil, message: "no memory for a Lua machine", remedy: "raise state_memory")
        }
        for id in library.hooks.indices { try runtime.bind(id) }
        return runtime
    }

    static func of(_ stack: LuaStack) -> FunctionRuntime {
        guard let context = stack.context else { preconditionFailure("a machine of nobody") }
        return Unmanaged<FunctionRuntime>.fromOpaque(context).takeUnretainedValue()
    }

    // MARK: Loading

    func bind(_ id: Int) throws(LoadFailure) {
        let hook = library.hooks[id]
        let stack = state.stack
        try pushModule(hook.attachment.name)
        defer { stack.drop(to: 0) }
        let path = modulePath(hook.attachment.name)
        let top = SourcePosition(file: path, line: 1, column: 1)
        guard stack.kind(at: -1) == .table else {
            throw .broken(
                top,
                message: "the file returns \(stack.kindName(at: -1)), not a table of handlers",
                remedy: "end it with return { \(hook.stage.word) = … }"
            )
        }
        try checkHandlers(of: hook.attachment.name, at: top)
        stack.pushField(hook.stage.name, of: -1)
        guard stack.kind(at: -1) == .function else {
            throw .broken(
                top,
                message: "there is no handler \(hook.stage.word), for which it is attached",
                remedy: "return { \(hook.stage.word) = function(event) … end }"
            )
        }
        hooks[id].handler = stack.keep()
        if let options = hook.attachment.options {
            FunctionOptions.push(options, on: stack)
        } else {
            stack.pushTable()
        }
        stack.makeReadOnly("event.options")
        hooks[id].options = stack.keep()
        stack.pushTable()
        for (name, value) in hook.secrets {
            stack.push(value.span)
            stack.setField(name, of: -2)
        }
        stack.makeReadOnly("event.secrets")
        hooks[id].secrets = stack.keep()
    }

    /// A misspelt stage would never run, and nobody would say so.
    private func checkHandlers(
        of name: String,
        at top: SourcePosition
    ) throws(LoadFailure) {
        guard handlersChecked.insert(name).inserted else { return }
        let stack = state.stack
        let table = stack.absolute(-1)
        let known = Stage.allCases.map(\.name) + ["init"]
        stack.pushNil()
        while stack.next(in: table) {
            let key = stack.kind(at: -2) == .string ? stack.string(at: -2) : nil
            let isHandler = stack.kind(at: -1) == .function
            stack.pop()
            guard let key, known.contains(key) else {
                let near = key.flatMap { Suggestion.nearest(to: $0, among: known) }
                throw .broken(
                    top,
                    message: "it returns '\(key ?? "?")', which is no stage",
                    remedy: near.map { "did you mean '\($0)'?" }
                        ?? "stages are \(known.joined(separator: ", "))"
                )
            }
            guard isHandler else {
                throw .broken(top, message: "\(key) is not a function", remedy: "make it one")
            }
        }
        addStart(of: name)
    }

    /// The module's table lies on top.
    private func addStart(of name: String) {
        let stack = state.stack
        stack.pushField("init", of: -1)
        guard stack.kind(at: -1) == .function else { return stack.pop() }
        let task = BackgroundTask(cause: .start, hook: 0, isOncePerProcess: true)
        add(task, handler: stack.keep(), of: name)
    }

    private func modulePath(_ name: String) -> String { paths[name] ?? name }

    /// Leaves what the file returned on top; runs it where it did not run before.
    private func pushModule(_ name: String) throws(LoadFailure) {
        let stack = state.stack
        if let known = loaded[name] {
            stack.push(known)
            return
        }
        guard !loading.contains(name) else {
            let circle = (loading + [name]).joined(separator: " → ")
            throw .broken(nil, message: "files require one another: \(circle)", remedy: "cut it")
        }
        guard loading.count < 50 else {
            throw .broken(nil, message: "files require one another too deeply", remedy: "flatten")
        }
        loading.append(name)
        defer { loading.removeLast() }
        let path = try pushChunk(name)
        FunctionSandbox.pushGlobals(over: shared, on: stack)
        stack.insert(below: 1)
        stack.useAsGlobals()
        stack.dropBelowTop()
        do throws(LuaError) {
            var budget = LuaBudget(instructions: Limits.functionLoadInstructionsMax)
            try stack.call(arguments: 0, results: 1, budget: &budget)
        } catch {
            throw explain(error, path: path)
        }
        stack.pushCopy(of: -1)
        loaded[name] = stack.keep()
    }

    private func pushChunk(_ name: String) throws(LoadFailure) -> String {
        let stack = state.stack
        if let place = library.places[name] {
            let module = library.modules[place]
            paths[name] = module.path
            do throws(LuaError) {
                try stack.load(compiled: module.code, name: "@\(module.path)")
            } catch {
                throw .broken(nil, message: error.message, remedy: "raise state_memory")
            }
            return module.path
        }
        guard let sources else { throw .missing(tried: "the files that were read at the start") }
        let source: FunctionSources.Source
        do throws(FunctionSources.Failure) {
            source = try sources.find(name)
        } catch {
            switch error {
            case .missing(let tried):
                filesMissed.insert(tried)
                throw .missing(tried: tried)
            case .noShelf: throw .missing(tried: "the shelf, which is not installed")
            case .unreadable(let path, let reason):
                filesMissed.insert(path)
                throw .unreadable(path: path, reason: reason)
            case .badName: throw .missing(tried: "a file of that name, which cannot be one")
            }
        }
        guard modulesRead.count < Limits.functionFilesMax else {
            throw .broken(nil, message: "more files than there may be", remedy: "merge some")
        }
        filesRead.insert(source.path)
        paths[name] = source.path
        do throws(LuaSyntaxError) {
            let chunk = try LuaParser.parse(source.bytes)
            findings += FunctionLint.check(chunk, path: source.path)
        } catch {
            let place = SourcePosition(
                file: source.path,
                line: error.position.line,
                column: error.position.column
            )
            throw .broken(place, message: error.message, remedy: error.remedy)
        }
        do throws(LuaError) {
            try stack.load(source.bytes, name: "@\(source.path)")
        } catch {
            throw explain(error, path: source.path)
        }
        modulesRead.append(.init(name: name, path: source.path, code: stack.compiled()))
        return source.path
    }

    private func explain(_ error: LuaError, path: String) -> LoadFailure {
        switch error.kind {
        case .instructions:
            return .broken(
                SourcePosition(file: path, line: 1, column: 1),
                message: "loading the file does not come to an end",
                remedy: "look for a loop that never stops"
            )
        case .memory:
            return .broken(
                SourcePosition(file: path, line: 1, column: 1),
                message: "loading the file needs more memory than there may be",
                remedy: "raise functions.limits.state_memory, or build less"
            )
        case .syntax, .runtime:
            let place = FunctionMessage(error.message)
            let position = SourcePosition(
                file: place.file ?? path,
                line: place.line ?? 1,
                column: 1
            )
            return .broken(
                position,
                message: place.text,
                remedy: "correct the code that fails here"
            )
        }
    }

    /// `require` of a file's own code.
    func require(_ call: LuaCall) -> CInt {
        guard let name = call.stack.string(at: 1) else {
            return call.badArgument(1, "require", "a name is wanted")
        }
        do throws(LoadFailure) {
            try pushModule(name)
            return call.answer(1)
        } catch {
            switch error {
            case .missing(let tried):
                let hint =
                    sources == nil ? "; require files at the top of a file, not in a handler" : ""
                return call.fail(
                    "there is no file for require '\(name)': looked for \(tried)\(hint)"
                )
            case .unreadable(let path, let reason):
                return call.fail("cannot read \(path): \(reason)")
            case .broken(let position, let message, _):
                let place = position.map { "\($0.file):\($0.line): " } ?? ""
                call.stack.push(place + message)
                return LuaStack.raise
            }
        }
    }

    // MARK: Work without an event

    /// What is known of a hook, an attachment's or another one.
    func facts(_ hook: Int) -> FunctionLibrary.Hook {
        let known = library.hooks.count
        return hook < known ? library.hooks[hook] : moreFacts[hook - known]
    }

    /// `name` is the file; nil: the one that is being loaded.
    func add(_ task: BackgroundTask, handler: LuaReference, of name: String? = nil) {
        var task = task
        let file = name ?? loading.last ?? "?"
        taskFiles.insert(file)
        task.hook = addHook(
            handler,
            title: "\(file)@\(library.generation)",
            metricIndex: library.metricIndices[file]
        )
        tasks.append(task)
    }

    func addHook(_ handler: LuaReference, title: String, metricIndex: Int?) -> Int {
        let facts = FunctionLibrary.Hook(
            attachment: FunctionAttachment(name: title),
            stage: .viewerRequest,
            title: title,
            secrets: [:],
            timeout: library.settings.originTimeout
        )
        guard let free = freeHooks.popLast() else {
            moreFacts.append(facts)
            hooks.append(Hook(handler: handler, metricIndex: metricIndex))
            return hooks.count - 1
        }
        moreFacts[free - library.hooks.count] = facts
        hooks[free] = Hook(handler: handler, metricIndex: metricIndex)
        return free
    }

    /// It is not called again.
    func dropHook(_ hook: Int) {
        state.stack.forget(hooks[hook].handler)
        hooks[hook].handler = .none
        freeHooks.append(hook)
    }

    func randomBits() -> UInt64 { current?.loop.random.next() ?? random.next() }

    // MARK: Threads and slots

    func takeThread() -> LuaThread { spareThreads.popLast() ?? state.newThread() }

    func giveBack(_ thread: LuaThread) {
        if spareThreads.count < Limits.functionRunsKept {
            spareThreads.append(thread)
        } else {
            thread.forget()
        }
    }

    /// Tells the runs of a slot apart, whichever objects they are.
    func nextGeneration() -> UInt64 {
        lastGeneration += 1
        return lastGeneration
    }

    /// Nil: as many run as there may be.
    func takeSlot(for run: StageRun) -> Int? {
        runCount += 1
        if let slot = freeSlots.popLast() {
            slots[slot] = run
            return slot
        }
        guard slots.count < Limits.functionRunsMax else {
            runCount -= 1
            return nil
        }
        slots.append(run)
        return slots.count - 1
    }

    func freeSlot(_ slot: Int) {
        runCount -= 1
        slots[slot] = nil
        freeSlots.append(slot)
    }

    /// Nil for a view that has outlived its run.
    func run(for view: LuaView) -> StageRun? {
        guard view.slot < slots.count, let run = slots[view.slot],
            run.generation == view.generation
        else { return nil }
        return run
    }
}

/// A message of Lua, taken apart: `file:line: text`.
struct FunctionMessage {
    var file: String?
    var line: Int?
    var text: String

    init(_ message: String) {
        text = message
        guard let colon = message.firstIndex(of: ":") else { return }
        let rest = message[message.index(after: colon)...]
        guard let end = rest.firstIndex(of: ":"), let line = Int(rest[..<end]) else { return }
        file = String(message[..<colon])
        self.line = line
        text = String(rest[rest.index(after: end)...].drop { $0 == " " })
    }
}
