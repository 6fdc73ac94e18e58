// Builds origins and groups.

extension ConfigBuilder {
    private static let sources = ["url", "urls", "files", "s3"]

    mutating func origin(_ entry: ConfigEntry, index: Int) -> OriginSettings? {
        let key = "origins.\(entry.key)"
        let node = entry.node
        let given = Self.sources.filter { node[$0] != nil }
        guard given.count == 1 else {
            report(
                node,
                key,
                given.isEmpty
                    ? "an origin without a source" : "\(given.joined(separator: " and ")) together",
                "an origin has exactly one of url, urls, files, s3"
            )
            return nil
        }
        guard let source = source(node, key: key) else { return nil }
        var origin = OriginSettings(name: entry.key, index: index, source: source)
        origin.path = Array((node.text("path") ?? "").utf8)
        origin.host = node.text("host").map { Array($0.utf8) }
        origin.headers = headers(node, key: key)
        origin.version = node.word("protocol", OriginSettings.Version.self) ?? .http1
        origin.connectTimeout = node.int64("connect_timeout") ?? origin.connectTimeout
        origin.connectAttempts = node.int("connect_attempts") ?? origin.connectAttempts
        origin.responseTimeout = node.int64("response_timeout") ?? origin.responseTimeout
        origin.totalTimeout = node.int64("total_timeout")
        origin.idleTimeout = node.int64("idle_timeout") ?? origin.idleTimeout
        origin.connections = node.int("connections") ?? origin.connections
        origin.tls = tls(node, key: key)
        if let health = node["health"] {
            origin.health = HealthSettings(
                path: health.text("path") ?? "/",
                interval: health.int64("interval") ?? .seconds(10),
                unhealthy: health.int("unhealthy") ?? 3,
                healthy: health.int("healthy") ?? 2
            )
        }
        if let total = origin.totalTimeout, total < origin.responseTimeout {
            report(
                node["total_timeout"] ?? node,
                "\(key).total_timeout",
                "the whole may not take as long as response_timeout, a part of it",
                "raise it, or lower response_timeout"
            )
        }
        return origin
    }

    private mutating func source(_ node: ConfigNode, key: String) -> OriginSettings.Source? {
        if node["weights"] != nil, node["urls"] == nil, let weights = node["weights"] {
            report(weights, "\(key).weights", "weights without urls", "write urls = { … }")
        }
        if let url = node.text("url") {
            return OriginServer(url: url).map { .servers([$0]) }
        }
        if let urls = node["urls"] { return servers(urls, node, key: key) }
        if node["files"] != nil {
            return path(node, "files", key: key, wants: .folder).map { .files($0) }
        }
        guard let s3 = node["s3"] else { return nil }
        var bucket = BucketSettings(
            bucket: s3.text("bucket") ?? "",
            region: s3.text("region") ?? ""
        )
        bucket.endpoint = s3.text("endpoint").flatMap { OriginServer(url: $0) }
        bucket.usesPathStyle = s3.bool("path_style") ?? false
        bucket.signs = s3.bool("sign") ?? true
        bucket.accessKey = s3["access_key"].flatMap { secret($0, key: "\(key).s3.access_key") }
        bucket.secretKey = s3["secret_key"].flatMap { secret($0, key: "\(key).s3.secret_key") }
        if bucket.signs {
            for name in ["access_key", "secret_key"] where s3[name] == nil {
                report(s3, "\(key).s3.\(name)", "needed to sign", "add it, or sign = false")
            }
        }
        return .bucket(bucket)
    }

    private mutating func servers(
        _ urls: ConfigNode,
        _ node: ConfigNode,
        key: String
    ) -> OriginSettings.Source? {
        var servers: [OriginServer] = []
        for (index, item) in (urls.items ?? []).enumerated() {
            guard let server = item.text.flatMap({ OriginServer(url: $0) }) else { continue }
            if servers.contains(where: { $0.host == server.host && $0.port == server.port }) {
                report(
                    item,
                    "\(key).urls[\(index + 1)]",
                    "this server is there twice",
                    "take it out; weights = { … } gives it more"
                )
            }
            servers.append(server)
        }
        guard let weights = node["weights"] else { return .servers(servers) }
        let numbers = (weights.items ?? []).compactMap { item -> Int? in
            guard case .integer(let value) = item.value else { return nil }
            return Int(value)
        }
        let count = urls.items?.count ?? 0
        guard numbers.count == count, servers.count == count else {
            report(
                weights,
                "\(key).weights",
                "\(numbers.count) weights for \(count) urls",
                "write one weight for each of urls"
            )
            return nil
        }
        if numbers.allSatisfy({ $0 == 0 }) {
            report(weights, "\(key).weights", "nobody gets a share", "give one at least 1")
        }
        for index in servers.indices { servers[index].weight = numbers[index] }
        return .servers(servers)
    }

    private mutating func tls(_ node: ConfigNode, key: String) -> OriginTLS {
        var tls = OriginTLS()
        guard let inner = node["tls"] else { return tls }
        let key = "\(key).tls"
        tls.verifies = inner.bool("verify") ?? true
        tls.authoritiesPath = path(inner, "authorities", key: key)
        tls.serverName = inner.text("server_name")
        tls.certificatePath = path(inner, "certificate", key: key)
        tls.keyPath = path(inner, "key", key: key)
        for (one, other) in [("certificate", "key"), ("key", "certificate")] {
            guard let place = inner[one], inner[other] == nil else { continue }
            report(place, "\(key).\(one)", "\(one) without \(other)", "add \(other) = \"path\"")
        }
        if let place = inner["verify"], !tls.verifies {
            report(
                place,
                "\(key).verify",
                "anyone between here and the origin can read and change what passes",
                "name its authority with authorities = \"path\" instead",
                severity: .warning
            )
        }
        return tls
    }

    /// §3.4 of the contract.
    private static let headersMax = 30
    private static let headerBytesMax = 10_240
    private static let headerValueBytesMax = 1783
    private static let refusedHeaders = NameSet.fields([
        "cache-control", "connection", "content-length", "cookie", "host", "if-match",
        "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "max-forwards",
        "pragma", "proxy-authenticate", "proxy-authorization", "proxy-connection", "range",
        "request-range", "te", "trailer", "transfer-encoding", "upgrade", "via", "x-real-ip",
        "keep-alive", "expect", "cdn-loop",
    ])

    private mutating func headers(_ node: ConfigNode, key: String) -> [OriginHeader] {
        var result: [OriginHeader] = []
        var total = 0
        for entry in node.table("headers") {
            let key = "\(key).headers.\(entry.key)"
            var place = entry.node
            place.position = entry.position
            let name = entry.key.lowercased()
            if Self.refusedHeaders.contains(name.utf8.span) || name.hasPrefix("x-amz-") {
                let remedy = name == "host" ? "write host = \"…\" in the origin" : "take it out"
                report(place, key, "'\(entry.key)' belongs to the edge", remedy)
            }
            guard let value = secret(entry.node, key: key) else { continue }
            if value.value.count > Self.headerValueBytesMax {
                let limit = Self.headerValueBytesMax
                report(
                    entry.node,
                    key,
                    "the value is too long",
                    "at most \(limit) bytes are allowed"
                )
            }
            if value.value.contains(where: { $0 < 0x20 && $0 != 9 || $0 == 0x7f }) {
                report(entry.node, key, "a control character in a header value", "take it out")
            }
            total += name.utf8.count + value.value.count
            result.append(OriginHeader(name: Array(name.utf8), value: value))
        }
        if result.count > Self.headersMax || total > Self.headerBytesMax,
            let place = node["headers"]
        {
            report(
                place,
                "\(key).headers",
                "\(result.count) headers of \(total) bytes",
                "at most \(Self.headersMax) of \(Self.headerBytesMax) bytes are allowed"
            )
        }
        return result
    }

    mutating func group(_ entry: ConfigEntry, index: Int) -> OriginGroupSettings {
        let key = "origin_groups.\(entry.key)"
        var members: [Int] = []
        for (place, item) in (entry.node["members"]?.items ?? []).enumerated() {
            let key = "\(key).members[\(place + 1)]"
            guard let member = originNames.firstIndex(of: item.text ?? "") else {
                unknownName(item, "origin", originNames, key: key)
                continue
            }
            if members.contains(member) {
                report(item, key, "this member is there twice", "name another origin")
            }
            members.append(member)
        }
        var failover: [Int] = []
        for (place, item) in (entry.node["failover"]?.items ?? []).enumerated() {
            guard case .integer(let number) = item.value else { continue }
            let status = Int(number)
            let key = "\(key).failover[\(place + 1)]"
            if !ConfigSchema.failoverStatuses.contains(status) {
                let all = ConfigSchema.statusText(ConfigSchema.failoverStatuses)
                report(item, key, "\(status) cannot hand over", "choose from \(all)")
            } else if failover.contains(status) {
                report(item, key, "\(status) is there twice", "take one out")
            }
            failover.append(status)
        }
        return OriginGroupSettings(
            name: entry.key,
            index: index,
            members: members,
            failover: failover.sorted()
        )
    }
}
