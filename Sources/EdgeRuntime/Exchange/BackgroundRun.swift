// A run of a function that has no event: `edge.every`, `init`, `edge.defer`. The machinery of stages, without views.

final class BackgroundRun: FetchingRun {
    /// Keeps the machine while the function runs, also when its generation was replaced.
    private var home: Generation?
    private var task = BackgroundTask(cause: .start, hook: 0)
    /// Where the plan remembers it; nil for what was deferred.
    private var place: Int?

    /// What it has instead of an exchange's: a fetch goes on from nobody's request.
    private let noHeads = Heads()

    override var fetchPlace: (generation: Generation, heads: Heads)? {
        home.map { ($0, noHeads) }
    }

    override var hasEvent: Bool { false }

    func start(_ task: BackgroundTask, place: Int?, of generation: Generation) {
        self.task = task
        self.place = place
        home = generation
        var attachment = runtime.facts(task.hook).attachment
        attachment.id = task.hook
        guard let ending = begin(.viewerRequest, [attachment], heads: noHeads) else { return }
        if case .failed(let failure) = ending, failure.kind == .throttled || failure.kind == .parked
        {
            report(failure, parked: false)
        }
        ended(ending)
    }

    override func ended(_ ending: Ending) {
        guard let home = self.home.take() else { return }
        home.background?.ended(task, place: place, self, of: home)
    }

    override func later(_ handler: LuaReference) -> String? {
        "edge.defer belongs in a handler: nobody is answered here"
    }

    // MARK: Telling the operator

    override func log(_ level: EventLevel, _ text: String) {
        context.events.log(
            level,
            "function_log",
            [
                EventField("function", .text(hook.title)),
                EventField("stage", .word(task.cause.word)),
                EventField("text", .text(text)),
            ]
        )
    }

    override func report(_ failure: FunctionFailure, parked: Bool) {
        context.events.log(
            .error,
            "function_failed",
            [
                EventField("function", .text(failure.function)),
                EventField("stage", .word(task.cause.word)),
                EventField("reason", .word(failure.kind.word)),
                EventField("message", .text(failure.message)),
                EventField("traceback", .text(failure.traceback)),
            ]
        )
    }
}
