// Takes a body out of the bytes that carry it, without copying: the caller hands in what arrived and is told which
// part of it is body and how much is done with. Called again until everything is consumed or the body has ended.
//
//   length      ──────────── body ────────────▶ ended
//   untilClose  ──────────── body ──────────── … inputClosed ▶ ended
//
//   chunked     ┌▶ size ─;─▶ extension ─CR─▶ sizeLF ──(size > 0)──▶ data ─▶ dataCR ─▶ dataLF ─┐
//               │   └─blank▶ blank ─;┘          └─(size = 0)─▶ trailers ─(empty line)─▶ ended  │
//               └──────────────────────────────────────────────────────────────────────────────┘
//
// Each state looks at one byte, so an answer cannot depend on how the bytes were split. Strict where decoders are
// known to differ: a size is 1–16 hexadecimal digits, no sign, no blank before; blanks after it are allowed only
// before an extension (RFC 9112 §7.1.1); lines end in CRLF and nothing else. Extensions are skipped and bounded.
//
// Trailers are copied to the arena as they come and checked when the section is complete.

struct BodyDecoder {
    struct Progress: Equatable {
        /// Bytes of the input that need not be shown again.
        var consumed: Int
        /// Body bytes, as a range of the input.
        var data: Range<Int>?
        var ended: Bool
    }

    private enum State: Equatable {
        case length(remaining: Int64)
        case untilClose
        case size(digits: Int, value: Int64)
        case blank(value: Int64)
        case chunkExtension(value: Int64)
        case sizeLF(value: Int64)
        case data(remaining: Int64)
        case dataCR
        case dataLF
        case trailers(TrailerState)
        case ended
    }

    private enum TrailerState: Equatable {
        case lineStart
        case line
        case lineLF
        case lastLF
    }

    private var state: State
    private let limit: Int64
    private let party: EdgeError.Party
    /// Body bytes so far, framing not counted.
    private(set) var received: Int64 = 0
    private var lineBytes = 0
    /// The raw trailer lines with their empty last one; empty when there were none.
    private(set) var trailers = Slice.empty
    /// What a declared length has too much of is known at once, and refused by the first `decode`.
    private var isTooLong = false

    /// `limit` bounds the body; `party` is who sends it.
    init(_ framing: BodyFraming, limit: Int64, from party: EdgeError.Party = .client) {
        self.limit = limit
        self.party = party
        switch framing {
        case .none: state = .ended
        case .length(let length):
            state = length == 0 ? .ended : .length(remaining: length)
            isTooLong = length > limit
        case .chunked: state = .size(digits: 0, value: 0)
        case .untilClose, .tunnel: state = .untilClose
        }
    }

    var hasEnded: Bool { state == .ended }

    /// What is still to come, where that is known.
    var remaining: Int64? {
        switch state {
        case .length(let remaining): remaining
        case .ended: 0
        default: nil
        }
    }

    mutating func decode(
        _ bytes: Span<UInt8>,
        trailers arena: Arena
    ) throws(EdgeError) -> Progress {
        do throws(EdgeError) {
            guard !isTooLong else { throw EdgeError.bodyTooLarge }
            switch state {
            case .ended: return Progress(consumed: 0, data: nil, ended: true)
            case .length(let remaining): return takeLength(bytes.count, remaining)
            case .untilClose: return try takeUntilClose(bytes.count)
            default: return try takeChunked(bytes, arena)
            }
        } catch {
            throw error.blaming(party)
        }
    }

    /// The sender has closed its side. True when the body is whole; a body that is not never ends cleanly.
    mutating func inputClosed() throws(EdgeError) -> Bool {
        switch state {
        case .ended: return true
        case .untilClose:
            state = .ended
            return true
        default: throw EdgeError.clientClosed.blaming(party)
        }
    }

    /// The trailers as fields. Those that would speak about framing, routing or the message's meaning after the fact
    /// are left out (RFC 9110 §6.5.1).
    func parseTrailers(into fields: inout HeaderFields, arena: Arena) throws(EdgeError) {
        guard !trailers.isEmpty else { return }
        let limits = HeadLimits(fields: Limits.trailerCount)
        do throws(EdgeError) {
            try HeadParser.parseFields(
                arena[trailers],
                from: 0,
                trailers.start,
                into: &fields,
                limits
            )
        } catch {
            throw EdgeError.badTrailer.blaming(party)
        }
        fields.removeAll { $0.id.isForbiddenInTrailers }
    }

    private mutating func takeLength(_ available: Int, _ remaining: Int64) -> Progress {
        let count = Int(min(Int64(available), remaining))
        received += Int64(count)
        let left = remaining - Int64(count)
        state = left == 0 ? .ended : .length(remaining: left)
        return Progress(consumed: count, data: count > 0 ? 0..<count : nil, ended: left == 0)
    }

    private mutating func takeUntilClose(_ available: Int) throws(EdgeError) -> Progress {
        received += Int64(available)
        guard received <= limit else { throw .bodyTooLarge }
        return Progress(
            consumed: available,
            data: available > 0 ? 0..<available : nil,
            ended: false
        )
    }

    /// Up to the end of the next piece of data, of the body, or of the input.
    private mutating func takeChunked(
        _ bytes: Span<UInt8>,
        _ arena: Arena
    ) throws(EdgeError) -> Progress {
        var at = 0
        while at < bytes.count {
            switch state {
            case .data(let remaining):
                let count = Int(min(Int64(bytes.count - at), remaining))
                received += Int64(count)
                let left = remaining - Int64(count)
                state = left == 0 ? .dataCR : .data(remaining: left)
                return Progress(consumed: at + count, data: at..<(at + count), ended: false)
            case .trailers:
                at = try takeTrailers(bytes, from: at, arena)
                if state == .ended { return Progress(consumed: at, data: nil, ended: true) }
            default:
                try takeFramingByte(bytes[at])
                at += 1
            }
        }
        return Progress(consumed: at, data: nil, ended: false)
    }

    private mutating func takeFramingByte(_ byte: UInt8) throws(EdgeError) {
        switch state {
        case .size, .blank, .chunkExtension: try takeSizeLineByte(byte)
        case .sizeLF(let value):
            guard byte == .lf else { throw .bareCR }
            lineBytes = 0
            guard value > 0 else {
                state = .trailers(.lineStart)
                return
            }
            guard value <= limit - received else { throw .bodyTooLarge }
            state = .data(remaining: value)
        case .dataCR:
            guard byte == .cr else { throw .chunkDataNotTerminated }
            state = .dataLF
        case .dataLF:
            guard byte == .lf else { throw .chunkDataNotTerminated }
            state = .size(digits: 0, value: 0)
        case .length, .untilClose, .data, .trailers, .ended:
            preconditionFailure("not a byte of chunk framing")
        }
    }

    private mutating func takeSizeLineByte(_ byte: UInt8) throws(EdgeError) {
        lineBytes += 1
        guard lineBytes <= Limits.chunkLineBytes else { throw .chunkLineTooLong }
        if byte == .lf { throw .bareLF }
        switch state {
        case .size(let digits, let value):
            if let digit = byte.hexDigit {
                // Sixteen digits whose first is below 8 are 63 bits.
                guard digits < 16, value <= Int64.max >> 4 else { throw .badChunkSize }
                state = .size(digits: digits + 1, value: value << 4 | Int64(digit))
                return
            }
            guard digits > 0 else { throw .badChunkSize }
            switch byte {
            case .cr: state = .sizeLF(value: value)
            case .semicolon: state = .chunkExtension(value: value)
            case .space, .tab: state = .blank(value: value)
            default: throw .badChunkSize
            }
        case .blank(let value):
            if byte.isBlank { return }
            guard byte == .semicolon else { throw .badChunkSize }
            state = .chunkExtension(value: value)
        case .chunkExtension(let value):
            if byte == .cr {
                state = .sizeLF(value: value)
            } else if byte < 0x20 && byte != .tab || byte == 0x7F {
                throw .badChunkSize
            }
        case .length, .untilClose, .sizeLF, .data, .dataCR, .dataLF, .trailers, .ended:
            preconditionFailure("not a byte of a chunk's size line")
        }
    }

    /// Answers the position after the last byte it took.
    private mutating func takeTrailers(
        _ bytes: Span<UInt8>,
        from start: Int,
        _ arena: Arena
    ) throws(EdgeError) -> Int {
        var at = start
        while at < bytes.count, case .trailers(let step) = state {
            let byte = bytes[at]
            at += 1
            guard trailers.count + at - start <= Limits.trailerBytes else { throw .trailerTooLarge }
            state = try Self.next(step, byte).map { .trailers($0) } ?? .ended
        }
        try keep(bytes.extracting(start..<at), arena)
        guard state == .ended else { return at }
        if trailers.count == 2 {
            trailers = .empty
        } else {
            try checkTrailers(arena)
        }
        return at
    }

    private static func next(
        _ step: TrailerState,
        _ byte: UInt8
    ) throws(EdgeError) -> TrailerState? {
        switch (step, byte) {
        case (.lineStart, .cr): return .lastLF
        case (.line, .cr): return .lineLF
        case (.lineLF, .lf): return .lineStart
        case (.lastLF, .lf): return nil
        case (.lineLF, _), (.lastLF, _): throw .bareCR
        case (.lineStart, .lf), (.line, .lf): throw .bareLF
        case (.lineStart, 0), (.line, 0): throw .nulInHead
        case (.lineStart, _), (.line, _):
            guard byte >= 0x20 && byte != 0x7F || byte == .tab else { throw .badTrailer }
            return .line
        }
    }

    /// Others may have written to the arena since the last piece; then the section moves behind them.
    private mutating func keep(_ piece: Span<UInt8>, _ arena: Arena) throws(EdgeError) {
        if trailers.isEmpty {
            trailers = arena.append(piece)
        } else {
            if trailers.end != arena.used { trailers = arena.append(copyOf: trailers) }
            let added = arena.append(piece)
            trailers.length += added.length
        }
        guard !arena.isOverflown else { throw .arenaOverflow }
    }

    /// Every line a field, none of them about framing or routing.
    private func checkTrailers(_ arena: Arena) throws(EdgeError) {
        let section = arena[trailers]
        var start = 0
        var count = 0
        while let end = section.firstIndex(of: .cr, from: start), end > start {
            count += 1
            guard count <= Limits.trailerCount else { throw .trailerTooLarge }
            guard let colon = section.firstIndex(of: .colon, from: start), colon < end,
                section.extracting(start..<colon).isToken
            else { throw .badTrailer }
            switch HeaderName.named(section.extracting(start..<colon)) {
            case .transferEncoding, .contentLength, .host: throw .badTrailer
            default: start = end + 2
            }
        }
    }
}

extension HeaderName {
    /// RFC 9110 §6.5.1: what a recipient must know before the body, and what a late word must not change.
    fileprivate var isForbiddenInTrailers: Bool {
        switch self {
        case .transferEncoding, .contentLength, .host, .connection, .keepAlive, .te, .trailer,
            .upgrade, .proxyConnection, .contentEncoding, .contentType, .contentRange,
            .authorization, .proxyAuthorization, .proxyAuthenticate, .wwwAuthenticate, .cookie,
            .setCookie, .cacheControl, .expires, .age, .date, .vary, .location, .retryAfter,
            .expect, .maxForwards, .pragma, .range, .ifMatch, .ifNoneMatch, .ifModifiedSince,
            .ifUnmodifiedSince, .ifRange, .forwarded, .xForwardedFor, .xForwardedHost,
            .xForwardedPort, .xForwardedProto, .via, .cdnLoop:
            true
        default: false
        }
    }
}
