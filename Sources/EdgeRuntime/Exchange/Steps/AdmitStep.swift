// Is this a request for us, and may it go on? Host → distribution → behaviour, then the rules in the order of the
// contract (§0): enabled, method, body, protocol, loop, size. The first one that objects answers.

enum AdmitStep {
    /// Nil: a purge waits for the disk, `stageEnded` follows.
    static func run(_ exchange: Exchange) -> ViewerMachine.Event? {
        do throws(EdgeError) {
            try match(exchange, exchange.generation.configuration)
            return try admit(exchange)
        } catch {
            return .failed(error)
        }
    }

    private static func match(
        _ exchange: Exchange,
        _ configuration: Configuration
    ) throws(EdgeError) {
        let arena = exchange.arena
        guard
            let distribution = configuration.distribution(for: arena[exchange.request.host])
        else { throw .unknownHost }
        exchange.distribution = distribution
        guard distribution.isEnabled else { throw .distributionDisabled }
        exchange.fetchPath = exchange.request.path
        if let root = distribution.defaultRootObject, arena[exchange.request.path].equals("/") {
            exchange.fetchPath = arena.append(root.span)
        }
        exchange.behavior = distribution.behavior(for: arena[exchange.fetchPath])
    }

    private static func admit(_ exchange: Exchange) throws(EdgeError) -> ViewerMachine.Event? {
        guard let behavior = exchange.behavior else { throw .noBehavior }
        let context = exchange.context
        let name = context.name
        let arena = exchange.arena
        identify(exchange)
        if exchange.request.method == .other, let outcome = try PurgeStep.run(exchange) {
            return outcome == .answered ? .answered : nil
        }
        guard behavior.access.admits(exchange.viewer.address) else { throw .accessDenied }
        guard behavior.methods.allows(arena[exchange.request.methodToken]) else {
            throw .methodNotAllowed
        }
        if exchange.hasRequestBody {
            if exchange.request.method == .get || exchange.request.method == .head {
                throw .bodyOnGet
            }
            if case .length(let length) = exchange.requestFraming,
                length > Int64(exchange.generation.configuration.settings.limits.bodyBytes)
            {
                throw .bodyTooLarge
            }
        }
        if exchange.viewer.tls == nil, behavior.viewerProtocol != .any {
            return try requireTLS(exchange, behavior)
        }
        if ForwardedFields.isLoop(exchange.request.fields, name: name.span, in: arena) {
            throw .loopDetected
        }
        guard !context.isOverBuffered else {
            context.metrics.countShed(.bufferedBytes)
            throw .bufferLimit
        }
        return .admitted
    }

    /// Who the viewer is, behind proxies of ours, and whose trace this is.
    private static func identify(_ exchange: Exchange) {
        let arena = exchange.arena
        let trusted = exchange.generation.configuration.settings.trustedProxies
        if !trusted.isEmpty {
            let viewer = ViewerAddress.decide(
                peer: exchange.viewer.peer,
                trusted: trusted,
                fields: exchange.request.fields,
                in: arena
            )
            if let viewer { exchange.viewer.address = viewer }
        }
        if let value = exchange.request.fields.value(of: .traceparent) {
            exchange.trace = TraceContext(arena[value])
        }
    }

    /// 301 for what a browser repeats anyway, 307 where the method and its body must survive.
    private static func requireTLS(
        _ exchange: Exchange,
        _ behavior: Behavior
    )
        throws(EdgeError) -> ViewerMachine.Event
    {
        guard behavior.viewerProtocol == .redirect else { throw .httpsRequired }
        let isRead = exchange.request.method == .get || exchange.request.method == .head
        guard isRead || exchange.request.version != .http10 else { throw .httpsRequired }
        let arena = exchange.arena
        let mark = arena.used
        _ = arena.append("https://")
        // An IPv6 address is matched without its brackets.
        let isIPv6 = arena[exchange.request.host].firstIndex(of: .colon) != nil
        if isIPv6 { arena.append(byte: UInt8(ascii: "[")) }
        _ = arena.append(copyOf: exchange.request.host)
        if isIPv6 { arena.append(byte: UInt8(ascii: "]")) }
        _ = arena.append(copyOf: exchange.request.path)
        if let query = exchange.request.query {
            arena.append(byte: UInt8(ascii: "?"))
            _ = arena.append(copyOf: query)
        }
        exchange.response.reset()
        exchange.response.status = isRead ? 301 : 307
        exchange.response.fields.append(.location, value: arena.slice(since: mark))
        exchange.body = .own(.empty)
        exchange.result = .redirect
        return .answered
    }
}
