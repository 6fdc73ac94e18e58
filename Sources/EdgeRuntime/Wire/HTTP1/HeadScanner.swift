// Finds the end of a head in bytes that are still arriving, and refuses what must not be in one.
//
// The scanner walks from control byte to control byte and remembers where it stopped, so every byte is looked at
// once however it arrives. Whatever it refuses, it refuses because of the first byte that cannot be right: the
// answer is the same for the whole head at once and for the same head byte by byte.
//
//   line bytes ──CR──▶ LF expected ──LF──▶ line ended ──(it was empty)──▶ head ended
//        │                  │                   └──▶ next line, fields + 1
//        │                  └─ anything else: bareCR
//        └─ LF: bareLF   NUL: nulInHead   other controls but HTAB: badRequestLine, badFieldValue
//
// Limits count from the first byte: a head may have exactly `limits.head` bytes, its last CRLF and the empty lines
// before it included, and a start line `limits.requestLine` bytes without its CRLF.

struct HeadLimits: Equatable {
    var requestLine = Limits.requestLineBytes
    var head = Limits.headBytes
    var fields = Limits.fieldCount
}

struct HeadScanner {
    private let party: EdgeError.Party
    /// Everything before it was looked at.
    private var scanned = 0
    private var lineStart = 0
    private var fieldCount = 0
    private var emptyLines = 0
    private var isFirstLine = true

    /// Who sends: an origin's faults are an origin's faults.
    init(_ party: EdgeError.Party = .client) { self.party = party }

    mutating func reset() { self = Self(party) }

    /// `bytes` begins where the head begins and holds all that arrived so far. The answer is the length of the head,
    /// or nil while its end is not there.
    mutating func scan(_ bytes: Span<UInt8>, limits: HeadLimits) throws(EdgeError) -> Int? {
        let view = min(bytes.count, limits.head)
        while true {
            // One byte more than a line may have, and it can only be the CR.
            let lineEnd = isFirstLine ? lineStart &+ limits.requestLine &+ 1 : view
            guard let at = bytes.firstControl(from: scanned, to: min(view, lineEnd)) else {
                scanned = min(view, lineEnd)
                if scanned == lineEnd, isFirstLine { throw fault(.requestLineTooLong) }
                if scanned == limits.head { throw fault(.headTooLarge) }
                return nil
            }
            scanned = at
            guard bytes[at] == .cr else {
                guard bytes[at] == .tab else { throw fault(refusal(of: bytes[at])) }
                scanned = at &+ 1
                continue
            }
            guard at &+ 1 < view else {
                if view == limits.head { throw fault(.headTooLarge) }
                return nil
            }
            guard bytes[at &+ 1] == .lf else { throw fault(.bareCR) }
            scanned = at &+ 2
            if try endLine(isEmpty: at == lineStart, limits) { return scanned }
            lineStart = scanned
        }
    }

    /// True when this line ended the head.
    @inline(__always)
    private mutating func endLine(isEmpty: Bool, _ limits: HeadLimits) throws(EdgeError) -> Bool {
        if isFirstLine {
            guard isEmpty else {
                isFirstLine = false
                return false
            }
            // RFC 9112 §2.2: a server ignores at least one; origins have no such licence.
            emptyLines &+= 1
            guard party == .client, emptyLines <= Limits.emptyLinesBeforeRequest else {
                throw fault(.badRequestLine)
            }
            return false
        }
        if isEmpty { return true }
        fieldCount &+= 1
        guard fieldCount <= limits.fields else { throw fault(.tooManyFields) }
        return false
    }

    private func refusal(of control: UInt8) -> EdgeError {
        switch control {
        case .lf: .bareLF
        case 0: .nulInHead
        default: isFirstLine ? .badRequestLine : .badFieldValue
        }
    }

    private func fault(_ error: EdgeError) -> EdgeError { error.blaming(party) }
}
