// Passes an origin's informational answer on, as a proxy has to (RFC 9110 §15.2): a 103 names what a viewer may fetch
// while the answer is still being made (RFC 8297). `100 Continue` and 101 never come here, they are between
// connections. HTTP/1.0 knows no such answers, and the page in an answer's stead has none to give.

enum InformationalStep {
    static func run(_ fetch: Fetch) {
        guard let exchange = fetch.exchange, exchange.machine.isWaitingForHead,
            !exchange.machine.isErrorPage, exchange.request.version != .http10,
            exchange.informational.pendingBytes < Limits.informationalBytes
        else { return }
        do throws(EdgeError) {
            try HopByHop.remove(from: &fetch.response.fields, fetch.arena)
        } catch {
            // A hint that is lost costs nobody an answer.
            return
        }
        let arena = fetch.arena
        fetch.response.fields.removeAll(.altSvc)
        if let policy = exchange.behavior?.responseHeaders, !policy.removes.isEmpty {
            fetch.response.fields.removeAll { policy.removes.contains(arena.name(of: $0)) }
        }
        let name = exchange.context.name
        ForwardedFields.via(
            &fetch.response.fields,
            received: fetch.response.version,
            name: name.span,
            in: arena
        )
        guard !arena.isOverflown else { return }
        HeadWriter.write(
            response: fetch.response,
            arena: arena,
            framing: .none,
            connection: .keepAlive,
            to: exchange.request.version,
            into: &exchange.informational
        )
        exchange.touchHost()
    }
}
