// Builds the request as the origin gets it, around the functions of origin-request.
//
//   build     which origin, which path, `Host`, and the fields that the behaviour lets through: what functions see
//   complete  what is the origin's own (path prefix, fields) and what the edge keeps up on the way, so that no
//             function can leave it out
//
// Both run anew for each member of a group, since each has its own name.

enum OriginRequestStep {
    static func run(_ fetch: Fetch) -> FetchMachine.Event {
        guard let exchange = fetch.exchange else { return .gaveUp(.internalError) }
        return run(fetch, exchange, exchange.generation)
    }

    private static func run(
        _ fetch: Fetch,
        _ exchange: Exchange,
        _ generation: Generation
    ) -> FetchMachine.Event {
        guard let target = exchange.behavior?.target else { return .gaveUp(.internalError) }
        fetch.route.choose(target, in: generation.configuration)
        fetch.dropChanges()
        fetch.arena.reset()
        fetch.request.reset()
        fetch.response.reset()
        let isErrorPage = exchange.machine.isErrorPage
        fetch.request.method = isErrorPage ? .get : exchange.request.method
        fetch.request.path = fetch.arena.append(exchange.fetchPath, from: exchange.arena)
        if let query = exchange.request.query, !isErrorPage {
            fetch.request.query = fetch.arena.append(query, from: exchange.arena)
        }
        if fetch.route.plan == nil {
            fetch.route.plan = plan(fetch, generation.configuration.origins)
        }
        switch generation.origins.stations[fetch.route.origin] {
        case .files: return buildForFiles(fetch, exchange)
        case .servers(let set): return build(fetch, exchange, set)
        case .none: return .gaveUp(.notAvailable)
        }
    }

    /// Field by field: a copy of an origin's settings would count all that they hold.
    private static func plan(_ fetch: Fetch, _ origins: [OriginSettings]) -> RetryPlan {
        let started = fetch.times.started
        let total = origins[fetch.route.origin].totalTimeout
        return RetryPlan(
            method: fetch.request.method,
            attemptsMax: origins[fetch.route.origin].connectAttempts,
            deadline: total.map { started + $0 } ?? .never
        )
    }

    static func complete(_ fetch: Fetch) -> FetchMachine.Event {
        guard let exchange = fetch.exchange else { return .gaveUp(.internalError) }
        switch exchange.generation.origins.stations[fetch.route.origin] {
        case .files: return .completed
        case .servers(let set): return complete(fetch, exchange, set)
        case .none: return .gaveUp(.notAvailable)
        }
    }

    /// A folder looks at little: the conditions, the range, and what it may answer with. Functions look at everything.
    private static func buildForFiles(_ fetch: Fetch, _ exchange: Exchange) -> FetchMachine.Event {
        guard !exchange.machine.isErrorPage else { return .built }
        let functions = exchange.behavior?.functions
        let areSeen =
            !(functions?.originRequest.isEmpty ?? true)
            || !(functions?.originResponse.isEmpty ?? true)
        let takesBody = exchange.behavior.map { exchange.generation.takesResponseBody($0) } ?? false
        for index in 0..<exchange.request.fields.count {
            var field = exchange.request.fields[index]
            guard areSeen || field.id.isConditional else { continue }
            if takesBody, field.id == .range || field.id == .ifRange { continue }
            if !field.name.isEmpty {
                field.name =
                    field.id == .other
                    ? fetch.arena.append(field.name, from: exchange.arena) : .empty
            }
            field.value = fetch.arena.append(field.value, from: exchange.arena)
            fetch.request.fields.append(field)
        }
        if areSeen {
            fetch.request.host = fetch.arena.append(exchange.request.host, from: exchange.arena)
        }
        return .built
    }

    private static func build(
        _ fetch: Fetch,
        _ exchange: Exchange,
        _ set: ServerSet
    ) -> FetchMachine.Event {
        guard let behavior = exchange.behavior else { return .gaveUp(.internalError) }
        let policy = behavior.originRequest
        let arena = fetch.arena
        let isErrorPage = exchange.machine.isErrorPage
        if fetch.request.method == .other {
            fetch.request.methodToken = arena.append(
                exchange.request.methodToken,
                from: exchange.arena
            )
        }
        fetch.request.authority = arena.append(exchange.request.authority, from: exchange.arena)
        fetch.request.host = arena.append(exchange.request.host, from: exchange.arena)
        fetch.request.fields.append(exchange.request.fields, from: exchange.arena, into: arena)
        do throws(EdgeError) {
            // HTTP/1.0 knows neither (RFC 9110 §7.8, §10.1.1), and the fetch always speaks HTTP/1.1.
            let isOld = exchange.request.version == .http10
            if isOld { fetch.request.fields.removeAll(.expect) }
            fetch.upgrade = isErrorPage || isOld ? nil : Framing.upgrade(fetch.request, arena)
            fetch.expectsContinue =
                exchange.hasRequestBody && !exchange.requestBody.isWanted
                && Framing.expectsContinue(fetch.request, arena)
            try HopByHop.remove(from: &fetch.request.fields, arena)
            if isErrorPage { fetch.request.fields.removeAll { $0.id.isConditional } }
            fetch.route.forwardsHost = policy.forwardsHost && !exchange.request.authority.isEmpty
            let authority = set.settings.host ?? set.pools[0].authority
            try OriginRequestFields.filter(
                policy,
                authority: arena.append(authority.span),
                of: &fetch.request,
                in: arena
            )
        } catch {
            return .gaveUp(error)
        }
        fetch.route.authority = fetch.request.authority
        if let value = exchange.cache.encoding.originValue {
            fetch.request.fields.set(.acceptEncoding, value: arena.append(value))
        }
        if exchange.generation.takesResponseBody(behavior) {
            // Functions work on the bytes themselves, and on all of them.
            fetch.request.fields.removeAll {
                $0.id == .acceptEncoding || $0.id == .range || $0.id == .ifRange
            }
        }
        guard !arena.isOverflown else { return .gaveUp(.arenaOverflow) }
        return .built
    }

    private static func complete(
        _ fetch: Fetch,
        _ exchange: Exchange,
        _ set: ServerSet
    ) -> FetchMachine.Event {
        let arena = fetch.arena
        do throws(EdgeError) {
            if fetch.request.authority != fetch.route.authority {
                // A function's own word stands, whichever server is asked.
                fetch.route.forwardsHost = true
            } else if !fetch.route.forwardsHost {
                let authority = set.settings.host ?? set.pools[0].authority
                fetch.request.authority = arena.append(authority.span)
                fetch.request.fields.set(.host, value: fetch.request.authority)
            }
            let prefix = set.settings.path
            try OriginRequestFields.complete(
                &fetch.request,
                headers: set.settings.headers,
                pathPrefix: arena.append(prefix.span),
                in: arena
            )
            let trusted = exchange.generation.configuration.settings.trustedProxies
            let hop = ForwardedFields.Hop(
                peer: exchange.viewer.peer,
                peerIsTrusted: exchange.viewer.peer.map {
                    ViewerAddress.isTrusted($0, trusted)
                } ?? true,
                isTLS: exchange.viewer.tls != nil,
                version: exchange.request.version
            )
            let name = exchange.context.name
            let asked = arena.append(exchange.request.authority, from: exchange.arena)
            try ForwardedFields.keepUp(
                &fetch.request,
                hop: hop,
                host: asked,
                name: name.span,
                in: arena
            )
        } catch {
            return .gaveUp(error)
        }
        trace(fetch, exchange)
        if let total = set.settings.totalTimeout {
            fetch.totalDeadline = fetch.times.started + total
        }
        fetch.requestFraming = fetch.settleRequestBody(exchange, framing(exchange))
        guard !arena.isOverflown else { return .gaveUp(.arenaOverflow) }
        return .completed
    }

    /// The trace goes on with a span of ours; one that nobody began is left alone, and one that cannot be read ends.
    private static func trace(_ fetch: Fetch, _ exchange: Exchange) {
        guard let trace = exchange.trace else {
            if fetch.request.fields.contains(.traceparent) {
                fetch.request.fields.removeAll { $0.id == .traceparent || $0.id == .tracestate }
            }
            return
        }
        let child = trace.child(random: &exchange.context.loop.random)
        fetch.request.fields.set(.traceparent, value: child.append(to: fetch.arena))
    }

    private static func framing(_ exchange: Exchange) -> OutgoingFraming {
        guard !exchange.machine.isErrorPage else { return .none }
        switch exchange.requestFraming {
        case .none, .untilClose, .tunnel:
            // A method that usually has a body says that there is none.
            switch exchange.request.method {
            case .post, .put, .patch: return .length(0)
            default: return .none
            }
        case .length(let length): return .length(length)
        case .chunked: return .chunked
        }
    }
}

extension HeaderName {
    /// Conditions and ranges: what an answer made of something else must not obey.
    var isConditional: Bool {
        switch self {
        case .ifMatch, .ifNoneMatch, .ifModifiedSince, .ifUnmodifiedSince, .ifRange, .range: true
        default: false
        }
    }
}
