// What the edge would do with a request that nobody has sent: the same matching, the same key, a look at the index that
// changes nothing. No function runs and no origin is asked.

struct DryLookup {
    private let configuration: Configuration
    private let index: CacheIndex
    private let now: Nanoseconds
    private let wall: Int64
    private let arena = Arena()

    init(_ configuration: Configuration, _ index: CacheIndex, now: Nanoseconds, wall: Int64) {
        self.configuration = configuration
        self.index = index
        self.now = now
        self.wall = wall
    }

    /// `head` as it would come in, with its empty line. Throws what the edge would refuse it with.
    func explain(head bytes: [UInt8]) throws(EdgeError) -> Explanation {
        var request = RequestHead()
        try HeadParser.parseRequest(
            bytes.span,
            into: &request,
            arena: arena,
            limits: HeadLimits()
        )
        var found = Explanation()
        let host = arena[request.host].text
        let method = arena[request.methodToken].text
        found.add("request", "\(method) \(host)\(text(request.path, request.query))")
        guard let distribution = configuration.distribution(for: arena[request.host]) else {
            found.add("distribution", .list([]))
            found.add("outcome", "refused: \(EdgeError.unknownHost.word)")
            return found
        }
        found.add("distribution", distribution.name)
        guard distribution.isEnabled else {
            found.add("outcome", "refused: \(EdgeError.distributionDisabled.word)")
            return found
        }
        var path = request.path
        if let root = distribution.defaultRootObject, arena[path].equals("/") {
            path = arena.append(root.span)
            found.add("default root object", arena[path].text)
        }
        let behavior = distribution.behavior(for: arena[path])
        found.add("behavior", behavior.path)
        found.add("not matched", .list(passedOver(distribution, behavior)))
        addFunctions(behavior, &found)
        found.add("origin", origin(behavior))
        if let refusal = refusal(request, behavior) {
            found.add("outcome", "refused: \(refusal.word)")
        } else {
            addCache(request, path, distribution, behavior, &found)
        }
        return found
    }

    private func text(_ path: Slice, _ query: Slice?) -> String {
        arena[path].text + (query.map { "?" + arena[$0].text } ?? "")
    }

    // MARK: What it meets on its way

    private func passedOver(_ distribution: Distribution, _ behavior: Behavior) -> [String] {
        let place = distribution.behaviors.firstIndex { $0 === behavior } ?? 0
        return distribution.behaviors[..<place].map(\.path)
    }

    private func addFunctions(_ behavior: Behavior, _ found: inout Explanation) {
        let functions = behavior.functions
        guard !functions.isEmpty else { return }
        let stages = [
            ("viewer_request", functions.viewerRequest),
            ("origin_request", functions.originRequest),
            ("origin_response", functions.originResponse),
            ("viewer_response", functions.viewerResponse),
        ]
        let rows = stages.compactMap { name, chain in
            chain.isEmpty ? nil : Explanation.Row(name, .list(chain.map(\.name)))
        }
        found.add("functions, not run", .table(rows))
    }

    private func origin(_ behavior: Behavior) -> String {
        switch behavior.target {
        case .origin(let index): return configuration.origins[index].name
        case .group(let index):
            let group = configuration.originGroups[index]
            let members = group.members.map { configuration.origins[$0].name }
            return "\(group.name): \(members.joined(separator: ", then "))"
        }
    }

    /// What `AdmitStep` says to anybody; addresses and bodies are not known here.
    private func refusal(_ request: borrowing RequestHead, _ behavior: Behavior) -> EdgeError? {
        guard behavior.methods.allows(arena[request.methodToken]) else { return .methodNotAllowed }
        return behavior.viewerProtocol == .https && request.scheme != .https ? .httpsRequired : nil
    }

    // MARK: The cache

    private func addCache(
        _ request: borrowing RequestHead,
        _ path: Slice,
        _ distribution: Distribution,
        _ behavior: Behavior,
        _ found: inout Explanation
    ) {
        if behavior.viewerProtocol == .redirect, request.scheme != .https {
            found.add("outcome", "redirect to https")
            return
        }
        guard let rule = behavior.cache else {
            found.add("cache", "off")
            found.add("outcome", "passed: the behaviour does not cache")
            return
        }
        guard request.method == .get || request.method == .head else {
            found.add("outcome", "passed: \(PassReason.method.word)")
            return
        }
        found.add("key", .table(keyRows(request, path, distribution, rule)))
        let encoding = NormalizedEncoding(
            request,
            arena,
            compress: CompressionRule.isOn(behavior)
        )
        let key = CacheKeyBuilder.key(
            distribution: distribution.name.utf8.span,
            request: request,
            path: path,
            query: request.query,
            arena: arena,
            rule: rule,
            acceptEncoding: encoding,
            secret: index.secret
        )
        let held = index.holding(key)
        if let names = held.names { found.add("varies by", .list(names.names)) }
        found.add("variants stored", .number(Int64(held.objects.count)))
        if let disk = index.disk { found.add("on disk", .flag(disk.tier.has(key))) }
        let variant =
            held.names.map {
                $0.variant(of: request, arena, behavior.originRequest, encoding, index.secret)
            } ?? 0
        let object = held.objects.first { $0.object.variant == variant }
        if let object { addObject(object, rule, &found) }
        if held.isBeingFetched { found.add("fetch under way", .flag(true)) }
        if let pass = held.pass, pass.until > now {
            let seconds = (pass.until - now) / .seconds(1)
            found.add("outcome", "passed: \(pass.reason.word), remembered for \(seconds) s more")
            return
        }
        let wishes =
            rule.viewerDirectives == .honour
            ? CacheDirectives(request: request.fields, arena) : nil
        found.add("outcome", outcome(held, object, wishes))
    }

    private func outcome(
        _ held: CacheHolding,
        _ stored: CacheHolding.Stored?,
        _ wishes: CacheDirectives?
    ) -> String {
        guard let stored else { return text(held.objects.isEmpty ? .absent : .otherVariants) }
        let object = stored.object
        let purged = index.verdict(on: stored)
        if purged == .hard { return text(.purged) }
        var miss = CacheVerdict.Miss.stale
        if purged == nil {
            let freshness = object.freshness
            switch wishes.map({ freshness.judge(at: wall, for: $0) }) ?? freshness.judge(at: wall) {
            case .fresh: return text(.fresh)
            case .staleWhileRevalidate: return text(.staleWhileRevalidate)
            case .staleAccepted: return text(.staleAccepted)
            case .unwanted: miss = .unwanted
            case .stale: break
            }
        }
        if stored.standing.shownUntil > wall { return text(.staleOnError) }
        return "revalidate: \(purged == .soft ? "purged softly" : "\(miss.word)")"
    }

    private func text(_ hit: CacheVerdict.Hit) -> String { "hit: \(hit.word)" }

    private func text(_ miss: CacheVerdict.Miss) -> String { "miss: \(miss.word)" }

    private func addObject(
        _ stored: CacheHolding.Stored,
        _ rule: CacheRule,
        _ found: inout Explanation
    ) {
        let object = stored.object
        let freshness = object.freshness
        let age = freshness.age(at: wall)
        var rows = [
            Explanation.Row("status", .number(Int64(object.head.status))),
            Explanation.Row("lifetime", .number(freshness.lifetime)),
            Explanation.Row("lifetime from", .text("\(freshness.basis.word)")),
            Explanation.Row("age", .number(age)),
            Explanation.Row("age when it came", .number(freshness.initialAge)),
            Explanation.Row("fresh for", .number(max(0, freshness.lifetime - age))),
            Explanation.Row("stale while revalidate", .number(freshness.staleWhileRevalidate)),
            Explanation.Row("stale if error", .number(freshness.staleIfError)),
        ]
        if freshness.mustAsk { rows.append(.init("asked about each time", .text("no-cache"))) }
        rows += fields(of: object)
        rows.append(
            .init(
                "bounds",
                .text(
                    "min_ttl \(seconds(rule.minTTL)), default_ttl \(seconds(rule.defaultTTL)),"
                        + " max_ttl \(seconds(rule.maxTTL)), error_ttl \(seconds(rule.errorTTL))"
                )
            )
        )
        rows.append(.init("purged as", .text(String(decoding: object.facts.target, as: UTF8.self))))
        rows.append(.init("tags", .number(Int64(object.facts.tags.count))))
        rows.append(.init("fetched after purge", .number(Int64(object.facts.sequence))))
        rows.append(.init("last purge", .number(Int64(index.purgeSequence))))
        found.add("stored", .table(rows))
    }

    /// What the origin said that the lifetime could come from.
    private func fields(of object: CachedObject) -> [Explanation.Row] {
        let arena = Arena()
        var response = ResponseHead()
        object.head.restore(into: &response, arena)
        let names: [HeaderName] = [.cacheControl, .expires, .date, .etag, .lastModified, .vary]
        return names.compactMap { name in
            guard let value = response.fields.value(of: name) else { return nil }
            return Explanation.Row("\(name.canonical)", .text(arena[value].text))
        }
    }

    private func seconds(_ time: Nanoseconds) -> String { "\(time / .seconds(1)) s" }

    // MARK: The key

    private func keyRows(
        _ request: borrowing RequestHead,
        _ path: Slice,
        _ distribution: Distribution,
        _ rule: CacheRule
    ) -> [Explanation.Row] {
        var rows = [
            Explanation.Row("distribution", .text(distribution.name)),
            Explanation.Row("path", .text(arena[path].text)),
        ]
        let target = StoredTarget(path: path, query: request.query, arena, rule.key.query)
        let query = target.bytes.dropFirst(target.pathLength)
        rows.append(
            .init(
                "query",
                .text(words(rule.key.query, String(decoding: query, as: UTF8.self)))
            )
        )
        for place in 0..<rule.key.headers.count {
            let value = rule.key.headers.firstField(place, in: request.fields, arena).map {
                arena[request.fields[$0].value].text
            }
            rows.append(
                .init("header \(rule.key.headers.names[place])", .text(value ?? "(not sent)"))
            )
        }
        rows.append(.init("cookies", .list(cookies(request, rule.key.cookies))))
        return rows
    }

    private func words(_ filter: NameFilter, _ kept: String) -> String {
        if case .none = filter { return "(not in the key)" }
        return kept.isEmpty ? "(none)" : kept
    }

    private func cookies(_ request: borrowing RequestHead, _ filter: NameFilter) -> [String] {
        var kept: [String] = []
        var next = request.fields.firstIndex(of: .cookie)
        while let index = next {
            let text = arena[request.fields[index].value]
            var position = 0
            while let pair = CookieText.nextPair(text, &position) {
                guard filter.keeps(text.extracting(pair.name)) else { continue }
                let name = text.extracting(pair.name).text
                // A session is nobody's business, not even in an operator's terminal.
                kept.append("\(name)=(\(pair.value.count) bytes)")
            }
            next = request.fields.firstIndex(of: .cookie, from: index + 1)
        }
        return kept.sorted()
    }
}
