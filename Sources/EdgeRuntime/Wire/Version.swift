// The protocol version that a message was sent in.

enum Version: UInt8 {
    case http10
    case http11
    case http2

    /// As in the log's `cs-protocol-version`.
    var text: StaticString {
        switch self {
        case .http10: "HTTP/1.0"
        case .http11: "HTTP/1.1"
        case .http2: "HTTP/2.0"
        }
    }
}
