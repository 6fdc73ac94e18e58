// Bytes that nobody can guess, or, in the simulator, bytes that a seed can repeat: keys, nonces and tokens come from
// here and nowhere else, so that a replay sees the ones it saw before.

import COpenSSL

enum SecureRandom {
    /// OpenSSL's generator, seeded by the kernel and reseeded after a fork.
    case system
    /// Not a secret to anybody who knows the seed: for tests, the simulator and replays.
    case repeatable(Random)

    mutating func fill(_ bytes: inout MutableSpan<UInt8>) {
        switch self {
        case .system:
            bytes.withUnsafeMutableBufferPointer { buffer in
                // It fails only when the kernel gives no entropy at all; nothing secret can be done then.
                let done = RAND_bytes(buffer.baseAddress, CInt(buffer.count))
                precondition(done == 1, "no random bytes")
            }
        case .repeatable(var random):
            for index in bytes.indices { bytes[index] = UInt8(truncatingIfNeeded: random.next()) }
            self = .repeatable(random)
        }
    }

    /// nil for more than `Limits.randomBytesMax`.
    mutating func bytes(_ count: Int) -> [UInt8]? {
        guard count >= 0, count <= Limits.randomBytesMax else { return nil }
        var bytes = [UInt8](repeating: 0, count: count)
        guard count > 0 else { return bytes }
        var span = bytes.mutableSpan
        fill(&span)
        return bytes
    }
}
