// `PURGE` by those whom the operator trusts (`explain.trusted`): what would be fetched for a GET of the same target is
// purged, or the tags that the request names. For everybody else it is a method like any other that nobody allows.
//
//   PURGE /a?x=1 HTTP/1.1             the path with its query, as it is in the key; a `*` stands for any bytes
//   Surrogate-Key, Cache-Tag, xkey    these tags instead
//   Purge-Soft: 1                     stale instead of gone
//
// The rules of the behaviour about who may see it do not matter: nothing is shown.

enum PurgeStep {
    /// Nil: this is no purge, or not for this viewer to ask.
    static func run(_ exchange: Exchange) throws(EdgeError) -> ViewerMachine.Event? {
        let arena = exchange.arena
        guard arena[exchange.request.methodToken].equals("PURGE"), exchange.isTrusted,
            let distribution = exchange.distribution
        else { return nil }
        var order = PurgeOrder(distribution: distribution.name, targets: tags(exchange))
        if order.targets.isEmpty { order.targets = [.path(target(exchange))] }
        order.strength = isSoft(exchange) ? .soft : .hard
        _ = order.carryOut(on: exchange.context.desk.index)
        let id = exchange.id.text
        exchange.context.events.log(
            .info,
            "invalidated",
            [
                EventField("by", .word("viewer")),
                EventField("viewer", .text("\(exchange.viewer.address)")),
                EventField("request", .text(id.span.text)),
            ] + order.facts
        )
        answer(exchange, order)
        guard !arena.isOverflown else { throw .arenaOverflow }
        return .answered
    }

    private static func target(_ exchange: Exchange) -> [UInt8] {
        StoredTarget(
            path: exchange.fetchPath,
            query: exchange.request.query,
            exchange.arena,
            exchange.behavior?.cache?.key.query ?? .all
        ).bytes
    }

    private static func tags(_ exchange: Exchange) -> [InvalidationRules.Target] {
        var tags: [InvalidationRules.Target] = []
        CacheTags.forEach(in: exchange.request.fields, exchange.arena) { tag in
            tags.append(.tag(tag.withUnsafeBufferPointer { Array($0) }))
        }
        return tags
    }

    private static func isSoft(_ exchange: Exchange) -> Bool {
        let arena = exchange.arena
        let name = "purge-soft".utf8.span
        guard let index = exchange.request.fields.firstIndex(named: name, in: arena) else {
            return false
        }
        return arena[exchange.request.fields[index].value].equals("1")
    }

    private static func answer(_ exchange: Exchange, _ order: PurgeOrder) {
        let arena = exchange.arena
        exchange.response.reset()
        exchange.response.status = 200
        exchange.response.fields.append(.contentType, value: arena.append("application/json"))
        exchange.response.fields.append(.cacheControl, value: arena.append("no-store"))
        exchange.body = .own(arena.append(order.json.utf8.span))
    }
}

extension Exchange {
    /// Whether the operator lets this viewer ask the edge itself. Who comes over a Unix socket has no address.
    var isTrusted: Bool {
        guard viewer.peer != nil || viewer.address != .anyIPv4 else { return false }
        let trusted = generation.configuration.settings.explainTrusted
        return trusted.contains { $0.contains(viewer.address) }
    }
}
