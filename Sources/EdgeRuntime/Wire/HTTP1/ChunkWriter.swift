// The chunked coding on the way out (RFC 9112 §7.1): size line, data that is queued as it is, line end.

enum ChunkWriter {
    /// One chunk around a shared range; the range itself is not copied.
    @inline(__always)
    static func write(_ range: ChunkRange, into queue: inout WriteQueue) {
        // An empty chunk would end the body.
        guard range.count > 0 else { return }
        writeSize(range.count, into: &queue)
        queue.append(range)
        queue.append("\r\n")
    }

    /// The same for bytes of our own, which are copied.
    static func write(_ bytes: Span<UInt8>, into queue: inout WriteQueue) {
        guard bytes.count > 0 else { return }
        writeSize(bytes.count, into: &queue)
        queue.append(bytes)
        queue.append("\r\n")
    }

    static func writeLast(into queue: inout WriteQueue) { queue.append("0\r\n\r\n") }

    /// With trailers. Fields about the connection or the framing have no place there and are skipped.
    static func writeLast(
        trailers: borrowing HeaderFields,
        arena: Arena,
        into queue: inout WriteQueue
    ) {
        queue.append("0\r\n")
        for index in 0..<trailers.count {
            let field = trailers[index]
            if field.id.isHopByHop || field.id == .contentLength { continue }
            queue.append(arena.name(of: field))
            queue.append(": ")
            queue.append(arena[field.value])
            queue.append("\r\n")
        }
        queue.append("\r\n")
    }

    @inline(__always)
    private static func writeSize(_ count: Int, into queue: inout WriteQueue) {
        queue.append(upTo: 18) { out in
            var shift = (63 - count.leadingZeroBitCount) / 4 * 4
            while shift >= 0 {
                let digit = UInt8(truncatingIfNeeded: count &>> shift & 0xF)
                out.append(byte: digit < 10 ? 0x30 + digit : 0x57 + digit)
                shift -= 4
            }
            out.append("\r\n")
        }
    }
}
