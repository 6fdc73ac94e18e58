// What a filler asks of the origin beyond what the viewer asked: whether a stored object is still right, or the
// blocks of which the viewer wants a part.

enum FillRequest {
    /// The origin may say in one line that nothing has changed.
    static func ask(_ own: Exchange, about known: CachedObject) {
        if !known.etag.isEmpty {
            own.request.fields.append(.ifNoneMatch, value: own.arena.append(array: known.etag))
        }
        if let date = known.lastModified {
            let text = HTTPDate.render(date)
            own.request.fields.append(.ifModifiedSince, value: own.arena.append(text.span))
        }
    }

    /// Of a range the block with its first byte: the object's length, and what is needed first. What follows is
    /// fetched when it is read. The end of an object of unknown length cannot be asked for, so its start is.
    static func range(_ own: Exchange, of leader: Exchange, _ rule: CacheRule) {
        guard let value = leader.request.fields.value(of: .range), !leader.machine.isErrorPage,
            !leader.isHead,
            leader.request.fields.count(of: .range) == 1, !takesWhole(leader)
        else { return }
        let arena = leader.arena
        let first: Int64
        // Longer than anything: whatever has a start lies in its lower half.
        let size: Int64 = 1 << 62
        switch ByteRanges.parse(arena[value], size: size) {
        case .one(let range): first = range.lowerBound
        case .many(let ranges): first = ranges[0].lowerBound
        case .whole, .unsatisfiable: return
        }
        let start = first > size / 2 ? 0 : first / Int64(rule.blockBytes) * Int64(rule.blockBytes)
        write(own, start..<start + Int64(rule.blockBytes))
    }

    static func block(_ own: Exchange, _ run: BodyRun, of object: CachedObject) {
        write(own, object.body.range(of: run))
        own.request.fields.append(.ifRange, value: own.arena.append(array: object.etag))
    }

    /// Functions that look at bodies look at all of them.
    private static func takesWhole(_ exchange: Exchange) -> Bool {
        exchange.behavior.map { exchange.generation.takesResponseBody($0) } ?? true
    }

    private static func write(_ own: Exchange, _ range: Range<Int64>) {
        let arena = own.arena
        let mark = arena.used
        _ = arena.append("bytes=")
        _ = arena.append(DecimalDigits(range.lowerBound).span)
        _ = arena.append("-")
        _ = arena.append(DecimalDigits(range.upperBound - 1).span)
        own.request.fields.append(.range, value: arena.slice(since: mark))
    }
}
