// The head of a stored response in one piece of memory: a record for each field, and the lines as they are sent, so that
// a hit costs one copy into the exchange's arena and, where nobody changed a field, one more into the answer.
//
//   ┌──────────────────────────┬──────────────────────────────────┐
//   │ records: 8 bytes a field │ lines: `Name: value CRLF` a field │
//   └──────────────────────────┴──────────────────────────────────┘
//    id 1 │ 0 1 │ name length 2 │ value length 4      little endian
//
// Fields keep their order and their spelling.

struct StoredHead: Sendable {
    let status: UInt16
    private let fieldCount: Int
    private let bytes: [UInt8]

    private static let recordBytes = 8
    /// `: ` and CRLF.
    private static let lineBytes = 4

    /// Nil: it is larger than any head can be.
    init?(_ response: borrowing ResponseHead, _ arena: Arena) {
        let count = response.fields.count
        var size = count * (Self.recordBytes + Self.lineBytes)
        for index in 0..<count {
            let field = response.fields[index]
            let name = arena.name(of: field)
            guard name.count <= UInt16.max else { return nil }
            size += name.count + field.value.count
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        for index in 0..<count {
            let field = response.fields[index]
            let record =
                UInt64(field.id.rawValue) | UInt64(arena.name(of: field).count) << 16
                | UInt64(field.value.count) << 32
            for shift in 0..<Self.recordBytes {
                bytes.append(UInt8(truncatingIfNeeded: record >> UInt64(8 * shift)))
            }
        }
        for index in 0..<count {
            let field = response.fields[index]
            arena.name(of: field).withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
            bytes += [.colon, .space]
            arena[field.value].withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
            bytes += [.cr, .lf]
        }
        status = response.status
        fieldCount = count
        self.bytes = bytes
    }

    /// What it says as bytes, and back: for the disk.
    var encoded: (status: UInt16, fieldCount: Int, bytes: [UInt8]) { (status, fieldCount, bytes) }

    /// Nil: these are not the bytes of a head.
    init?(status: UInt16, fieldCount: Int, bytes: [UInt8]) {
        guard fieldCount >= 0, fieldCount <= Limits.fieldCountMax * 2 else { return nil }
        var end = fieldCount * Self.recordBytes
        guard end <= bytes.count else { return nil }
        for index in 0..<fieldCount {
            let record = Self.record(bytes.span, index)
            guard HeaderName(rawValue: record.id) != nil, record.name > 0 else { return nil }
            end += Int(record.name) + Int(record.value) + Self.lineBytes
            guard end <= bytes.count else { return nil }
        }
        guard end == bytes.count else { return nil }
        self.status = status
        self.fieldCount = fieldCount
        self.bytes = bytes
    }

    var byteCount: Int { bytes.count }

    /// The fields behind those that are there.
    func restore(into response: inout ResponseHead, _ arena: Arena) {
        response.status = status
        let bytes = bytes.span
        let lines = arena.append(
            bytes.extracting((fieldCount &* Self.recordBytes)..<bytes.count)
        )
        guard !arena.isOverflown else { return }
        var position = lines.offset
        for index in 0..<fieldCount {
            let record = Self.record(bytes, index)
            guard let id = HeaderName(rawValue: record.id) else { continue }
            let name = Slice(offset: position, length: record.name)
            position &+= record.name &+ 2
            let value = Slice(offset: position, length: record.value)
            position &+= record.value &+ 2
            response.fields.append(Field(id, name: name, value: value))
        }
    }

    @inline(__always)
    private static func record(
        _ bytes: Span<UInt8>,
        _ index: Int
    ) -> (id: UInt8, name: UInt32, value: UInt32) {
        let start = index &* recordBytes
        precondition(start &+ recordBytes <= bytes.count, "a record behind the records")
        let word = UInt64(
            littleEndian: bytes.bytes.unsafeLoadUnaligned(
                fromUncheckedByteOffset: start,
                as: UInt64.self
            )
        )
        return (
            UInt8(truncatingIfNeeded: word), UInt32(truncatingIfNeeded: word >> 16 & 0xffff),
            UInt32(truncatingIfNeeded: word >> 32)
        )
    }
}
