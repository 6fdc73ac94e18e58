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
            answerWithoutBody(fetch)
            return
        default:
            fetch.apply(.failed(.notAcceptableMethod))
            return
        }
        let arena = fetch.arena
        let index = "index.html".utf8.span
        switch FilePath.plan(arena[fetch.request.path], index: index, into: arena) {
        case .file(let path): send(fetch, origin, path, isIndex: false)
        case .index(let path): send(fetch, origin, path, isIndex: true)
        case .notFound: fetch.apply(.failed(.fileNotFound))
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
        case .hit(let file): answer(fetch, file)
        case .absent: fetch.apply(.failed(.fileNotFound))
        case .check(let file):
            let transfer = FileTransfer(fetch, origin, path, isIndex: isIndex)
            fetch.file = transfer
            transfer.check(file)
        case .unknown:
            let transfer = FileTransfer(fetch, origin, path, isIndex: isIndex)
            fetch.file = transfer
            transfer.open()
        }
    }

    static func answerWithoutBody(_ fetch: Fetch) {
        fetch.body.end()
        fetch.fileHead(framing: .none)
        fetch.bodyEnded()
    }

    /// Answers from a copy in memory.
    static func answer(_ fetch: Fetch, _ file: CachedFile) {
        describe(fetch, file)
        let size = file.entity.size
        guard let part = judge(fetch, file) else {
            answerWithoutBody(fetch)
            return
        }
        if fetch.request.method == .get,
            let range = file.range(from: Int(part.lowerBound), to: Int(part.upperBound))
        {
            fetch.body.push(range)
        }
        _ = size
        fetch.body.end()
        fetch.fileHead(framing: .length(Int64(part.count)))
        fetch.bodyEnded()
    }

    static func describe(_ fetch: Fetch, _ file: CachedFile) {
        let arena = fetch.arena
        fetch.response.status = 200
        fetch.response.fields.append(.contentType, value: arena.append(file.contentType))
        fetch.response.fields.append(.etag, value: arena.append(file.etag))
        fetch.response.fields.append(.lastModified, value: arena.append(file.lastModified))
        fetch.response.fields.append(.acceptRanges, value: arena.append("bytes"))
    }

    /// Applies the request's conditions and range. Nil: there is no body; the status says why.
    static func judge(_ fetch: Fetch, _ file: CachedFile) -> Range<Int64>? {
        0..<file.entity.size
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
        case failed
    }

    /// Nil once the fetch is gone; jobs that are still out come back to nobody.
    private var fetch: Fetch?
    private let loop: EventLoop
    private let origin: FileOrigin
    private let path: [UInt8]
    private let isIndex: Bool
    private var file: OpenFile?
    private var plan = FileReadPlan(from: 0, to: 0)
    private var left: Int64 = 0

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
                if let fetch { FileStep.answer(fetch, copy) }
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
            fetch?.apply(.failed(.fileNotFound))
        case .forbidden: fetch?.apply(.failed(.fileForbidden))
        case .failed: fetch?.apply(.failed(.fileUnreadable))
        }
    }

    private static func find(_ root: FileRoot, _ path: [UInt8]) -> Found {
        switch root.open(path.span) {
        case .file(let file):
            if let content = FileRoot.content(of: file) { return .small(file.entity, content) }
            return .large(file)
        case .directory: return .directory
        case .missing: return .missing
        case .forbidden: return .forbidden
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
        let text = HTTPDate.render(entity.seconds)
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
        if let fetch { FileStep.answer(fetch, copy) }
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
        FileStep.answerWithoutBody(fetch)
    }

    // MARK: Streaming

    private func stream(_ file: OpenFile) {
        guard let fetch else { return }
        let facts = copy(file.entity, nil)
        FileStep.describe(fetch, facts)
        guard let part = FileStep.judge(fetch, facts) else {
            FileStep.answerWithoutBody(fetch)
            return
        }
        self.file = file
        plan = FileReadPlan(from: part.lowerBound, to: part.upperBound)
        left = part.upperBound - part.lowerBound
        let isRead = fetch.request.method == .get
        fetch.fileHead(framing: .length(part.upperBound - part.lowerBound))
        guard isRead else {
            self.fetch?.bodyEnded()
            return
        }
        resume()
    }

    /// The viewer took some of the body: read on.
    func resume() {
        guard let fetch, let file, !fetch.body.isOver else { return }
        let taken = plan.held - Int64(fetch.body.bufferedBytes)
        if taken > 0 { plan.didTake(Int(taken)) }
        switch plan.next() {
        case .wait: return
        case .finished: fetch.bodyEnded()
        case .truncated: fetch.bodyFailed(.originTruncated)
        case .read(let read):
            let chunk = loop.chunks.leaseLarge()
            let start = chunk.filled
            offload(
                {
                    do throws(SystemError) {
                        return try FileRoot.read(
                            file,
                            at: read.offset,
                            count: read.count,
                            into: chunk
                        )
                    } catch {
                        return -1
                    }
                },
                then: { [self] (count: Int) in didRead(chunk, start, count) }
            )
        }
    }

    private func didRead(_ chunk: Chunk, _ start: Int, _ count: Int) {
        guard let fetch else { return }
        guard count >= 0 else {
            fetch.bodyFailed(.fileUnreadable)
            return
        }
        plan.didRead(count)
        fetch.body.push(ChunkRange(chunk: chunk, start: start, end: start + count))
        fetch.exchange?.touchHost()
        left -= Int64(count)
        // The end is known when the last byte was read, whether or not it was taken.
        if left == 0 { fetch.bodyEnded() } else { resume() }
    }
}
