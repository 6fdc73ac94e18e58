// `PURGE` by those whom the operator trusts (`explain.trusted`): what would be fetched for a GET of the same target is
// purged, or the tags that the request names. For everybody else it is a method like any other that nobody allows.
//
//   PURGE /a?x=1 HTTP/1.1             the path with its query, as it is in the key; a `*` stands for any bytes
//   Surrogate-Key, Cache-Tag, xkey    these tags instead
//   Purge-Soft: 1                     stale instead of gone
//
// The rules of the behaviour about who may see it do not matter: nothing is shown.

enum PurgeStep {
    enum Outcome {
        case answered
        /// The disk has to take note of it first.
        case waits
    }

    /// Nil: this is no purge, or not for this viewer to ask.
    static func run(_ exchange: Exchange) throws(EdgeError) -> Outcome? {
        let arena = exchange.arena
        guard arena[exchange.request.methodToken].equals("PURGE"), exchange.isTrusted,
            let distribution = exchange.distribution
        else { return nil }
        var order = PurgeOrder(distribution: distribution.name, targets: tags(exchange))
        if order.targets.isEmpty { order.targets = [.path(target(exchange))] }
        order.strength = isSoft(exchange) ? .soft : .hard
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
        let index = exchange.context.desk.index
        guard index.disk == nil else {
            PurgeWait(exchange, order).begin(index)
            return .waits
        }
        order.carryOut(on: index)
        answer(exchange, order, .lasting)
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

    fileprivate static func answer(
        _ exchange: Exchange,
        _ order: PurgeOrder,
        _ standing: PurgeStanding
    ) {
        let arena = exchange.arena
        exchange.response.reset()
        exchange.response.status = 200
        exchange.response.fields.append(.contentType, value: arena.append("application/json"))
        exchange.response.fields.append(.cacheControl, value: arena.append("no-store"))
        exchange.body = .own(arena.append(order.json(standing).utf8.span))
    }
}

/// Until the disk has taken note of a purge, or has had its time.
private final class PurgeWait: LoopMember {
    private let order: PurgeOrder
    /// Nil once it is answered.
    private var exchange: Exchange?
    private let id: RequestID

    init(_ exchange: Exchange, _ order: PurgeOrder) {
        self.exchange = exchange
        self.order = order
        id = exchange.id
        super.init(loop: exchange.context.loop)
        loop.add(self)
        loop.setDeadline(self, at: loop.now + Limits.purgePatience)
    }

    func begin(_ index: CacheIndex) {
        order.carryOut(
            on: index,
            then: loop.expecting { [self] fault in answer(PurgeStanding(fault)) }
        )
    }

    override func expired() { answer(.pending) }

    private func answer(_ standing: PurgeStanding) {
        guard let exchange = self.exchange.take() else { return }
        loop.remove(self)
        // The viewer may have left, and the exchange serve somebody else.
        guard exchange.machine.isAdmitting, exchange.id == id else { return }
        PurgeStep.answer(exchange, order, standing)
        let isCut = exchange.arena.isOverflown
        exchange.stageEnded(isCut ? .failed(.arenaOverflow) : .answered)
        exchange.touchHost()
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
