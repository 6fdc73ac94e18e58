// Entity tags (RFC 9110 §8.8.3) and the two ways to compare them.
//
//   ETag: "xyzzy"   strong: same bytes        weak = W/"1"  W/"1"  same      strong: neither
//   ETag: W/"1"     weak: same meaning               W/"1"  "1"    same      strong: different
//                                                    "1"    "1"    same      strong: same
//
// Backslashes are ordinary bytes in a tag, so the lists of `FieldSyntax`, whose quotes know escapes, do not fit.
// Broken origins send tags without quotes, and browsers bring them back as they were: such a tag can be compared,
// but it is never strong.

enum EntityTag {
    /// "These are the same bytes": If-Match, If-Range.
    static func matchesStrongly(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
        isStrong(left) && left.equals(right)
    }

    /// "One does for the other": If-None-Match. Nothing matches a representation without a tag.
    static func matchesWeakly(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
        let mine = left.extracting(opaque(left))
        return mine.count > 0 && mine.equals(right.extracting(opaque(right)))
    }

    static func isStrong(_ tag: Span<UInt8>) -> Bool {
        tag.count >= 2 && tag[0] == .quote && tag[tag.count - 1] == .quote
    }

    /// `W/` is spelled like that and not otherwise.
    static func isWeak(_ tag: Span<UInt8>) -> Bool { tag.starts(with: "W/") }

    /// The next tag of a list, `W/` and quotes included. Commas inside of quotes do not separate; what stands
    /// between the end of a tag and the next comma belongs to it, so that it cannot match by accident.
    static func next(_ value: Span<UInt8>, _ position: inout Int) -> Range<Int>? {
        while position < value.count {
            let start = position
            var at = start
            var isQuoted = false
            while at < value.count, isQuoted || value[at] != .comma {
                if value[at] == .quote { isQuoted.toggle() }
                at += 1
            }
            position = at + 1
            let tag = value.trimmed(start, at)
            if !tag.isEmpty { return tag }
        }
        return nil
    }

    private static func opaque(_ tag: Span<UInt8>) -> Range<Int> {
        (isWeak(tag) ? 2 : 0)..<tag.count
    }
}
