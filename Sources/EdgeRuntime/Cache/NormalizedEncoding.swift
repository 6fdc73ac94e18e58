// `Accept-Encoding` reduced to what makes a difference (§2.6 of the contract): which of the codings that the edge
// knows a viewer takes. There are hundreds of spellings and four objects.
//
//   viewer sends                       key            origin is sent
//   br and gzip                        br, gzip       br,gzip
//   one of them                        that one       that one
//   neither                            nothing        identity
//   no field, or HTTP/1.0              nothing        no field
//
// A weight of zero refuses a coding wherever else it is listed; other weights are not weighed. `*` stands for gzip
// alone: it names no coding that the client is known to have, and that one every client has. `identity;q=0` changes
// nothing: a client that takes none of our codings is sent what there is (RFC 9110 §12.5.3).

enum NormalizedEncoding: UInt8, Sendable, CaseIterable {
    /// Without the field, from HTTP/1.0, or where the behaviour does not compress: then it is a field like any other.
    case none
    /// The field is there and names neither.
    case identity
    case gzip
    case brotli
    case brotliAndGzip

    init(_ request: borrowing RequestHead, _ arena: Arena, compress: Bool) {
        guard compress, request.version != .http10, request.fields.contains(.acceptEncoding) else {
            self = .none
            return
        }
        var gzip = Wish.unsaid
        var brotli = Wish.unsaid
        var anything = Wish.unsaid
        var next = request.fields.firstIndex(of: .acceptEncoding)
        while let index = next {
            let text = arena[request.fields[index].value]
            var position = 0
            while let range = FieldSyntax.nextElement(text, &position) {
                let element = text.extracting(range)
                let coding = element.extracting(FieldSyntax.head(element))
                let isRefused = FieldSyntax.quality(element) == 0
                if coding.equalsIgnoringCase("gzip") || coding.equalsIgnoringCase("x-gzip") {
                    gzip.hear(isRefused)
                } else if coding.equalsIgnoringCase("br") {
                    brotli.hear(isRefused)
                } else if coding.equals("*") {
                    anything.hear(isRefused)
                }
            }
            next = request.fields.firstIndex(of: .acceptEncoding, from: index + 1)
        }
        let takesGzip = gzip == .taken || (gzip == .unsaid && anything == .taken)
        self =
            brotli == .taken
            ? (takesGzip ? .brotliAndGzip : .brotli) : (takesGzip ? .gzip : .identity)
    }

    var acceptsGzip: Bool { self == .gzip || self == .brotliAndGzip }
    var acceptsBrotli: Bool { self == .brotli || self == .brotliAndGzip }

    /// What the origin is asked for. nil: the field is not sent.
    var originValue: StaticString? {
        switch self {
        case .none: nil
        case .identity: "identity"
        case .gzip: "gzip"
        case .brotli: "br"
        case .brotliAndGzip: "br,gzip"
        }
    }

    /// The key's part: without a coding it is the same object.
    var keyBits: UInt64 {
        switch self {
        case .none, .identity: 0
        case .gzip: 1
        case .brotli: 2
        case .brotliAndGzip: 3
        }
    }

    private enum Wish {
        case unsaid
        case taken
        case refused

        mutating func hear(_ isRefused: Bool) {
            if isRefused { self = .refused } else if self == .unsaid { self = .taken }
        }
    }
}
