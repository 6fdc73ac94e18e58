// What a function may wait for. A host function names it in `run.effect` and waits; the run performs it.

extension StageRun {
    enum Effect {
        case none
        case sleep(until: Nanoseconds)
        /// Bytes of the viewer's or of the origin's.
        case peer
        /// Several functions at once, each on a thread of its own.
        case all([LuaThread])
        indirect case fetch(FetchOrder)

        /// When the wait ends, whatever came of it.
        var deadline: Nanoseconds {
            switch self {
            case .none, .all, .peer: .never
            case .sleep(let until): until
            case .fetch(let order): order.deadline
            }
        }
    }

    /// One wait of one strand: an answer that comes after it is over finds nobody.
    struct Wait: Equatable {
        var strand: Int
        var serial: UInt64
    }
}

/// A request that a function wants sent.
struct FetchOrder {
    enum Target {
        case url(FetchURL)
        /// A configured origin by its name, and the path with its query.
        case origin(String, path: [UInt8])
    }

    var target: Target
    var method = Array("GET".utf8)
    var headers: [(name: [UInt8], value: [UInt8])] = []
    var body: [UInt8]?
    var deadline = Nanoseconds.never
    var bodyBytesMax: Int
    /// Redirects that are followed; the next one is the answer.
    var redirects = 0
}

/// An absolute `http` or `https` URL, read once: what is asked, compared and connected to is what stands here.
struct FetchURL: Equatable {
    /// In small letters, without brackets and the root's dot; addresses as they are usually spelled.
    var host: String
    var port: UInt16
    var isTLS: Bool
    /// With the query, without the fragment.
    var path: [UInt8]
    /// Everything, for a redirect that is relative to it.
    var text: [UInt8]

    struct Fault: Error {
        var reason: String
    }

    init(_ text: [UInt8]) throws(Fault) {
        let bytes = text.span
        let parts: URLParts
        do throws(URLError) {
            parts = try URLText.split(bytes)
        } catch {
            throw Fault(reason: "is no URL (\(error.word))")
        }
        guard let scheme = parts.scheme, let authority = parts.authority else {
            throw Fault(reason: "is not an absolute URL")
        }
        if bytes.extracting(scheme).equalsIgnoringCase("https") {
            isTLS = true
        } else if bytes.extracting(scheme).equalsIgnoringCase("http") {
            isTLS = false
        } else {
            throw Fault(reason: "is neither http nor https")
        }
        guard parts.userInfo == nil else {
            throw Fault(reason: "has a user's name: send an authorization header")
        }
        let written = bytes.extracting(authority)
        guard let name = HostName.parse(written) else { throw Fault(reason: "has no host") }
        port = name.port ?? (isTLS ? 443 : 80)
        guard port > 0 else { throw Fault(reason: "has port 0") }
        let lowered = written.extracting(name.host).lowercased
        host = String(decoding: lowered, as: UTF8.self)
        if let address = IPAddress(lowered.span) { host = "\(address)" }
        path = parts.path.isEmpty ? [UInt8(ascii: "/")] : Array(text[parts.path])
        if let query = parts.query { path += [UInt8(ascii: "?")] + text[query] }
        self.text = text
    }

    /// By the operator's list, where it is not empty: names, `*.x` for all below x.
    func isAllowed(by list: [String]) -> Bool {
        guard !list.isEmpty else { return true }
        return list.contains { pattern in
            guard pattern.hasPrefix("*") else { return pattern == host }
            return host.hasSuffix(pattern.dropFirst())
        }
    }
}
