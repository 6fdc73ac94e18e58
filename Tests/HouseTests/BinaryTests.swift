// Facts about the binary that was built beside these tests: what it links decides how fast it starts and where it runs.

import Glibc
import Testing

@Suite struct BinaryTests {
    /// Everything that `edged` may load, by the name before `.so`. A new row needs a record in docs/decisions.
    private static let allowed: Set = [
        // The kernel's page and the C and C++ runtimes.
        "linux-vdso", "ld-linux-x86-64", "ld-linux-aarch64", "libc", "libm", "libgcc_s",
        "libstdc++",
        // The Swift runtime; a release build links it statically.
        "libswiftCore", "libswiftGlibc", "libswift_Concurrency", "libswift_StringProcessing",
        "libswift_RegexParser", "libswift_Builtin_float", "libswiftSynchronization",
        "libswiftSwiftOnoneSupport", "libdispatch", "libBlocksRuntime",
        // docs/decisions/0001-system-libraries.md
        "liblua5.4", "libssl", "libcrypto",
        // docs/decisions/0012-zlib-and-brotli.md
        "libz", "libbrotlienc", "libbrotlidec", "libbrotlicommon",
    ]

    /// The test program lies in the folder that everything is built into.
    private static var edged: String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let length = readlink("/proc/self/exe", &buffer, buffer.count)
        guard length > 0, let slash = buffer[..<length].lastIndex(of: CChar(UInt8(ascii: "/")))
        else {
            return nil
        }
        let path =
            String(decoding: buffer[...slash].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            + "edged"
        return access(path, X_OK) == 0 ? path : nil
    }

    @Test func onlyTheLibrariesOfTheDecisionRecordsAreLinked() throws {
        let binary = try #require(Self.edged, "there is no edged beside the test program")
        let listing = try #require(
            Repository.output(of: "ldd '\(binary)'"),
            "ldd on \(binary) failed"
        )
        let names = listing.split(separator: "\n").compactMap { Self.libraryName(in: $0) }
        #expect(names.contains("libssl") && names.contains("liblua5.4"), "\(listing)")
        report(names.filter { !Self.allowed.contains($0) }.map { "edged links \($0)" })
    }

    @Test func libraryNamesLoseTheirVersionAndPath() {
        #expect(Self.libraryName(in: "\tlibssl.so.3 => /usr/lib/libssl.so.3 (0x1)") == "libssl")
        #expect(Self.libraryName(in: "\tliblua5.4.so.0 => /usr/lib/x (0x1)") == "liblua5.4")
        #expect(Self.libraryName(in: "\t/lib64/ld-linux-x86-64.so.2 (0x1)") == "ld-linux-x86-64")
        #expect(Self.libraryName(in: "libFoundation.so => not found") == "libFoundation")
    }

    /// One line of `ldd`: `name.so.N => path (address)`.
    private static func libraryName(in line: Substring) -> String? {
        guard let word = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).first,
            let file = word.split(separator: "/").last,
            let end = file.firstRange(of: ".so")
        else { return nil }
        return String(file[..<end.lowerBound])
    }
}
