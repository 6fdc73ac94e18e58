// The file system as the configuration sees it: whole files, patterns of names, questions about paths.
//
// Runs when a configuration is loaded, never for a request.

import CLinux
import Glibc

enum ConfigReader {
    enum Presence: Equatable {
        case file
        case folder
        case unreadable
        case missing
    }

    /// The bytes of a file, or what stands in the way, in words.
    static func read(_ path: String, bytesMax: Int) -> Result<[UInt8], ReadError> {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return .failure(ReadError(code: errno)) }
        defer { close(descriptor) }
        var content: [UInt8] = []
        while true {
            let room = 64 << 10
            let before = content.count
            var failure: CInt = 0
            content.append(contentsOf: repeatElement(0, count: room))
            let count = content.withUnsafeMutableBytes { bytes in
                let got = Glibc.read(descriptor, bytes.baseAddress.map { $0 + before }, room)
                failure = got < 0 ? errno : 0
                return got
            }
            content.removeLast(room - max(0, count))
            if failure == EINTR { continue }
            guard failure == 0 else { return .failure(ReadError(code: failure)) }
            guard content.count <= bytesMax else { return .failure(ReadError(code: EFBIG)) }
            if count == 0 { return .success(content) }
        }
    }

    struct ReadError: Error {
        var code: CInt

        var message: String { String(cString: strerror(code)).lowercased() }
    }

    static func presence(of path: String) -> Presence {
        var facts = stat()
        guard stat(path, &facts) == 0 else { return .missing }
        let isFolder = facts.st_mode & S_IFMT == S_IFDIR
        guard access(path, isFolder ? R_OK | X_OK : R_OK) == 0 else { return .unreadable }
        return isFolder ? .folder : .file
    }

    /// The files that a pattern like `sites/*.lua` names, in the order of their names.
    static func files(matching pattern: String) -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        guard glob(pattern, 0, nil, &found) == 0 else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { index in
            found.gl_pathv[index].map { String(cString: $0) }
        }
    }

    static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    /// The program that runs.
    static var executable: String {
        var path = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = path.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { readlink("/proc/self/exe", $0, bytes.count) } ?? 0
        }
        return String(decoding: path.prefix(max(0, count)), as: UTF8.self)
    }

    /// A path as the file that names it means it.
    static func resolve(_ path: String, beside file: String) -> String {
        if path.hasPrefix("/") { return path }
        let folder = folder(of: file)
        return folder.isEmpty ? path : "\(folder)/\(path)"
    }

    /// The same path from the root, so that it holds wherever the process goes.
    static func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        guard let current = getcwd(nil, 0) else { return path }
        defer { free(current) }
        let folder = String(cString: current)
        return folder == "/" ? "/\(path)" : "\(folder)/\(path)"
    }

    private static func folder(of file: String) -> String {
        guard let slash = file.lastIndex(of: "/") else { return "" }
        return slash == file.startIndex ? "/" : String(file[..<slash])
    }
}
