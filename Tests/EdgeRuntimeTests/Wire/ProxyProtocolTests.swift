import Testing

@testable import EdgeRuntime

@Suite struct ProxyProtocolTests {
    /// One answer for the whole input and for every beginning of it that is long enough to have one.
    private func answer(_ input: [UInt8]) -> String {
        let whole = read(input)
        var first = "more"
        for count in 0...input.count where first == "more" {
            first = read(Array(input.prefix(count)))
        }
        return whole == first ? whole : "whole \(whole), split \(first)"
    }

    private func read(_ input: [UInt8]) -> String {
        do {
            guard let header = try ProxyProtocol.parse(input.span) else { return "more" }
            guard let source = header.source, let destination = header.destination else {
                return "local \(header.consumed)"
            }
            return "\(source.address) \(source.port) \(destination.address) \(destination.port)"
                + " \(header.consumed)"
        } catch {
            return "\(error.word)"
        }
    }

    // swift-format-ignore
    static let lines: [(String, String)] = [
        ("PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\nGET", "192.0.2.1 56324 198.51.100.7 443 45"),
        ("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n", "2001:db8::1 1 ::1 65535 36"),
        ("PROXY UNKNOWN\r\n", "local 15"),
        ("PROXY UNKNOWN ffff:f::1 whatever 1 2\r\n", "local 38"),
        ("PROXY TCP4 192.0.2.1", "more"),
        ("PROXY TCP4 192.0.2.1 198.51.100.7 56324\r\n", "bad_proxy_protocol"),
        ("PROXY TCP4 192.0.2.1 198.51.100.7 56324 443 9\r\n", "bad_proxy_protocol"),
        ("PROXY TCP4 192.0.2.1 198.51.100.7 56324 65536\r\n", "bad_proxy_protocol"),
        ("PROXY TCP4 192.0.2.1 198.51.100.7 -1 443\r\n", "bad_proxy_protocol"),
        ("PROXY TCP4  192.0.2.1 198.51.100.7 1 443\r\n", "bad_proxy_protocol"),
        ("PROXY TCP4 ::1 ::1 1 443\r\n", "bad_proxy_protocol"),
        ("PROXY TCP6 192.0.2.1 192.0.2.2 1 443\r\n", "bad_proxy_protocol"),
        ("PROXY UNKNOWNX\r\n", "bad_proxy_protocol"),
        ("PROXY \r\n", "bad_proxy_protocol"),
        ("PROXY TCP4\n", "bad_proxy_protocol"),
        ("PROXY TCP4\rx", "bad_proxy_protocol"),
        ("GET / HTTP/1.1\r\n", "bad_proxy_protocol"),
        ("PROXY " + String(repeating: "x", count: 101), "bad_proxy_protocol"),
    ]

    @Test(arguments: lines) func versionOne(line: String, expected: String) {
        #expect(answer(Array(line.utf8)) == expected)
    }

    private func binary(
        _ command: UInt8,
        _ family: UInt8,
        _ length: Int,
        _ rest: [UInt8]
    ) -> [UInt8] {
        Array("\r\n\r\n\0\r\nQUIT\n".utf8) + [
            command, family, UInt8(length >> 8), UInt8(length & 255),
        ]
            + rest
    }

    @Test func versionTwo() {
        let four: [UInt8] = [192, 0, 2, 1, 198, 51, 100, 7, 0xDC, 0x04, 0x01, 0xBB]
        #expect(answer(binary(0x21, 0x11, 12, four)) == "192.0.2.1 56324 198.51.100.7 443 28")
        #expect(answer(binary(0x21, 0x11, 15, four + [4, 0, 0])).hasSuffix("443 31"))
        var six = [UInt8](repeating: 0, count: 36)
        six[15] = 1
        six[31] = 2
        six[33] = 80
        #expect(answer(binary(0x21, 0x21, 36, six)) == "::1 80 ::2 0 52")
        #expect(answer(binary(0x20, 0x00, 0, [])) == "local 16")
        #expect(answer(binary(0x20, 0x11, 3, [1, 2, 3])) == "local 19")
        #expect(answer(binary(0x21, 0x31, 216, [UInt8](repeating: 0, count: 216))) == "local 232")
        #expect(answer(binary(0x21, 0x11, 12, [1])) == "more")
        #expect(answer(binary(0x21, 0x11, 11, four)) == "bad_proxy_protocol")
        #expect(answer(binary(0x11, 0x11, 12, four)) == "bad_proxy_protocol")
        #expect(answer(binary(0x22, 0x11, 12, four)) == "bad_proxy_protocol")
        #expect(answer(binary(0x21, 0x41, 12, four)) == "bad_proxy_protocol")
        #expect(answer(binary(0x21, 0x11, 5000, [])) == "bad_proxy_protocol")
        #expect(answer(Array("\r\n\r\nX".utf8)) == "bad_proxy_protocol")
    }
}
