// What must hold for every input of the wire parsers. The fuzzer (`Tests/Fuzzers`) and the replay of
// the committed corpus (`CorpusTests`) both call these; a property that fails traps, which both take for a finding.
//
// The fuzzer is compiled together with the runtime's sources, the tests import it.

#if canImport(EdgeRuntime)
    @testable import EdgeRuntime
#endif

enum WireProperties {
    private enum Answer: Equatable {
        case more
        case refused(EdgeError)
        case accepted(length: Int, digest: UInt64)
    }

    // MARK: Heads

    static func requestHead(_ input: [UInt8]) {
        let limits = HeadLimits(requestLine: 256, head: 1024, fields: 16)
        let whole = head(input, [], .client, limits)
        for cuts in cuts(input) {
            precondition(head(input, cuts, .client, limits) == whole, "split answers")
        }
        guard case .accepted(let length, _) = whole else { return }
        let arena = Arena()
        var request = RequestHead()
        let bytes = input.span.extracting(first: length)
        guard
            (try? HeadParser.parseRequest(bytes, into: &request, arena: arena, limits: limits))
                != nil,
            (try? HopByHop.remove(from: &request.fields, arena)) != nil,
            request.form != .authority
        else { return }
        request.fields.set(.host, value: arena.append("origin.example"))
        var queue = WriteQueue(pool: ChunkPool())
        HeadWriter.write(
            request: request,
            arena: arena,
            framing: .chunked,
            connection: .keepAlive,
            into: &queue
        )
        // What we send on must be one head, to the last byte, for whoever is as strict as we are.
        let sent = drain(&queue)
        let again = head(sent, [], .client, HeadLimits())
        guard case .accepted(sent.count, _) = again else {
            preconditionFailure("what was written cannot be read")
        }
    }

    static func responseHead(_ input: [UInt8]) {
        let limits = HeadLimits(requestLine: 256, head: 1024, fields: 16)
        let whole = head(input, [], .origin, limits)
        for cuts in cuts(input) {
            precondition(head(input, cuts, .origin, limits) == whole, "split answers")
        }
        if case .refused(let error) = whole {
            precondition(error.party == .origin && error.status == 502, "the viewer is blamed")
        }
        guard case .accepted(let length, _) = whole else { return }
        let arena = Arena()
        var response = ResponseHead()
        let bytes = input.span.extracting(first: length)
        guard
            (try? HeadParser.parseResponse(bytes, into: &response, arena: arena, limits: limits))
                != nil
        else { return }
        var queue = WriteQueue(pool: ChunkPool())
        HeadWriter.write(
            response: response,
            arena: arena,
            framing: .length(5),
            connection: .close,
            to: .http11,
            into: &queue
        )
        let sent = drain(&queue)
        guard case .accepted(sent.count, _) = head(sent, [], .origin, HeadLimits()) else {
            preconditionFailure("what was written cannot be read")
        }
    }

    private static func head(
        _ input: [UInt8],
        _ cuts: [Int],
        _ party: EdgeError.Party,
        _ limits: HeadLimits
    ) -> Answer {
        var scanner = HeadScanner(party)
        do {
            for stop in cuts + [input.count] {
                let seen = input.span.extracting(first: stop)
                guard let length = try scanner.scan(seen, limits: limits) else { continue }
                let bytes = seen.extracting(first: length)
                return party == .client
                    ? try request(bytes, limits) : try response(bytes, limits)
            }
            return .more
        } catch {
            return .refused(error)
        }
    }

    private static func request(
        _ bytes: Span<UInt8>,
        _ limits: HeadLimits
    ) throws(EdgeError) -> Answer {
        let arena = Arena()
        var head = RequestHead()
        try HeadParser.parseRequest(bytes, into: &head, arena: arena, limits: limits)
        let framing = try Framing.request(head, arena)
        precondition(framing != .untilClose && framing != .tunnel, "a request without an end")
        var digest = Fingerprint()
        for slice in [head.methodToken, head.target, head.path, head.query ?? .empty] {
            digest.add(arena[slice])
        }
        digest.add(arena[head.authority])
        digest.add(arena[head.host])
        digest.add(head.fields, arena)
        digest.add(Framing.keepAlive(head, arena) ? 1 : 2)
        digest.add(Framing.expectsContinue(head, arena) ? 1 : 2)
        digest.add(Framing.upgrade(head, arena) == nil ? 1 : 2)
        return .accepted(length: bytes.count, digest: digest.value)
    }

    private static func response(
        _ bytes: Span<UInt8>,
        _ limits: HeadLimits
    ) throws(EdgeError) -> Answer {
        let arena = Arena()
        var head = ResponseHead()
        try HeadParser.parseResponse(bytes, into: &head, arena: arena, limits: limits)
        var digest = Fingerprint()
        digest.add(UInt64(head.status))
        digest.add(arena[head.reason])
        digest.add(head.fields, arena)
        digest.add(Framing.keepAlive(head, arena) ? 1 : 2)
        let toHead = try Framing.response(head, arena, to: .head)
        precondition(toHead == .none || toHead == .tunnel, "HEAD has no body")
        if case .length(let length) = try Framing.response(head, arena, to: .get) {
            digest.add(UInt64(length))
        }
        return .accepted(length: bytes.count, digest: digest.value)
    }

    // MARK: Bodies

    static func chunkedBody(_ input: [UInt8]) {
        var data: [UInt8] = []
        let whole = body(input, [], &data)
        for cuts in cuts(input) {
            var piecewise: [UInt8] = []
            precondition(body(input, cuts, &piecewise) == whole, "split answers")
            guard case .accepted = whole else { continue }
            precondition(piecewise == data, "other bytes")
        }
        guard case .accepted = whole else { return }
        var queue = WriteQueue(pool: ChunkPool())
        ChunkWriter.write(data.span, into: &queue)
        ChunkWriter.writeLast(into: &queue)
        let sent = drain(&queue)
        var again: [UInt8] = []
        guard case .accepted(sent.count, _) = body(sent, [], &again), again == data else {
            preconditionFailure("what was written cannot be read")
        }
    }

    private static func body(_ input: [UInt8], _ cuts: [Int], _ data: inout [UInt8]) -> Answer {
        let arena = Arena()
        var decoder = BodyDecoder(.chunked, limit: 4096)
        var consumed = 0
        do {
            for stop in cuts + [input.count] {
                while consumed < stop {
                    let bytes = input.span.extracting(consumed..<stop)
                    let progress = try decoder.decode(bytes, trailers: arena)
                    precondition(progress.consumed > 0, "no progress")
                    for index in progress.data ?? 0..<0 { data.append(bytes[index]) }
                    consumed += progress.consumed
                    guard progress.ended else { continue }
                    var fields = HeaderFields()
                    try decoder.parseTrailers(into: &fields, arena: arena)
                    var digest = Fingerprint()
                    digest.add(data.span)
                    digest.add(fields, arena)
                    return .accepted(length: consumed, digest: digest.value)
                }
                arena.append(byte: 0x78)
            }
            return .more
        } catch {
            return .refused(error)
        }
    }

    // MARK: PROXY protocol

    static func proxyProtocol(_ input: [UInt8]) {
        let whole = proxy(input, input.count)
        var first = Answer.more
        for count in 0...min(input.count, Limits.proxyHeaderBytes) where first == .more {
            first = proxy(input, count)
        }
        precondition(first == whole, "split answers")
    }

    private static func proxy(_ input: [UInt8], _ count: Int) -> Answer {
        do {
            let bytes = input.span.extracting(first: count)
            guard let header = try ProxyProtocol.parse(bytes) else { return .more }
            precondition(header.consumed <= count, "bytes that are not there")
            var digest = Fingerprint()
            for end in [header.source, header.destination] {
                guard let end else { continue }
                digest.add(end.address.high)
                digest.add(end.address.low)
                digest.add(UInt64(end.port))
            }
            return .accepted(length: header.consumed, digest: digest.value)
        } catch {
            return .refused(error)
        }
    }

    // MARK: Helpers

    /// Byte by byte; in two, everywhere in short inputs and at places that the input itself chooses in long ones.
    private static func cuts(_ input: [UInt8]) -> [[Int]] {
        var all = [Array(0...input.count)]
        if input.count <= 64 {
            for cut in 0...input.count { all.append([cut]) }
        } else {
            var state = UInt64(input.count)
            for _ in 0..<8 {
                state = state &* 6_364_136_223_846_793_005 &+ UInt64(input[Int(state % 64)]) | 1
                all.append([Int(state >> 33) % (input.count + 1)])
            }
        }
        return all
    }

    private static func drain(_ queue: inout WriteQueue) -> [UInt8] {
        var out: [UInt8] = []
        while let range = queue.front {
            for index in 0..<range.count { out.append(range.bytes[index]) }
            queue.didSend(range.count)
        }
        return out
    }
}

/// FNV-1a, to compare two readings without keeping them.
private struct Fingerprint {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ number: UInt64) {
        value = (value ^ number) &* 0x100_0000_01B3
    }

    mutating func add(_ bytes: Span<UInt8>) {
        for index in bytes.indices { add(UInt64(bytes[index])) }
        add(256)
    }

    /// No slice of a field may hold what would end a line elsewhere.
    mutating func add(_ fields: borrowing HeaderFields, _ arena: Arena) {
        for index in 0..<fields.count {
            let name = arena.name(of: fields[index])
            let value = arena[fields[index].value]
            precondition(name.isToken, "a name that is none")
            for place in value.indices {
                precondition(value[place] >= 0x20 || value[place] == 0x09, "a control byte")
            }
            add(name)
            add(value)
        }
    }
}
