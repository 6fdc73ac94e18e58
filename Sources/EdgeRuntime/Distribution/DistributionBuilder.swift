// Builds distributions and their behaviours.

extension ConfigBuilder {
    mutating func distribution(_ entry: ConfigEntry, index: Int) -> Distribution? {
        let key = "distributions.\(entry.key)"
        let node = entry.node
        let rows = node["behaviors"]?.items ?? []
        var behaviors: [Behavior] = []
        for (place, row) in rows.enumerated() {
            let key = "\(key).behaviors[\(place + 1)]"
            if let one = behavior(row, key: key) { behaviors.append(one) }
        }
        checkOrder(rows, key: key)
        let pages = errorPages(node, key: key)
        let upload = upload(node, key: key)
        let geo = countries(node["geo"], key: "\(key).geo")
        guard behaviors.count == rows.count, behaviors.last?.path == "*" else { return nil }
        return Distribution(
            name: entry.key,
            index: index,
            isEnabled: node.bool("enabled") ?? true,
            domains: node.texts("domains"),
            defaultRootObject: node.text("default_root_object"),
            geo: geo,
            errorPages: pages,
            behaviors: behaviors,
            upload: upload
        )
    }

    /// The last pattern is `*`, and nothing stands where no request can reach it.
    private mutating func checkOrder(_ rows: [ConfigNode], key: String) {
        var seen: [String: Int] = [:]
        for (index, row) in rows.enumerated() {
            guard let place = row["path"], let path = place.text else { continue }
            let key = "\(key).behaviors[\(index + 1)].path"
            let plain = path.hasPrefix("/") ? String(path.dropFirst()) : path
            let isLast = index == rows.count - 1
            if isLast, path != "*" {
                report(
                    place,
                    key,
                    "the last behaviour serves '\(path)' only",
                    "the last must be \"*\""
                )
            } else if !isLast, plain == "*" {
                report(place, key, "nothing after \"*\" is ever reached", "move it to the end")
            } else if let first = seen[plain] {
                report(place, key, "the same as behaviors[\(first)].path", "take one of them away")
            }
            seen[plain] = seen[plain] ?? index + 1
        }
    }

    private mutating func errorPages(_ node: ConfigNode, key: String) -> [ErrorPage] {
        var pages: [ErrorPage] = []
        for entry in node.table("error_pages") {
            let key = "\(key).error_pages.\(entry.key)"
            guard let error = Int(entry.key) else { continue }
            let path = entry.node.text("path")
            let status = entry.node.int("status")
            if let place = entry.node["status"], path == nil {
                report(place, "\(key).status", "a status without a page", "add path = \"/…\"")
            }
            if let place = entry.node["path"], status == nil {
                report(place, "\(key).path", "a page without a status", "add status = \(error)")
            }
            let allowed = [200] + ConfigSchema.errorStatuses
            if let status, let place = entry.node["status"], !allowed.contains(status) {
                report(
                    place,
                    "\(key).status",
                    "\(status) cannot be told instead",
                    "choose from \(ConfigSchema.statusText(allowed))"
                )
            }
            pages.append(
                ErrorPage(
                    error: error,
                    path: path.map { Array($0.utf8) },
                    status: status ?? error,
                    ttl: entry.node.int64("ttl") ?? .seconds(10)
                )
            )
        }
        return pages
    }

    private mutating func upload(_ node: ConfigNode, key: String) -> UploadRule? {
        guard let inner = node["upload"] else { return nil }
        let target = target(inner["origin"], key: "\(key).upload.origin")
        guard let target else { return nil }
        return UploadRule(
            target: target,
            mode: inner.word("mode", UploadRule.Mode.self) ?? .pass,
            resumable: inner.texts("resumable"),
            bytesMax: inner.int("size") ?? 0,
            perViewer: inner.int("per_viewer") ?? 8,
            partBytes: inner.int("parts")
        )
    }

    private mutating func countries(_ node: ConfigNode?, key: String) -> CountryRule? {
        guard let node else { return nil }
        let sense: CountryRule.Sense = node["allow"] != nil ? .allow : .deny
        if (node["allow"] == nil) == (node["deny"] == nil) {
            report(
                node,
                key,
                node["allow"] == nil ? "a rule without countries" : "allow and deny together",
                "write { allow = { … } } or { deny = { … } }"
            )
        }
        return CountryRule(sense: sense, countries: node.texts(sense == .allow ? "allow" : "deny"))
    }

    private mutating func behavior(_ node: ConfigNode, key: String) -> Behavior? {
        let target = target(node["origin"], key: "\(key).origin")
        let cache = cacheRule(node, key: key)
        let policy = originRequest(node, cache: cache)
        let headers = headerPolicy(node["response_headers"], key: "\(key).response_headers")
        let access = access(node, key: key)
        let functions = attachments(node["functions"], key: "\(key).functions")
        let names = tree.table("encryption").map(\.key)
        if let place = node["encrypt"], let name = place.text {
            if !names.contains(name) {
                unknownName(place, "encryption", names, key: "\(key).encrypt")
            }
            if node.text("viewer_protocol") == "any" {
                report(
                    place,
                    "\(key).encrypt",
                    "fields would travel in the clear to the edge",
                    "add viewer_protocol = \"redirect\" or \"https\""
                )
            }
            if node.text("methods") != "all" {
                report(
                    place,
                    "\(key).encrypt",
                    "there is no body to encrypt",
                    "write methods = \"all\""
                )
            }
        }
        guard let path = node.text("path"), let target else { return nil }
        return Behavior(
            path: path,
            target: target,
            methods: node.text("methods") == "read"
                ? .read : node.text("methods") == "options" ? .readAndOptions : .all,
            viewerProtocol: node.word("viewer_protocol", Behavior.ViewerProtocol.self) ?? .any,
            originRequest: policy,
            responseHeaders: headers,
            compress: node.bool("compress") ?? false,
            cache: cache,
            access: access,
            functions: functions,
            encrypt: node.text("encrypt")
        )
    }

    private mutating func cacheRule(_ node: ConfigNode, key: String) -> CacheRule? {
        guard let inner = node["cache"], inner.entries != nil else { return nil }
        var rule = CacheRule()
        rule.minTTL = inner.int64("min_ttl") ?? rule.minTTL
        rule.defaultTTL = inner.int64("default_ttl") ?? rule.defaultTTL
        rule.maxTTL = inner.int64("max_ttl") ?? rule.maxTTL
        rule.errorTTL = inner.int64("error_ttl") ?? rule.errorTTL
        if rule.minTTL > rule.maxTTL {
            report(
                inner["min_ttl"] ?? inner,
                "\(key).cache.min_ttl",
                "longer than max_ttl",
                "min_ttl <= default_ttl <= max_ttl must hold"
            )
        } else if rule.defaultTTL < rule.minTTL || rule.defaultTTL > rule.maxTTL {
            report(
                inner["default_ttl"] ?? inner,
                "\(key).cache.default_ttl",
                "not between min_ttl and max_ttl",
                "min_ttl <= default_ttl <= max_ttl must hold"
            )
        }
        rule.viewerDirectives =
            inner.word("viewer_directives", CacheRule.ViewerDirectives.self) ?? .ignore
        rule.blockBytes = inner.int("block") ?? rule.blockBytes
        rule.vary = inner.word("vary", CacheRule.Vary.self) ?? .standard
        rule.key = KeyRule(
            headers: inner["key"]?.texts("headers") ?? [],
            cookies: filter(inner["key"]?["cookies"]) ?? .none,
            query: filter(inner["key"]?["query"]) ?? .all
        )
        return rule
    }

    /// `nil` for `keyed` and for nothing.
    private func filter(_ node: ConfigNode?, isCaseSensitive: Bool = true) -> NameFilter? {
        guard let node else { return nil }
        switch node.text {
        case "none": return NameFilter.none
        case "all": return .all
        case .some: return nil
        case .none: break
        }
        if let except = node["except"] {
            let names = (except.items ?? []).compactMap(\.text)
            return .except(NameSet(names, isCaseSensitive: isCaseSensitive))
        }
        let names = (node.items ?? []).compactMap(\.text)
        return names.isEmpty
            ? NameFilter.none : .only(NameSet(names, isCaseSensitive: isCaseSensitive))
    }

    /// What is in the key goes on whatever the policy says; without a policy and with a cache nothing else does.
    private mutating func originRequest(
        _ node: ConfigNode,
        cache: CacheRule?
    ) -> OriginRequestPolicy {
        let inner = node["origin_request"]
        let headers = filter(inner?["headers"], isCaseSensitive: false)
        let cookies = filter(inner?["cookies"])
        let query = filter(inner?["query"])
        let names = inner?["headers"]?.items ?? inner?["headers"]?["except"]?.items ?? []
        for item in names {
            guard let name = item.text, !name.utf8.span.isToken else { continue }
            report(
                item,
                "origin_request.headers",
                "'\(name)' cannot be the name of a header",
                "write one name in each pair of quotes, such as \"Accept-Language\""
            )
        }
        let listed = inner?["headers"]?.items?.compactMap(\.text) ?? []
        let forwardsHost = listed.contains { $0.lowercased() == "host" }
        guard let cache else {
            // Nothing is in the key, so `keyed` is nothing.
            func uncached(_ given: NameFilter?, _ name: String) -> NameFilter {
                given ?? (inner?[name] == nil ? .all : .none)
            }
            return OriginRequestPolicy(
                headers: uncached(headers, "headers"),
                cookies: uncached(cookies, "cookies"),
                query: uncached(query, "query"),
                forwardsHost: forwardsHost
            )
        }
        let keyNames = cache.key.headers.names
        let keyHeaders: NameFilter = keyNames.isEmpty ? .none : .only(NameSet.fields(keyNames))
        return OriginRequestPolicy(
            headers: (headers ?? .none).union(keyHeaders, isCaseSensitive: false),
            cookies: (cookies ?? .none).union(cache.key.cookies, isCaseSensitive: true),
            query: (query ?? .none).union(cache.key.query, isCaseSensitive: true),
            forwardsHost: forwardsHost
        )
    }

    private mutating func access(_ node: ConfigNode, key: String) -> AccessRule {
        var rule = AccessRule()
        rule.signedBy = node.texts("signed_by")
        let groups = tree.table("key_groups").map(\.key)
        checkNames(node["signed_by"], "key group", groups, key: "\(key).signed_by")
        rule.geo = countries(node["geo"], key: "\(key).geo")
        if let allow = node["allow_addresses"] { rule.allowAddresses = prefixes(allow) }
        rule.denyAddresses = prefixes(node["deny_addresses"])
        if node["referers"] != nil { rule.referers = node.texts("referers") }
        if let rate = node["rate"], let requests = rate.int("requests") {
            let header = rate["key"]?.text("header")
            let burst = rate.int("burst") ?? requests
            rule.rate = RateRule(
                key: header.map { .header($0) } ?? .address,
                requests: requests,
                per: rate.int64("per") ?? .seconds(1),
                burst: burst
            )
            if burst < requests, let place = rate["burst"] {
                report(
                    place,
                    "\(key).rate.burst",
                    "less than requests",
                    "write at least \(requests)"
                )
            }
        }
        return rule
    }

    private mutating func attachments(_ node: ConfigNode?, key: String) -> FunctionAttachments {
        var result = FunctionAttachments()
        guard let node else { return result }
        result.viewerRequest = stage(node["viewer_request"], key: "\(key).viewer_request")
        result.originRequest = stage(node["origin_request"], key: "\(key).origin_request")
        result.originResponse = stage(node["origin_response"], key: "\(key).origin_response")
        result.viewerResponse = stage(node["viewer_response"], key: "\(key).viewer_response")
        return result
    }

    private mutating func stage(_ node: ConfigNode?, key: String) -> [FunctionAttachment] {
        var result: [FunctionAttachment] = []
        for (index, item) in (node?.items ?? []).enumerated() {
            let key = "\(key)[\(index + 1)]"
            let name = item.text ?? item.text("name") ?? ""
            if name.isEmpty || name.hasPrefix("/") || name.split(separator: "/").contains("..") {
                report(item, key, "'\(name)' is not a function", "name a file without .lua")
            } else if name.hasSuffix(".lua") {
                report(item, key, "'\(name)' has an ending", "write '\(name.dropLast(4))'")
            }
            checkNames(item["secrets"], "secret", secrets.keys.sorted(), key: "\(key).secrets")
            let secrets = item.texts("secrets").compactMap { name in
                self.secrets[name] == nil
                    ? nil
                    : secret(
                        ConfigNode(value: .secret(name), position: item.position),
                        key: "\(key).secrets"
                    )
            }
            result.append(
                FunctionAttachment(
                    id: functionCount,
                    name: name,
                    options: item["options"],
                    secrets: secrets,
                    onError: item.word("on_error", FunctionAttachment.OnError.self) ?? .closed,
                    timeout: item.int64("timeout"),
                    position: item.position
                )
            )
            functionCount += 1
        }
        return result
    }
}
