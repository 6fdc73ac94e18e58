// Whether the edge codes a response as it is fetched, row by row of §9 of the contract, and what that does to its head.
//
//   of the behaviour   compress is on; it caches; the key does not name Accept-Encoding itself; no function of
//                      viewer_response takes the body: it works on the bytes themselves, hit by hit
//   of the response    200, 403 or 404; no Content-Encoding, whatever its value; a type of the list; no no-transform;
//                      1,000 to 10,000,000 bytes
//   of the viewer      takes one of our codings, brotli before gzip; asks for no range
//
// A length that is not known: what the origin sends without one is left as it is, which is the contract's row, and keeps
// streams that have no end out. A body that a function of ours changes as it flows has lost its length to us, not to
// the origin: it is coded, since the operator would else pay for a hook with the compression.
//
// A viewer's own `no-transform` has no say: the object is everybody's. A 304 brings the head of what the origin has;
// an object that was coded is rewritten again then, and one that was not is not coded (the contract's last row).

enum CompressionRule {
    enum Verdict: Equatable {
        case identity(Reason)
        case encode(ContentCoding)
    }

    enum Reason: UInt8, CaseIterable {
        case off
        case notCached
        case encodingInKey
        case functionTakesBody
        case status
        case alreadyCoded
        case contentType
        case noTransform
        case lengthUnknown
        case tooSmall
        case tooLarge
        case range
        case viewer
        /// Found when the encoder is made: the loop has not the memory for one more.
        case busy

        var word: StaticString {
            switch self {
            case .off: "off"
            case .notCached: "not_cached"
            case .encodingInKey: "encoding_in_key"
            case .functionTakesBody: "function_takes_body"
            case .status: "status"
            case .alreadyCoded: "already_coded"
            case .contentType: "content_type"
            case .noTransform: "no_transform"
            case .lengthUnknown: "length_unknown"
            case .tooSmall: "too_small"
            case .tooLarge: "too_large"
            case .range: "range"
            case .viewer: "viewer"
            case .busy: "busy"
            }
        }

        /// Another request for the same gets it coded: `Vary` has to say so.
        var isOfThisRequest: Bool {
            switch self {
            case .range, .viewer, .busy: true
            case .off, .notCached, .encodingInKey, .functionTakesBody, .status, .alreadyCoded,
                .contentType, .noTransform, .lengthUnknown, .tooSmall, .tooLarge:
                false
            }
        }
    }

    enum Length: Equatable {
        case known(Int64)
        /// The origin did not say it.
        case unknown
        /// A function changes the bytes as they flow.
        case changed
    }

    /// Whether anything of this behaviour is ever coded: then `Accept-Encoding` is normalised, and part of the key.
    static func isOn(_ behavior: Behavior) -> Bool { refusal(behavior) == nil }

    static func judge(
        _ response: borrowing ResponseHead,
        _ arena: Arena,
        for behavior: Behavior,
        _ viewer: NormalizedEncoding,
        asksForRange: Bool,
        functionTakesBody: Bool,
        length: Length
    ) -> Verdict {
        if let reason = refusal(behavior) { return .identity(reason) }
        if functionTakesBody { return .identity(.functionTakesBody) }
        switch response.status {
        case 200, 403, 404: break
        default: return .identity(.status)
        }
        if response.fields.contains(.contentEncoding) { return .identity(.alreadyCoded) }
        guard isCompressible(response.fields, arena) else { return .identity(.contentType) }
        if isNotToBeTransformed(response.fields, arena) { return .identity(.noTransform) }
        switch length {
        case .known(let bytes):
            if bytes < Limits.compressedBytesMin { return .identity(.tooSmall) }
            if bytes > Limits.compressedBytesMax { return .identity(.tooLarge) }
        case .unknown: return .identity(.lengthUnknown)
        case .changed: break
        }
        // The viewer comes last: what is refused for its sake alone varies.
        if asksForRange { return .identity(.range) }
        if viewer.acceptsBrotli { return .encode(.brotli) }
        return viewer.acceptsGzip ? .encode(.gzip) : .identity(.viewer)
    }

    private static func refusal(_ behavior: Behavior) -> Reason? {
        guard behavior.compress else { return .off }
        guard let cache = behavior.cache,
            cache.minTTL > 0 || cache.defaultTTL > 0 || cache.maxTTL > 0
        else { return .notCached }
        return cache.key.headers.names.contains("accept-encoding") ? .encodingInKey : nil
    }

    private static func isNotToBeTransformed(
        _ fields: borrowing HeaderFields,
        _ arena: Arena
    ) -> Bool {
        if CacheDirectives(response: fields, arena).contains(.noTransform) { return true }
        // A `CDN-Cache-Control` stands in for the rest, which is about caching; this word is about the bytes.
        var next = fields.firstIndex(of: .cacheControl)
        while let index = next {
            if FieldSyntax.list(arena[fields[index].value], contains: "no-transform") {
                return true
            }
            next = fields.firstIndex(of: .cacheControl, from: index + 1)
        }
        return false
    }

    private static func isCompressible(_ fields: borrowing HeaderFields, _ arena: Arena) -> Bool {
        guard let value = fields.value(of: .contentType) else { return false }
        let text = arena[value]
        let type = text.extracting(FieldSyntax.head(text))
        for candidate in types where type.equalsIgnoringCase(candidate) { return true }
        return false
    }

    // MARK: The head

    /// Of what is coded; also again over what a 304 has brought.
    static func rewrite(
        _ fields: inout HeaderFields,
        _ arena: Arena,
        as coding: ContentCoding
    ) {
        BodyFields.dropMeasures(&fields, arena)
        BodyFields.weakenTag(&fields, arena)
        fields.set(.contentEncoding, value: arena.append(coding.word))
        addVary(&fields, arena)
    }

    /// Also of what is left as it is for a reason that `isOfThisRequest`.
    static func addVary(_ fields: inout HeaderFields, _ arena: Arena) {
        var next = fields.firstIndex(of: .vary)
        while let index = next {
            let value = arena[fields[index].value]
            if FieldSyntax.list(value, contains: "accept-encoding")
                || FieldSyntax.list(value, contains: "*")
            {
                return
            }
            next = fields.firstIndex(of: .vary, from: index + 1)
        }
        fields.append(.vary, value: arena.append("Accept-Encoding"))
    }

    // MARK: The types

    /// What the contract lists, and WebAssembly, which its newer lists have.
    static let types: [StaticString] = [
        "application/dash+xml", "application/eot", "application/font", "application/font-sfnt",
        "application/javascript", "application/json", "application/opentype", "application/otf",
        "application/pkcs7-mime", "application/protobuf", "application/rss+xml",
        "application/truetype", "application/ttf", "application/vnd.apple.mpegurl",
        "application/vnd.mapbox-vector-tile", "application/vnd.ms-fontobject", "application/wasm",
        "application/xhtml+xml", "application/xml", "application/x-font-opentype",
        "application/x-font-truetype", "application/x-font-ttf", "application/x-httpd-cgi",
        "application/x-javascript", "application/x-mpegurl", "application/x-opentype",
        "application/x-otf", "application/x-perl", "application/x-ttf", "font/eot",
        "font/opentype", "font/otf", "font/ttf", "image/svg+xml", "text/css", "text/csv",
        "text/html", "text/javascript", "text/js", "text/plain", "text/richtext",
        "text/tab-separated-values", "text/xml", "text/x-component", "text/x-java-source",
        "text/x-script", "vnd.apple.mpegurl",
    ]
}
