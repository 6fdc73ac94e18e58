// Decides how the body is framed towards the viewer and lets the connection begin to send.

enum DeliverStep {
    static func run(_ exchange: Exchange) {
        exchange.responseFraming = framing(exchange)
        exchange.resultAtHead = exchange.result
        exchange.times.headSent = exchange.context.loop.now
        if exchange.isUpgraded {
            exchange.context.metrics.add(.tunnels)
            exchange.context.metrics.add(.tunnelsOpened)
        }
        exchange.touchHost()
    }

    private static func framing(_ exchange: Exchange) -> OutgoingFraming {
        if exchange.isUpgraded { return .none }
        let status = exchange.response.status
        if status == 204 || status == 304 { return .none }
        if exchange.isFlowMapped {
            if exchange.isHead { return .none }
            return exchange.request.version == .http10 ? .untilClose : .chunked
        }
        switch exchange.body {
        case .none: return .none
        case .own(let slice): return .length(Int64(slice.count))
        case .made(let count): return .length(Int64(count))
        case .stored:
            if let length = exchange.storedLength { return .length(length) }
            if exchange.isHead { return .none }
            return exchange.request.version == .http10 ? .untilClose : .chunked
        case .fetched:
            guard let fetch = exchange.fetch else { return .none }
            switch fetch.bodyFraming {
            case .length(let length): return .length(length)
            case .none:
                // The length that a GET would have, for HEAD.
                guard exchange.isHead else { return .length(0) }
                return declaredLength(fetch).map { .length($0) } ?? .none
            case .chunked, .untilClose, .tunnel:
                return exchange.request.version == .http10 ? .untilClose : .chunked
            }
        }
    }

    private static func declaredLength(_ fetch: Fetch) -> Int64? {
        guard let value = fetch.response.fields.value(of: .contentLength) else { return nil }
        let arena = fetch.arena
        return arena[value].decimal
    }
}
