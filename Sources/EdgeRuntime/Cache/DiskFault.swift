// What can go wrong with the disk tier, and what it tells about itself. Each has one word for log and metric.

import Glibc

package enum DiskFault: Error, Equatable, Sendable {
    /// Another process, or another tier of this one, has the folder.
    case inUse(folder: String)
    case tooSmall(bytes: Int, bytesMin: Int)
    case tooLarge(bytes: Int, bytesMax: Int)
    /// Written by a program that is newer than this one.
    case unknownVersion(UInt32)
    /// The folder is there, but belongs to another installation than the one that was open.
    case foreign
    case noThread(Int32)
    case tooManyPurges
    case system(SystemError, file: String)

    package var word: StaticString {
        switch self {
        case .inUse: "in_use"
        case .tooSmall: "too_small"
        case .tooLarge: "too_large"
        case .unknownVersion: "unknown_version"
        case .foreign: "foreign"
        case .noThread: "no_thread"
        case .tooManyPurges: "too_many_purges"
        case .system(let error, _):
            switch error.code {
            case ENOSPC, EDQUOT: "disk_full"
            case EROFS: "read_only"
            case ENOENT, ENOTDIR: "folder_gone"
            case EACCES, EPERM: "not_permitted"
            default: "io_error"
            }
        }
    }
}

extension DiskFault: CustomStringConvertible {
    package var description: String {
        switch self {
        case .inUse(let folder): "\(folder) is in use by another process"
        case .tooSmall(let bytes, let bytesMin):
            "\(bytes) bytes are too few for a disk cache, it needs \(bytesMin)"
        case .tooLarge(let bytes, let bytesMax):
            "\(bytes) bytes are more than a disk cache can use, at most \(bytesMax)"
        case .unknownVersion(let version):
            "the folder has format \(version) and this program knows format "
                + "\(DiskFormat.version): give it another folder, or empty this one"
        case .foreign: "the folder now belongs to another installation"
        case .noThread(let code): "no thread could be started (\(code))"
        case .tooManyPurges: "more purges wait for the disk than it can take"
        case .system(let error, let file): "\(file): \(error)"
        }
    }
}

/// What the tier tells as it happens, from the thread that met it. Nothing here is told for every request.
enum DiskEvent: Equatable, Sendable {
    /// Writes have stopped; what can be read is read.
    case failing(DiskFault)
    case recovered
    /// A file was not understood and is kept beside the others while there is room.
    case setAside(file: String, DiskBlock.Refusal)
    /// Now there was none.
    case asideRemoved(file: String)
    /// Purges could not be read, so nothing that was stored is believed.
    case journalDamaged
    /// The journal had no room for all purges, so what was stored before this one is given up instead.
    case purgesForgotten(upTo: UInt64)
    case readFailed(SystemError)
}

enum DiskState: Equatable, Sendable {
    case working
    case failing(DiskFault)
}
