// The only file that reads errno.
//
// EINTR is retried here and nowhere else; would-block is a result, not an error; EBADF and EFAULT are our own
// mistakes and trap. errno is read in the statement after the call, before anything else can run.

import CLinux
import Glibc

/// What a read or a write on a socket came to.
enum IOResult: Equatable {
    /// For a read, zero bytes are the peer's clean end.
    case bytes(Int)
    case wouldBlock
    case failed(Int32)
}

enum Syscall {
    /// Calls until the answer is not EINTR. Negative answers come back as `-errno`.
    @inline(__always)
    static func retrying(_ call: () -> Int) -> Int {
        while true {
            let result = call()
            if result >= 0 { return result }
            let code = edge_errno()
            if code == EINTR { continue }
            precondition(code != EBADF && code != EFAULT, "a descriptor or buffer of ours is bad")
            return -Int(code)
        }
    }

    @inline(__always)
    static func io(_ call: () -> Int) -> IOResult {
        let result = retrying(call)
        if result >= 0 { return .bytes(result) }
        let code = Int32(truncatingIfNeeded: -result)
        return code == EAGAIN ? .wouldBlock : .failed(code)
    }

    /// For calls whose failure is worth a message: throws with the call's name.
    @inline(__always)
    static func value(_ name: StaticString, _ call: () -> Int) throws(SystemError) -> Int {
        let result = retrying(call)
        guard result >= 0 else { throw SystemError(name, Int32(truncatingIfNeeded: -result)) }
        return result
    }
}
