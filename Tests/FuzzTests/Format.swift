// The formats that come from outside, each with the property that every input has to hold. `Corpus/NAME` holds its
// inputs, `make fuzz` looks for new ones.

enum Format: String, CaseIterable {
    case requestHead = "request-head"
    case responseHead = "response-head"
    case chunkedBody = "chunked-body"
    case proxyProtocol = "proxy-protocol"
    /// What a client says to us.
    case tlsServer = "tls-server"
    /// What an origin says to us.
    case tlsClient = "tls-client"
    case luaSyntax = "lua-syntax"
    case luaConfig = "lua-config"
    case jsonConfig = "json-config"
    case json
    /// A URL and, in a line of its own, a reference to it; and the whole as a query string.
    case url
    /// What browsers send, and what servers set.
    case cookie
    case jwt
    case base64
    // Bodies in their codings.
    case gzip
    case deflate
    case brotli

    func check(_ input: [UInt8]) {
        switch self {
        case .requestHead: WireProperties.requestHead(input)
        case .responseHead: WireProperties.responseHead(input)
        case .chunkedBody: WireProperties.chunkedBody(input)
        case .proxyProtocol: WireProperties.proxyProtocol(input)
        case .tlsServer: TLSProperties.server(input)
        case .tlsClient: TLSProperties.client(input)
        case .luaSyntax: LuaProperties.luaSyntax(input)
        case .luaConfig: ConfigProperties.configuration(input)
        case .jsonConfig: ConfigProperties.json(input)
        case .json: CodecProperties.json(input)
        case .url: CodecProperties.url(input)
        case .cookie: CodecProperties.cookie(input)
        case .jwt: CodecProperties.jwt(input)
        case .base64: CodecProperties.base64(input)
        case .gzip: CodingProperties.gzip(input)
        case .deflate: CodingProperties.deflate(input)
        case .brotli: CodingProperties.brotli(input)
        }
    }
}
