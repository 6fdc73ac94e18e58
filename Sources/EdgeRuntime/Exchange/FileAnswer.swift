// What of a file answers a request: the verdict on its conditions and range, the status and fields that follow, and
// the body as pieces in their order.
//
//   200        bytes of the whole
//   206        bytes of one range
//   206        text, bytes, text, bytes, …, text          (multipart/byteranges)
//   304, 412, 416                                         no body
//
// An answer without a body still names the validators: a cache refreshes what it has by them, and who was refused
// learns what is there now. `Content-Type` goes only with bytes.

extension Conditional.Verdict {
    var hasBody: Bool {
        switch self {
        case .full, .partial, .multipart: true
        case .notModified, .preconditionFailed, .unsatisfiable: false
        }
    }
}

enum FileAnswer {
    static func judge(_ fetch: Fetch, _ file: CachedFile) -> Conditional.Verdict {
        Conditional.judge(
            fetch.request,
            fetch.arena,
            etag: file.etag,
            lastModified: file.entity.seconds,
            size: file.entity.size,
            now: fetch.context.loop.clock.wall.seconds
        )
    }

    /// Writes the response's head. Nil: the status has no body.
    static func describe(
        _ fetch: Fetch,
        _ file: CachedFile,
        _ verdict: Conditional.Verdict
    ) throws(EdgeError) -> BodyPieces? {
        let arena = fetch.arena
        let size = file.entity.size
        switch verdict {
        case .full:
            describeWhole(fetch, file)
            return BodyPieces(0..<size)
        case .notModified: begin(fetch, file, status: 304)
        case .preconditionFailed: begin(fetch, file, status: 412)
        case .unsatisfiable:
            begin(fetch, file, status: 416)
            let range = ContentRange.unsatisfied(of: size, in: arena)
            fetch.response.fields.append(.contentRange, value: range)
        case .partial(let range):
            begin(fetch, file, status: 206)
            fetch.response.fields.append(.contentType, value: arena.append(file.contentType))
            let text = ContentRange.satisfied(range, of: size, in: arena)
            fetch.response.fields.append(.contentRange, value: text)
            return BodyPieces(range)
        case .multipart(let ranges):
            begin(fetch, file, status: 206)
            let type = arena.append(file.contentType)
            let parts = try MultipartRanges(
                ranges,
                of: size,
                partType: arena.copy(of: type).span,
                boundary: MultipartRanges.boundary(&fetch.context.loop.random).span,
                in: arena
            )
            fetch.response.fields.append(.contentType, value: parts.contentType)
            return BodyPieces(parts, arena, ledger: fetch.context.loop.chunks.ledger)
        }
        return nil
    }

    static func describeWhole(_ fetch: Fetch, _ file: CachedFile) {
        begin(fetch, file, status: 200)
        fetch.response.fields.append(.contentType, value: fetch.arena.append(file.contentType))
    }

    private static func begin(_ fetch: Fetch, _ file: CachedFile, status: UInt16) {
        let arena = fetch.arena
        fetch.response.status = status
        fetch.response.fields.append(.etag, value: arena.append(file.etag))
        fetch.response.fields.append(.lastModified, value: arena.append(file.lastModified))
        fetch.response.fields.append(.acceptRanges, value: arena.append("bytes"))
    }
}
