// Signals as something to read. They are blocked in every thread from the start (see `Thread`), and the control
// loop reads them from a descriptor in its own time.

import CLinux
import Glibc

package enum SignalWord: Int32, CaseIterable, Sendable {
    case terminate = 15
    case interrupt = 2
    case quit = 3
    case hangup = 1
    case user1 = 10
    case user2 = 12
}

final class SignalSource: LoopMember {
    private let descriptor: Descriptor
    private let received: (SignalWord) -> Void

    init(loop: EventLoop, received: @escaping (SignalWord) -> Void) throws(SystemError) {
        var set = Self.all
        descriptor = Descriptor(
            owning: CInt(
                try Syscall.value("signalfd") {
                    Int(signalfd(-1, &set, CInt(SFD_NONBLOCK | SFD_CLOEXEC)))
                }
            )
        )
        self.received = received
        super.init(loop: loop)
        loop.add(self)
        loop.reactor.watchLevel(descriptor.raw, token)
    }

    /// To be called before the first thread starts. Broken pipes are answers of write, never signals.
    package static func blockAll() {
        var set = all
        pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    private static var all: sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for word in SignalWord.allCases { sigaddset(&set, word.rawValue) }
        return set
    }

    override func ready(_ readiness: Readiness) {
        var info = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        while Syscall.retrying({ Glibc.read(descriptor.raw, &info, size) }) == size {
            guard let word = SignalWord(rawValue: Int32(info.ssi_signo)) else { continue }
            received(word)
        }
    }
}
