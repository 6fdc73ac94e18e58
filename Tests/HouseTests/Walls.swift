// The inner walls of the runtime. It is one module, so the compiler lets every file name every type; the direction of
// the folders is kept here instead.
//
//   Kernel → Crypto → Lua → Wire → Telemetry → Distribution → Geo → {Cache, Functions, Trust, Origin, Uploads}
//          → Exchange → Viewer → Streaming → Control → Workbench → Server
//
// A folder may name types of its own and of folders to its left. Those in braces do not know each other.

struct Walls {
    static let order: [[String]] = [
        ["Kernel"], ["Crypto"], ["Lua"], ["Wire"], ["Telemetry"], ["Distribution"], ["Geo"],
        ["Cache", "Functions", "Trust", "Origin", "Uploads"],
        ["Exchange"], ["Viewer"], ["Streaming"], ["Control"], ["Workbench"], ["Server"],
    ]
    static let runtime = "Sources/EdgeRuntime/"

    /// Where C symbols may be named: (prefix of the symbol, folders that own the library).
    static let owners: [(prefix: String, folders: [String])] = [
        ("SSL_", ["Crypto/", "Wire/TLS/"]),
        ("BIO_", ["Crypto/", "Wire/TLS/"]),
        ("EVP_", ["Crypto/", "Wire/TLS/"]),
        ("X509_", ["Crypto/", "Wire/TLS/"]),
        ("BrotliEncoder", ["Wire/Codecs/"]),
        ("BrotliDecoder", ["Wire/Codecs/"]),
        ("z_stream", ["Wire/Codecs/"]),
        ("lua_", ["Lua/"]),
        ("luaL_", ["Lua/"]),
        ("epoll_", ["Kernel/"]),
        ("eventfd", ["Kernel/"]),
        ("inotify_", ["Kernel/"]),
        ("signalfd", ["Kernel/"]),
        ("timerfd", ["Kernel/"]),
    ]
    static let importers: [(module: String, folders: [String])] = [
        ("COpenSSL", ["Crypto/", "Wire/TLS/"]), ("CLua", ["Lua/"]),
        ("CZlib", ["Wire/Codecs/"]), ("CBrotli", ["Wire/Codecs/"]),
    ]

    /// Type names that can be seen from other files, with the folders that declare them.
    private var topLevel: [String: Set<String>] = [:]
    /// Names declared inside other types: they may shadow a top-level name in their own folder.
    private var nested: [String: Set<String>] = [:]
    private let sources: [SwiftSource]

    init(sources: [SwiftSource]) {
        self.sources = sources
        for source in sources {
            guard let folder = Self.folder(of: source.path) else { continue }
            for declaration in source.declarations {
                if declaration.isTopLevel, !declaration.isLocal {
                    topLevel[declaration.name, default: []].insert(folder)
                } else {
                    nested[declaration.name, default: []].insert(folder)
                }
            }
        }
    }

    static func folder(of path: String) -> String? {
        guard path.hasPrefix(runtime) else { return nil }
        let parts = path.dropFirst(runtime.count).split(separator: "/")
        return parts.count > 1 ? String(parts[0]) : nil
    }

    /// The folder itself and all to its left; nil for a folder that has no place in the order.
    static func visible(from folder: String) -> Set<String>? {
        guard let row = order.firstIndex(where: { $0.contains(folder) }) else { return nil }
        return Set(order[..<row].joined()).union([folder])
    }

    /// `file:line: …` for every name that looks to the right.
    func offences() -> [String] {
        sources.flatMap { source -> [String] in
            guard let folder = Self.folder(of: source.path) else {
                return ["\(source.path): lies in no folder of the runtime"]
            }
            guard let visible = Self.visible(from: folder) else {
                return ["\(source.path): the folder \(folder) has no place in Walls.order"]
            }
            return source.words.compactMap { word in
                guard !word.isMember, let homes = topLevel[word.text],
                    homes.isDisjoint(with: visible),
                    nested[word.text, default: []].isDisjoint(with: visible)
                else { return nil }
                return "\(source.path):\(word.line): \(folder) names \(word.text), which lives in "
                    + homes.sorted().joined(separator: ", ")
            }
        }
    }

    /// C symbols outside the folder that owns their library.
    func strayCSymbols() -> [String] {
        sources.flatMap { source -> [String] in
            let inside = source.path.dropFirst(Self.runtime.count)
            return source.words.compactMap { word in
                let rows =
                    Self.owners.filter { word.text.hasPrefix($0.prefix) }.map(\.folders)
                    + Self.importers.filter { word.text == $0.module }.map(\.folders)
                guard !word.isMember, let folders = rows.first,
                    !folders.contains(where: inside.hasPrefix)
                else { return nil }
                return "\(source.path):\(word.line): \(word.text) belongs to "
                    + folders.joined(separator: ", ")
            }
        }
    }
}
