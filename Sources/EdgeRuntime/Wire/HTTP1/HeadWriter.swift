// Heads → bytes, in two passes: one that measures, one that fills a single piece of the write queue.
//
// Framing and the fate of the connection are the edge's business, so the writer spells them itself and skips what
// fields say about them: Connection, Keep-Alive, Proxy-Connection, TE, Transfer-Encoding, Content-Length, Upgrade.
//
// Fields that pass through unchanged lie in the arena as they were received, `Name: value CRLF`, one behind the other.
// The writer copies such neighbours in one go: a forwarded head is a few long copies instead of a hundred short ones.

enum OutgoingFraming: Equatable {
    /// No word about a body: 1xx, 204, 304, requests without one.
    case none
    /// Also for answers to HEAD, where it says what GET would have got.
    case length(Int64)
    /// Not for HTTP/1.0.
    case chunked
    /// Responses only; goes with `close`.
    case untilClose
}

enum ConnectionOption: Equatable {
    case keepAlive
    case close
    /// To these protocols.
    case upgrade(Slice)
}

enum HeadWriter {
    /// We always say HTTP/1.1 (RFC 9110 §2.5: our own version, not the client's); `version` is what the other side
    /// speaks, for HTTP/1.0 keeps a connection only when it is told so.
    @inline(__always)
    static func write(
        response head: borrowing ResponseHead,
        arena: Arena,
        framing: OutgoingFraming,
        connection: ConnectionOption,
        to version: Version,
        into queue: inout WriteQueue
    ) {
        precondition(framing != .chunked || version != .http10, "HTTP/1.0 knows no chunks")
        let phrase = Status.reason(head.status)
        let room =
            measure(head.fields, connection) + startLineBytes + head.reason.count
            + phrase.utf8CodeUnitCount
        queue.append(upTo: room) { out in
            out.append("HTTP/1.1 ")
            out.append(byte: 0x30 + UInt8(truncatingIfNeeded: head.status / 100 % 10))
            out.append(byte: 0x30 + UInt8(truncatingIfNeeded: head.status / 10 % 10))
            out.append(byte: 0x30 + UInt8(truncatingIfNeeded: head.status % 10))
            out.append(byte: .space)
            if head.reason.isEmpty { out.append(phrase) } else { out.append(arena[head.reason]) }
            out.append("\r\n")
            fill(head.fields, skipping: nil, arena, &out)
            fill(framing, connection, version, arena, &out)
        }
    }

    /// The target is `path` and `query`, in origin form; `*` where the path says so. `Host` comes first
    /// (RFC 9110 §7.2 asks for it).
    @inline(__always)
    static func write(
        request head: borrowing RequestHead,
        arena: Arena,
        framing: OutgoingFraming,
        connection: ConnectionOption,
        to version: Version = .http11,
        into queue: inout WriteQueue
    ) {
        let host = head.fields.firstIndex(of: .host)
        let room =
            measure(head.fields, connection) + startLineBytes + head.methodToken.count
            + head.path.count + (head.query?.count ?? 0)
        queue.append(upTo: room) { out in
            if head.method == .other {
                out.append(arena[head.methodToken])
            } else {
                out.append(head.method.text)
            }
            out.append(byte: .space)
            out.append(arena[head.path])
            if let query = head.query {
                out.append(byte: 0x3F)
                out.append(arena[query])
            }
            out.append(" HTTP/1.1\r\n")
            if let host {
                out.append("Host: ")
                out.append(arena[head.fields[host].value])
                out.append("\r\n")
            }
            fill(head.fields, skipping: .host, arena, &out)
            fill(framing, connection, version, arena, &out)
        }
    }

    /// Method names, versions, separators of a start line, and the lines of `fill(framing…)` with room to spare.
    private static let startLineBytes = 192

    @inline(__always)
    private static func measure(
        _ fields: borrowing HeaderFields,
        _ connection: ConnectionOption
    ) -> Int {
        var room = 0
        for index in 0..<fields.count {
            let field = fields[index]
            room &+= field.name.count &+ field.value.count &+ HeaderName.longestName &+ 4
        }
        if case .upgrade(let protocols) = connection { room &+= protocols.count }
        return room
    }

    @inline(__always)
    private static func fill(
        _ fields: borrowing HeaderFields,
        skipping skipped: HeaderName?,
        _ arena: Arena,
        _ out: inout ByteFiller
    ) {
        let source = arena.bytes
        // Received lines that follow each other, not yet copied.
        var run = 0..<0
        for index in 0..<fields.count {
            let field = fields[index]
            if field.id.isWrittenByEdge || field.id == skipped { continue }
            if let line = receivedLine(field, source) {
                if line.lowerBound != run.upperBound {
                    if !run.isEmpty { out.append(source.extracting(run)) }
                    run = line.lowerBound..<line.lowerBound
                }
                run = run.lowerBound..<line.upperBound
                continue
            }
            if !run.isEmpty {
                out.append(source.extracting(run))
                run = 0..<0
            }
            let value = source.extracting(field.value.start..<field.value.end)
            if field.name.isEmpty {
                let name = field.id.canonical
                let text = Span(_unsafeStart: name.utf8Start, count: name.utf8CodeUnitCount)
                out.append(line: text, value: value)
            } else {
                let name = source.extracting(field.name.start..<field.name.end)
                out.append(line: name, value: value)
            }
        }
        if !run.isEmpty { out.append(source.extracting(run)) }
    }

    /// Where the whole line lies as it was received, when it does, in the spelling that we would give it.
    @inline(__always)
    private static func receivedLine(_ field: Field, _ source: Span<UInt8>) -> Range<Int>? {
        let name = field.name
        let value = field.value
        // In bounds by the second and the third condition.
        guard !name.isEmpty, value.start == name.end &+ 2, value.end &+ 2 <= source.count,
            source[unchecked: name.end] == .colon, source[unchecked: name.end &+ 1] == .space,
            source[unchecked: value.end] == .cr, source[unchecked: value.end &+ 1] == .lf
        else { return nil }
        return name.start..<(value.end &+ 2)
    }

    @inline(__always)
    private static func fill(
        _ framing: OutgoingFraming,
        _ connection: ConnectionOption,
        _ version: Version,
        _ arena: Arena,
        _ out: inout ByteFiller
    ) {
        switch framing {
        case .none, .untilClose: break
        case .length(let length):
            out.append("Content-Length: ")
            out.append(decimal: length)
            out.append("\r\n")
        case .chunked: out.append("Transfer-Encoding: chunked\r\n")
        }
        switch connection {
        case .keepAlive: if version == .http10 { out.append("Connection: keep-alive\r\n") }
        case .close: out.append("Connection: close\r\n")
        case .upgrade(let protocols):
            out.append("Connection: upgrade\r\nUpgrade: ")
            out.append(arena[protocols])
            out.append("\r\n")
        }
        out.append("\r\n")
    }
}

extension HeaderName {
    /// Fields that the writer spells itself or that end at this connection.
    @inline(__always)
    fileprivate var isWrittenByEdge: Bool {
        switch self {
        case .connection, .keepAlive, .proxyConnection, .te, .transferEncoding, .contentLength,
            .upgrade:
            true
        default: false
        }
    }
}
