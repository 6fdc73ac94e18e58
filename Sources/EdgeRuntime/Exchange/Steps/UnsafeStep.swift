// A request that changed something makes what is stored of it invalid: its target, and what `Location` and
// `Content-Location` name on the same host (RFC 9111 §4.4).
//
// Nothing is written down for it, as a purge would be: an API that is posted to all day must not make hits look at
// rules. Where the key has nothing of the viewer's but its codings, there are at most as many keys as those; each is
// looked up once. Where headers, cookies or functions tell viewers apart nobody can list the keys, and where something
// was stored it may have a copy on disk: that is a purge of the path.

enum UnsafeStep {
    /// The origin has answered, and its answer is in the exchange.
    static func run(_ exchange: Exchange) {
        guard !exchange.request.method.isSafe, exchange.request.method != .connect,
            (200...399).contains(exchange.response.status),
            let distribution = exchange.distribution
        else { return }
        invalidate(exchange.fetchPath, exchange.request.query, exchange, distribution)
        invalidate(namedBy: .location, exchange, distribution)
        invalidate(namedBy: .contentLocation, exchange, distribution)
    }

    private static func invalidate(
        namedBy id: HeaderName,
        _ exchange: Exchange,
        _ distribution: Distribution
    ) {
        guard let value = exchange.response.fields.value(of: id) else { return }
        let arena = exchange.arena
        let base =
            Array("http://".utf8) + arena.copy(of: exchange.request.authority)
            + arena.copy(of: exchange.request.path)
        guard let url = try? URLText.resolve(arena[value], against: base.span),
            let parts = try? URLText.split(url.span), let host = parts.host,
            url.span.extracting(host).equalsIgnoringCase(arena[exchange.request.host])
        else { return }
        let path =
            parts.path.isEmpty ? arena.append("/") : arena.append(url.span.extracting(parts.path))
        let query = parts.query.map { arena.append(array: Array(url[$0])) }
        guard !arena.isOverflown else { return }
        invalidate(path, query, exchange, distribution)
    }

    private static func invalidate(
        _ path: Slice,
        _ query: Slice?,
        _ exchange: Exchange,
        _ distribution: Distribution
    ) {
        let arena = exchange.arena
        let behavior = distribution.behavior(for: arena[path])
        guard let rule = behavior.cache else { return }
        let index = exchange.context.desk.index
        var isRule =
            rule.key.headers.count > 0 || rule.keysCookies
            || !behavior.functions.viewerRequest.isEmpty && index.ownKeys.value > 0
        for encoding in NormalizedEncoding.allCases where !isRule {
            let name = distribution.name
            let key = CacheKeyBuilder.key(
                distribution: name.utf8.span,
                request: exchange.request,
                path: path,
                query: query,
                arena: arena,
                rule: rule,
                acceptEncoding: encoding,
                secret: index.secret
            )
            isRule = index.invalidate(key)
            if isRule || !CompressionRule.isOn(behavior) { break }
        }
        guard isRule else { return }
        let target = StoredTarget(path: path, query: query, arena, rule.key.query)
        let name = CacheTags.hash(distribution.name, secret: index.secret)
        _ = index.purge(.path(target.bytes), of: name, .hard)
    }
}
