// The files that a configuration is made of, and what they look like from outside.

import CLinux
import Glibc

struct WatchList: Equatable {
    /// As `stat` sees a file, behind all links: what a replaced or rewritten file cannot keep.
    struct Mark: Equatable {
        var device: UInt64
        var inode: UInt64
        var size: Int64
        var seconds: Int
        var nanoseconds: Int

        init?(_ path: String) {
            var facts = stat()
            guard stat(path, &facts) == 0 else { return nil }
            device = UInt64(facts.st_dev)
            inode = UInt64(facts.st_ino)
            size = Int64(facts.st_size)
            seconds = facts.st_mtim.tv_sec
            nanoseconds = facts.st_mtim.tv_nsec
        }
    }

    private(set) var paths: Set<String> = []
    /// What `include` named: other files may match later.
    private(set) var patterns: Set<String> = []

    init(files: Set<String>) { paths = files }

    /// What was read, and what a good configuration names besides.
    init(_ loaded: LoadResult, path: String) {
        paths = Set(loaded.sources.keys).union([path])
        patterns = Set(loaded.patterns)
        guard let configuration = loaded.configuration else { return }
        for listen in configuration.settings.listen {
            for certificate in listen.tls?.certificates ?? [] {
                paths.formUnion([certificate.certificatePath, certificate.keyPath])
                if let path = certificate.ocspPath { paths.insert(path) }
            }
            if let path = listen.tls?.clients?.authoritiesPath { paths.insert(path) }
        }
        for tls in configuration.origins.map(\.tls) {
            paths.formUnion(
                [tls.authoritiesPath, tls.certificatePath, tls.keyPath].compactMap { $0 }
            )
        }
        for case .file(let path) in configuration.settings.secrets.values { paths.insert(path) }
    }

    /// What a refused configuration read is watched besides: it is where the mistake is mended.
    func union(_ other: WatchList) -> WatchList {
        var list = self
        list.paths.formUnion(other.paths)
        list.patterns.formUnion(other.patterns)
        return list
    }

    /// Of every file that is there.
    var marks: [String: Mark] {
        var marks: [String: Mark] = [:]
        for path in paths.union(patterns.flatMap(ConfigReader.files)) { marks[path] = Mark(path) }
        return marks
    }

    /// Those that the files lie in and those above them: a folder may be a link that is turned to another release.
    var folders: Set<String> {
        var folders: Set<String> = []
        for path in paths.union(patterns) {
            let folder = Self.folder(of: path)
            let places = folder.contains("*") ? ConfigReader.files(matching: folder) : [folder]
            for place in places {
                folders.formUnion([place, Self.folder(of: place)])
                // Where it is made, when nothing of it is there yet.
                var above = place
                while ConfigReader.presence(of: above) == .missing {
                    above = Self.folder(of: above)
                    folders.insert(above)
                }
            }
        }
        return folders
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return path == "." ? ".." : "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
