// Settings of the server as a whole: listeners, logs, limits, and the tables that distributions refer to by name.
//
// Plain values with the defaults of `edge.lua`. A path is absolute here: the check resolved it against the folder
// of the file that named it.

struct ServerSettings: Sendable {
    /// `nil`: one loop per core.
    var workers: Int?
    var listen: [ListenSettings] = []
    var trustedProxies: [AddressPrefix] = []
    var admin = AdminSettings()
    var log = LogSettings()
    var limits = EdgeLimits()
    var secrets: [String: SecretSource] = [:]
    var geo = GeoSettings()
    var keyValueStores: [String: KeyValueSettings] = [:]
    var keyGroups: [String: [KeySettings]] = [:]
    var encryption: [String: EncryptionSettings] = [:]
    var functions = FunctionSettings()
    var recording: RecordingSettings?
    var reload = ReloadSettings()
    var explainTrusted: [AddressPrefix] = []
    var uploads = UploadSettings()
    var cache = CacheSettings()
}

struct ListenSettings: Sendable {
    var address: SocketAddress
    /// `nil`: plain text.
    var tls: ListenTLS?
    /// Peers that announce the viewer by the PROXY protocol; from all others its first bytes are an error.
    var proxyProtocolFrom: [AddressPrefix] = []
}

struct ListenTLS: Sendable {
    enum Version: String, CaseIterable, Sendable {
        case tls12 = "1.2"
        case tls13 = "1.3"
    }

    enum ALPN: String, CaseIterable, Sendable {
        case http2 = "h2"
        case http1 = "http/1.1"
    }

    /// Chosen by SNI; the first is the default.
    var certificates: [CertificateSettings]
    var minimumVersion = Version.tls12
    var clients: ClientCertificates?
    var protocols: [ALPN] = [.http1]
}

struct CertificateSettings: Hashable, Sendable {
    var certificatePath: String
    var keyPath: String
    var ocspPath: String?
}

struct ClientCertificates: Sendable {
    var authoritiesPath: String
    var isRequired = true
}

struct AdminSettings: Sendable {
    var socketPath = "run/edged.sock"
    /// A TCP address besides the socket.
    var address: SocketAddress?
    var token: Secret?
}

struct LogSettings: Sendable {
    enum Format: String, CaseIterable, Sendable {
        case json
        case standard
    }

    enum Level: String, CaseIterable, Sendable {
        case debug
        case info
        case warning
        case error
    }

    enum Destination: Hashable, Sendable {
        case stdout
        case stderr
        case off
        case file(String)
    }

    var access = Destination.stdout
    var format = Format.json
    var events = Destination.stderr
    var level = Level.info
}

/// `limits` of `edge.lua`: what one viewer or all of them together may take.
struct EdgeLimits: Sendable {
    var requestLineBytes = Limits.requestLineBytes
    var headBytes = Limits.headBytes
    var fields = Limits.fieldCount
    var bodyBytes = Limits.bodyBytes
    var connections = Limits.connections
    var connectionsPerAddress = Limits.connectionsPerAddress
    var bufferedBytes = Limits.bufferedBytes
    var requestsPerConnection = Limits.requestsPerConnection
    /// Bytes a second below which a viewer counts as stalled.
    var writeRate = Limits.writeRate
    var headTimeout: Nanoseconds = .seconds(10)
    var bodyTimeout: Nanoseconds = .seconds(60)
    var writeTimeout: Nanoseconds = .seconds(60)
    var idleTimeout: Nanoseconds = .seconds(60)
    var drainTimeout: Nanoseconds = .seconds(30)
}

enum SecretSource: Hashable, Sendable {
    case environment(String)
    case file(String)
}

/// A string that may come from `secrets`. It describes itself by its name and never by its value.
struct Secret: Sendable, CustomStringConvertible {
    /// `nil` if the value was written in the configuration itself.
    let name: String?
    let value: [UInt8]

    var description: String { name.map { "secret(\($0))" } ?? "secret" }
}

struct GeoSettings: Sendable {
    var cityPath: String?
    var asnPath: String?
}

struct KeyValueSettings: Sendable {
    /// What the store holds, if it is not for functions to write.
    var filePath: String?
    var entries = 0
    var bytes = 0
}

struct KeySettings: Sendable {
    var id: String
    var publicKeyPath: String
}

struct EncryptionSettings: Sendable {
    struct Row: Sendable {
        var provider: String
        var key: String
        var publicKeyPath: String
        var fields: [String]
    }

    /// Media type → `form` or `json`.
    var contentTypes: [String: String] = [:]
    var forwardsUnknownContentType = false
    var profile: String?
    /// Values of `fle-profile` → profile.
    var queryArgument: [String: String] = [:]
    var profiles: [String: [Row]] = [:]
}

struct FunctionSettings: Sendable {
    var folderPath = "functions"
    var instructions = 5_000_000
    var memoryBytes = 8 << 20
    var stateMemoryBytes = 128 << 20
    var viewerTimeout: Nanoseconds = .seconds(5)
    var originTimeout: Nanoseconds = .seconds(30)
    var bodyBytes = 1 << 20
    var responseBytes = 1 << 20
    var fetches = 10
    var logLines = 100
    /// Hosts that a function may fetch from; empty: any public one.
    var fetchAllow: [String] = []
    var fetchesPrivateAddresses = false
}

struct RecordingSettings: Sendable {
    var folderPath: String
    var oneIn = 100
    var bytesMax = 1 << 30
    var publicKeyPath: String?
    var redact: [String] = ["authorization", "cookie"]
}

struct ReloadSettings: Sendable {
    var gatePath: String?
    var watches = false
}

struct UploadSettings: Sendable {
    var spoolPath = "spool"
    var spoolBytes = 10 << 30
    var lifetime: Nanoseconds = .seconds(7 * 86_400)
}

struct CacheSettings: Sendable {
    var memoryBytes = 256 << 20
    /// Nil: nothing is kept on disk.
    var disk: Disk?

    struct Disk: Equatable, Sendable {
        var folderPath: String
        var bytes: Int
    }
}
