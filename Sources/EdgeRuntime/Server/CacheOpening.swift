// The cache of a server with its disk, if it has one: opened before there are sockets, since a folder that is in use or
// cannot be written to is a reason not to start, and closed when no loop runs any more.

extension EdgeServer {
    static func cache(
        _ settings: CacheSettings,
        _ places: ConfigPlaceFinder,
        _ events: EventLog
    ) throws(StartFailure) -> CacheIndex {
        guard let disk = settings.disk else {
            var random = SecureRandom.system
            return CacheIndex(budget: settings.memoryBytes, secret: CacheSecret(from: &random))
        }
        do throws(DiskFault) {
            let store = try DiskStore(
                DiskSettings(
                    folder: disk.folderPath,
                    bytesMax: disk.bytes,
                    writeBytesPerSecond: Limits.diskWriteBytesPerSecond
                ),
                events: events
            )
            return CacheIndex(budget: settings.memoryBytes, secret: store.secret, disk: store)
        } catch {
            throw StartFailure(reasons: [
                places.setting("cache", "disk").error(
                    "cannot open the disk cache of cache.disk: \(error)",
                    remedy(for: error)
                )
            ])
        }
    }

    private static func remedy(for fault: DiskFault) -> String {
        switch fault {
        case .inUse: "another edged uses it; stop it, or give this one a folder of its own"
        case .tooSmall, .tooLarge: "change its size"
        case .unknownVersion, .foreign: "give it another folder, or empty this one"
        case .noThread, .tooManyPurges, .system:
            "choose a folder that this user may write to, on a disk that works"
        }
    }
}

extension CacheIndex {
    /// Writes what is worth it and has not been written.
    func closeDisk(now: Int64) {
        guard let disk else { return }
        feedAll(disk, now: now)
        disk.close()
    }
}
