// Every name that a function can read or set on its event: the one table from which dispatch, the check, the
// editor's stubs and docs/lua-api.md are made.

enum ViewKind: Int, CaseIterable {
    case event = 1
    case request
    case requestHeaders
    case query
    case requestCookies
    case requestBody
    case response
    case responseHeaders
    case responseCookies
    case responseBody
    case viewer
    case tls
    case origin
    case log
    case cache
    /// Looks at nothing: JSON's `null`.
    case null

    /// As a class of the editor's stubs and a section of the documentation.
    var name: String {
        switch self {
        case .event: "event"
        case .request: "request"
        case .requestHeaders: "request.headers"
        case .query: "request.query"
        case .requestCookies: "request.cookies"
        case .requestBody: "request.body"
        case .response: "response"
        case .responseHeaders: "response.headers"
        case .responseCookies: "response.cookies"
        case .responseBody: "response.body"
        case .viewer: "viewer"
        case .tls: "viewer.tls"
        case .origin: "origin"
        case .log: "event.log"
        case .cache: "cache"
        case .null: "null"
        }
    }

    /// Any name may be asked for, not only those of a list.
    var isMap: Bool {
        switch self {
        case .requestHeaders, .query, .requestCookies, .responseHeaders, .responseCookies, .log:
            true
        case .event, .request, .requestBody, .response, .responseBody, .viewer, .tls, .origin,
            .cache, .null:
            false
        }
    }
}

enum ViewField: Int, CaseIterable {
    case eventID
    case eventStage
    case eventFunction
    case eventGeneration
    case eventDistribution
    case eventBehavior
    case eventRequest
    case eventResponse
    case eventViewer
    case eventOrigin
    case eventState
    case eventOptions
    case eventSecrets
    case eventLog
    case eventCache
    case requestMethod
    case requestPath
    case requestQueryString
    case requestQuery
    case requestHost
    case requestVersion
    case requestHeaders
    case requestCookies
    case requestBody
    case requestCache
    case requestCacheKey
    case responseStatus
    case responseSource
    case responseTTL
    case responseTags
    case responseHeaders
    case responseCookies
    case responseBody
    case viewerIP
    case viewerPort
    case viewerProtocol
    case viewerCountry
    case viewerRegion
    case viewerCity
    case viewerASN
    case viewerTLS
    case tlsVersion
    case tlsCipher
    case originName
    case cacheVerdict
    case cacheReason
    case cacheAge

    struct Row {
        var kind: ViewKind
        var name: StaticString
        var type: StaticString
        var readable: StageSet
        var writable: StageSet
        var sentence: StaticString

        init(
            _ kind: ViewKind,
            _ name: StaticString,
            _ type: StaticString,
            _ sentence: StaticString,
            in readable: StageSet = .all,
            writable: StageSet = []
        ) {
            self.kind = kind
            self.name = name
            self.type = type
            self.sentence = sentence
            self.readable = readable
            self.writable = writable
        }
    }

    var row: Row {
        switch self {
        case .eventID:
            Row(.event, "id", "string", "The request's id, as in `X-Edge-Id` and the access log.")
        case .eventStage: Row(.event, "stage", "string", "The stage that runs.")
        case .eventFunction: Row(.event, "name", "string", "The function's name and generation.")
        case .eventGeneration: Row(.event, "generation", "integer", "Of the configuration.")
        case .eventDistribution: Row(.event, "distribution", "string", "The distribution's name.")
        case .eventBehavior: Row(.event, "behavior", "string", "The behaviour's path pattern.")
        case .eventRequest: Row(.event, "request", "request", "What was asked for.")
        case .eventResponse:
            Row(.event, "response", "response", "What will be answered.", in: .response)
        case .eventViewer: Row(.event, "viewer", "viewer", "Who asks.")
        case .eventOrigin:
            Row(
                .event,
                "origin",
                "origin",
                "Who is asked. Assign the name of another origin to ask that one.",
                in: [.originRequest, .originResponse],
                writable: .originRequest
            )
        case .eventState:
            Row(.event, "state", "table", "One table for all stages of this request.")
        case .eventOptions: Row(.event, "options", "table", "What the attachment's `options` say.")
        case .eventSecrets:
            Row(.event, "secrets", "table", "The values of the attachment's `secrets`.")
        case .eventLog:
            Row(.event, "log", "log", "Fields of your own in the access log: assign to a name.")
        case .eventCache:
            Row(
                .event,
                "cache",
                "cache?",
                "What the cache made of the request; nil where it was not asked.",
                in: .viewerResponse
            )
        case .requestMethod:
            Row(.request, "method", "string", "In capitals.", writable: .request)
        case .requestPath:
            Row(
                .request,
                "path",
                "string",
                "As received, never decoded; begins with `/`.",
                writable: .request
            )
        case .requestQueryString:
            Row(
                .request,
                "query_string",
                "string?",
                "As received, without `?`; nil where there is none.",
                writable: .request
            )
        case .requestQuery:
            Row(.request, "query", "request.query", "The arguments by name, decoded.")
        case .requestHost:
            Row(.request, "host", "string", "In small letters, without port.")
        case .requestVersion: Row(.request, "version", "string", "`1.0`, `1.1` or `2`.")
        case .requestHeaders: Row(.request, "headers", "request.headers", "The fields by name.")
        case .requestCookies: Row(.request, "cookies", "request.cookies", "The cookies by name.")
        case .requestBody:
            Row(
                .request,
                "body",
                "request.body",
                "Assign a string to replace it, or what `map` gives to change it as it flows.",
                in: .request,
                writable: .request
            )
        case .requestCache:
            Row(
                .request,
                "cache",
                "string?",
                "`\"pass\"`: for this viewer alone, neither looked up nor kept.",
                in: .viewerRequest,
                writable: .viewerRequest
            )
        case .requestCacheKey:
            Row(
                .request,
                "cache_key",
                "string?",
                "Part of the cache key besides what the behaviour names: tells apart what would be one object.",
                in: .viewerRequest,
                writable: .viewerRequest
            )
        case .responseTTL:
            Row(
                .response,
                "ttl",
                "number?",
                "Seconds for which it is kept, whatever it says itself; `no-store`, `private` and `no-cache` hold.",
                in: .originResponse,
                writable: .originResponse
            )
        case .responseTags:
            Row(
                .response,
                "tags",
                "string[]",
                "What it can be purged by. Assign a list to replace what the origin sent.",
                in: .originResponse,
                writable: .originResponse
            )
        case .responseStatus:
            Row(
                .response,
                "status",
                "integer",
                "200 to 599.",
                in: .response,
                writable: .response
            )
        case .responseSource:
            Row(
                .response,
                "source",
                "string",
                "Whose answer it is: `origin`, `cache`, `function` or `edge`.",
                in: .response
            )
        case .responseHeaders:
            Row(.response, "headers", "response.headers", "The fields by name.", in: .response)
        case .responseCookies:
            Row(.response, "cookies", "response.cookies", "`Set-Cookie` by name.", in: .response)
        case .responseBody:
            Row(
                .response,
                "body",
                "response.body",
                "Assign a string to replace it, or what `map` gives to change it as it flows.",
                in: .response,
                writable: .response
            )
        case .viewerIP: Row(.viewer, "ip", "string", "The viewer's address.")
        case .viewerPort: Row(.viewer, "port", "integer", "The viewer's port.")
        case .viewerProtocol: Row(.viewer, "protocol", "string", "`http` or `https`.")
        case .viewerCountry:
            Row(.viewer, "country", "string?", "ISO 3166-1 alpha-2, where it is known.")
        case .viewerRegion: Row(.viewer, "region", "string?", "ISO 3166-2, where it is known.")
        case .viewerCity: Row(.viewer, "city", "string?", "Where it is known.")
        case .viewerASN: Row(.viewer, "asn", "integer?", "The number of its network.")
        case .viewerTLS: Row(.viewer, "tls", "viewer.tls?", "Nil over plain HTTP.")
        case .tlsVersion: Row(.tls, "version", "string", "`TLSv1.2` or `TLSv1.3`.")
        case .tlsCipher: Row(.tls, "cipher", "string", "The cipher suite's name.")
        case .originName:
            Row(
                .origin,
                "name",
                "string",
                "As in the configuration.",
                in: [.originRequest, .originResponse]
            )
        case .cacheVerdict:
            Row(.cache, "verdict", "string", "`hit`, `miss` or `passed`.", in: .viewerResponse)
        case .cacheReason:
            Row(
                .cache,
                "reason",
                "string",
                "The word of the access log: `fresh`, `absent`, `stale`, `set_cookie`, …",
                in: .viewerResponse
            )
        case .cacheAge:
            Row(
                .cache,
                "age",
                "integer?",
                "Seconds since the origin made or confirmed what is shown; nil if it is not stored.",
                in: .viewerResponse
            )
        }
    }

    /// What asking for it gives, where that is another view.
    var view: ViewKind? {
        switch self {
        case .eventRequest: .request
        case .eventResponse: .response
        case .eventViewer: .viewer
        case .eventLog: .log
        case .requestQuery: .query
        case .requestHeaders: .requestHeaders
        case .requestCookies: .requestCookies
        case .requestBody: .requestBody
        case .responseHeaders: .responseHeaders
        case .responseCookies: .responseCookies
        case .responseBody: .responseBody
        default: nil
        }
    }

    /// As a function spells it: `event.request.path`.
    var path: String {
        let row = row
        switch row.kind {
        case .event: return "event.\(row.name)"
        case .tls: return "event.viewer.tls.\(row.name)"
        case .cache: return "event.cache.\(row.name)"
        default: return "event.\(row.kind.name).\(row.name)"
        }
    }
}
