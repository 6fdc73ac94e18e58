// From the path of a request to a path beneath a folder: the first of two walls. (The second is the kernel's:
// `FileRoot` opens nothing that leads out of the folder, whatever this file lets through.)
//
// A file has one spelling. Percent-encoding is undone once, then every segment must be a plain name:
//
//   /                 index.html                 the folder's index document
//   /a/b.txt          a/b.txt
//   /a/               a/index.html
//   /a%20b            "a b"
//   /a//b  /./a  /..  not found                  an empty or dot segment names nothing
//   /.git/config      not found                  dot files are not served; `/.well-known/…` is (RFC 8615)
//   /a%2Fb  /a\b      not found                  a slash that is not a separator, a separator that is not a slash
//   /a%00b  /a%zz     bad request                what no name can contain, and what is not an encoding

enum FilePath: Equatable {
    /// A file, relative to the root. If a folder has this name, the viewer is sent to it with a closing slash.
    case file(Slice)
    /// The index document of a folder, relative to the root.
    case index(Slice)
    case notFound
    case badRequest

    /// `path` is as received, without its query. It and the answer lie in `arena`, where there is room for the answer
    /// before the path is read: it must not move meanwhile.
    static func plan(_ path: Slice, index: Span<UInt8>, in arena: Arena) -> FilePath {
        let count = path.count + index.count
        guard count <= Limits.filePathBytesMax, arena.makeRoom(count) else { return .notFound }
        return plan(arena[path], index, arena)
    }

    private static func plan(
        _ path: Span<UInt8>,
        _ index: Span<UInt8>,
        _ arena: Arena
    ) -> FilePath {
        guard path.count > 0, path[0] == UInt8(ascii: "/") else { return .badRequest }
        let mark = arena.used
        var segment = Segment()
        var at = 1
        // What means itself is copied in one piece.
        var copied = 1
        while at < path.count {
            var byte = path[at]
            at &+= 1
            if byte == UInt8(ascii: "/") {
                guard segment.isServable else { return refuse(.notFound, arena, mark) }
                segment = Segment(isFirst: false)
                continue
            }
            if byte == UInt8(ascii: "%") {
                guard at + 2 <= path.count, let high = hexadecimal(path[at]),
                    let low = hexadecimal(path[at + 1])
                else { return refuse(.badRequest, arena, mark) }
                byte = high << 4 | low
                guard byte != UInt8(ascii: "/") else { return refuse(.notFound, arena, mark) }
                _ = arena.append(path.extracting(copied..<(at - 1)))
                arena.append(byte: byte)
                at += 2
                copied = at
            }
            guard byte != 0 else { return refuse(.badRequest, arena, mark) }
            guard byte >= 0x20, byte != 0x7f, byte != UInt8(ascii: "\\") else {
                return refuse(.notFound, arena, mark)
            }
            segment.append(byte)
        }
        _ = arena.append(path.extracting(droppingFirst: copied))
        if path[path.count - 1] == UInt8(ascii: "/") {
            _ = arena.append(index)
            return finish(.index(arena.slice(since: mark)), arena, mark)
        }
        guard segment.isServable else { return refuse(.notFound, arena, mark) }
        return finish(.file(arena.slice(since: mark)), arena, mark)
    }

    /// Where a folder's name without its closing slash leads: the same path and query with it. `path` has passed
    /// `plan`, so it does not begin with two slashes, which a browser would read as another host.
    static func location(
        ofFolder path: Span<UInt8>,
        query: Span<UInt8>?,
        into arena: Arena
    ) -> Slice {
        let mark = arena.used
        _ = arena.append(path)
        arena.append(byte: UInt8(ascii: "/"))
        if let query {
            arena.append(byte: UInt8(ascii: "?"))
            _ = arena.append(query)
        }
        return arena.slice(since: mark)
    }

    /// Old clients turn a POST into a GET after 301; after 308 none may.
    static func redirectStatus(isRead: Bool) -> UInt16 { isRead ? 301 : 308 }

    private static func refuse(_ refusal: FilePath, _ arena: Arena, _ mark: Int) -> FilePath {
        arena.release(to: mark)
        return refusal
    }

    private static func finish(_ path: FilePath, _ arena: Arena, _ mark: Int) -> FilePath {
        arena.isOverflown ? refuse(.notFound, arena, mark) : path
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte.lowercased {
        case 0x30...0x39: byte - 0x30
        case 0x61...0x66: byte.lowercased - 0x61 + 10
        default: nil
        }
    }

    /// What was seen of one segment, decoded.
    private struct Segment {
        private var count = 0
        private var beginsWithDot = false
        private var mayBeWellKnown: Bool
        private static let wellKnown: StaticString = ".well-known"
        /// What Linux file systems take.
        private static let bytesMax = 255

        init(isFirst: Bool = true) { mayBeWellKnown = isFirst }

        var isServable: Bool {
            guard count > 0, count <= Self.bytesMax else { return false }
            return !beginsWithDot
                || mayBeWellKnown && count == Self.wellKnown.utf8CodeUnitCount
        }

        mutating func append(_ byte: UInt8) {
            if count == 0 { beginsWithDot = byte == UInt8(ascii: ".") }
            defer { count += 1 }
            guard beginsWithDot else { return }
            if count >= Self.wellKnown.utf8CodeUnitCount
                || Self.wellKnown.utf8Start[count] != byte
            {
                mayBeWellKnown = false
            }
        }
    }
}
