// The head of a stored response in one piece of memory, as it is put into an exchange's arena: one copy of the text,
// then a record for each field.
//
//   ┌──────────────────────────┬───────────────────────────────────────────────┐
//   │ records: 8 bytes a field │ text: name value name value … (own names only) │
//   └──────────────────────────┴───────────────────────────────────────────────┘
//    id 1 │ 0 1 │ name length 2 │ value length 4      little endian
//
// Fields keep their order and their spelling.

struct StoredHead: Sendable {
    let status: UInt16
    private let fieldCount: Int
    private let bytes: [UInt8]

    private static let recordBytes = 8

    /// Nil: it is larger than any head can be.
    init?(_ response: borrowing ResponseHead, _ arena: Arena) {
        let count = response.fields.count
        var size = count * Self.recordBytes
        for index in 0..<count {
            let field = response.fields[index]
            guard field.name.count <= UInt16.max else { return nil }
            size += field.name.count + field.value.count
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        for index in 0..<count {
            let field = response.fields[index]
            bytes.append(field.id.rawValue)
            bytes.append(0)
            Self.put(UInt32(field.name.count), 2, &bytes)
            Self.put(UInt32(field.value.count), 4, &bytes)
        }
        for index in 0..<count {
            let field = response.fields[index]
            arena[field.name].withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
            arena[field.value].withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
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
            let record = index * Self.recordBytes
            guard let id = HeaderName(rawValue: bytes[record]) else { return nil }
            let name = Int(Self.take(bytes.span, record + 2, 2))
            let value = Int(Self.take(bytes.span, record + 4, 4))
            guard id != .other || name > 0 else { return nil }
            end += name + value
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
        let records = fieldCount &* Self.recordBytes
        let bytes = bytes.span
        let text = arena.append(bytes.extracting(records..<bytes.count))
        guard !arena.isOverflown else { return }
        var position = text.start
        for index in 0..<fieldCount {
            let record = index &* Self.recordBytes
            guard let id = HeaderName(rawValue: bytes[record]) else { continue }
            let nameCount = Int(Self.take(bytes, record &+ 2, 2))
            let valueCount = Int(Self.take(bytes, record &+ 4, 4))
            let name = nameCount == 0 ? Slice.empty : Slice(position, nameCount)
            position &+= nameCount
            response.fields.append(
                Field(id, name: name, value: Slice(position, valueCount))
            )
            position &+= valueCount
        }
    }

    private static func put(_ value: UInt32, _ count: Int, _ bytes: inout [UInt8]) {
        for index in 0..<count { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * index))) }
    }

    @inline(__always)
    private static func take(_ bytes: Span<UInt8>, _ start: Int, _ count: Int) -> UInt32 {
        var value: UInt32 = 0
        for index in 0..<count { value |= UInt32(bytes[start &+ index]) &<< UInt32(8 &* index) }
        return value
    }
}
