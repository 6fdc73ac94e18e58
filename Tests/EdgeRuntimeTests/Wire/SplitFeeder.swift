// Feeds one input to a wire machine whole, split at every byte, byte by byte, and joined to a neighbour, and gives
// back what the machine said each time as text, so that a test can ask for one answer.

@testable import EdgeRuntime

struct SplitFeeder {
    /// What a message was read as, or why it was refused: everything an exchange would see, spelled out.
    enum Kind {
        case request
        case response
        case body(BodyFraming, limit: Int64)
    }

    let kind: Kind
    var limits = HeadLimits()

    /// The answers, without repetition: exactly one if the machine is what it should be.
    func answers(_ input: [UInt8]) -> [String] {
        var seen: [String] = []
        func note(_ answer: String) {
            if !seen.contains(answer) { seen.append(answer) }
        }
        note(answer(input, cuts: []))
        for cut in 0...input.count { note(answer(input, cuts: [cut])) }
        note(answer(input, cuts: Array(0...input.count)))
        return seen
    }

    /// The one answer, or all of them when there are several.
    func answer(_ input: String) -> String {
        let all = answers(Array(input.utf8))
        return all.count == 1 ? all[0] : "split answers: \(all)"
    }

    /// `cuts` are the lengths of input at which the machine is asked.
    private func answer(_ input: [UInt8], cuts: [Int]) -> String {
        let stops = cuts + [input.count]
        do {
            switch kind {
            case .request, .response: return try head(input, stops)
            case .body(let framing, let limit): return try body(input, stops, framing, limit)
            }
        } catch {
            return "\(error.party) \(error.word)"
        }
    }

    private func head(_ input: [UInt8], _ stops: [Int]) throws(EdgeError) -> String {
        let isRequest = if case .request = kind { true } else { false }
        var scanner = HeadScanner(isRequest ? .client : .origin)
        for stop in stops {
            let length = try scanner.scan(input.span.extracting(first: stop), limits: limits)
            guard let length else { continue }
            let bytes = input.span.extracting(first: length)
            return isRequest
                ? try Self.describeRequest(bytes, limits) : try Self.describeResponse(bytes, limits)
        }
        return "more"
    }

    static func describeRequest(
        _ bytes: Span<UInt8>,
        _ limits: HeadLimits
    ) throws(EdgeError) -> String {
        let arena = Arena()
        var head = RequestHead()
        try HeadParser.parseRequest(bytes, into: &head, arena: arena, limits: limits)
        let framing = try Framing.request(head, arena)
        var text = "\(arena[head.methodToken].text) \(arena[head.target].text) \(head.form)"
        text += " path=\(arena[head.path].text)"
        if let query = head.query { text += " query=\(arena[query].text)" }
        text += " authority=\(arena[head.authority].text) host=\(arena[head.host].text)"
        if let port = head.port { text += " port=\(port)" }
        text += " \(head.version.text)" + describe(head.fields, arena) + " \(framing)"
        return text + " keep=\(Framing.keepAlive(head, arena)) length=\(bytes.count)"
    }

    static func describeResponse(
        _ bytes: Span<UInt8>,
        _ limits: HeadLimits
    ) throws(EdgeError) -> String {
        let arena = Arena()
        var head = ResponseHead()
        try HeadParser.parseResponse(bytes, into: &head, arena: arena, limits: limits)
        let framing = try Framing.response(head, arena, to: .get)
        var text = "\(head.status) '\(arena[head.reason].text)' \(head.version.text)"
        text += describe(head.fields, arena) + " \(framing)"
        return text + " keep=\(Framing.keepAlive(head, arena)) length=\(bytes.count)"
    }

    static func describe(_ fields: borrowing HeaderFields, _ arena: Arena) -> String {
        var text = ""
        for index in 0..<fields.count {
            let field = fields[index]
            text += " [\(arena.name(of: field).text)=\(arena[field.value].text)]"
        }
        return text
    }

    private func body(
        _ input: [UInt8],
        _ stops: [Int],
        _ framing: BodyFraming,
        _ limit: Int64
    ) throws(EdgeError) -> String {
        let arena = Arena()
        var decoder = BodyDecoder(framing, limit: limit)
        var consumed = 0
        var data: [UInt8] = []
        for stop in stops {
            while consumed < stop || decoder.hasEnded {
                let bytes = input.span.extracting(consumed..<max(consumed, stop))
                let progress = try decoder.decode(bytes, trailers: arena)
                if let range = progress.data {
                    for index in range { data.append(bytes[index]) }
                }
                consumed += progress.consumed
                if progress.ended {
                    var fields = HeaderFields()
                    try decoder.parseTrailers(into: &fields, arena: arena)
                    return "'\(data.span.text)'\(Self.describe(fields, arena)) length=\(consumed)"
                }
            }
            // Whatever else the exchange writes between two pieces must not tear the trailers apart.
            _ = arena.append("x")
        }
        let isWhole = try decoder.inputClosed()
        return "'\(data.span.text)' closed=\(isWhole)"
    }
}
