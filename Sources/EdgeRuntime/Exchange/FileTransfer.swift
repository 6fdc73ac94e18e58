// The embedded origin: serves one request from a folder, as an origin would answer it.
//
//   plan the path ─▶ copy in memory, fresh ───────────────────────────▶ answer
//                 └▶ copy in memory, old ─▶ look at the disk ─ same ──▶ answer
//                 └▶ unknown ─▶ open (and read it, if it is small) ───▶ answer, or stream from the open file
//
// A fresh copy is answered at once and allocates nothing; everything that touches the disk runs on a blocking
// thread, and a transfer object waits for it.

enum FileStep {
    static func send(_ fetch: Fetch, _ origin: FileOrigin) {
        switch fetch.request.method {
        case .get, .head: break
        case .options:
            fetch.response.status = 204
            fetch.response.fields.append(.allow, value: fetch.arena.append("GET, HEAD, OPTIONS"))
            fetch.fileAnswered(framing: .none)
            return
        default:
            fetch.apply(.failed(.notAcceptableMethod))
            return
        }
        let arena = fetch.arena
        let index = "index.html".utf8.span
        switch FilePath.plan(fetch.request.path, index: index, in: arena) {
        case .file(let path): send(fetch, origin, path, isIndex: false)
        case .index(let path): send(fetch, origin, path, isIndex: true)
        case .notFound: refuse(fetch, .fileNotFound)
        case .badRequest: fetch.apply(.failed(.badTarget))
        }
    }

    private static func send(
        _ fetch: Fetch,
        _ origin: FileOrigin,
        _ path: Slice,
        isIndex: Bool
    ) {
        let now = fetch.context.loop.now
        let arena = fetch.arena
        switch origin.cache.lookup(arena[path], now: now) {
        case .hit(let file):
            if !answer(fetch, file) { begin(fetch, origin, path, isIndex: isIndex).open() }
        case .absent: refuse(fetch, .fileNotFound)
        // Opening looks at the disk as well, and a large file is opened anyway.
        case .check(let file) where file.content == nil:
            begin(fetch, origin, path, isIndex: isIndex).open()
        case .check(let file): begin(fetch, origin, path, isIndex: isIndex).check(file)
        case .unknown: begin(fetch, origin, path, isIndex: isIndex).open()
        }
    }

    private static func begin(
        _ fetch: Fetch,
        _ origin: FileOrigin,
        _ path: Slice,
        isIndex: Bool
    ) -> FileTransfer {
        let transfer = FileTransfer(fetch, origin, path, isIndex: isIndex)
        fetch.file = transfer
        return transfer
    }

    /// There is no such file for viewers. Where functions look at the origin's answers it is one, with a page as its
    /// body; elsewhere the edge's own page says the same and costs no fetch's head.
    static func refuse(_ fetch: Fetch, _ error: EdgeError) {
        guard let exchange = fetch.exchange, let behavior = exchange.behavior,
            !behavior.functions.originResponse.isEmpty
        else {
            fetch.apply(.failed(error))
            return
        }
        let arena = fetch.arena
        let viewers = exchange.arena
        let accept = exchange.request.fields.value(of: .accept)
        let form = accept.map { EdgeErrorPage.form(accept: viewers[$0]) } ?? .html
        fetch.response.status = error.status
        fetch.response.fields.append(.contentType, value: arena.append(form.contentType))
        fetch.response.fields.append(.cacheControl, value: arena.append("no-store"))
        let id = exchange.id.text
        let page = EdgeErrorPage.render(
            form,
            status: error.status,
            word: error.word,
            requestID: id.span,
            into: arena
        )
        if fetch.request.method == .get {
            MadeBody.push(arena.copy(of: page), into: &fetch.body, fetch.context.loop.chunks)
        }
        fetch.route.refusal = error
        fetch.fileAnswered(framing: .length(Int64(page.count)))
    }

    /// Answers from memory. False: that takes bytes that are not there.
    static func answer(_ fetch: Fetch, _ file: CachedFile) -> Bool {
        // Of the viewer's fields only conditions and ranges come here: without any there is nothing to judge.
        guard fetch.request.fields.count == 0 else { return answerSelected(fetch, file) }
        let size = file.entity.size
        if fetch.request.method == .get {
            guard let range = file.range(from: 0, to: Int(size)) else { return false }
            fetch.body.push(range)
        }
        FileAnswer.describeWhole(fetch, file)
        fetch.fileAnswered(framing: .length(size))
        return true
    }

    private static func answerSelected(_ fetch: Fetch, _ file: CachedFile) -> Bool {
        let verdict = FileAnswer.judge(fetch, file)
        if file.content == nil, fetch.request.method == .get, verdict.hasBody { return false }
        do throws(EdgeError) {
            guard var body = try FileAnswer.describe(fetch, file, verdict) else {
                fetch.fileAnswered(framing: .none)
                return true
            }
            if fetch.request.method == .get { push(&body, of: file, to: fetch) }
            fetch.fileAnswered(framing: .length(body.length))
        } catch {
            fetch.apply(.failed(error))
        }
        return true
    }

    /// All of it at once: the bytes are shared, the texts are short.
    private static func push(_ body: inout BodyPieces, of file: CachedFile, to fetch: Fetch) {
        while true {
            switch body.next() {
            case .text(let text): fetch.body.push(text)
            case .bytes(let part):
                let range = file.range(from: Int(part.lowerBound), to: Int(part.upperBound))
                guard let range else { preconditionFailure("its content was asked for before") }
                fetch.body.push(range)
            case .end: return
            }
        }
    }
}

/// A transfer that waits for the disk, or streams from it.
final class FileTransfer {
    /// What a blocking thread found.
    private enum Found: Sendable {
        case small(FileEntity, Chunk)
        case large(OpenFile)
        case directory
        case missing
        case forbidden
        case notPermitted
        case failed
    }

    /// Nil once the fetch is gone; jobs that are still out come back to nobody.
    private var fetch: Fetch?
    private let loop: EventLoop
    private let origin: FileOrigin
    private let path: [UInt8]
    private let isIndex: Bool
    private var file: OpenFile?
    private var body = BodyPieces(0..<0)
    /// The piece of the body that is being read.
    private var plan = FileReadPlan(from: 0, to: 0)

    init(_ fetch: Fetch, _ origin: FileOrigin, _ path: Slice, isIndex: Bool) {
        self.fetch = fetch
        self.origin = origin
        self.isIndex = isIndex
        loop = fetch.context.loop
        self.path = fetch.arena.copy(of: path)
    }

    func cancel() { fetch = nil }

    // MARK: Finding

    /// Is the copy still what lies on the disk?
    func check(_ copy: CachedFile) {
        let root = origin.root
        let path = self.path
        offload(
            { root.status(path.span) },
            then: { [self] entity in
                guard entity == copy.entity else {
                    open()
                    return
                }
                origin.cache.confirm(copy, now: loop.now)
                if let fetch, !FileStep.answer(fetch, copy) { open() }
            }
        )
    }

    func open() {
        let root = origin.root
        let path = self.path
        offload({ Self.find(root, path) }, then: { [self] found in opened(found) })
    }

    private func opened(_ found: Found) {
        switch found {
        case .small(let entity, let content): keepAndAnswer(entity, content)
        case .large(let file): stream(file)
        case .directory: redirectToFolder()
        case .missing:
            let key = path
            origin.cache.insertAbsence(of: key.span, now: loop.now)
            if let fetch { FileStep.refuse(fetch, .fileNotFound) }
        case .forbidden: refuse(.fileForbidden)
        case .notPermitted:
            warn()
            refuse(.fileNotPermitted)
        case .failed: refuse(.fileUnreadable)
        }
    }

    private func warn() {
        guard let exchange = fetch?.exchange, let fetch, let folder = origin.told.firstIn(path)
        else { return }
        let settings = exchange.generation.configuration.origins[fetch.route.origin]
        exchange.context.events.warn(
            "file_not_permitted",
            EventField("origin", .text(settings.name)),
            EventField("folder", .text("/" + String(decoding: folder, as: UTF8.self))),
            EventField("file", .text("/" + String(decoding: path, as: UTF8.self)))
        )
    }

    /// Whatever was known of this file, it is not to be served.
    private func refuse(_ error: EdgeError) {
        let key = path
        origin.cache.remove(key.span)
        if let fetch { FileStep.refuse(fetch, error) }
    }

    private static func find(_ root: FileRoot, _ path: [UInt8]) -> Found {
        switch root.open(path.span) {
        case .file(let file):
            if let content = FileRoot.content(of: file) { return .small(file.entity, content) }
            return .large(file)
        case .directory: return .directory
        case .missing: return .missing
        case .forbidden: return .forbidden
        case .notPermitted: return .notPermitted
        case .failed: return .failed
        }
    }

    private func offload<Answer: Sendable>(
        _ work: @escaping @Sendable () -> Answer,
        then: @escaping (Answer) -> Void
    ) {
        if !loop.offload(work, then: then) { fail(.queueFull) }
    }

    private func fail(_ error: EdgeError) {
        guard let fetch else { return }
        if fetch.isStreaming { fetch.bodyFailed(error) } else { fetch.apply(.failed(error)) }
    }

    // MARK: Answering

    private func copy(_ entity: FileEntity, _ content: Chunk?) -> CachedFile {
        // A date ahead of our own clock would be a promise about the future (RFC 9110 §8.8.2.1).
        let text = HTTPDate.render(min(entity.seconds, loop.clock.wall.seconds))
        let key = path
        return CachedFile(
            path: key.span,
            entity: entity,
            lastModified: text.span,
            content: content
        )
    }

    private func keepAndAnswer(_ entity: FileEntity, _ content: Chunk) {
        let copy = copy(entity, content)
        origin.cache.insert(copy, now: loop.now)
        if let fetch, !FileStep.answer(fetch, copy) { fail(.fileUnreadable) }
    }

    private func redirectToFolder() {
        guard let fetch, !isIndex else {
            fail(.fileNotFound)
            return
        }
        let arena = fetch.arena
        fetch.response.status = FilePath.redirectStatus(isRead: true)
        let mark = arena.used
        _ = arena.append(copyOf: fetch.request.path)
        arena.append(byte: UInt8(ascii: "/"))
        if let query = fetch.request.query {
            arena.append(byte: UInt8(ascii: "?"))
            _ = arena.append(copyOf: query)
        }
        fetch.response.fields.append(.location, value: arena.slice(since: mark))
        fetch.fileAnswered(framing: .none)
    }

    // MARK: Streaming

    private func stream(_ file: OpenFile) {
        guard let fetch else { return }
        let facts = copy(file.entity, nil)
        // Without content: enough for HEAD, and for a condition that leaves no body.
        origin.cache.insert(facts, now: loop.now)
        do throws(EdgeError) {
            let verdict = FileAnswer.judge(fetch, facts)
            guard let body = try FileAnswer.describe(fetch, facts, verdict) else {
                fetch.fileAnswered(framing: .none)
                return
            }
            guard fetch.request.method == .get else {
                fetch.fileAnswered(framing: .length(body.length))
                return
            }
            self.file = file
            self.body = body
            fetch.fileHead(framing: .length(body.length))
            resume()
        } catch {
            fetch.apply(.failed(error))
        }
    }

    /// The viewer took some of the body: read on.
    func resume() {
        guard let fetch, let file, !fetch.body.isOver else { return }
        // Bodies are taken front first, so what is left of earlier pieces is taken before any of this one.
        // A body that is gathered goes on being read as if it were.
        let left = fetch.body.isGathering ? 0 : Int64(fetch.body.bufferedBytes)
        plan.didTake(Int(max(0, plan.held - left)))
        while plan.isRead {
            // The end takes no room, and is known when the last byte was read.
            guard fetch.body.isRoom(loop.chunks.allowance) || body.isAtEnd else { return }
            switch body.next() {
            case .text(let text): fetch.body.push(text)
            case .bytes(let range):
                plan = FileReadPlan(from: range.lowerBound, to: range.upperBound)
            case .end:
                fetch.bodyEnded()
                return
            }
        }
        let allowance = loop.chunks.allowance
        guard fetch.body.isRoom(allowance) else { return }
        switch plan.next(atMost: allowance < Limits.chunkLargeBytes ? Limits.chunkSmallBytes : .max)
        {
        case .wait: return
        case .finished: preconditionFailure("what was taken was read before")
        case .truncated: fetch.bodyFailed(.fileChanged)
        case .read(let next): read(next, of: file)
        }
    }

    private func read(_ read: FileReadPlan.Read, of file: OpenFile) {
        let chunk =
            read.count <= Limits.chunkSmallBytes
            ? loop.chunks.leaseSmall() : loop.chunks.leaseLarge()
        let start = chunk.filled
        offload(
            { FileRoot.read(file, at: read.offset, count: read.count, into: chunk) },
            then: { [self] reading in didRead(chunk, start, reading) }
        )
    }

    private func didRead(_ chunk: Chunk, _ start: Int, _ reading: FileReading) {
        guard let fetch else { return }
        switch reading {
        case .bytes(let count):
            plan.didRead(count)
            fetch.body.push(ChunkRange(chunk: chunk, start: start, end: start + count))
            fetch.exchange?.touchHost()
            resume()
        case .changed: fetch.bodyFailed(.fileChanged)
        case .failed: fetch.bodyFailed(.fileUnreadable)
        }
    }
}
