// Operating-system threads: loops, the blocking pool, the log writer. All signals are blocked in them (the main
// thread reads signals from a descriptor), and each carries its name for `top -H` and debuggers.

import CLinux
import Glibc

final class Thread: @unchecked Sendable {
    // Guard: `handle` is written before anybody has the object; `isJoined` only by the one owner that joins.
    private let handle: pthread_t
    private var isJoined = false

    /// Names longer than 15 bytes are cut by the kernel.
    static func start(
        name: String,
        body: @escaping @Sendable () -> Void
    ) throws(StartFailure) -> Thread {
        let box = Unmanaged.passRetained(Start(name: name, body: body))
        var handle = pthread_t()
        var everything = sigset_t()
        var before = sigset_t()
        sigfillset(&everything)
        // A new thread inherits the mask, so there is no moment in which a signal could reach it.
        pthread_sigmask(SIG_SETMASK, &everything, &before)
        let result = pthread_create(
            &handle,
            nil,
            { argument in
                guard let argument else { preconditionFailure("a thread without its start") }
                let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                var name = Array(start.name.utf8.prefix(15).map { CChar(bitPattern: $0) })
                name.append(0)
                pthread_setname_np(pthread_self(), name)
                start.body()
                return nil
            },
            box.toOpaque()
        )
        pthread_sigmask(SIG_SETMASK, &before, nil)
        guard result == 0 else {
            box.release()
            throw StartFailure(code: result)
        }
        return Thread(handle: handle)
    }

    struct StartFailure: Error {
        var code: CInt
    }

    private init(handle: pthread_t) { self.handle = handle }

    deinit {
        if !isJoined { pthread_detach(handle) }
    }

    /// Waits until the body has returned. Once.
    func join() {
        precondition(!isJoined, "a thread is joined once")
        isJoined = true
        pthread_join(handle, nil)
    }

    private final class Start {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }
}
