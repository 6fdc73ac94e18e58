// What an operator may say about TLS, and how a mistake in it is reported.

/// A certificate of ours with its key, as two PEM files. The certificate file may carry its chain.
struct TLSIdentity: Equatable, Sendable {
    var certificate: String
    var key: String
    /// A DER file with an OCSP response that is stapled to the certificate.
    var ocsp: String?

    init(certificate: String, key: String, ocsp: String? = nil) {
        self.certificate = certificate
        self.key = key
        self.ocsp = ocsp
    }
}

enum TLSVersion: UInt8, Sendable {
    case tls12
    case tls13

    var word: StaticString {
        switch self {
        case .tls12: "TLSv1.2"
        case .tls13: "TLSv1.3"
        }
    }
}

/// What ALPN (RFC 7301) agrees on.
enum ApplicationProtocol: UInt8, Sendable {
    case http11
    case h2

    var word: StaticString {
        switch self {
        case .http11: "http/1.1"
        case .h2: "h2"
        }
    }

    init?(_ name: Span<UInt8>) {
        if name.equals(Self.http11.word) {
            self = .http11
        } else if name.equals(Self.h2.word) {
            self = .h2
        } else {
            return nil
        }
    }

    /// The list as it goes over the wire: a length byte before each name.
    static func wireFormat(_ protocols: [Self]) -> [UInt8] {
        var bytes: [UInt8] = []
        for name in protocols.map(\.word) {
            bytes.append(UInt8(truncatingIfNeeded: name.utf8CodeUnitCount))
            name.withUTF8Buffer { bytes.append(contentsOf: $0) }
        }
        return bytes
    }
}

struct TLSServerSettings: Equatable, Sendable {
    struct ClientCertificates: Equatable, Sendable {
        /// PEM file with the authorities whose clients are let in.
        var authorities: String
        /// When false a client may come without a certificate, but not with a wrong one.
        var required: Bool

        init(authorities: String, required: Bool = true) {
            self.authorities = authorities
            self.required = required
        }
    }

    /// Chosen by the server name that the client asks for; the first is the default.
    var identities: [TLSIdentity]
    var minimumVersion = TLSVersion.tls12
    /// In order of preference. A client that offers only others is refused.
    var protocols: [ApplicationProtocol] = [.http11]
    var clientCertificates: ClientCertificates?

    init(identities: [TLSIdentity]) { self.identities = identities }
}

struct TLSClientSettings: Equatable, Sendable {
    var verify = true
    /// PEM file; nil means the authorities that the system trusts.
    var authorities: String?
    /// Shown to a server that asks for a client certificate.
    var identity: TLSIdentity?
    var minimumVersion = TLSVersion.tls12
    var maximumVersion = TLSVersion.tls13
    var protocols: [ApplicationProtocol] = [.http11]
    /// Ask for a stapled OCSP response; see `TLSStream.stapledResponse`.
    var requestsStaple = false

    init() {}
}

struct TLSSettingsError: Error, Equatable, CustomStringConvertible {
    enum Kind: UInt8 {
        case missingFile
        case unreadableFile
        case noCertificate
        case noKey
        case encryptedKey
        case keyMismatch
        case refusedCertificate
        case badStaple
        case noIdentity
        case library
    }

    var kind: Kind
    /// The file at fault; empty when there is none.
    var file: String
    /// What is wrong with it and what to do, without the file's name.
    var problem: String

    var description: String { file.isEmpty ? problem : "\(file): \(problem)" }
}
