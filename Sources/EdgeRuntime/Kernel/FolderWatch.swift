// Tells that something in some folders is not what it was: inotify, read as a hint. Which file, and whether it matters,
// is for the listener to find out, so an overflow of the kernel's queue or a folder that went away loses nothing.

import CLinux
import Glibc

final class FolderWatch: LoopMember {
    private let descriptor: Descriptor
    private let stirred: () -> Void
    /// By folder: the kernel's number of the watch.
    private var watches: [String: CInt] = [:]

    init(loop: EventLoop, stirred: @escaping () -> Void) throws(SystemError) {
        descriptor = Descriptor(
            owning: CInt(
                try Syscall.value("inotify_init1") {
                    Int(inotify_init1(CInt(IN_NONBLOCK | IN_CLOEXEC)))
                }
            )
        )
        self.stirred = stirred
        super.init(loop: loop)
        loop.add(self)
        loop.reactor.watchLevel(descriptor.raw, token)
    }

    /// Writing is of no interest before it ends: a log in the same folder stirs nobody.
    private static let mask = UInt32(
        IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB
            | IN_ONLYDIR
    )

    /// From now on these; also called for the same ones again, which finds those that were made anew. Answers which
    /// cannot be watched, but for those that are not there.
    func watch(_ folders: Set<String>) -> [(folder: String, error: SystemError)] {
        var before = Set(watches.values)
        watches = [:]
        var failures: [(folder: String, error: SystemError)] = []
        for folder in folders {
            let number = Syscall.retrying {
                Int(inotify_add_watch(descriptor.raw, folder, Self.mask))
            }
            if number >= 0 {
                watches[folder] = CInt(number)
                before.remove(CInt(number))
            } else if -number != Int(ENOENT) {
                failures.append((folder, SystemError("inotify_add_watch", Int32(-number))))
            }
        }
        for number in before { _ = inotify_rm_watch(descriptor.raw, number) }
        return failures
    }

    func close() { loop.remove(self) }

    override func ready(_ readiness: Readiness) {
        let raw = descriptor.raw
        var isStirred = false
        withUnsafeTemporaryAllocation(byteCount: 16 << 10, alignment: 8) { buffer in
            while Syscall.retrying({ Glibc.read(raw, buffer.baseAddress, buffer.count) }) > 0 {
                isStirred = true
            }
        }
        if isStirred { stirred() }
    }
}
