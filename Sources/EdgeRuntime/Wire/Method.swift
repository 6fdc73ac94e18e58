// Request methods as a byte. What is not in the list is `.other`, forwarded as it was spelled
// (`RequestHead.methodToken`) and treated as neither safe nor idempotent.

enum Method: UInt8 {
    case get
    case head
    case post
    case put
    case delete
    case options
    case patch
    case connect
    case trace
    case other

    /// RFC 9110 §9.2.1.
    var isSafe: Bool {
        switch self {
        case .get, .head, .options, .trace: true
        case .post, .put, .delete, .patch, .connect, .other: false
        }
    }

    /// RFC 9110 §9.2.2: sending it twice is no different from sending it once.
    var isIdempotent: Bool { isSafe || self == .put || self == .delete }

    /// Empty for `.other`: only the head knows the token.
    var text: StaticString {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .patch: "PATCH"
        case .connect: "CONNECT"
        case .trace: "TRACE"
        case .other: ""
        }
    }

    /// Methods are case-sensitive (RFC 9110 §9.1): `get` is some other method.
    @inline(__always)
    static func named(_ token: Span<UInt8>) -> Self {
        let candidate: Self
        switch token.count {
        case 3: candidate = token[0] == 0x47 ? .get : .put
        case 4: candidate = token[0] == 0x48 ? .head : .post
        case 5: candidate = token[0] == 0x50 ? .patch : .trace
        case 6: candidate = .delete
        case 7: candidate = token[0] == 0x4F ? .options : .connect
        default: return .other
        }
        return token.equals(candidate.text) ? candidate : .other
    }
}
