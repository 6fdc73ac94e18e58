// Several ranges in one body (RFC 9110 §14.6), planned before the first byte is sent: every delimiter and part head
// lies in the arena, so the length of the whole is known and the body needs no chunks.
//
//   ┌─ heads[0] ────────────────────────┐        ┌─ heads[1] ──────────┐        ┌─ closing ────────┐
//   --B CRLF Content-Type … CRLF CRLF     bytes    CRLF --B CRLF …       bytes    CRLF --B-- CRLF
//
// The boundary is the caller's: who has randomness chooses one that the content does not have.

struct MultipartRanges {
    /// `multipart/byteranges; boundary=…`.
    let contentType: Slice
    let contentLength: Int64
    /// Goes behind the last part.
    let closing: Slice
    let ranges: RangeList
    private var heads = InlineArray<16, Slice>(repeating: .empty)

    /// `partType` is the representation's own `Content-Type`; empty without one.
    init(
        _ ranges: RangeList,
        of size: Int64,
        partType: Span<UInt8>,
        boundary: Span<UInt8>,
        in arena: Arena
    ) throws(EdgeError) {
        precondition(ranges.count > 1, "one range needs no parts")
        // RFC 2046 §5.1.1; a token needs no quotes in the field.
        precondition(boundary.isToken && boundary.count <= 70, "no boundary")
        self.ranges = ranges
        var mark = arena.used
        _ = arena.append("multipart/byteranges; boundary=")
        _ = arena.append(boundary)
        contentType = arena.slice(since: mark)
        var length: Int64 = 0
        for index in 0..<ranges.count {
            mark = arena.used
            _ = arena.append(index == 0 ? "--" : "\r\n--")
            _ = arena.append(boundary)
            if partType.count > 0 {
                _ = arena.append("\r\nContent-Type: ")
                _ = arena.append(partType)
            }
            _ = arena.append("\r\nContent-Range: ")
            _ = ContentRange.satisfied(ranges[index], of: size, in: arena)
            _ = arena.append("\r\n\r\n")
            heads[index] = arena.slice(since: mark)
            length += Int64(heads[index].count) + Int64(ranges[index].count)
        }
        mark = arena.used
        _ = arena.append("\r\n--")
        _ = arena.append(boundary)
        _ = arena.append("--\r\n")
        closing = arena.slice(since: mark)
        contentLength = length + Int64(closing.count)
        guard !arena.isOverflown else { throw .arenaOverflow }
    }

    var count: Int { ranges.count }

    /// What goes before the bytes of `ranges[index]`.
    func head(_ index: Int) -> Slice {
        precondition(index < count, "there are fewer parts")
        return heads[index]
    }
}

extension MultipartRanges {
    /// 128 bits of chance: no content has it.
    static func boundary(_ random: inout Random) -> InlineArray<32, UInt8> {
        var text = InlineArray<32, UInt8>(repeating: 0)
        var bits = (random.next(), random.next())
        for index in 0..<16 {
            text[index] = digit(bits.0)
            text[index + 16] = digit(bits.1)
            bits.0 >>= 4
            bits.1 >>= 4
        }
        return text
    }

    private static func digit(_ bits: UInt64) -> UInt8 {
        let value = UInt8(truncatingIfNeeded: bits & 0xf)
        return value < 10 ? 0x30 + value : 0x61 + value - 10
    }
}
