// What the conditions of a request make of a representation that we have (RFC 9110 §13), and which part of it is
// sent (§14). To be asked only when the answer without conditions would be a success: an error stays an error.
//
//   1  If-Match             strong, any listed        no → 412                    an origin's question
//   2  If-Unmodified-Since  only without 1            changed since → 412         an origin's question
//   3  If-None-Match        weak, any listed          yes → 304; 412 unless GET, HEAD
//   4  If-Modified-Since    only without 3; GET, HEAD unchanged → 304
//   5  If-Range             strong, only with Range   no → the whole
//   6  Range                GET only                  206, 416, or the whole
//
// A condition that cannot be read is handled as its paragraph says: dates are ignored, tags match nothing.

enum Conditional {
    enum Verdict: Equatable {
        case full
        case notModified
        case preconditionFailed
        case partial(Range<Int64>)
        case multipart(RangeList)
        case unsatisfiable
    }

    /// Who is asking. 1 and 2 protect what is at the origin; a cache must not answer for it (RFC 9111 §4.3.2).
    enum Role {
        case origin
        case cache
    }

    /// The representation: its tag (empty without one), when it was changed, in seconds since 1970, and its length
    /// (nil while it is not known: no ranges). A cache gives the stored `Date` where `Last-Modified` is missing.
    static func judge(
        _ request: borrowing RequestHead,
        _ arena: Arena,
        as role: Role = .origin,
        etag: Span<UInt8>,
        lastModified: Int64?,
        size: Int64?,
        now: Int64
    ) -> Verdict {
        switch request.method {
        // Nothing is selected or changed (§13.2.1).
        case .connect, .options, .trace: return .full
        case .get, .head, .post, .put, .delete, .patch, .other: break
        }
        if role == .origin, isRefused(request.fields, arena, etag, lastModified, now) {
            return .preconditionFailed
        }
        let isRead = request.method == .get || request.method == .head
        if request.fields.contains(.ifNoneMatch) {
            if names(.ifNoneMatch, request.fields, arena, etag, isStrong: false) {
                return isRead ? .notModified : .preconditionFailed
            }
        } else if isRead, let since = date(.ifModifiedSince, request.fields, arena, now),
            let lastModified, lastModified <= since
        {
            return .notModified
        }
        guard request.method == .get, let size, request.fields.count(of: .range) == 1,
            let range = request.fields.value(of: .range),
            mayBePartial(request.fields, arena, etag, lastModified, now)
        else { return .full }
        switch ByteRanges.parse(arena[range], size: size) {
        case .whole: return .full
        case .one(let part): return .partial(part)
        case .many(let parts): return .multipart(parts)
        case .unsatisfiable: return .unsatisfiable
        }
    }

    /// Steps 1 and 2: whether the client wants something else than what is there.
    private static func isRefused(
        _ fields: borrowing HeaderFields,
        _ arena: Arena,
        _ etag: Span<UInt8>,
        _ lastModified: Int64?,
        _ now: Int64
    ) -> Bool {
        if fields.contains(.ifMatch) {
            return !names(.ifMatch, fields, arena, etag, isStrong: true)
        }
        guard let since = date(.ifUnmodifiedSince, fields, arena, now), let lastModified else {
            return false
        }
        return lastModified > since
    }

    /// Step 5. A date is strong when the second it names was over when it was given out; that of a file being
    /// written right now may stand for two contents.
    private static func mayBePartial(
        _ fields: borrowing HeaderFields,
        _ arena: Arena,
        _ etag: Span<UInt8>,
        _ lastModified: Int64?,
        _ now: Int64
    ) -> Bool {
        guard let first = fields.value(of: .ifRange) else { return true }
        guard fields.count(of: .ifRange) == 1 else { return false }
        let value = arena[first]
        if EntityTag.isWeak(value) || EntityTag.isStrong(value) {
            return EntityTag.matchesStrongly(value, etag)
        }
        guard let lastModified, lastModified < now else { return false }
        return HTTPDate.parse(value, now: now) == lastModified
    }

    /// Whether a list of tags names the representation. The star is alone in its value: in a list it is no tag,
    /// and taking it for one would answer 304 to a client that has nothing.
    private static func names(
        _ id: HeaderName,
        _ fields: borrowing HeaderFields,
        _ arena: Arena,
        _ etag: Span<UInt8>,
        isStrong: Bool
    ) -> Bool {
        let isAlone = fields.count(of: id) == 1
        var next = fields.firstIndex(of: id)
        while let index = next {
            let value = arena[fields[index].value]
            if isAlone, value.equals("*") { return true }
            var position = 0
            while let range = EntityTag.next(value, &position) {
                let tag = value.extracting(range)
                let matches =
                    isStrong
                    ? EntityTag.matchesStrongly(tag, etag) : EntityTag.matchesWeakly(tag, etag)
                if matches { return true }
            }
            next = fields.firstIndex(of: id, from: index + 1)
        }
        return false
    }

    /// nil for what is no date, or is said twice: both are to be ignored.
    private static func date(
        _ id: HeaderName,
        _ fields: borrowing HeaderFields,
        _ arena: Arena,
        _ now: Int64
    ) -> Int64? {
        guard let value = fields.value(of: id), fields.count(of: id) == 1 else { return nil }
        return HTTPDate.parse(arena[value], now: now)
    }
}
