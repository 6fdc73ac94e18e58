// Reads a stored body for one viewer: the whole of it, a range, or several with their texts between them.

struct StoredReader {
    let body: StoredBody
    private var pieces: BodyPieces
    /// What is left of the piece that is being read; its end is unknown while the body's length is.
    private var current: Range<Int64> = 0..<0
    /// Nil where all of the body was there from the start.
    let mark: ReaderMark?

    init(_ body: StoredBody, _ pieces: BodyPieces, _ mark: ReaderMark?) {
        self.body = body
        self.pieces = pieces
        self.mark = mark
    }

    /// All of a body whose length is not known yet.
    init(untilEndOf body: StoredBody, _ mark: ReaderMark?) {
        self.body = body
        self.mark = mark
        pieces = BodyPieces(0..<0)
        current = 0..<Int64.max
    }

    enum Need {
        case nothing
        /// The desk's ear will be told.
        case news
        /// Somebody has to fetch what comes next.
        case fetch(at: Int64)
    }

    /// Puts what is there into `flow`, as far as there is room.
    mutating func fill(
        _ flow: inout BodyFlow,
        allowance: Int,
        now: Nanoseconds,
        _ desk: CacheDesk
    ) -> Need {
        while !flow.isOver, flow.isRoom(allowance) || (current.isEmpty && pieces.isAtEnd) {
            if current.isEmpty {
                switch pieces.next() {
                case .text(let text): flow.push(text)
                case .bytes(let range): current = range
                case .end: flow.end()
                }
                continue
            }
            let place = current.lowerBound
            switch desk.index.read(body, at: place, mark, now: now, for: desk.ear) {
            case .bytes(var range):
                let count = min(Int64(range.count), current.upperBound - current.lowerBound)
                range.end = range.start + UInt32(truncatingIfNeeded: count)
                flow.push(range)
                current = place + count..<current.upperBound
            case .pending: return .news
            case .ended: flow.end()
            case .failed(let error): flow.fail(error)
            case .absent: return .fetch(at: place)
            }
        }
        return .nothing
    }
}

extension Exchange {
    /// Takes over what was stored, as an answer to this request: all of it, a part, or that it has not changed.
    func show(_ object: CachedObject) throws(EdgeError) {
        cache.object = object
        response.reset()
        object.head.restore(into: &response, arena)
        for field in cache.ownFields { response.fields.append(field) }
        guard !arena.isOverflown else { throw .arenaOverflow }
        body = .stored
        let (length, mark) = context.desk.index.open(object.body)
        if object.head.status == 200, request.fields.hasConditions {
            try showPart(object, length, mark)
        } else {
            showWhole(object.body, length, mark)
        }
        if response.status != object.head.status { response.reason = .empty }
    }

    private func showWhole(_ body: StoredBody, _ length: Int64?, _ mark: ReaderMark?) {
        if let length {
            cache.reader = StoredReader(body, BodyPieces(0..<length), mark)
        } else {
            cache.reader = StoredReader(untilEndOf: body, mark)
        }
        storedLength = length
    }

    private func showPart(
        _ object: CachedObject,
        _ length: Int64?,
        _ mark: ReaderMark?
    ) throws(EdgeError) {
        let body = object.body
        switch judge(object, length) {
        case .full: showWhole(body, length, mark)
        case .partial(let range):
            response.status = 206
            let text = ContentRange.satisfied(range, of: length ?? 0, in: arena)
            response.fields.set(.contentRange, value: text)
            read(body, BodyPieces(range), mark)
        case .multipart(let ranges):
            let type = response.fields.value(of: .contentType) ?? .empty
            let partType = arena.copy(of: type)
            let parts = try MultipartRanges(
                ranges,
                of: length ?? 0,
                partType: partType.span,
                boundary: MultipartRanges.boundary(&context.loop.random).span,
                in: arena
            )
            response.status = 206
            response.fields.set(.contentType, value: parts.contentType)
            read(body, BodyPieces(parts, arena, ledger: context.loop.chunks.ledger), mark)
        case .notModified:
            close(body, mark)
            response.status = 304
            response.fields.removeAll { !$0.id.isSentWithNotModified }
        case .unsatisfiable:
            close(body, mark)
            response.status = 416
            response.fields.removeAll { $0.id.describesContent }
            let text = ContentRange.unsatisfied(of: length ?? 0, in: arena)
            response.fields.set(.contentRange, value: text)
        case .preconditionFailed:
            close(body, mark)
            response.status = 412
            response.fields.removeAll { $0.id.describesContent }
        }
    }

    private func read(_ body: StoredBody, _ pieces: BodyPieces, _ mark: ReaderMark?) {
        storedLength = pieces.length
        cache.reader = StoredReader(body, pieces, mark)
    }

    private func close(_ body: StoredBody, _ mark: ReaderMark?) {
        made.end()
        storedLength = 0
        if let mark { context.desk.index.close(body, mark) }
    }

    var isShowingStored: Bool {
        if case .stored = body { return true }
        return false
    }

    /// Nothing is there, and nothing but news would change that.
    var isStoredEmptyForNow: Bool {
        refill()
        return made.isEmptyForNow
    }

    private func judge(_ object: CachedObject, _ length: Int64?) -> Conditional.Verdict {
        let etag = object.etag
        let verdict = Conditional.judge(
            request,
            arena,
            as: .cache,
            etag: etag.span,
            lastModified: object.lastModified,
            size: length,
            now: context.loop.clock.wall.seconds
        )
        switch verdict {
        case .partial, .multipart, .unsatisfiable:
            // A function that changes the body changes all of it.
            let isChanged = behavior.map { generation.takesBodyOfHits($0) } ?? false
            return isChanged ? .full : verdict
        case .full, .notModified, .preconditionFailed: return verdict
        }
    }

    /// More of what is stored, for the connection and for filters.
    func refill() {
        guard cache.reader != nil, !made.isOver else { return }
        let desk = context.desk
        while true {
            let need = cache.reader?.fill(
                &made,
                allowance: context.loop.chunks.allowance,
                now: context.loop.now,
                desk
            )
            guard let need, let body = cache.reader?.body, let object = cache.object else { return }
            switch need {
            case .nothing: return
            case .news:
                desk.watch(body, host)
                if let run = functions.run { desk.watch(body, run.token) }
                return
            case .fetch(let position):
                if let run = desk.index.claim(body, at: position) {
                    DiskBlockFill.start(for: self, run, of: object)
                }
            }
        }
    }
}

extension HeaderFields {
    /// Any of them there at all: most requests end here.
    var hasConditions: Bool {
        contains(.range) || contains(.ifNoneMatch) || contains(.ifModifiedSince)
            || contains(.ifMatch) || contains(.ifUnmodifiedSince)
    }
}

extension HeaderName {
    /// RFC 9110 §15.4.5, and what tells the viewer of the way.
    fileprivate var isSentWithNotModified: Bool { !describesContent || self == .etag }

    /// What belongs to a body that is not sent.
    fileprivate var describesContent: Bool {
        switch self {
        case .contentType, .contentLength, .contentEncoding, .contentLanguage, .contentRange,
            .lastModified, .contentMD5, .contentDigest, .trailer:
            true
        default: false
        }
    }
}
