// One version of the configuration with everything that was built from it once for all loops: the unit of a reload.
// It is built aside and handed to the loops whole, or not at all.

final class Published: Sendable {
    let number: UInt64
    let configuration: Configuration
    let origins: OriginAssets
    let bindings: [SocketAddress: ListenerBinding]

    /// Throws the first thing that cannot be had (a folder, a key, a certificate), in words for the operator.
    init(
        number: UInt64,
        configuration: Configuration,
        tickets: TicketKeys,
        now: Nanoseconds
    )
        throws(StartFailure)
    {
        self.number = number
        self.configuration = configuration
        var assets: [OriginAssets.Asset] = []
        for origin in configuration.origins { assets.append(try Self.asset(origin, now)) }
        origins = OriginAssets(assets: assets)
        var bindings: [SocketAddress: ListenerBinding] = [:]
        for listen in configuration.settings.listen {
            bindings[listen.address] = ListenerBinding(
                settings: listen,
                tls: try listen.tls.map { tls throws(StartFailure) in try Self.context(tls, tickets)
                }
            )
        }
        self.bindings = bindings
    }

    private static func context(
        _ tls: ListenTLS,
        _ tickets: TicketKeys
    ) throws(StartFailure)
        -> TLSContext
    {
        var settings = TLSServerSettings(
            identities: tls.certificates.map {
                TLSIdentity(certificate: $0.certificatePath, key: $0.keyPath, ocsp: $0.ocspPath)
            }
        )
        settings.minimumVersion = tls.minimumVersion == .tls13 ? .tls13 : .tls12
        // HTTP/2 is offered once it is spoken.
        settings.protocols = [.http11]
        settings.clientCertificates = tls.clients.map {
            .init(authorities: $0.authoritiesPath, required: $0.isRequired)
        }
        do throws(TLSSettingsError) {
            return try TLSContext.server(settings, tickets: tickets)
        } catch {
            throw StartFailure("\(error)")
        }
    }

    private static func asset(
        _ origin: OriginSettings,
        _ now: Nanoseconds
    ) throws(StartFailure)
        -> OriginAssets.Asset
    {
        switch origin.source {
        case .files(let path):
            do throws(SystemError) {
                return .files(try FileRoot(path: path))
            } catch {
                throw StartFailure("origin \(origin.name): cannot open \(path): \(error.reason)")
            }
        case .bucket: return .none
        case .servers(let servers):
            let active = origin.health.map {
                HealthMachine.Active(
                    intervalNanoseconds: $0.interval,
                    unhealthy: UInt8(clamping: $0.unhealthy),
                    healthy: UInt8(clamping: $0.healthy)
                )
            }
            let machine = HealthMachine(memberCount: servers.count, active: active, now: now)
            let usesTLS = servers.contains(where: \.isTLS)
            return .servers(
                health: OriginHealth(machine),
                tls: usesTLS ? try context(origin) : nil
            )
        }
    }

    private static func context(_ origin: OriginSettings) throws(StartFailure) -> TLSContext {
        var settings = TLSClientSettings()
        settings.verify = origin.tls.verifies
        settings.authorities = origin.tls.authoritiesPath
        if let certificate = origin.tls.certificatePath, let key = origin.tls.keyPath {
            settings.identity = TLSIdentity(certificate: certificate, key: key)
        }
        do throws(TLSSettingsError) {
            return try TLSContext.client(settings)
        } catch {
            throw StartFailure("origin \(origin.name): \(error)")
        }
    }
}

/// What all workers of a server share.
final class SharedParts: Sendable {
    let admission = Admission()
    let events: EventLog
    /// See `EdgeContext.name`.
    let name: [UInt8]

    init(name: [UInt8], events: EventLog) {
        self.name = name
        self.events = events
    }
}

/// Why the server cannot start, in one line for the operator.
package struct StartFailure: Error, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}
