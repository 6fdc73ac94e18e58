// The calls that a disk can fail: the kernel's, or the kernel's with faults that a test asked for.

import CLinux
import Glibc

enum DiskFiles: Sendable {
    case system
    case faulty(DiskFaults)

    /// Writes all of it. Fewer bytes than asked for are no failure, only a reason to go on.
    func write(_ bytes: Span<UInt8>, to file: CInt, at offset: Int) throws(SystemError) {
        var done = 0
        while done < bytes.count {
            let rest = bytes.extracting(droppingFirst: done)
            let result = writeOnce(rest, to: file, at: offset + done)
            guard result >= 0 else { throw SystemError("pwrite", Int32(-result)) }
            // A device that takes nothing and does not say why is full.
            guard result > 0 else { throw SystemError("pwrite", ENOSPC) }
            done += result
        }
    }

    private func writeOnce(_ bytes: Span<UInt8>, to file: CInt, at offset: Int) -> Int {
        var allowed = bytes.count
        if case .faulty(let faults) = self {
            switch faults.beforeWrite(of: bytes.count) {
            case .allow(let count): allowed = count
            case .fail(let code): return -Int(code)
            }
        }
        return bytes.withUnsafeBytes { bytes in
            Syscall.retrying { pwrite(file, bytes.baseAddress, allowed, off_t(offset)) }
        }
    }

    /// Up to `count` bytes; fewer only at the end of the file.
    func read(
        _ count: Int,
        from file: CInt,
        at offset: Int,
        into base: UnsafeMutablePointer<UInt8>
    ) throws(SystemError) -> Int {
        var done = 0
        while done < count {
            if case .faulty(let faults) = self, let code = faults.beforeRead() {
                throw SystemError("pread", code)
            }
            let result = Syscall.retrying {
                pread(file, base + done, count - done, off_t(offset + done))
            }
            guard result >= 0 else { throw SystemError("pread", Int32(-result)) }
            if result == 0 { break }
            done += result
        }
        if case .faulty(let faults) = self { faults.afterRead(base, done) }
        return done
    }

    func read(_ count: Int, from file: CInt, at offset: Int) throws(SystemError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var read = 0
        var failure: SystemError?
        bytes.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            do throws(SystemError) {
                read = try self.read(count, from: file, at: offset, into: base)
            } catch { failure = error }
        }
        if let failure { throw failure }
        bytes.removeLast(count - read)
        return bytes
    }

    func sync(_ file: CInt) throws(SystemError) {
        if case .faulty(let faults) = self, let code = faults.beforeSync() {
            throw SystemError("fdatasync", code)
        }
        _ = try Syscall.value("fdatasync") { Int(fdatasync(file)) }
    }
}

/// Faults that last until they are changed.
final class DiskFaults: Sendable {
    struct Plan {
        /// What the device still takes; then ENOSPC, after a write that is cut.
        var bytesLeft: Int?
        /// Every write takes half of what it is given.
        var isShort = false
        var writeError: Int32?
        var syncError: Int32?
        var readError: Int32?
        /// This bit of everything that is read is the other way round.
        var flippedBit: Int?
    }

    enum Verdict {
        case allow(Int)
        case fail(Int32)
    }

    private let plan = Locked(Plan())

    func change(_ body: (inout Plan) -> Void) { plan.withLock { body(&$0) } }

    fileprivate func beforeWrite(of count: Int) -> Verdict {
        plan.withLock { plan in
            if let code = plan.writeError { return .fail(code) }
            var allowed = plan.isShort ? (count + 1) / 2 : count
            if let left = plan.bytesLeft {
                guard left > 0 else { return .fail(ENOSPC) }
                allowed = min(allowed, left)
                plan.bytesLeft = left - allowed
            }
            return .allow(allowed)
        }
    }

    fileprivate func beforeSync() -> Int32? { plan.withLock { $0.syncError } }
    fileprivate func beforeRead() -> Int32? { plan.withLock { $0.readError } }

    fileprivate func afterRead(_ base: UnsafeMutablePointer<UInt8>, _ count: Int) {
        guard let bit = plan.withLock({ $0.flippedBit }), bit / 8 < count else { return }
        base[bit / 8] ^= 1 << UInt8(bit % 8)
    }
}
