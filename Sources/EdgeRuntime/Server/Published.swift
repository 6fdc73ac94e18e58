// One version of the configuration with everything that was built from it once for all loops: the unit of a reload.
// It is built aside and handed to the loops whole, or not at all.

final class Published: Sendable {
    let number: UInt64
    let configuration: Configuration
    /// What `configuration` was built from, as it is effective: to tell what the next one changes.
    let tree: ConfigNode?
    let origins: OriginAssets
    let stores: KeyValueStores
    let functions: FunctionAssets
    let bindings: [SocketAddress: ListenerBinding]
    /// Every origin and function that this process has counted for.
    let vocabulary: MetricVocabulary

    /// Throws everything that cannot be had (folders, keys, certificates), in words for the operator.
    init(
        number: UInt64,
        configuration: Configuration,
        tickets: TicketKeys,
        vocabulary: MetricVocabulary,
        tree: ConfigNode? = nil,
        replacing previous: Published? = nil,
        loops: Int = 1,
        now: Nanoseconds
    )
        throws(StartFailure)
    {
        self.number = number
        self.configuration = configuration
        self.tree = tree
        let places = ConfigPlaceFinder(tree: tree)
        var reasons: [Diagnostic] = []
        var assets: [OriginAssets.Asset] = []
        for origin in configuration.origins {
            do throws(StartFailure) {
                assets.append(try Self.asset(origin, previous?.health(like: origin), places, now))
            } catch { reasons += error.reasons }
        }
        var bindings: [SocketAddress: ListenerBinding] = [:]
        for (index, listen) in configuration.settings.listen.enumerated() {
            do throws(TLSSettingsError) {
                let tls = try listen.tls.map { tls throws(TLSSettingsError) in
                    try Self.context(tls, tickets)
                }
                bindings[listen.address] = ListenerBinding(settings: listen, tls: tls)
            } catch {
                let place = places.file(error.file, else: places.listener(index))
                reasons.append(place.error(error.description))
            }
        }
        self.bindings = bindings
        stores = KeyValueStores(
            configuration.settings.keyValueStores,
            replacing: previous?.stores ?? .none,
            now: now,
            diagnostics: &reasons
        )
        let build = FunctionBuild.build(
            configuration,
            generation: number,
            stores: stores,
            shelf: FunctionSources.installedShelf,
            vocabulary: vocabulary.adding(origins: configuration.origins.map(\.name))
        )
        self.vocabulary = build.vocabulary
        functions = FunctionAssets.assets(of: build, loops: loops, diagnostics: &reasons)
        var fetchTLS: TLSContext?
        do throws(TLSSettingsError) {
            if !functions.library.isEmpty { fetchTLS = try TLSContext.client(TLSClientSettings()) }
        } catch {
            reasons.append(places.setting("functions", "fetch").error(error.description))
        }
        origins = OriginAssets(assets: assets, fetchTLS: fetchTLS)
        guard reasons.isEmpty else {
            let warnings = build.diagnostics.filter { $0.severity != .error }
            reasons = (reasons + warnings).sorted { $0.precedes($1) }
            throw StartFailure(reasons: reasons, files: build.files)
        }
    }

    /// What is known of the servers of such an origin: a reload that leaves them alone forgets nothing.
    private func health(like origin: OriginSettings) -> OriginHealth? {
        guard let mine = configuration.origins.first(where: { $0.name == origin.name }),
            case .servers(let health, _) = origins.assets[mine.index],
            case .servers(let known) = mine.source, case .servers(let servers) = origin.source,
            known == servers, mine.health == origin.health
        else { return nil }
        return health
    }

    /// Of our own certificates, each file once.
    var certificates: [CertificateFacts] {
        var seen: Set<String> = []
        return configuration.settings.listen.flatMap { listen in
            bindings[listen.address]?.tls?.certificates ?? []
        }.filter { seen.insert($0.file).inserted }
    }

    /// The OCSP responses beside them, each file once.
    var staples: [Staple] {
        var seen: Set<String> = []
        return configuration.settings.listen.flatMap { listen in
            bindings[listen.address]?.tls?.staples.compactMap(\.self) ?? []
        }.filter { seen.insert($0.file).inserted }
    }

    private static func context(
        _ tls: ListenTLS,
        _ tickets: TicketKeys
    ) throws(TLSSettingsError)
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
        return try TLSContext.server(settings, tickets: tickets)
    }

    private static func asset(
        _ origin: OriginSettings,
        _ known: OriginHealth?,
        _ places: ConfigPlaceFinder,
        _ now: Nanoseconds
    ) throws(StartFailure)
        -> OriginAssets.Asset
    {
        switch origin.source {
        case .files(let path):
            do throws(SystemError) {
                return .files(try FileRoot(path: path))
            } catch {
                let place = places.origin(origin.name)
                throw StartFailure(reasons: [
                    place.error("origin \(origin.name): cannot open \(path): \(error.reason)")
                ])
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
                health: known ?? OriginHealth(machine),
                tls: usesTLS ? try context(origin, places) : nil
            )
        }
    }

    private static func context(
        _ origin: OriginSettings,
        _ places: ConfigPlaceFinder
    ) throws(StartFailure) -> TLSContext {
        var settings = TLSClientSettings()
        settings.verify = origin.tls.verifies
        settings.authorities = origin.tls.authoritiesPath
        if let certificate = origin.tls.certificatePath, let key = origin.tls.keyPath {
            settings.identity = TLSIdentity(certificate: certificate, key: key)
        }
        do throws(TLSSettingsError) {
            return try TLSContext.client(settings)
        } catch {
            let place = places.file(error.file, else: places.origin(origin.name))
            throw StartFailure(reasons: [place.error("origin \(origin.name): \(error)")])
        }
    }
}

/// What all workers of a server share.
final class SharedParts: Sendable {
    let admission: Admission
    let events: EventLog
    let metrics: Metrics
    /// See `EdgeContext.name`.
    let name: [UInt8]
    let cache: CacheIndex

    init(
        name: [UInt8],
        events: EventLog,
        metrics: Metrics,
        cache: CacheIndex,
        connectionsMax: Int
    ) {
        admission = Admission(ceiling: connectionsMax)
        self.cache = cache
        self.name = name
        self.events = events
        self.metrics = metrics
    }
}
