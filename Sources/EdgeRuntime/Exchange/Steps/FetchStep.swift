// Sends a built request to its origin, and decides what follows when that fails.

enum FetchStep {
    static func send(_ fetch: Fetch) {
        guard let exchange = fetch.exchange else {
            fetch.apply(.cancelled)
            return
        }
        switch exchange.generation.origins.stations[fetch.route.origin] {
        case .files(let origin): FileStep.send(fetch, origin)
        case .servers(let set): send(fetch, to: set)
        case .none: fetch.apply(.failed(.notAvailable))
        }
    }

    private static func send(_ fetch: Fetch, to set: ServerSet) {
        guard let member = set.choose(tried: fetch.route.tried) else {
            fetch.apply(.failed(fetch.route.lastError ?? .originUnhealthy))
            return
        }
        fetch.route.member = member
        fetch.route.tried |= 1 << UInt64(member)
        fetch.route.attempts += 1
        fetch.route.servers = set
        let pool = set.pools[member]
        fetch.route.pool = pool
        if !fetch.route.forwardsHost, set.settings.host == nil, set.pools.count > 1 {
            // Each server has its own name.
            let authority = pool.authority
            fetch.request.fields.set(.host, value: fetch.arena.append(authority.span))
        }
        let metrics = fetch.context.metrics
        let index = set.metricIndex
        metrics.add(.originRequests, index)
        if fetch.route.attempts > 1 { metrics.add(.originRetries, index) }
        let fresh = fetch.route.wantsFreshConnection
        fetch.route.wantsFreshConnection = false
        fetch.noteAttempt()
        pool.lease(fetch, fresh: fresh)
    }

    /// Before a head was accepted: the same server again, another one, the next origin of the group, or the end.
    static func retry(_ fetch: Fetch, after error: EdgeError) -> FetchMachine.Event {
        guard let exchange = fetch.exchange, var plan = fetch.route.plan else { return .cancelled }
        fetch.route.lastError = error
        // A folder has no answer of its own to a file that is not there: its status counts as if it had sent one.
        if error.party != .origin, handsOver(fetch, on: Int(error.status)) { return .nextMember }
        let failure = RetryPlan.Failure(
            error: error,
            sentAnything: fetch.route.progress.sentAnything,
            receivedAnything: fetch.route.progress.receivedAnything,
            connectionWasReused: fetch.route.progress.wasReused,
            bodyIsReplayable: !fetch.route.didPullBody
        )
        let verdict = plan.after(
            failure,
            choices(fetch, exchange),
            now: fetch.context.loop.now
        )
        fetch.route.plan = plan
        switch verdict {
        case .again:
            fetch.route.wantsFreshConnection = true
            fetch.route.tried &= ~(1 << UInt64(fetch.route.member))
            return .retryAgain
        case .otherMember: return .retryElsewhere
        case .nextOfGroup:
            fetch.route.advance()
            return .nextMember
        case .stop: return .gaveUp(error)
        }
    }

    /// Hands over on a status of the group's list, while there is somebody to hand over to.
    static func failsOver(_ fetch: Fetch) -> Bool {
        guard fetch.route.group != nil else { return false }
        let pool = fetch.route.pool
        guard handsOver(fetch, on: Int(fetch.response.status)) else { return false }
        pool?.cancel(fetch)
        fetch.body.reset()
        fetch.route.refusal = nil
        return true
    }

    private static func handsOver(_ fetch: Fetch, on status: Int) -> Bool {
        guard let exchange = fetch.exchange, let group = fetch.route.group,
            var plan = fetch.route.plan
        else { return false }
        let settings = exchange.generation.configuration.originGroups[group]
        let verdict = plan.after(
            status: settings.failsOver(on: status),
            choices(fetch, exchange),
            now: fetch.context.loop.now
        )
        fetch.route.plan = plan
        guard verdict == .nextOfGroup else { return false }
        fetch.file?.cancel()
        fetch.file = nil
        fetch.route.advance()
        return true
    }

    private static func choices(_ fetch: Fetch, _ exchange: Exchange) -> RetryPlan.Choices {
        var choices = RetryPlan.Choices(membersLeft: 0, groupLeft: 0)
        if let set = fetch.route.servers, set.choosable(tried: fetch.route.tried) {
            choices.membersLeft = 1
        }
        if let group = fetch.route.group {
            let members = exchange.generation.configuration.originGroups[group].members
            choices.groupLeft = members.count - fetch.route.groupPosition - 1
        }
        return choices
    }

    // MARK: Health

    static func reportSuccess(_ fetch: Fetch) {
        report(fetch, .success)
    }

    static func report(_ fetch: Fetch, _ error: EdgeError) {
        count(fetch, error)
        switch error.kind {
        case .originRefused, .originUnreachable, .originConnectTimeout, .originTLS,
            .originCertificate, .originResponseTimeout, .originReset, .originClosed,
            .originNameUnresolved:
            report(fetch, .failure)
        default: return
        }
    }

    /// Counts a failure where it happened, whatever is tried next.
    private static func count(_ fetch: Fetch, _ error: EdgeError) {
        guard let set = fetch.route.servers else { return }
        let metrics = fetch.context.metrics
        metrics.countOriginFailure(set.metricIndex, error)
        if error.kind == .queueFull || error.kind == .queueTimeout {
            metrics.countShed(.originQueue)
        }
    }

    private static func report(_ fetch: Fetch, _ outcome: HealthMachine.Outcome) {
        guard let set = fetch.route.servers else { return }
        switch set.report(outcome, member: fetch.route.member, fetch.context.loop) {
        case .ejected(let member, let until):
            fetch.context.events.warn(
                "origin_ejected",
                EventField("origin", .text(set.settings.name)),
                EventField("server", .text(set.pools[member].server.authority)),
                EventField("for", .duration(until - fetch.context.loop.now))
            )
        case .recovered(let member):
            fetch.context.events.info(
                "origin_recovered",
                EventField("origin", .text(set.settings.name)),
                EventField("server", .text(set.pools[member].server.authority))
            )
        case .nothing, .probation, .markedDown, .markedUp, .spared: break
        }
    }
}
