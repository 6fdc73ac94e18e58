// CRC-32C: tells bytes that are whole from bytes that are torn or rotten.
//
// Castagnoli's polynomial because processors have an instruction for it; without one, tables of eight slices do 8 bytes a
// step. It guards against accidents, not against somebody who can write to the folder: he
// could as well replace the whole of it.

import CLinux

struct CRC32C {
    private var state: UInt32 = .max

    /// The seed says where the bytes belong: what was written for another place does not verify here.
    init(seed: UInt64) {
        withUnsafeBytes(of: seed.littleEndian) { add($0) }
    }

    init() {}

    var value: UInt32 { ~state }

    mutating func add(_ bytes: Span<UInt8>) {
        bytes.withUnsafeBytes { add($0) }
    }

    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        guard Self.isByProcessor else { return addByTable(bytes) }
        state = edge_crc32c(state, base.assumingMemoryBound(to: UInt8.self), bytes.count)
    }

    private static let isByProcessor = edge_has_crc32c() != 0

    /// `slices[256 * n + byte]`: what `byte` does to the state n bytes later.
    private static let slices: [UInt32] = {
        var slices = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var state = UInt32(byte)
            for _ in 0..<8 { state = state & 1 == 1 ? state >> 1 ^ 0x82f6_3b78 : state >> 1 }
            slices[byte] = state
        }
        for index in 256..<slices.count {
            let before = slices[index - 256]
            slices[index] = before >> 8 ^ slices[Int(before & 0xff)]
        }
        return slices
    }()

    /// For processors without the instruction; the tests compare both.
    mutating func addByTable(_ bytes: UnsafeRawBufferPointer) {
        var state = self.state
        var index = 0
        Self.slices.withUnsafeBufferPointer { slices in
            while bytes.count - index >= 8 {
                let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                let low = UInt64(littleEndian: word) ^ UInt64(state)
                state = 0
                for slice in 0..<8 {
                    let byte = Int(low >> (8 * UInt64(slice)) & 0xff)
                    state ^= slices[256 * (7 - slice) + byte]
                }
                index += 8
            }
            while index < bytes.count {
                state = state >> 8 ^ slices[Int((state ^ UInt32(bytes[index])) & 0xff)]
                index += 1
            }
        }
        self.state = state
    }
}
