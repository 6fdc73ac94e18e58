// Where functions are found: the operator's folder, then the shelf that comes with the product (`shelf/NAME`).
//
// Files are read while a generation is built and never for a request.

struct FunctionSources {
    let folder: String
    let shelf: String?

    struct Source {
        var path: String
        var bytes: [UInt8]
    }

    enum Failure: Error {
        /// The path where it would lie.
        case missing(tried: String)
        case noShelf
        case unreadable(path: String, reason: String)
        case badName
    }

    /// `a.b` and `a/b` are the same file.
    func find(_ name: String) throws(Failure) -> Source {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
            .flatMap { $0.split(separator: ".", omittingEmptySubsequences: false) }
        let isClean = parts.allSatisfy { part in
            !part.isEmpty
                && part.utf8.allSatisfy { byte in
                    byte.isTokenByte && byte != UInt8(ascii: "*") && byte != UInt8(ascii: "'")
                }
        }
        guard isClean, !parts.isEmpty else { throw .badName }
        let path: String
        if parts.count > 1, parts[0] == "shelf" {
            guard let shelf else { throw .noShelf }
            path = "\(shelf)/\(parts.dropFirst().joined(separator: "/")).lua"
        } else {
            path = "\(folder)/\(parts.joined(separator: "/")).lua"
        }
        guard ConfigReader.presence(of: path) != .missing else { throw .missing(tried: path) }
        switch ConfigReader.read(path, bytesMax: Limits.functionFileBytesMax) {
        case .success(let bytes): return Source(path: path, bytes: bytes)
        case .failure(let error): throw .unreadable(path: path, reason: error.message)
        }
    }

    /// The names that may be written, for "did you mean".
    func names() -> [String] {
        let own = ConfigReader.files(matching: "\(folder)/*.lua").map { Self.name(of: $0) }
        let shelved = shelf.map { ConfigReader.files(matching: "\($0)/*.lua") } ?? []
        return (own + shelved.map { "shelf/\(Self.name(of: $0))" }).filter {
            !$0.hasSuffix(".test")
        }
    }

    private static func name(of path: String) -> String {
        let file = path.split(separator: "/").last ?? ""
        return String(file.dropLast(4))
    }

    static var installedShelf: String? {
        shelf(
            executable: ConfigReader.executable,
            environment: ConfigReader.environment("EDGED_SHELF")
        )
    }

    /// The shelf lies beside the program where it was installed, or in the tree that it was built from.
    static func shelf(executable: String, environment: String?) -> String? {
        if let environment, !environment.isEmpty { return environment }
        var parts = executable.split(separator: "/", omittingEmptySubsequences: false)
        _ = parts.popLast()
        let installed = (parts.dropLast() + ["share", "edged", "functions"]).joined(separator: "/")
        if ConfigReader.presence(of: installed) == .folder { return installed }
        while parts.count > 1 {
            let root = parts.joined(separator: "/")
            if ConfigReader.presence(of: "\(root)/Package.swift") == .file {
                return "\(root)/functions"
            }
            parts.removeLast()
        }
        return nil
    }
}
