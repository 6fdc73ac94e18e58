// The checkout that these tests belong to: its files and the output of a command, read with the C library alone so
// that the house tests need nothing that the product does not.

import Glibc

enum Repository {
    /// `#filePath` is Tests/HouseTests/Repository.swift, so the root is three steps up.
    static let root: String = {
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(3)
        return parts.joined(separator: "/")
    }()

    /// Files under version control and new ones that are not ignored, so that a mistake shows before it is
    /// committed. An unpacked archive has no version control: there every file outside hidden and output folders counts.
    static let files: [String] = {
        let listing =
            output(
                of: "git -C '\(root)' ls-files --cached --others --exclude-standard 2>/dev/null"
            )
            ?? output(
                of:
                    "cd '\(root)' && find . -name '.?*' -prune -o -path ./out -prune -o -type f -print"
                    + " | cut -c3-"
            )
            ?? ""
        return listing.split(separator: "\n").map(String.init).filter { path in
            access("\(root)/\(path)", R_OK) == 0
        }
    }()

    static func files(under folder: String, endingIn endings: [String]) -> [String] {
        files.filter { path in path.hasPrefix(folder) && endings.contains(where: path.hasSuffix) }
    }

    /// The bytes of a file; empty when it cannot be read, which the callers' counts would show.
    static func bytes(of path: String) -> [UInt8] {
        guard let file = fopen(path.hasPrefix("/") ? path : "\(root)/\(path)", "r") else {
            return []
        }
        defer { fclose(file) }
        return drain(file)
    }

    /// What a shell command prints, or nil when it fails or prints nothing.
    static func output(of command: String) -> String? {
        guard let pipe = popen(command, "r") else { return nil }
        let bytes = drain(pipe)
        guard pclose(pipe) == 0, !bytes.isEmpty else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func drain(_ file: UnsafeMutablePointer<FILE>) -> [UInt8] {
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&block, 1, block.count, file)
            if count == 0 { return bytes }
            bytes.append(contentsOf: block[..<count])
        }
    }
}
