// `edged run --watch`: asks for a reload when one of the files changes that the configuration is made of.

final class ReloadWatch: LoopMember {
    private let events: EventLog
    private let reload: ([String]) -> Void
    private var folders: FolderWatch?
    private var machine = WatchMachine()
    private var list: WatchList
    /// What was there when the files were last read.
    private var marks: [String: WatchList.Mark]

    /// `reload` is given the files that changed; it is expected to call `willRead` and `follow`.
    init(
        loop: EventLoop,
        list: WatchList,
        events: EventLog,
        reload: @escaping ([String]) -> Void
    ) {
        self.list = list
        self.events = events
        self.reload = reload
        marks = list.marks
        super.init(loop: loop)
        loop.add(self)
        do throws(SystemError) {
            folders = try FolderWatch(loop: loop) { [unowned self] in stirred() }
        } catch {
            events.error("watch_failed", EventField("reason", .failure(error)))
        }
        watchFolders()
    }

    func close() {
        folders?.close()
        loop.remove(self)
    }

    /// The files are read now, for whatever reason: a change from here on is one.
    func willRead() { marks = list.marks }

    func follow(_ next: WatchList) {
        let before = list
        list = next
        let known = Set(before.marks.keys)
        for (path, mark) in next.marks where !known.contains(path) { marks[path] = mark }
        watchFolders()
    }

    private func stirred() { loop.setDeadline(self, at: machine.stirred(at: loop.now)) }

    override func expired() {
        let now = list.marks
        let gone = marks.keys.filter { now[$0] == nil }
        let changed = now.filter { marks[$0] != $1 }.map(\.key) + gone
        // One that is here again may be another one with its name.
        watchFolders()
        let finding: WatchMachine.Finding =
            !gone.isEmpty ? .missing : changed.isEmpty ? .same : .changed
        switch machine.looked(finding, at: loop.now) {
        case .rest: break
        case .lookAgain(let time): loop.setDeadline(self, at: time)
        case .reload: reload(changed.sorted())
        }
    }

    private func watchFolders() {
        for failure in folders?.watch(list.folders) ?? [] {
            events.error(
                "watch_failed",
                EventField("folder", .text(failure.folder)),
                EventField("reason", .failure(failure.error))
            )
        }
    }
}
