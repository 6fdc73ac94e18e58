// A folder that is served, and the only way to open what lies beneath it.
//
// The kernel resolves the path (`openat2` with RESOLVE_BENEATH), so neither `..` nor a symbolic link nor a race
// between looking and opening leads out of the folder; a link with an absolute target is refused even if it points
// inside. Where the kernel or a sandbox has no `openat2`, the file is first opened without access (O_PATH), then
// asked for its real path, and opened for reading only if that lies beneath the root: what was checked is what is
// read. Only regular files are read: no devices, no pipes, and O_NONBLOCK so that opening one never waits.
//
// Everything here blocks on the disk: it runs on the blocking pool and returns values.

import CLinux
import Glibc

/// Closes with its last holder, so a request that went away while its file was being opened leaks nothing.
final class OpenFile: Sendable {
    let descriptor: Descriptor
    let entity: FileEntity

    init(_ descriptor: consuming Descriptor, _ entity: FileEntity) {
        self.descriptor = descriptor
        self.entity = entity
    }
}

enum FileOpening: Sendable {
    case file(OpenFile)
    case directory
    case missing
    /// It exists, but not for viewers: outside of the root, not a regular file.
    case forbidden
    /// The edge itself may not read it, or not look into its folder: a mistake of the operator.
    case notPermitted
    /// The machine's fault, not the path's: no descriptors, a broken disk.
    case failed(SystemError)
}

enum FileReading: Equatable, Sendable {
    /// 0 at the end of the file.
    case bytes(Int)
    /// Written to since it was opened: what follows does not belong to what was sent.
    case changed
    case failed(SystemError)
}

final class FileRoot: Sendable {
    enum Resolution: Equatable {
        case kernel
        case checked
    }

    private let directory: Descriptor
    private let realPath: [UInt8]
    let resolution: Resolution

    /// `resolution` is found out unless a test asks for one.
    init(path: String, resolution: Resolution? = nil) throws(SystemError) {
        let raw = try Syscall.value("open") {
            Int(Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
        }
        directory = Descriptor(owning: CInt(raw))
        realPath = try Self.realPath(of: CInt(raw))
        self.resolution = resolution ?? Self.probe(CInt(raw))
    }

    /// Old sandboxes answer EPERM to calls that they do not know, so any refusal of "." means no.
    private static func probe(_ directory: CInt) -> Resolution {
        let flags = UInt64(O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        let raw = Syscall.retrying { Int(edge_openat2_beneath(directory, ".", flags)) }
        guard raw >= 0 else { return .checked }
        _ = Glibc.close(CInt(raw))
        return .kernel
    }

    /// `path` is relative and has passed `FilePath.plan`.
    func open(_ path: Span<UInt8>) -> FileOpening {
        precondition(path.count > 0 && path[0] != UInt8(ascii: "/"), "planned by FilePath")
        return Self.withCString(path) { name in
            switch resolution {
            case .kernel:
                let flags = UInt64(O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
                let raw = Syscall.retrying {
                    Int(edge_openat2_beneath(directory.raw, name, flags))
                }
                guard raw >= 0 else { return Self.refusal("openat2", -raw) }
                return Self.examine(Descriptor(owning: CInt(raw)))
            case .checked:
                return openChecked(name)
            }
        }
    }

    /// The state of the file now, for comparison with a copy of it. A link may lead this look outside; then the
    /// answer differs from the copy's and the file is opened again, which refuses.
    func status(_ path: Span<UInt8>) -> FileEntity? {
        Self.withCString(path) { name in
            var status = stat()
            let result = Syscall.retrying { Int(fstatat(directory.raw, name, &status, 0)) }
            guard result == 0, Self.kind(status) == S_IFREG else { return nil }
            return FileEntity(status)
        }
    }

    /// The whole content of a small file; nil when it is too large, or changed while it was read.
    static func content(of file: OpenFile) -> Chunk? {
        let size = Int(file.entity.size)
        guard size <= Limits.fileCachedBytesMax else { return nil }
        let chunk = Chunk(capacity: max(1, size))
        while chunk.filled < size {
            let offset = chunk.filled
            let count = Syscall.retrying {
                pread(file.descriptor.raw, chunk.base + offset, size - offset, off_t(offset))
            }
            guard count > 0 else { return nil }
            chunk.didFill(count)
        }
        var after = stat()
        guard fstat(file.descriptor.raw, &after) == 0, FileEntity(after) == file.entity else {
            return nil
        }
        return chunk
    }

    /// Reads into the free part of `chunk`. The look at the file comes behind the read: a write sets the time before it
    /// moves the first byte.
    static func read(
        _ file: OpenFile,
        at offset: Int64,
        count: Int,
        into chunk: Chunk
    ) -> FileReading {
        precondition(count <= chunk.room, "more than there is room for")
        let taken = Syscall.retrying {
            pread(file.descriptor.raw, chunk.base + chunk.filled, count, off_t(offset))
        }
        guard taken >= 0 else { return .failed(SystemError("pread", CInt(-taken))) }
        var after = stat()
        guard fstat(file.descriptor.raw, &after) == 0 else {
            return .failed(SystemError("fstat", EIO))
        }
        guard FileEntity(after) == file.entity else { return .changed }
        chunk.didFill(taken)
        return .bytes(taken)
    }

    // MARK: Inside

    private func openChecked(_ name: UnsafePointer<CChar>) -> FileOpening {
        let path = Syscall.retrying {
            Int(openat(directory.raw, name, CInt(EDGE_O_PATH) | O_CLOEXEC))
        }
        guard path >= 0 else { return Self.refusal("openat", -path) }
        let seen = Descriptor(owning: CInt(path))
        guard let real = try? Self.realPath(of: seen.raw), isBeneath(real) else {
            return .forbidden
        }
        var status = stat()
        guard fstat(seen.raw, &status) == 0 else { return .forbidden }
        switch Self.kind(status) {
        case S_IFDIR: return .directory
        case S_IFREG: break
        default: return .forbidden
        }
        let raw = Syscall.retrying {
            Int(Glibc.open("/proc/self/fd/\(seen.raw)", O_RDONLY | O_CLOEXEC | O_NONBLOCK))
        }
        guard raw >= 0 else { return Self.refusal("open", -raw) }
        return Self.examine(Descriptor(owning: CInt(raw)))
    }

    private func isBeneath(_ path: [UInt8]) -> Bool {
        if realPath == [UInt8(ascii: "/")] { return true }
        return path.starts(with: realPath)
            && (path.count == realPath.count || path[realPath.count] == UInt8(ascii: "/"))
    }

    private static func examine(_ descriptor: consuming Descriptor) -> FileOpening {
        var status = stat()
        guard fstat(descriptor.raw, &status) == 0 else { return .failed(SystemError("fstat", EIO)) }
        switch kind(status) {
        case S_IFREG: return .file(OpenFile(descriptor, FileEntity(status)))
        case S_IFDIR: return .directory
        default: return .forbidden
        }
    }

    private static func kind(_ status: stat) -> mode_t { status.st_mode & S_IFMT }

    private static func refusal(_ call: StaticString, _ code: Int) -> FileOpening {
        let code = CInt(code)
        switch code {
        case ENOENT, ENOTDIR, ENAMETOOLONG: return .missing
        // EXDEV: leads out of the root. ENXIO: a socket, or a device that is not there.
        case EXDEV, ELOOP, EPERM, ENXIO, ENODEV: return .forbidden
        case EACCES: return .notPermitted
        default: return .failed(SystemError(call, code))
        }
    }

    private static func realPath(of descriptor: CInt) throws(SystemError) -> [UInt8] {
        var path = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let result: Int = path.withUnsafeMutableBytes { buffer in
            guard let base = buffer.bindMemory(to: CChar.self).baseAddress else { return 0 }
            let capacity = buffer.count
            return Syscall.retrying {
                readlink("/proc/self/fd/\(descriptor)", base, capacity)
            }
        }
        guard result >= 0 else { throw SystemError("readlink", CInt(-result)) }
        path.removeLast(path.count - result)
        return path
    }

    private static func withCString<Result>(
        _ path: Span<UInt8>,
        _ body: (UnsafePointer<CChar>) -> Result
    ) -> Result {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: path.count + 1) { buffer in
            guard let base = buffer.baseAddress else { preconditionFailure("at least one byte") }
            for index in path.indices { base[index] = CChar(bitPattern: path[index]) }
            base[path.count] = 0
            return body(UnsafePointer(base))
        }
    }
}
