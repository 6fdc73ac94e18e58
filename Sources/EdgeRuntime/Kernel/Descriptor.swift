// A file descriptor that closes exactly once.

import Glibc

struct Descriptor: ~Copyable, Sendable {
    let raw: CInt

    init(owning raw: CInt) { self.raw = raw }

    // Linux releases the number whatever close answers, so there is nothing to retry or report.
    deinit { _ = Glibc.close(raw) }
}
