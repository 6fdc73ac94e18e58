// The operator's folder: its lock, its names, its files. Everything is opened relative to the folder that was locked, so
// a folder that is moved or replaced under its path is noticed and never written to by mistake.

import CLinux
import Glibc

final class DiskFolder: Sendable {
    let path: String
    private let directory: Descriptor
    /// Held, not read: the lock goes with it, also when the process is killed.
    private let lock: Descriptor
    private let place: Place

    /// Which directory it is, whatever its path says now.
    struct Place: Equatable {
        var device: UInt64
        var number: UInt64

        init(_ status: stat) {
            device = UInt64(status.st_dev)
            number = UInt64(status.st_ino)
        }
    }

    /// The last part of the path is made if it is not there; at a second opening it has to be.
    init(path: String, isMade: Bool) throws(DiskFault) {
        self.path = path
        do throws(SystemError) {
            if isMade, mkdir(path, 0o700) == 0 {}
            directory = try Self.openDescriptor("open") {
                Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            }
            var status = stat()
            let raw = directory.raw
            _ = try Syscall.value("fstat") { Int(fstat(raw, &status)) }
            place = Place(status)
        } catch { throw .system(error, file: path) }
        do throws(SystemError) {
            let raw = directory.raw
            lock = try Self.openDescriptor("open") {
                openat(raw, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            }
        } catch { throw .system(error, file: "\(path)/lock") }
        let raw = lock.raw
        let result = Syscall.retrying { Int(flock(raw, CInt(EDGE_LOCK_EXCLUSIVE_AT_ONCE))) }
        if result == -Int(EWOULDBLOCK) { throw .inUse(folder: path) }
        guard result == 0 else {
            throw .system(SystemError("flock", Int32(-result)), file: "\(path)/lock")
        }
    }

    /// The folder may be used by another process; nothing is written to it from now on.
    func release() {
        let raw = lock.raw
        _ = Syscall.retrying { Int(flock(raw, CInt(EDGE_LOCK_RELEASE))) }
    }

    private static func openDescriptor(
        _ name: StaticString,
        _ call: () -> CInt
    ) throws(SystemError) -> Descriptor {
        Descriptor(owning: CInt(try Syscall.value(name) { Int(call()) }))
    }

    /// The path still leads here.
    var isInPlace: Bool {
        var status = stat()
        return stat(path, &status) == 0 && Place(status) == place
    }

    func file(_ name: String, _ flags: CInt) throws(DiskFault) -> Descriptor {
        let raw = directory.raw
        do throws(SystemError) {
            return try Self.openDescriptor("openat") {
                openat(raw, name, flags | O_CLOEXEC | O_NOFOLLOW, 0o600)
            }
        } catch { throw .system(error, file: "\(path)/\(name)") }
    }

    func has(_ name: String) -> Bool {
        var status = stat()
        return fstatat(directory.raw, name, &status, AT_SYMLINK_NOFOLLOW) == 0
    }

    func remove(_ name: String) throws(DiskFault) {
        let raw = directory.raw
        do throws(SystemError) {
            _ = try Syscall.value("unlinkat") { Int(unlinkat(raw, name, 0)) }
        } catch {
            guard error.code == ENOENT else { throw .system(error, file: "\(path)/\(name)") }
        }
    }

    func rename(_ name: String, to other: String) throws(DiskFault) {
        let raw = directory.raw
        do throws(SystemError) {
            _ = try Syscall.value("renameat") { Int(renameat(raw, name, raw, other)) }
        } catch { throw .system(error, file: "\(path)/\(name)") }
    }

    /// Makes names durable: files that came, went or were renamed.
    func sync() throws(DiskFault) {
        let raw = directory.raw
        do throws(SystemError) {
            _ = try Syscall.value("fsync") { Int(fsync(raw)) }
        } catch { throw .system(error, file: path) }
    }

    /// A whole small file under a name that is either the old or the new content, whenever the power goes.
    func replace(_ name: String, with bytes: Span<UInt8>, files: DiskFiles) throws(DiskFault) {
        let draft = name + ".new"
        do {
            let file = try file(draft, O_WRONLY | O_CREAT | O_TRUNC)
            do throws(SystemError) {
                try files.write(bytes, to: file.raw, at: 0)
                try files.sync(file.raw)
            } catch { throw DiskFault.system(error, file: "\(path)/\(draft)") }
        }
        try rename(draft, to: name)
        try sync()
    }

    /// A whole small file, or its beginning.
    func content(
        of name: String,
        bytesMax: Int,
        files: DiskFiles
    ) throws(DiskFault) -> [UInt8] {
        let file = try file(name, O_RDONLY)
        do throws(SystemError) {
            let bytes = try Self.bytes(of: file)
            return try files.read(min(bytes, bytesMax), from: file.raw, at: 0)
        } catch { throw .system(error, file: "\(path)/\(name)") }
    }

    func bytes(of name: String) -> Int {
        var status = stat()
        guard fstatat(directory.raw, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return 0 }
        return Int(status.st_size)
    }

    /// Names of regular files, sorted.
    func names() throws(DiskFault) -> [String] {
        guard let listing = opendir("/proc/self/fd/\(directory.raw)") ?? opendir(path) else {
            throw .system(SystemError("opendir", ENOENT), file: path)
        }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            guard entry.pointee.d_type == UInt8(DT_REG) || entry.pointee.d_type == UInt8(DT_UNKNOWN)
            else { continue }
            names.append(
                withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
            )
        }
        return names.sorted()
    }

    /// False once its name is gone: what is written to it then goes with it.
    static func isNamed(_ file: borrowing Descriptor) -> Bool {
        var status = stat()
        return fstat(file.raw, &status) == 0 && status.st_nlink > 0
    }

    static func bytes(of file: borrowing Descriptor) throws(SystemError) -> Int {
        var status = stat()
        let raw = file.raw
        _ = try Syscall.value("fstat") { Int(fstat(raw, &status)) }
        return Int(status.st_size)
    }

    static func cut(_ file: borrowing Descriptor, to bytes: Int) throws(SystemError) {
        let raw = file.raw
        _ = try Syscall.value("ftruncate") { Int(ftruncate(raw, off_t(bytes))) }
    }
}
