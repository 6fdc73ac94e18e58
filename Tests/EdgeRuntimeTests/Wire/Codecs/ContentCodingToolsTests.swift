import Glibc
import Testing

@testable import EdgeRuntime

/// What other programs make of our streams, and we of theirs. A tool that is not there is left out, gzip and python
/// excepted, which every machine that runs the tests has.
@Suite struct ContentCodingToolsTests {
    private static let bodies = [
        [UInt8(0x41)], Coder.text(of: 70_000), Coder.noise(of: 70_000), Coder.text(of: 1_500_000),
    ]

    private static func python(_ expression: String) -> String {
        "python3 -c 'import sys, zlib; i = sys.stdin.buffer.read(); "
            + "sys.stdout.buffer.write(\(expression))'"
    }

    @Test(arguments: [
        (ContentCoding.gzip, "gzip -dc"),
        (.gzip, python("zlib.decompress(i, 31)")),
        (.deflate, python("zlib.decompress(i)")),
        (.brotli, "brotli -dc"),
    ])
    func othersReadWhatWeWrite(_ coding: ContentCoding, _ command: String) throws {
        guard Self.isThere(command) else { return }
        for body in Self.bodies {
            #expect(try Self.run(command, Coder.encode(body, coding)) == body)
        }
    }

    @Test(arguments: [
        (ContentCoding.gzip, "gzip -1c"),
        (.gzip, "gzip -9c"),
        (.gzip, python("(lambda c: c.compress(i) + c.flush())(zlib.compressobj(9, 8, 25))")),
        (.deflate, python("zlib.compress(i, 9)")),
        (.deflate, python("(lambda c: c.compress(i) + c.flush())(zlib.compressobj(6, 8, -15))")),
        (.deflate, python("(lambda c: c.compress(i) + c.flush())(zlib.compressobj(0, 8, -15))")),
        (.brotli, "brotli -c -q 11 -w 24"),
        (.brotli, "brotli -c -q 1"),
    ])
    func weReadWhatOthersWrite(_ coding: ContentCoding, _ command: String) throws {
        guard Self.isThere(command) else { return }
        for body in Self.bodies {
            let coded = try Self.run(command, body)
            #expect(try Coder.decode(coded, coding, pieces: 4096, room: 5000) == body)
        }
    }

    /// Debian's `brotli` is not among what the tests ask for.
    private static func isThere(_ command: String) -> Bool {
        !command.hasPrefix("brotli") || system("command -v brotli >/dev/null") == 0
    }

    /// What the command writes when it reads `input`.
    private static func run(_ command: String, _ input: [UInt8]) throws -> [UInt8] {
        var template = Array("/tmp/edged-coding-XXXXXX\0".utf8CString)
        let descriptor = mkstemp(&template)
        try #require(descriptor >= 0)
        let path = String(
            decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) },
            as: UTF8.self
        )
        defer { unlink(path) }
        let written = input.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        close(descriptor)
        try #require(written == input.count)
        let pipe = try #require(popen("\(command) < \(path)", "r"))
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while case let count = fread(&buffer, 1, buffer.count, pipe), count > 0 {
            output += buffer[..<count]
        }
        try #require(pclose(pipe) == 0, "\(command)")
        return output
    }
}
