// Builds the settings of the server as a whole.

extension ConfigBuilder {
    mutating func serverSettings() -> ServerSettings {
        var settings = ServerSettings()
        settings.secrets = secretSources()
        secrets = settings.secrets
        settings.workers = tree.int("workers")
        settings.listen = listeners()
        settings.trustedProxies = prefixes(tree["trusted_proxies"])
        settings.admin = admin()
        settings.log = log()
        settings.limits = limits()
        if let geo = tree["geo"] {
            settings.geo.cityPath = path(geo, "city", key: "geo")
            settings.geo.asnPath = path(geo, "asn", key: "geo")
        }
        for entry in tree.table("kv") {
            settings.keyValueStores[entry.key] = KeyValueSettings(
                filePath: path(entry.node, "file", key: "kv.\(entry.key)"),
                entries: entry.node.int("entries") ?? 0,
                bytes: entry.node.int("size") ?? 0
            )
        }
        settings.keyGroups = keyGroups()
        settings.encryption = encryption()
        settings.functions = functions()
        settings.recording = recording()
        if let reload = tree["reload"] {
            settings.reload.gatePath = path(reload, "gate", key: "reload", wants: .folder)
            settings.reload.watches = reload.bool("watch") ?? false
        }
        settings.explainTrusted = prefixes(tree["explain"]?["trusted"])
        if let uploads = tree["uploads"] {
            settings.uploads = UploadSettings(
                spoolPath: path(uploads, "spool", key: "uploads", wants: nil) ?? "spool",
                spoolBytes: uploads.int("spool_size") ?? 0,
                lifetime: uploads.int64("lifetime") ?? 0
            )
        }
        if let cache = tree["cache"] {
            settings.cache.memoryBytes = cache.int("memory") ?? 0
            if let disk = cache["disk"],
                let folder = path(disk, "folder", key: "cache.disk", wants: nil)
            {
                settings.cache.disk = .init(folderPath: folder, bytes: disk.int("size") ?? 0)
            }
        }
        return settings
    }

    private mutating func secretSources() -> [String: SecretSource] {
        var sources: [String: SecretSource] = [:]
        for entry in tree.table("secrets") {
            let key = "secrets.\(entry.key)"
            let name = entry.node.text("env")
            let file = path(entry.node, "file", key: key)
            if (name == nil) == (file == nil) {
                report(
                    entry.node,
                    key,
                    name == nil ? "a secret without a source" : "a secret with two sources",
                    "write { env = \"NAME\" } or { file = \"path\" }"
                )
            }
            sources[entry.key] = file.map { .file($0) } ?? .environment(name ?? "")
        }
        return sources
    }

    private mutating func listeners() -> [ListenSettings] {
        var seen: [SocketAddress: Int] = [:]
        var result: [ListenSettings] = []
        for (index, node) in (tree["listen"]?.items ?? []).enumerated() {
            let key = "listen[\(index + 1)]"
            guard let place = node["address"], let text = place.text,
                let address = SocketAddress(text)
            else { continue }
            if let first = seen[address], address.port != 0 || address.ip == nil {
                report(
                    place,
                    "\(key).address",
                    "\(text) is the address of listen[\(first)] already",
                    "take one of them away"
                )
            }
            seen[address] = seen[address] ?? index + 1
            result.append(
                ListenSettings(
                    address: address.resolved(beside: place.position.file),
                    tls: listenTLS(node, key: key),
                    proxyProtocolFrom: prefixes(node["proxy_protocol_from"])
                )
            )
        }
        return result
    }

    private mutating func listenTLS(_ node: ConfigNode, key: String) -> ListenTLS? {
        guard let rows = node["tls"]?.items else {
            if let clients = node["client_certificates"] {
                report(clients, "\(key).client_certificates", "needs tls", "add tls = { … }")
            }
            return nil
        }
        var certificates: [CertificateSettings] = []
        for (index, row) in rows.enumerated() {
            let key = "\(key).tls[\(index + 1)]"
            let certificate = path(row, "certificate", key: key)
            let keyPath = path(row, "key", key: key)
            let ocsp = path(row, "ocsp", key: key)
            guard let certificate, let keyPath else { continue }
            certificates.append(
                CertificateSettings(certificatePath: certificate, keyPath: keyPath, ocspPath: ocsp)
            )
        }
        let clients = node["client_certificates"].flatMap { clients in
            path(clients, "authorities", key: "\(key).client_certificates").map {
                ClientCertificates(
                    authoritiesPath: $0,
                    isRequired: clients.bool("required") ?? true
                )
            }
        }
        return ListenTLS(
            certificates: certificates,
            minimumVersion: node.word("minimum_version", ListenTLS.Version.self) ?? .tls12,
            clients: clients,
            protocols: node.texts("protocols").compactMap { ListenTLS.ALPN(rawValue: $0) }
        )
    }

    private mutating func admin() -> AdminSettings {
        var admin = AdminSettings()
        guard let node = tree["admin"] else { return admin }
        if let place = node["socket"], let socket = place.text {
            let resolved = ConfigReader.absolute(
                ConfigReader.resolve(socket, beside: place.position.file)
            )
            admin.socketPath = resolved
            if SocketAddress(unixPath: resolved) == nil {
                let limit = SocketAddress.unixPathBytesMax
                report(place, "admin.socket", "the path is too long", "at most \(limit) bytes fit")
            }
        }
        admin.token = node["token"].flatMap { secret($0, key: "admin.token") }
        if let place = node["token"], admin.token?.value.isEmpty == true {
            report(
                place,
                "admin.token",
                "an empty token",
                "nobody could show it; take it away or fill it"
            )
        }
        if let place = node["address"], let text = place.text {
            admin.address = SocketAddress(text)
            if let ip = admin.address?.ip, !ip.isLoopback, node["token"] == nil {
                report(
                    place,
                    "admin.address",
                    "anyone who reaches \(text) would be an operator",
                    "add token = secret \"admin\", or use 127.0.0.1"
                )
            }
        }
        return admin
    }

    private mutating func log() -> LogSettings {
        var log = LogSettings()
        guard let node = tree["log"] else { return log }
        log.access = destination(node["access"]) ?? .stdout
        log.events = destination(node["events"]) ?? .stderr
        log.format = node.word("format", LogSettings.Format.self) ?? .json
        log.level = node.word("level", LogSettings.Level.self) ?? .info
        return log
    }

    private func destination(_ node: ConfigNode?) -> LogSettings.Destination? {
        guard let node, let text = node.text else { return nil }
        switch text {
        case "stdout": return .stdout
        case "stderr": return .stderr
        case "off": return .off
        default:
            let resolved = ConfigReader.resolve(text, beside: node.position.file)
            return .file(ConfigReader.absolute(resolved))
        }
    }

    private mutating func limits() -> EdgeLimits {
        var limits = EdgeLimits()
        guard let node = tree["limits"] else { return limits }
        limits.requestLineBytes = node.int("request_line") ?? limits.requestLineBytes
        limits.headBytes = node.int("head") ?? limits.headBytes
        limits.fields = node.int("fields") ?? limits.fields
        limits.bodyBytes = node.int("body") ?? limits.bodyBytes
        limits.connections = node.int("connections") ?? limits.connections
        limits.connectionsPerAddress =
            node.int("connections_per_address") ?? limits.connectionsPerAddress
        limits.bufferedBytes = node.int("buffered") ?? limits.bufferedBytes
        limits.requestsPerConnection =
            node.int("requests_per_connection") ?? limits.requestsPerConnection
        limits.writeRate = node.int("write_rate") ?? limits.writeRate
        limits.headTimeout = node.int64("head_timeout") ?? limits.headTimeout
        limits.bodyTimeout = node.int64("body_timeout") ?? limits.bodyTimeout
        limits.writeTimeout = node.int64("write_timeout") ?? limits.writeTimeout
        limits.idleTimeout = node.int64("idle_timeout") ?? limits.idleTimeout
        limits.drainTimeout = node.int64("drain_timeout") ?? limits.drainTimeout
        if limits.requestLineBytes > limits.headBytes {
            report(
                node["request_line"] ?? node,
                "limits.request_line",
                "the request line is part of the head, and larger than limits.head",
                "raise limits.head, or lower this"
            )
        }
        return limits
    }

    private mutating func keyGroups() -> [String: [KeySettings]] {
        var groups: [String: [KeySettings]] = [:]
        for entry in tree.table("key_groups") {
            for (index, row) in (entry.node.items ?? []).enumerated() {
                let key = "key_groups.\(entry.key)[\(index + 1)]"
                let file = path(row, "public_key", key: key)
                guard let id = row.text("id"), let file else { continue }
                groups[entry.key, default: []].append(KeySettings(id: id, publicKeyPath: file))
            }
        }
        return groups
    }

    private mutating func encryption() -> [String: EncryptionSettings] {
        var result: [String: EncryptionSettings] = [:]
        for entry in tree.table("encryption") {
            let key = "encryption.\(entry.key)"
            let node = entry.node
            var one = EncryptionSettings()
            for row in node.table("content_types") { one.contentTypes[row.key] = row.node.text }
            one.forwardsUnknownContentType = node.text("on_unknown_content_type") == "forward"
            one.profile = node.text("profile")
            let known = node.table("profiles").map(\.key)
            if let place = node["profile"], let name = one.profile, !known.contains(name) {
                unknownName(place, "profile", known, key: "\(key).profile")
            }
            for row in node.table("query_argument") {
                one.queryArgument[row.key] = row.node.text
                if let name = row.node.text, !known.contains(name) {
                    unknownName(row.node, "profile", known, key: "\(key).query_argument.\(row.key)")
                }
            }
            for profile in node.table("profiles") {
                for (index, row) in (profile.node.items ?? []).enumerated() {
                    let key = "\(key).profiles.\(profile.key)[\(index + 1)]"
                    let file = path(row, "public_key", key: key)
                    one.profiles[profile.key, default: []].append(
                        EncryptionSettings.Row(
                            provider: row.text("provider") ?? "",
                            key: row.text("key") ?? "",
                            publicKeyPath: file ?? "",
                            fields: row.texts("fields")
                        )
                    )
                }
            }
            result[entry.key] = one
        }
        return result
    }

    private mutating func functions() -> FunctionSettings {
        var functions = FunctionSettings()
        guard let node = tree["functions"] else { return functions }
        functions.folderPath = path(node, "folder", key: "functions", wants: nil) ?? "functions"
        if let limits = node["limits"] {
            functions.instructions = limits.int("instructions") ?? 0
            functions.memoryBytes = limits.int("memory") ?? 0
            functions.stateMemoryBytes = limits.int("state_memory") ?? 0
            functions.viewerTimeout = limits.int64("viewer_timeout") ?? 0
            functions.originTimeout = limits.int64("origin_timeout") ?? 0
            functions.bodyBytes = limits.int("body") ?? 0
            functions.responseBytes = limits.int("response") ?? 0
            functions.fetches = limits.int("fetches") ?? 0
            functions.logLines = limits.int("log_lines") ?? 0
            if functions.memoryBytes > functions.stateMemoryBytes {
                report(
                    limits["memory"] ?? limits,
                    "functions.limits.memory",
                    "one run may take more than the whole state",
                    "raise state_memory, or lower this"
                )
            }
        }
        functions.fetchAllow = node["fetch"]?.texts("allow") ?? []
        functions.fetchesPrivateAddresses = node["fetch"]?.bool("private_addresses") ?? false
        return functions
    }

    private mutating func recording() -> RecordingSettings? {
        guard let node = tree["recording"] else { return nil }
        return RecordingSettings(
            folderPath: path(node, "folder", key: "recording", wants: nil) ?? "",
            oneIn: node.int("one_in") ?? 100,
            bytesMax: node.int("size") ?? 0,
            publicKeyPath: path(node, "public_key", key: "recording"),
            redact: node.texts("redact")
        )
    }
}

extension SocketAddress {
    /// A Unix path as the file that names it means it.
    func resolved(beside file: String) -> SocketAddress {
        guard let unixPath else { return self }
        let path = ConfigReader.absolute(ConfigReader.resolve(unixPath, beside: file))
        return SocketAddress(unixPath: path) ?? self
    }
}
