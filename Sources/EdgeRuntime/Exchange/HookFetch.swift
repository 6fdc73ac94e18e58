// One request of a function's own: from `edge.fetch` to the table that it answers, or the word for what went wrong.
//
//   start ─▶ lease ─▶ head ─▶ body … ─▶ settled ─▶ deliver ─▶ over
//              ▲ reused connection, │ failed ─▶ settled ┘ │ redirect
//              │ other server       ▼                     ▼
//              └────────────────── again ◀────────────────┘
//
// Whatever happens is kept in `outcome` and told to the run by `settle`; connections are let go of in `deliver`, never
// from within their own calls. The body is copied out of the connection's chunks: it lives as long as Lua wants.

final class HookFetch: OriginClient {
    private enum Outcome {
        case answered
        case moved(FetchURL)
        case failed(StaticString)
        /// The function's own mistake, which it hears as an error.
        case misused(String)
    }

    let wait: StageRun.Wait
    /// Whoever holds a fetch cancels it before it goes.
    private unowned let run: FetchingRun
    private let context: EdgeContext
    /// Those of the request on whose way it is.
    private let way: Heads
    private let generation: Generation
    private var order: FetchOrder
    private var pool: OriginPool?
    /// Of a configured origin, and those of its servers that were asked.
    private var servers: ServerSet?
    private var tried: UInt64 = 0
    private var outgoing = BodyFlow()
    private var body: [UInt8] = []
    private var outcome: Outcome?
    private var isRepeated = false

    init(
        _ order: FetchOrder,
        for wait: StageRun.Wait,
        of run: FetchingRun,
        _ generation: Generation,
        _ way: Heads
    ) {
        self.order = order
        self.wait = wait
        self.run = run
        self.way = way
        self.generation = generation
        context = run.context
        super.init()
    }

    // MARK: The run's side

    func start() {
        switch order.target {
        case .url(let url): ask(url)
        case .origin(let name, let path): ask(name, path)
        }
    }

    /// It took longer than it may.
    func giveUp() { end(.failed("timeout")) }

    /// Nobody waits for it any more.
    func cancel() {
        pool?.cancel(self)
        pool = nil
        dropBody()
        outgoing.reset()
    }

    /// Pushes what came of it and answers how many values that are; nil: a redirect is followed.
    func deliver(to thread: LuaThread) -> Int? {
        guard let outcome else { return nil }
        if case .moved(let url) = outcome {
            follow(url)
            return nil
        }
        defer { cancel() }
        switch outcome {
        case .answered, .moved: pushAnswer(on: thread.stack)
        case .failed(let word):
            thread.stack.pushNil()
            thread.stack.push(word)
            return 2
        case .misused(let message):
            thread.pushRaise(message)
            return 2
        }
        return 1
    }

    private func end(_ outcome: Outcome) {
        guard self.outcome == nil else { return }
        self.outcome = outcome
        if case .failed = outcome { run.count(.functionFetchFailures, of: run.hookID, by: 1) }
        run.settle(wait)
    }

    // MARK: Asking

    private func ask(_ url: FetchURL) {
        guard let pools = generation.origins.fetchPools else {
            preconditionFailure("functions without a place to fetch from")
        }
        let server = OriginServer(host: url.host, port: url.port, isTLS: url.isTLS)
        guard let pool = pools.pool(for: server) else {
            end(.failed(EdgeError.queueFull.word))
            return
        }
        lease(pool) { fetch throws(EdgeError) in
            try fetch.build(path: url.path, authority: pool.authority)
        }
    }

    private func ask(_ name: String, _ path: [UInt8]) {
        let origins = generation.configuration.origins
        guard let place = origins.firstIndex(where: { $0.name == name }) else {
            let near = Suggestion.nearest(to: name, among: origins.map(\.name))
            let hint = near.map { " (did you mean '\($0)'?)" } ?? ""
            end(.misused("edge.fetch: there is no origin '\(name)'\(hint)"))
            return
        }
        guard case .servers(let set) = generation.origins.stations[place] else {
            end(.misused("edge.fetch: origin '\(name)' is not a server"))
            return
        }
        servers = set
        if let total = set.settings.totalTimeout { totalDeadline = context.loop.now + total }
        askServer(path)
    }

    private func askServer(_ path: [UInt8]) {
        guard let set = servers else { preconditionFailure("an origin has servers") }
        guard let member = set.choose(tried: tried) else {
            end(.failed(EdgeError.originUnhealthy.word))
            return
        }
        tried |= 1 << UInt64(member)
        context.metrics.add(.originRequests, set.metricIndex)
        let pool = set.pools[member]
        lease(pool) { fetch throws(EdgeError) in
            try fetch.build(path: path, authority: set.settings.host ?? pool.authority)
            let prefix = set.settings.path
            try OriginRequestFields.complete(
                &fetch.request,
                headers: set.settings.headers,
                pathPrefix: fetch.arena.append(prefix.span),
                in: fetch.arena
            )
        }
    }

    private func lease(
        _ pool: OriginPool,
        fresh: Bool = false,
        _ build: (HookFetch) throws(EdgeError) -> Void
    ) {
        do throws(EdgeError) {
            try build(self)
        } catch {
            end(.failed(error.word))
            return
        }
        self.pool = pool
        fillOutgoing()
        pool.lease(self, fresh: fresh)
    }

    private func build(path: [UInt8], authority: [UInt8]) throws(EdgeError) {
        heads.reset()
        let arena = self.arena
        request.methodToken = arena.append(array: order.method)
        request.method = Method.named(arena[request.methodToken])
        request.path = arena.append(array: path)
        request.authority = arena.append(array: authority)
        request.fields.append(.host, value: request.authority)
        for header in order.headers {
            let id = HeaderName.named(header.name.span)
            let value = arena.append(array: header.value)
            guard id != .host else {
                request.fields.set(.host, value: value)
                continue
            }
            let name = id == .other ? arena.append(array: header.name) : .empty
            request.fields.append(Field(id, name: name, value: value))
        }
        if !request.fields.contains(.userAgent) {
            request.fields.append(.userAgent, value: arena.append("edged"))
        }
        let name = context.name
        try ForwardedFields.markWay(
            &request.fields,
            after: way.request.fields,
            in: way.arena,
            received: way.request.version,
            name: name.span,
            in: arena
        )
    }

    private func fillOutgoing() {
        outgoing.reset()
        if let body = order.body {
            MadeBody.push(body, into: &outgoing, context.loop.chunks)
            requestFraming = .length(Int64(body.count))
        } else {
            switch request.method {
            case .post, .put, .patch: requestFraming = .length(0)
            case .get, .head, .delete, .options, .connect, .trace, .other: requestFraming = .none
            }
        }
        outgoing.end()
    }

    // MARK: Redirects

    /// What the answer points to, if the function wants it followed.
    private var redirection: FetchURL? {
        guard order.redirects > 0, case .url(let base) = order.target,
            let location = response.fields.value(of: .location)
        else { return nil }
        switch response.status {
        case 301, 302, 303, 307, 308: break
        default: return nil
        }
        let reference = arena.copy(of: location)
        guard let text = try? URLText.resolve(reference.span, against: base.text.span) else {
            return nil
        }
        return try? FetchURL(text)
    }

    private func follow(_ url: FetchURL) {
        guard case .url(let from) = order.target else { return }
        pool?.cancel(self)
        pool = nil
        outcome = nil
        isRepeated = false
        dropBody()
        order.target = .url(url)
        order.redirects -= 1
        let isSame = url.host == from.host && url.port == from.port && url.isTLS == from.isTLS
        let losesBody = response.status < 307 && order.method != Array("HEAD".utf8)
        if losesBody, response.status == 303 || order.method == Array("POST".utf8) {
            order.method = Array("GET".utf8)
            order.body = nil
        }
        let hasBody = order.body != nil
        order.headers.removeAll { header in
            switch HeaderName.named(header.name.span) {
            // What was meant for one server is no other one's business.
            case .authorization, .cookie, .host, .proxyAuthorization: !isSame
            case .contentType, .contentEncoding: !hasBody
            default: false
            }
        }
        guard url.isAllowed(by: run.runtime.library.settings.fetchAllow) else {
            end(.failed("host_not_allowed"))
            return
        }
        ask(url)
    }

    // MARK: The answer

    private func pushAnswer(on stack: LuaStack) {
        stack.pushTable(items: 0, fields: 3)
        stack.push(Int64(response.status))
        stack.setField("status", of: -2)
        pushHeaders(on: stack)
        stack.setField("headers", of: -2)
        stack.push(array: body)
        stack.setField("body", of: -2)
        run.charge(memoryBytes: body.count)
    }

    private func pushHeaders(on stack: LuaStack) {
        let arena = self.arena
        stack.pushTable(items: 0, fields: response.fields.count)
        for index in 0..<response.fields.count {
            let field = response.fields[index]
            let name = arena.name(of: field).lowercased
            guard !field.id.isHopByHop,
                response.fields.firstIndex(named: name.span, in: arena) == index
            else { continue }
            let values = values(from: index, name)
            stack.push(name.span)
            if field.id == .setCookie {
                stack.pushTable(items: values.count, fields: 0)
                for (place, value) in values.enumerated() {
                    stack.push(value.span)
                    stack.setRawItem(place + 1, of: -2)
                }
            } else {
                let joined = Array(values.joined(separator: [UInt8(ascii: ","), .space]))
                stack.push(joined.span)
            }
            stack.setRaw(in: -3)
        }
    }

    private func values(from first: Int, _ name: [UInt8]) -> [[UInt8]] {
        var values: [[UInt8]] = []
        var next: Int? = first
        while let index = next {
            values.append(arena.copy(of: response.fields[index].value))
            next = response.fields.firstIndex(named: name.span, in: arena, from: index + 1)
        }
        return values
    }

    private func dropBody() {
        context.fetchedBytes -= body.count
        body = []
    }

    // MARK: Asked by the connection

    override func pullRequestBody() -> BodyFlow.Pull { outgoing.pull() }
    /// What was given up is not read any further; the connection goes in `deliver`.
    override var isRoomForResponse: Bool { outcome == nil }

    // MARK: Told by the pool and the connection

    override func originRefused(_ error: EdgeError) {
        guard outcome == nil else { return }
        // Another server of the same origin, if there is one.
        guard error.retry == .always, let servers, servers.choosable(tried: tried),
            case .origin(_, let path) = order.target
        else {
            end(.failed(error.word))
            return
        }
        pool = nil
        askServer(path)
    }

    override func originCarried(sent: Int64, received: Int64) {
        guard let servers else { return }
        context.metrics.add(.originSentBytes, servers.metricIndex, by: Int(sent))
        context.metrics.add(.originReceivedBytes, servers.metricIndex, by: Int(received))
    }

    override func originHead(framing: BodyFraming) {
        if case .length(let length) = framing, length > Int64(order.bodyBytesMax) {
            end(.failed(EdgeError.bodyTooLarge.word))
        }
    }

    override func originBytes(_ range: ChunkRange) {
        guard outcome == nil else { return }
        guard body.count + range.count <= order.bodyBytesMax else {
            end(.failed(EdgeError.bodyTooLarge.word))
            return
        }
        let chunks = context.loop.chunks
        guard chunks.leasedBytes + context.fetchedBytes + range.count <= chunks.budget else {
            end(.failed(EdgeError.bufferLimit.word))
            return
        }
        range.bytes.withUnsafeBufferPointer { body.append(contentsOf: $0) }
        context.fetchedBytes += range.count
    }

    override func originEnded() { end(redirection.map { .moved($0) } ?? .answered) }

    override func originFailed(_ error: EdgeError, _ progress: Progress) {
        guard outcome == nil else { return }
        // A connection that rested may have been closed by the server before it saw the request.
        let mayRepeat =
            progress.wasReused && !progress.receivedAnything && error.retry != .never
            && (request.method.isIdempotent || !progress.sentAnything)
        guard mayRepeat, !isRepeated, let pool else {
            end(.failed(error.word))
            return
        }
        isRepeated = true
        fillOutgoing()
        pool.lease(self, fresh: true)
    }
}
