// What the operator asked for, checked and ready to act on: the tree of `edge.lua` as values.
//
// Immutable once built. `Configuration`, `Distribution` and `Behavior` are classes, because every exchange holds
// them: one retain each instead of a copy of their contents. What a request touches is compiled (bit masks, name
// sets, bytes for the wire); names stay strings, for people. Settings of the server as a whole are in
// `Settings.swift`, those of origins in `OriginSettings.swift`.

package final class Configuration: Sendable {
    let settings: ServerSettings
    /// In the order of their names; a target names one by its place.
    let origins: [OriginSettings]
    let originGroups: [OriginGroupSettings]
    /// In the order of their names.
    let distributions: [Distribution]
    private let hosts: HostIndex
    /// What keeps this configuration from running although it is correct: settings that this version does not
    /// have, secrets whose value cannot be found. `edged check` notes them, `edged run` refuses.
    package let unavailable: [Diagnostic]

    init(
        settings: ServerSettings = ServerSettings(),
        origins: [OriginSettings],
        originGroups: [OriginGroupSettings] = [],
        distributions: [Distribution],
        unavailable: [Diagnostic] = []
    ) {
        self.settings = settings
        self.origins = origins
        self.originGroups = originGroups
        self.distributions = distributions
        self.unavailable = unavailable
        hosts = HostIndex(domains: distributions.map(\.domains))
    }

    /// The distribution of a host that was stripped of its port. It may be switched off: see `isEnabled`.
    @inline(__always)
    func distribution(for host: Span<UInt8>) -> Distribution? {
        guard let index = hosts.index(for: host) else { return nil }
        return distributions[index]
    }
}

package final class Distribution: Sendable {
    let name: String
    /// Place in `Configuration.distributions`, for counters.
    let index: Int
    /// A distribution that is switched off still owns its domains: no wildcard takes its place.
    let isEnabled: Bool
    let domains: [String]
    /// What `/` stands for, with its leading slash; `nil` leaves `/` alone.
    let defaultRootObject: [UInt8]?
    let geo: CountryRule?
    let errorPages: [ErrorPage]
    /// In the order they are tried; the last one is `*`.
    let behaviors: [Behavior]
    let upload: UploadRule?
    private let paths: PathIndex

    init(
        name: String,
        index: Int = 0,
        isEnabled: Bool = true,
        domains: [String],
        defaultRootObject: String? = nil,
        geo: CountryRule? = nil,
        errorPages: [ErrorPage] = [],
        behaviors: [Behavior],
        upload: UploadRule? = nil
    ) {
        precondition(behaviors.last?.path == "*", "the last behaviour serves every path")
        self.name = name
        self.index = index
        self.isEnabled = isEnabled
        self.domains = domains
        self.defaultRootObject = defaultRootObject.map { Array("/\($0)".utf8) }
        self.geo = geo
        self.errorPages = errorPages
        self.behaviors = behaviors
        self.upload = upload
        paths = PathIndex(patterns: behaviors.map(\.path))
    }

    /// The first behaviour whose pattern matches the path as received, without its query.
    @inline(__always)
    func behavior(for path: Span<UInt8>) -> Behavior {
        behaviors[paths.firstMatch(path) ?? behaviors.count - 1]
    }

    func errorPage(for status: Int) -> ErrorPage? {
        for index in errorPages.indices where errorPages[index].error == status {
            return errorPages[index]
        }
        return nil
    }
}

package final class Behavior: Sendable {
    enum Target: Equatable, Sendable {
        /// Place in `Configuration.origins`.
        case origin(Int)
        /// Place in `Configuration.originGroups`.
        case group(Int)
    }

    enum ViewerProtocol: String, CaseIterable, Sendable {
        case any
        case redirect
        case https
    }

    /// The pattern as it was written; also the behaviour's name in logs.
    let path: String
    let target: Target
    let methods: MethodSet
    let viewerProtocol: ViewerProtocol
    let originRequest: OriginRequestPolicy
    let responseHeaders: HeaderPolicy
    let compress: Bool
    /// `nil` where the cache is off.
    let cache: CacheRule?
    let access: AccessRule
    let functions: FunctionAttachments
    let encrypt: String?

    init(
        path: String,
        target: Target,
        methods: MethodSet = .all,
        viewerProtocol: ViewerProtocol = .any,
        originRequest: OriginRequestPolicy = .all,
        responseHeaders: HeaderPolicy = .none,
        compress: Bool = false,
        cache: CacheRule? = nil,
        access: AccessRule = AccessRule(),
        functions: FunctionAttachments = FunctionAttachments(),
        encrypt: String? = nil
    ) {
        self.path = path
        self.target = target
        self.methods = methods
        self.viewerProtocol = viewerProtocol
        self.originRequest = originRequest
        self.responseHeaders = responseHeaders
        self.compress = compress
        self.cache = cache
        self.access = access
        self.functions = functions
        self.encrypt = encrypt
    }
}

/// What replaces an error of the origin or of the edge (§2.9 of the contract).
struct ErrorPage: Sendable {
    /// The status that is replaced.
    var error: Int
    /// Path of the page, fetched through the behaviour that matches it; `nil` if only `ttl` was given.
    var path: [UInt8]?
    /// What the viewer is told instead; given together with `path`.
    var status: Int
    var ttl: Nanoseconds = .seconds(10)
}

struct CountryRule: Sendable {
    enum Sense: Sendable {
        case allow
        case deny
    }

    var sense: Sense
    /// Upper-case ISO 3166-1 alpha-2.
    var countries: [String]
}

struct CacheRule: Sendable {
    enum ViewerDirectives: String, CaseIterable, Sendable {
        case ignore
        case honour
    }

    enum Vary: String, CaseIterable, Sendable {
        case standard
        case ignore
    }

    var minTTL: Nanoseconds = 0
    var defaultTTL: Nanoseconds = .seconds(86_400)
    var maxTTL: Nanoseconds = .seconds(365 * 86_400)
    var errorTTL: Nanoseconds = .seconds(10)
    var viewerDirectives = ViewerDirectives.ignore
    var blockBytes = 1 << 20
    var key = KeyRule()
    var vary = Vary.standard
}

/// Who may come in, besides the methods.
struct AccessRule: Sendable {
    var signedBy: [String] = []
    var geo: CountryRule?
    /// `nil`: everyone who is not denied.
    var allowAddresses: [AddressPrefix]?
    var denyAddresses: [AddressPrefix] = []
    /// Hosts that may refer; `nil`: any.
    var referers: [String]?
    var rate: RateRule?

    /// A denied address is refused whatever list allows it.
    func admits(_ address: IPAddress) -> Bool {
        for index in denyAddresses.indices where denyAddresses[index].contains(address) {
            return false
        }
        guard let allowAddresses else { return true }
        for index in allowAddresses.indices where allowAddresses[index].contains(address) {
            return true
        }
        return false
    }
}

struct RateRule: Sendable {
    enum Key: Equatable, Sendable {
        case address
        case header(String)
    }

    var key = Key.address
    var requests: Int
    var per: Nanoseconds = .seconds(1)
    var burst: Int
}

struct FunctionAttachments: Sendable {
    var viewerRequest: [FunctionAttachment] = []
    var originRequest: [FunctionAttachment] = []
    var originResponse: [FunctionAttachment] = []
    var viewerResponse: [FunctionAttachment] = []

    var isEmpty: Bool {
        viewerRequest.isEmpty && originRequest.isEmpty && originResponse.isEmpty
            && viewerResponse.isEmpty
    }
}

struct FunctionAttachment: Sendable {
    enum OnError: String, CaseIterable, Sendable {
        case closed
        case open
    }

    /// Place among all attachments of the configuration.
    var id = 0
    var name: String
    var options: ConfigNode?
    var secrets: [Secret] = []
    var onError = OnError.closed
    var timeout: Nanoseconds?
    /// Where it is attached.
    var position: SourcePosition?
}

/// A distribution that takes uploads.
struct UploadRule: Sendable {
    enum Mode: String, CaseIterable, Sendable {
        case pass
        case resign
        case spool
    }

    var target: Behavior.Target
    var mode = Mode.pass
    var resumable: [String] = []
    var bytesMax = 5 << 40
    var perViewer = 8
    /// `nil`: chosen from the size.
    var partBytes: Int?
}
