// A run whose functions may fetch: for an exchange (`HookRun`) or for nobody (`BackgroundRun`).

class FetchingRun: StageRun {
    unowned(unsafe) let context: EdgeContext
    /// Requests of its own that are on their way.
    private var fetching: [HookFetch] = []

    init(runtime: FunctionRuntime, context: EdgeContext) {
        self.context = context
        super.init(runtime: runtime, loop: context.loop)
    }

    /// Whose origins are asked, and the request on whose way a fetch is.
    var fetchPlace: (generation: Generation, heads: Heads)? { nil }

    override func perform(_ effect: Effect, for wait: Wait) {
        switch effect {
        case .none, .sleep, .all, .peer: return
        case .fetch(let order):
            guard let place = fetchPlace else { preconditionFailure("a run of nobody") }
            let fetch = HookFetch(order, for: wait, of: self, place.generation, place.heads)
            fetching.append(fetch)
            count(.functionFetches, of: hookID, by: 1)
            fetch.start()
        }
    }

    override func count(_ metric: Metric, of hook: Int, _ second: Int = 0, by amount: Int) {
        guard let index = runtime.hooks[hook].metricIndex else { return }
        context.metrics.add(metric, index, second, by: amount)
    }

    override func overdue(_ wait: Wait) { fetching.first { $0.wait == wait }?.giveUp() }

    override func deliver(_ wait: Wait, to thread: LuaThread) -> Int? {
        guard let place = fetching.firstIndex(where: { $0.wait == wait }) else {
            preconditionFailure("nothing was begun for this wait")
        }
        guard let count = fetching[place].deliver(to: thread) else { return nil }
        fetching.remove(at: place)
        return count
    }

    override func abandonEffects() {
        for fetch in fetching { fetch.cancel() }
        fetching.removeAll()
    }
}
