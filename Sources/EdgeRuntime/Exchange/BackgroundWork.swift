// What one generation does in the background on one loop: its tasks at their times, and what was deferred. A member of
// the loop only while there is something to do. It begins nothing of the plan once its generation is replaced; what
// runs then ends, and what was deferred runs.

final class BackgroundWork: LoopMember {
    private unowned(unsafe) let context: EdgeContext
    private unowned(unsafe) let generation: Generation
    private var plan = BackgroundPlan()
    /// Each keeps its generation, which may have been replaced.
    private var deferred: [(task: BackgroundTask, generation: Generation)] = []
    private var spareRuns: [BackgroundRun] = []
    private var isMember = false

    init(generation: Generation, context: EdgeContext) {
        self.generation = generation
        self.context = context
        super.init(loop: context.loop)
    }

    /// From now on the generation serves.
    func begin(isFirstLoop: Bool) {
        guard let runtime = generation.functions else { return }
        plan = BackgroundPlan(runtime.tasks, isFirstLoop: isFirstLoop, now: loop.now)
        arm()
    }

    func retire() {
        plan = BackgroundPlan()
        arm()
    }

    /// An exchange has ended that left this behind.
    func add(_ task: BackgroundTask, of generation: Generation) {
        guard context.deferredCount < Limits.functionDeferredMax else {
            let title = generation.functions?.facts(task.hook).title ?? ""
            generation.functions?.dropHook(task.hook)
            context.events.warn("deferred_dropped", EventField("function", .text(title)))
            return
        }
        context.deferredCount += 1
        deferred.append((task, generation))
        arm()
    }

    override func expired() {
        // Retired plans know no places any more, so the tasks are taken out first.
        if let runtime = generation.functions {
            for (place, task) in plan.takeDue(now: loop.now) {
                run(runtime).start(task, place: place, of: generation)
            }
        }
        let waiting = deferred
        deferred = []
        for (task, generation) in waiting {
            guard let runtime = generation.functions else { continue }
            run(runtime).start(task, place: nil, of: generation)
        }
        arm()
    }

    func ended(_ task: BackgroundTask, place: Int?, _ run: BackgroundRun, of generation: Generation)
    {
        if spareRuns.count < Limits.functionRunsKept { spareRuns.append(run) }
        if let place {
            if !plan.isEmpty { plan.ended(place) }
        } else {
            context.deferredCount -= 1
            generation.functions?.dropHook(task.hook)
        }
    }

    private func run(_ runtime: FunctionRuntime) -> BackgroundRun {
        spareRuns.popLast() ?? BackgroundRun(runtime: runtime, context: context)
    }

    private func arm() {
        let due = deferred.isEmpty ? plan.next : loop.now
        guard due != .never else {
            if isMember { loop.remove(self) }
            isMember = false
            return
        }
        if !isMember { loop.add(self) }
        isMember = true
        loop.setDeadline(self, at: due)
    }
}
