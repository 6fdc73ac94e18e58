// The head of a request: what was asked for, of whom, in which words. Slices name bytes of the exchange's arena.

/// The four ways to write a request target (RFC 9112 §3.2).
enum TargetForm: UInt8 {
    case origin
    case absolute
    case authority
    case asterisk
}

struct RequestHead: ~Copyable {
    enum Scheme: UInt8 {
        case http
        case https
    }

    var method = Method.get
    /// The method as it was spelled.
    var methodToken = Slice.empty
    /// The target as it was received, for the log. What goes on is `path` and `query`.
    var target = Slice.empty
    var form = TargetForm.origin
    /// As received, never decoded and never normalised. `*` for the asterisk form, empty for CONNECT.
    var path = Slice.empty
    /// Without its `?`. Nil where there was none; `/a?` has an empty one.
    var query: Slice?
    /// `host[:port]` as it was sent: the target's in absolute and authority form, else that of `Host`.
    var authority = Slice.empty
    /// The host alone, in small letters, without port, brackets and the root's dot. Empty when none was sent.
    var host = Slice.empty
    var port: UInt16?
    /// Of an absolute-form target, or HTTP/2's `:scheme`.
    var scheme: Scheme?
    var version = Version.http11
    var fields = HeaderFields()

    init() {}

    mutating func reset() {
        method = .get
        methodToken = .empty
        target = .empty
        form = .origin
        path = .empty
        query = nil
        authority = .empty
        host = .empty
        port = nil
        scheme = nil
        version = .http11
        fields.reset()
    }

    /// All that another head says, in this one's memory.
    mutating func copy(_ other: borrowing RequestHead, from source: Arena, into arena: Arena) {
        reset()
        method = other.method
        methodToken = arena.append(other.methodToken, from: source)
        target = arena.append(other.target, from: source)
        form = other.form
        path = arena.append(other.path, from: source)
        query = other.query.map { arena.append($0, from: source) }
        authority = arena.append(other.authority, from: source)
        host = arena.append(other.host, from: source)
        port = other.port
        scheme = other.scheme
        version = other.version
        fields.append(other.fields, from: source, into: arena)
    }
}
