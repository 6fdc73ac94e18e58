// Which file, in which state: what a cached copy is compared with, and what its validators are made of.
//
// The ETag is strong: it changes with the inode (a file that was replaced by a rename), with the time of the last
// change down to nanoseconds, and with the size. It does not depend on the name.

import CLinux
import Glibc

struct FileEntity: Equatable, Sendable {
    var size: Int64
    /// Of the last change of the content, since 1970.
    var seconds: Int64
    var nanoseconds: Int64
    var inode: UInt64

    init(size: Int64, seconds: Int64, nanoseconds: Int64, inode: UInt64) {
        self.size = size
        self.seconds = seconds
        self.nanoseconds = nanoseconds
        self.inode = inode
    }

    init(_ status: stat) {
        size = Int64(status.st_size)
        seconds = Int64(status.st_mtim.tv_sec)
        nanoseconds = Int64(status.st_mtim.tv_nsec)
        inode = UInt64(status.st_ino)
    }

    /// Quotes, three numbers of at most 16 digits each, two hyphens.
    static let etagBytesMax = 2 + 3 * 16 + 2

    /// Hands out `"<time>-<size>-<inode>"` byte by byte, hexadecimal.
    func writeETag(into put: (UInt8) -> Void) {
        put(UInt8(ascii: "\""))
        let time = UInt64(bitPattern: seconds &* 1_000_000_000 &+ nanoseconds)
        Self.writeHexadecimal(time, into: put)
        put(UInt8(ascii: "-"))
        Self.writeHexadecimal(UInt64(bitPattern: size), into: put)
        put(UInt8(ascii: "-"))
        Self.writeHexadecimal(inode, into: put)
        put(UInt8(ascii: "\""))
    }

    private static func writeHexadecimal(_ value: UInt64, into put: (UInt8) -> Void) {
        var shift = max(0, (63 - value.leadingZeroBitCount) / 4 * 4)
        while shift >= 0 {
            let digit = UInt8(truncatingIfNeeded: value >> UInt64(shift) & 0xf)
            put(digit < 10 ? 0x30 + digit : 0x61 + digit - 10)
            shift -= 4
        }
    }
}
