// What systemd wants to hear from a service of `Type=notify` or `notify-reload`, and when it wants to hear from it
// again. Without a NOTIFY_SOCKET nothing is said.

import CLinux
import Glibc

struct Systemd {
    private let address: SocketAddress?
    /// Half of the patience that the unit's `WatchdogSec` gives us; nil without one.
    let watchdogPeriod: Nanoseconds?

    init(environment: (String) -> String? = Self.environment, pid: Int32 = getpid()) {
        address = environment("NOTIFY_SOCKET").flatMap(SocketAddress.init(unixPath:))
        let isForUs = environment("WATCHDOG_PID").map { $0 == "\(pid)" } ?? true
        let patience = environment("WATCHDOG_USEC").flatMap(Int64.init)
        watchdogPeriod = isForUs ? patience.flatMap { $0 > 0 ? $0 * 1000 / 2 : nil } : nil
    }

    private static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    func ready() { tell("READY=1") }
    func stopping() { tell("STOPPING=1") }
    func alive() { tell("WATCHDOG=1") }

    /// `READY=1` follows when the reload is over, whatever came of it.
    func reloading(now: Nanoseconds) {
        tell("RELOADING=1\nMONOTONIC_USEC=\(now / 1000)")
    }

    private func tell(_ text: String) {
        guard let address else { return }
        let socket = Glibc.socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return }
        defer { _ = Glibc.close(socket) }
        let bytes = Array(text.utf8)
        _ = Syscall.retrying {
            address.withSockaddr { target, length in
                // An abstract name begins with a zero, and ends where the structure is said to end.
                Glibc.sendto(socket, bytes, bytes.count, CInt(MSG_NOSIGNAL), target, length)
            }
        }
    }
}
