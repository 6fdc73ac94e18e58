// Where content comes from: servers, folders, buckets, and groups of them that stand in for one another.

struct OriginSettings: Sendable {
    enum Source: Sendable {
        /// One server, or several that share the load by weight.
        case servers([OriginServer])
        /// A folder of this machine, absolute.
        case files(String)
        case bucket(BucketSettings)
    }

    enum Version: String, CaseIterable, Sendable {
        case http1 = "http/1.1"
        case http2 = "h2"
    }

    var name: String
    /// Place in `Configuration.origins`.
    var index: Int
    var source: Source
    /// Put before every path: empty, or with a leading slash and without a closing one.
    var path: [UInt8] = []
    /// What `Host` says to the origin; `nil`: the server's own name (and port, where it is not the scheme's).
    var host: [UInt8]?
    /// Set on every request, over the viewer's; names are lower case.
    var headers: [OriginHeader] = []
    var version = Version.http1
    var connectTimeout: Nanoseconds = .seconds(3)
    var connectAttempts = 3
    /// From the last byte sent to the first received, and between two received.
    var responseTimeout: Nanoseconds = .seconds(30)
    /// The whole exchange; `nil`: no bound.
    var totalTimeout: Nanoseconds?
    var idleTimeout: Nanoseconds = .seconds(60)
    /// Connections to one server from all loops together.
    var connections = 256
    var tls = OriginTLS()
    var health: HealthSettings?
}

struct OriginServer: Hashable, Sendable {
    /// A name or an address, without brackets.
    var host: String
    var port: UInt16
    var isTLS: Bool
    var weight: Int = 1

    /// What `Host` says for this server: the port only where it is not the scheme's.
    var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (isTLS ? 443 : 80) ? name : "\(name):\(port)"
    }
}

struct OriginHeader: Sendable {
    /// Lower case.
    var name: [UInt8]
    var value: Secret
}

struct OriginTLS: Sendable {
    var verifies = true
    /// `nil`: the system's.
    var authoritiesPath: String?
    /// `nil`: the server's own name.
    var serverName: String?
    var certificatePath: String?
    var keyPath: String?
}

struct HealthSettings: Equatable, Sendable {
    var path: String = "/"
    var interval: Nanoseconds = .seconds(10)
    /// Failures in a row that take a server out.
    var unhealthy = 3
    /// Successes in a row that bring it back.
    var healthy = 2
}

struct BucketSettings: Sendable {
    var bucket: String
    var region: String
    var endpoint: OriginServer?
    var usesPathStyle = false
    var signs = true
    var accessKey: Secret?
    var secretKey: Secret?
}

struct OriginGroupSettings: Sendable {
    var name: String
    var index: Int
    /// Places in `Configuration.origins`, in the order they are tried.
    var members: [Int]
    /// Statuses that hand over to the next member, ascending.
    var failover: [Int]

    func failsOver(on status: Int) -> Bool {
        for index in failover.indices where failover[index] == status { return true }
        return false
    }
}
