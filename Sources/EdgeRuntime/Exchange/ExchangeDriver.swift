// Runs what `ViewerMachine` says: the only file that calls every step. A switch, and nothing else.
//
// Called by the viewer's connection (`begin`, `viewerGone`, `delivered` …) and by the exchange's fetch. A call may
// run several steps; it returns when the machine waits for somebody.

extension Exchange {
    // MARK: The connection's side

    /// The request's head is in `request`; `host` shows the answer.
    func begin(for host: Token, viewer: ViewerFacts) {
        self.host = host
        self.viewer = viewer
        times.started = context.loop.now
        times.startedWall = context.loop.clock.wall
        id = context.nextRequestID()
        isHead = request.method == .head
        apply(.started)
    }

    /// The head could not be read: the answer is ready made.
    func refuse(_ error: EdgeError, for host: Token, viewer: ViewerFacts) {
        self.host = host
        self.viewer = viewer
        times.started = context.loop.now
        times.startedWall = context.loop.clock.wall
        id = context.nextRequestID()
        isHead = request.method == .head
        _ = machine.apply(.started)
        apply(.failed(error))
    }

    /// There are bytes in `requestBody`, or its end, that were not there before.
    func requestBodyArrived() {
        if ownRequestBody != nil { dropRequestBody() }
        fetch?.requestBodyArrived()
        if let run = functions.run ?? fetch?.functionRun { context.loop.touch(run) }
    }

    /// The request's body cannot be completed; before its own head is out the exchange answers with the reason.
    func requestBodyFailed(_ error: EdgeError) {
        requestBody.fail(error)
        guard machine.isWaitingForHead || machine.isRequesting else { return }
        functions.run?.giveUp()
        dropFetch()
        apply(.failed(error))
    }

    /// A function that maps the request's body has failed: the origin must not take the part for the whole.
    func requestMapFailed(_ error: EdgeError) {
        guard machine.isWaitingForHead else {
            if let fetch, !fetch.isOver { fetch.bodyFailed(error) }
            return
        }
        dropFetch()
        apply(.failed(error))
    }

    func delivered() { apply(.delivered) }

    func bodyFailed(_ error: EdgeError) {
        self.error = error
        result = .error
        apply(.bodyFailed)
    }

    func viewerGone(_ error: EdgeError) {
        if self.error == nil { self.error = error }
        result = .error
        apply(.viewerGone)
    }

    // MARK: The fetch's side

    func fetchHasHead(_ fetch: Fetch) {
        if let filler {
            filler.headArrived()
            return
        }
        precondition(fetch === self.fetch, "the head of another fetch")
        if let refusal = fetch.route.refusal { error = refusal }
        body = .fetched
        apply(.headArrived)
    }

    func fetchFailed(_ fetch: Fetch, _ error: EdgeError) {
        if let filler {
            filler.failed(error)
            return
        }
        precondition(fetch === self.fetch, "the failure of another fetch")
        dropFetch()
        apply(.failed(error))
    }

    // MARK: The cache's side

    /// What it waited for is there, or will not come.
    func fillEnded(_ outcome: Fill.Outcome) {
        if let event = LookupStep.event(outcome, self) { apply(event) }
    }

    /// What is stored is shown to this one, though it is fresh for nobody.
    func take(_ object: CachedObject) {
        cache.object = object
        result = cache.wasConfirmed ? .refreshHit : .miss
        apply(.found)
    }

    /// The fetch that was begun for all is for this viewer alone. `lender` began it and stays with it.
    func borrow(_ lender: Exchange) {
        fetch = lender.fetch.take()
        lender.host = host
        cache.lender = lender
        body = .fetched
        apply(.headArrived)
    }

    // MARK: The functions' side

    /// A stage that had to wait is done.
    func stageEnded(_ event: ViewerMachine.Event) { apply(event) }

    // MARK: The switch

    private func apply(_ event: ViewerMachine.Event) {
        var action = machine.apply(event)
        while case .run(let step) = action {
            switch step {
            case .admit:
                guard let event = AdmitStep.run(self) else { return }
                action = machine.apply(event)
            case .viewerRequest:
                guard let event = ViewerFunctions.begin(.viewerRequest, for: self) else { return }
                action = machine.apply(event)
            case .lookup:
                guard let event = LookupStep.run(self) else { return }
                action = machine.apply(event)
            case .fetch:
                let fetch = context.takeFetch()
                self.fetch = fetch
                // Whatever comes of it comes as a new event, now or later.
                fetch.start(for: self)
                return
            case .fallback(let error):
                Fallback.answer(self, error)
                action = machine.apply(.answered)
            case .respond: action = machine.apply(ViewerResponseStep.run(self))
            case .viewerResponse:
                guard let event = ViewerFunctions.begin(.viewerResponse, for: self) else { return }
                action = machine.apply(event)
            case .deliver:
                DeliverStep.run(self)
                return
            case .truncate:
                FinishStep.run(self)
                action = machine.apply(.finished)
            case .finish:
                FinishStep.run(self)
                action = machine.apply(.finished)
            }
        }
    }

    /// The answer does not come from this fetch.
    func dropFetch() {
        guard let fetch = self.fetch.take() else { return }
        let facts = FetchFacts(fetch)
        facts.observe(context.metrics)
        if fetchFacts == nil { fetchFacts = facts }
        if !fetch.isOver { fetch.cancel() } else { fetch.letGo() }
        context.giveBack(fetch)
        guard let lender = cache.lender.take() else { return }
        lender.endBackground()
        context.giveBack(lender)
    }

    /// The answer does not come from this object.
    func dropObject() {
        guard cache.object != nil else { return }
        cache.object = nil
        guard let reader = cache.reader.take() else { return }
        if let mark = reader.mark { context.desk.index.close(reader.body, mark) }
        made.reset()
    }

    /// What functions have put off until the answer is sent.
    func endBackground() {
        for task in functions.deferred { generation.background?.add(task, of: generation) }
    }
}
