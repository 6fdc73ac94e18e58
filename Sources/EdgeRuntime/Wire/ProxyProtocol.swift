// The PROXY protocol, versions 1 and 2: who the peer of a load balancer's peer is.
//
//   v1   PROXY TCP4 192.0.2.1 198.51.100.1 56324 443 CRLF          also TCP6 and UNKNOWN; at most 107 bytes
//
//   v2   ┌──────────────────┬─────────┬────────┬────────┬───────────────────┬──────┐
//        │ signature (12)   │ 2 | cmd │ fam|tr │ length │ addresses         │ TLVs │
//        └──────────────────┴─────────┴────────┴────────┴───────────────────┴──────┘
//        0                  12        13       14       16                         16 + length
//        cmd 0 LOCAL (a health check: the connection speaks for itself), 1 PROXY
//        fam|tr 0x11 TCP4 (12 bytes), 0x21 TCP6 (36), 0x31 Unix stream (216), 0x00 unspecified
//
// A listener that expects the header accepts nothing else: a connection that starts otherwise is refused. TLVs are
// skipped.

enum ProxyProtocol {
    struct Endpoint: Equatable {
        var address: IPAddress
        var port: UInt16
    }

    struct Header: Equatable {
        /// How many bytes to drop before the conversation begins.
        var consumed: Int
        /// Nil for LOCAL, UNKNOWN and families without addresses: the socket's own ends count.
        var source: Endpoint?
        var destination: Endpoint?
    }

    /// Nil while the header is not complete. Wrong bytes are refused as soon as they are there.
    static func parse(_ bytes: Span<UInt8>) throws(EdgeError) -> Header? {
        guard bytes.count > 0 else { return nil }
        return bytes[0] == .cr ? try parseBinary(bytes) : try parseText(bytes)
    }

    // MARK: Version 2

    private static let signature: StaticString = "\r\n\r\n\0\r\nQUIT\n"

    private static func parseBinary(_ bytes: Span<UInt8>) throws(EdgeError) -> Header? {
        guard agrees(bytes, with: signature) else { throw .badProxyProtocol }
        if bytes.count > 12 {
            guard bytes[12] == 0x20 || bytes[12] == 0x21 else { throw .badProxyProtocol }
        }
        guard bytes.count >= 16 else { return nil }
        let length = Int(number(bytes, 14, bytes: 2))
        guard 16 + length <= Limits.proxyHeaderBytes else { throw .badProxyProtocol }
        let isLocal = bytes[12] == 0x20
        let needed =
            switch bytes[13] {
            case _ where isLocal: 0
            case 0x00: 0
            case 0x11, 0x12: 12
            case 0x21, 0x22: 36
            case 0x31, 0x32: 216
            default: Int.max
            }
        guard length >= needed else { throw .badProxyProtocol }
        guard bytes.count >= 16 + length else { return nil }
        var header = Header(consumed: 16 + length)
        guard !isLocal else { return header }
        switch bytes[13] >> 4 {
        case 1: fill(&header, bytes, width: 4)
        case 2: fill(&header, bytes, width: 16)
        default: break
        }
        return header
    }

    private static func fill(_ header: inout Header, _ bytes: Span<UInt8>, width: Int) {
        let ports = 16 + 2 * width
        header.source = Endpoint(
            address: address(bytes, 16, width: width),
            port: UInt16(truncatingIfNeeded: number(bytes, ports, bytes: 2))
        )
        header.destination = Endpoint(
            address: address(bytes, 16 + width, width: width),
            port: UInt16(truncatingIfNeeded: number(bytes, ports + 2, bytes: 2))
        )
    }

    private static func address(_ bytes: Span<UInt8>, _ at: Int, width: Int) -> IPAddress {
        guard width == 16 else {
            return IPAddress(ipv4: UInt32(truncatingIfNeeded: number(bytes, at, bytes: 4)))
        }
        return IPAddress(
            high: number(bytes, at, bytes: 8),
            low: number(bytes, at + 8, bytes: 8)
        )
    }

    /// In network order.
    private static func number(_ bytes: Span<UInt8>, _ at: Int, bytes width: Int) -> UInt64 {
        var value: UInt64 = 0
        for index in at..<(at + width) { value = value << 8 | UInt64(bytes[index]) }
        return value
    }

    // MARK: Version 1

    private static func parseText(_ bytes: Span<UInt8>) throws(EdgeError) -> Header? {
        guard agrees(bytes, with: "PROXY ") else { throw .badProxyProtocol }
        let view = bytes.extracting(first: min(bytes.count, Limits.proxyLineBytes))
        guard let control = view.firstControl(from: 0, to: view.count) else {
            guard view.count < Limits.proxyLineBytes else { throw .badProxyProtocol }
            return nil
        }
        guard view[control] == .cr else { throw .badProxyProtocol }
        guard control + 1 < view.count else {
            guard view.count < Limits.proxyLineBytes else { throw .badProxyProtocol }
            return nil
        }
        guard view[control + 1] == .lf, control > 6 else { throw .badProxyProtocol }
        var header = Header(consumed: control + 2)
        let line = view.extracting(6..<control)
        if line.starts(with: "UNKNOWN"), line.count == 7 || line[7] == .space { return header }
        var position = 0
        let family = word(line, &position)
        let isIPv4 = line.extracting(family).equals("TCP4")
        guard isIPv4 || line.extracting(family).equals("TCP6") else { throw .badProxyProtocol }
        let source = word(line, &position)
        let destination = word(line, &position)
        let sourcePort = word(line, &position)
        let destinationPort = word(line, &position)
        guard position == line.count + 1,
            let from = address(line.extracting(source), isIPv4),
            let to = address(line.extracting(destination), isIPv4),
            let fromPort = port(line.extracting(sourcePort)),
            let toPort = port(line.extracting(destinationPort))
        else { throw .badProxyProtocol }
        header.source = Endpoint(address: from, port: fromPort)
        header.destination = Endpoint(address: to, port: toPort)
        return header
    }

    /// Up to the next blank; `position` moves behind it, and one past the end after the last word.
    private static func word(_ line: Span<UInt8>, _ position: inout Int) -> Range<Int> {
        guard position < line.count else {
            position = line.count + 2
            return 0..<0
        }
        let start = position
        let end = line.firstIndex(of: .space, from: start) ?? line.count
        position = end + 1
        return start..<end
    }

    private static func port(_ text: Span<UInt8>) -> UInt16? {
        guard text.count <= 5, let value = text.decimal else { return nil }
        return UInt16(exactly: value)
    }

    /// TCP6 may carry a mapped IPv4 address, TCP4 nothing but dotted ones.
    private static func address(_ text: Span<UInt8>, _ isIPv4: Bool) -> IPAddress? {
        let isDotted = text.firstIndex(of: .colon) == nil
        return isDotted == isIPv4 ? IPAddress(text) : nil
    }

    /// Whether what is there so far could become `expected`.
    private static func agrees(_ bytes: Span<UInt8>, with expected: StaticString) -> Bool {
        for index in 0..<min(bytes.count, expected.utf8CodeUnitCount) {
            guard bytes[index] == expected.utf8Start[index] else { return false }
        }
        return true
    }
}
