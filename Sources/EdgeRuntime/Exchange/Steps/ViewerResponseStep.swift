// Completes the answer for the viewer, wherever it came from: error page, the behaviour's header policy, and the
// fields with which the edge signs every response.

enum ViewerResponseStep {
    static func run(_ exchange: Exchange) -> ViewerMachine.Event {
        if let fetch = exchange.fetch, case .fetched = exchange.body {
            take(fetch, into: exchange)
        } else if let object = exchange.cache.object, !exchange.isShowingStored {
            do throws(EdgeError) {
                try exchange.show(object)
            } catch {
                return .failed(error)
            }
            if exchange.response.status >= 400 { exchange.result = .error }
        }
        if wantsErrorPage(exchange) { return .errorPageWanted }
        if let replaced = exchange.replaced, exchange.isOfOrigin {
            if (200...299).contains(exchange.response.status) {
                exchange.response.status = replaced.pageStatus
                exchange.response.reason = .empty
            } else {
                Fallback.pageFailed(exchange, replaced, because: nil)
            }
        }
        let arena = exchange.arena
        if !exchange.response.fields.contains(.server) {
            // Before the policy, so that an operator who removes the field is rid of it.
            exchange.response.fields.append(.server, value: arena.append("edged"))
        }
        CacheFields.write(exchange)
        if let policy = exchange.behavior?.responseHeaders, !policy.isEmpty {
            do throws(EdgeError) {
                try ResponseFields.apply(
                    policy,
                    request: ResponseFields.Request(exchange.request),
                    to: &exchange.response.fields,
                    in: arena
                )
            } catch {
                return .failed(error)
            }
        }
        sign(exchange)
        guard !arena.isOverflown else { return .failed(.arenaOverflow) }
        return .ready
    }

    /// Copies the origin's head from the fetch, whose memory may serve others, to the exchange.
    private static func take(_ fetch: Fetch, into exchange: Exchange) {
        let arena = exchange.arena
        exchange.response.reset()
        exchange.response.status = fetch.response.status
        exchange.response.version = fetch.response.version
        exchange.response.reason = arena.append(fetch.response.reason, from: fetch.arena)
        exchange.response.fields.append(fetch.response.fields, from: fetch.arena, into: arena)
        if exchange.behavior?.cache != nil {
            CacheTags.remove(from: &exchange.response.fields, arena)
            UnsafeStep.run(exchange)
        }
        if exchange.response.status >= 400 { exchange.result = .error }
        guard fetch.bodyFraming == .tunnel else { return }
        // What the viewer sends from now on belongs to the tunnel.
        exchange.isUpgraded = true
        exchange.upgrade = fetch.upgradeAgreed.map { arena.append($0, from: fetch.arena) } ?? .empty
        exchange.requestBody.reset()
    }

    /// An error for which the distribution has a page (§2.9 of the contract); never for the edge's own overload.
    private static func wantsErrorPage(_ exchange: Exchange) -> Bool {
        let status = Int(exchange.response.status)
        guard status >= 400, !exchange.machine.isErrorPage,
            let distribution = exchange.distribution,
            exchange.result != .capacityExceeded, exchange.result != .limitExceeded,
            let page = distribution.errorPage(for: status), let path = page.path
        else { return false }
        exchange.dropFetch()
        exchange.dropObject()
        exchange.body = .none
        exchange.result = .error
        exchange.replaced = ReplacedAnswer(
            status: exchange.response.status,
            error: exchange.error,
            behavior: exchange.behavior,
            pageStatus: UInt16(page.status)
        )
        exchange.fetchPath = exchange.arena.append(path.span)
        exchange.behavior = distribution.behavior(for: path.span)
        return true
    }

    private static func sign(_ exchange: Exchange) {
        let arena = exchange.arena
        let context = exchange.context
        if !exchange.response.fields.contains(.date) {
            context.date.update(context.loop.clock.wall.seconds)
            exchange.response.fields.append(.date, value: arena.append(context.date.bytes))
        }
        let name = context.name
        ForwardedFields.via(
            &exchange.response.fields,
            received: exchange.response.version,
            name: name.span,
            in: arena
        )
        let mark = arena.used
        _ = arena.append(exchange.result.word)
        _ = arena.append(" from edge")
        exchange.response.fields.set(.xCache, value: arena.slice(since: mark))
        exchange.response.fields.set(.xEdgeId, value: exchange.id.append(to: arena))
        if !exchange.generation.configuration.settings.explainTrusted.isEmpty {
            ExplainField.write(exchange)
        }
    }
}
