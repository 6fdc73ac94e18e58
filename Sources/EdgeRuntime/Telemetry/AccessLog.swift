// One loop's access log: a finished exchange becomes a line in the loop's ring, in one pass and without allocation.
//
// The 33 fields of the standard log come in its order under its names. A JSON line has our own fields after them;
// what is missing is `-` in the standard format and `null` in JSON, where numbers are numbers. Cookies are logged
// only if asked for, other credentials never: no field of the line is taken from them.

final class AccessLog: @unchecked Sendable {
    // Guard: made by whoever assembles the loops, then only the loop's that it was given to.
    /// Starts every standard file.
    static let standardHeader: StaticString = """
        #Version: 1.0
        #Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) \
        cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol \
        cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type \
        cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte \
        x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end

        """

    static func header(of format: LogFormat) -> StaticString {
        switch format {
        case .json: ""
        case .standard: standardHeader
        }
    }

    private let ring: LogRing
    private let format: LogFormat
    private let location: String
    private let logsCookies: Bool
    /// The second that `stamp` spells: nearly every line shares it with the one before.
    private var stampSecond = Int64.min
    private var stamp = InlineArray<24, UInt8>(repeating: 0)

    init(ring: LogRing, format: LogFormat, location: String, logsCookies: Bool = false) {
        self.ring = ring
        self.format = format
        self.location = location
        self.logsCookies = logsCookies
    }

    /// Its loop has another one now; what waits is written.
    func close() { ring.close() }

    /// `request` is the viewer's as it came, `response` what the viewer was sent.
    func write(
        _ record: borrowing AccessRecord,
        request: borrowing RequestHead,
        response: borrowing ResponseHead,
        requestArena: Arena,
        responseArena: Arena
    ) {
        guard var line = ring.begin() else { return }
        switch format {
        case .json:
            line.put("{\"date\":")
            render(JSONFormat.self, record, request, response, requestArena, responseArena, &line)
            renderExtras(record, requestArena, &line)
            line.put("}\n")
        case .standard:
            render(
                StandardFormat.self,
                record,
                request,
                response,
                requestArena,
                responseArena,
                &line
            )
            line.put(0x0a)
        }
        ring.commit(line)
    }

    // MARK: The standard fields

    @inline(__always)
    private func render<Format: LineFormat>(
        _: Format.Type,
        _ record: borrowing AccessRecord,
        _ request: borrowing RequestHead,
        _ response: borrowing ResponseHead,
        _ requestArena: Arena,
        _ responseArena: Arena,
        _ line: inout LogLine
    ) {
        renderEnd(Format.self, record, &line)
        Format.field(",\"x-edge-location\":", &line)
        Format.text(location.utf8.span, &line)
        Format.field(",\"sc-bytes\":", &line)
        line.put(decimal: record.sentBytes)
        Format.field(",\"c-ip\":", &line)
        renderAddress(Format.self, record.viewer, &line)
        renderRequest(Format.self, record, request, requestArena, &line)
        Format.field(",\"x-edge-result-type\":", &line)
        Format.word(record.result.word, &line)
        Format.field(",\"x-edge-request-id\":", &line)
        let id = record.id.text
        Format.safe(id.span, &line)
        Format.field(",\"x-host-header\":", &line)
        let authority = request.authority
        if authority.isEmpty {
            Format.missing(&line)
        } else {
            Format.text(requestArena[authority], &line)
        }
        Format.field(",\"cs-protocol\":", &line)
        Format.word(record.protocolWord, &line)
        Format.field(",\"cs-bytes\":", &line)
        line.put(decimal: record.receivedBytes)
        Format.field(",\"time-taken\":", &line)
        line.put(seconds: record.timeTaken)
        Format.field(",\"x-forwarded-for\":", &line)
        value(Format.self, .xForwardedFor, request.fields, requestArena, &line)
        renderConnection(Format.self, record, request, &line)
        renderResponse(Format.self, record, response, responseArena, &line)
    }

    @inline(__always)
    private func renderEnd<Format: LineFormat>(
        _: Format.Type,
        _ record: borrowing AccessRecord,
        _ line: inout LogLine
    ) {
        let started = Int64(record.started.nanoseconds) &+ max(0, record.timeTaken)
        let second = record.started.seconds &+ started / 1_000_000_000
        if second != stampSecond {
            stampSecond = second
            stamp = CivilTime(second).text()
        }
        Format.safe(stamp.span.extracting(0..<10), &line)
        Format.field(",\"time\":", &line)
        Format.safe(stamp.span.extracting(11..<19), &line)
    }

    @inline(__always)
    private func renderRequest<Format: LineFormat>(
        _: Format.Type,
        _ record: borrowing AccessRecord,
        _ request: borrowing RequestHead,
        _ arena: Arena,
        _ line: inout LogLine
    ) {
        Format.field(",\"cs-method\":", &line)
        let method = request.method
        let token = request.methodToken
        if method != .other {
            Format.word(method.text, &line)
        } else if token.isEmpty {
            Format.missing(&line)
        } else {
            Format.text(arena[token], &line)
        }
        Format.field(",\"cs(Host)\":", &line)
        name(Format.self, record.distribution, &line)
        Format.field(",\"cs-uri-stem\":", &line)
        let path = request.path
        if path.isEmpty { Format.missing(&line) } else { Format.text(arena[path], &line) }
        Format.field(",\"sc-status\":", &line)
        // A JSON number has no leading zeros, so an answer that never was is 0 there.
        if record.status == 0, Format.self == StandardFormat.self {
            line.put("000")
        } else {
            line.put(decimal: UInt64(record.status))
        }
        Format.field(",\"cs(Referer)\":", &line)
        value(Format.self, .referer, request.fields, arena, &line)
        Format.field(",\"cs(User-Agent)\":", &line)
        value(Format.self, .userAgent, request.fields, arena, &line)
        Format.field(",\"cs-uri-query\":", &line)
        if let query = request.query {
            Format.text(arena[query], &line)
        } else {
            Format.missing(&line)
        }
        Format.field(",\"cs(Cookie)\":", &line)
        if logsCookies {
            value(Format.self, .cookie, request.fields, arena, &line)
        } else {
            Format.missing(&line)
        }
    }

    @inline(__always)
    private func renderConnection<Format: LineFormat>(
        _: Format.Type,
        _ record: borrowing AccessRecord,
        _ request: borrowing RequestHead,
        _ line: inout LogLine
    ) {
        Format.field(",\"ssl-protocol\":", &line)
        if let tls = record.tls {
            Format.word(tls.version.word, &line)
            Format.field(",\"ssl-cipher\":", &line)
            Format.word(tls.cipher.word, &line)
        } else {
            Format.missing(&line)
            Format.field(",\"ssl-cipher\":", &line)
            Format.missing(&line)
        }
        Format.field(",\"x-edge-response-result-type\":", &line)
        Format.word(record.responseResult.word, &line)
        Format.field(",\"cs-protocol-version\":", &line)
        Format.word(request.version.text, &line)
        Format.field(",\"fle-status\":", &line)
        if let status = record.encryptionStatus {
            Format.word(status, &line)
            Format.field(",\"fle-encrypted-fields\":", &line)
            line.put(decimal: UInt64(record.encryptedFields))
        } else {
            Format.missing(&line)
            Format.field(",\"fle-encrypted-fields\":", &line)
            Format.missing(&line)
        }
        Format.field(",\"c-port\":", &line)
        if record.viewer == nil {
            Format.missing(&line)
        } else {
            line.put(decimal: UInt64(record.viewerPort))
        }
        Format.field(",\"time-to-first-byte\":", &line)
        if let time = record.firstByteTime {
            line.put(seconds: time)
        } else {
            Format.missing(&line)
        }
        Format.field(",\"x-edge-detailed-result-type\":", &line)
        Format.word(record.error?.resultType ?? record.result.word, &line)
    }

    @inline(__always)
    private func renderResponse<Format: LineFormat>(
        _: Format.Type,
        _ record: borrowing AccessRecord,
        _ response: borrowing ResponseHead,
        _ arena: Arena,
        _ line: inout LogLine
    ) {
        Format.field(",\"sc-content-type\":", &line)
        value(Format.self, .contentType, response.fields, arena, &line)
        Format.field(",\"sc-content-len\":", &line)
        number(
            Format.self,
            record.contentLength
                ?? response.fields.value(of: .contentLength).flatMap { arena[$0].decimal },
            &line
        )
        var range: LoggedRange?
        if let slice = response.fields.value(of: .contentRange) {
            range = LoggedRange(arena[slice])
        }
        Format.field(",\"sc-range-start\":", &line)
        number(Format.self, range?.first, &line)
        Format.field(",\"sc-range-end\":", &line)
        number(Format.self, range?.last, &line)
    }

    // MARK: Our own fields

    private func renderExtras(
        _ record: borrowing AccessRecord,
        _ arena: Arena,
        _ line: inout LogLine
    ) {
        typealias Format = JSONFormat
        let ended = Int64(record.started.nanoseconds) &+ max(0, record.timeTaken)
        line.put(",\"timestamp(ms)\":")
        line.put(
            decimal: UInt64(
                clamping: record.started.seconds &* 1000 &+ ended / 1_000_000
            )
        )
        line.put(",\"x-edge-reason\":")
        if let error = record.error { Format.word(error.word, &line) } else { line.put("null") }
        line.put(",\"cache\":")
        if let word = record.cache { Format.word(word, &line) } else { line.put("null") }
        line.put(",\"x-edge-generation\":")
        line.put(decimal: record.generation)
        line.put(",\"x-edge-behavior\":")
        name(Format.self, record.behavior, &line)
        line.put(",\"x-edge-origin\":")
        name(Format.self, record.origin, &line)
        line.put(",\"x-edge-retries\":")
        line.put(decimal: UInt64(record.retries))
        line.put(",\"x-edge-origin-connect\":")
        time(record.originConnectTime, &line)
        line.put(",\"origin-fbl\":")
        time(record.originFirstByteTime, &line)
        line.put(",\"origin-lbl\":")
        time(record.originLastByteTime, &line)
        line.put(",\"connection-id\":")
        line.put(decimal: record.connection)
        line.put(",\"x-edge-connection-request\":")
        line.put(decimal: UInt64(record.connectionRequest))
        line.put(",\"traceparent\":")
        if let trace = record.trace {
            let text = trace.text
            Format.safe(text.span, &line)
        } else {
            line.put("null")
        }
        line.put(",\"x-edge-function\":")
        name(Format.self, record.failedFunction, &line)
        guard !record.notes.isEmpty else { return }
        line.put(",\"fields\":{")
        for index in record.notes.indices {
            if index > 0 { line.put(UInt8(ascii: ",")) }
            Format.text(arena[record.notes[index].name], &line)
            line.put(UInt8(ascii: ":"))
            Format.text(arena[record.notes[index].value], &line)
        }
        line.put(UInt8(ascii: "}"))
    }

    // MARK: Values

    @inline(__always)
    private func value<Format: LineFormat>(
        _: Format.Type,
        _ id: HeaderName,
        _ fields: borrowing HeaderFields,
        _ arena: Arena,
        _ line: inout LogLine
    ) {
        guard let slice = fields.value(of: id) else { return Format.missing(&line) }
        Format.text(arena[slice], &line)
    }

    @inline(__always)
    private func name<Format: LineFormat>(
        _: Format.Type,
        _ text: borrowing String,
        _ line: inout LogLine
    ) {
        text.isEmpty ? Format.missing(&line) : Format.text(text.utf8.span, &line)
    }

    @inline(__always)
    private func number<Format: LineFormat>(
        _: Format.Type,
        _ value: Int64?,
        _ line: inout LogLine
    ) {
        guard let value else { return Format.missing(&line) }
        line.put(decimal: value.magnitude)
    }

    @inline(__always)
    private func time(_ value: Nanoseconds?, _ line: inout LogLine) {
        guard let value else { return line.put("null") }
        line.put(seconds: value)
    }

    @inline(__always)
    private func renderAddress<Format: LineFormat>(
        _: Format.Type,
        _ address: IPAddress?,
        _ line: inout LogLine
    ) {
        guard let address else { return Format.missing(&line) }
        Format.quote(&line)
        address.write { line.put($0) }
        Format.quote(&line)
    }
}

/// `bytes 0-499/1234`, as far as the log needs it.
private struct LoggedRange: Equatable {
    var first: Int64
    var last: Int64

    init?(_ text: Span<UInt8>) {
        guard text.count > 6, text.extracting(0..<6).equalsIgnoringCase("bytes "),
            let dash = text.firstIndex(of: 0x2d, from: 6),
            let slash = text.firstIndex(of: 0x2f, from: dash),
            let first = text.extracting(6..<dash).decimal,
            let last = text.extracting((dash + 1)..<slash).decimal
        else { return nil }
        self.first = first
        self.last = last
    }
}
