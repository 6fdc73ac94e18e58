// Reads the files of key-value stores again when they change, whether or not the configuration is watched: what is in
// them is data. A file that is wrong changes nothing, and the event log says what is wrong with it.

final class StoreWatch {
    private let loop: EventLoop
    private let events: EventLog
    private var stores = KeyValueStores.none
    private var watch: ReloadWatch?

    init(loop: EventLoop, events: EventLog) {
        self.loop = loop
        self.events = events
    }

    /// The files are read now by somebody else, who calls `follow` with what came of it.
    func willRead() { watch?.willRead() }

    /// From now on the files of these, which are those that are served.
    func follow(_ stores: KeyValueStores) {
        self.stores = stores
        let list = WatchList(files: stores.files)
        guard !stores.files.isEmpty else {
            watch?.close()
            watch = nil
            return
        }
        if let watch { return watch.follow(list) }
        watch = ReloadWatch(loop: loop, list: list, events: events) { [unowned self] files in
            read(files)
        }
    }

    private func read(_ files: [String]) {
        watch?.willRead()
        for outcome in stores.reread(Set(files), now: loop.now) {
            let store = EventField("store", .text(outcome.store))
            if let mistake = outcome.mistake {
                events.error("store_refused", store, EventField("reason", .text("\(mistake)")))
            } else {
                events.info(
                    "store_read",
                    store,
                    EventField("entries", .number(Int64(outcome.entries)))
                )
            }
        }
    }
}
