// What lies in the operator's folder, byte by byte. All numbers are little endian, all checksums CRC-32C.
//
//   lock                 empty; locked (flock) by the one process that uses the folder
//   superblock           who the folder belongs to; written once
//   journal              purges, oldest first (DiskJournalFormat.swift)
//   0000000001.segment   records in the order in which they were written; the highest number is the one being filled
//   *.aside              segments of another version or another installation: kept while there is room, never read
//
// superblock (64 bytes)                         segment, its first 64 bytes
//   0  8  "edgedisk"                              0  8  "edgesegm"
//   8  4  version of the format                   8  4  version of the format
//  12  4  checksum of bytes 16…63                12  4  checksum of bytes 16…63
//  16  8  identity, drawn once                   16  8  identity of the superblock
//  24 16  secret of the installation             24  4  its number
//  40 24  zero                                   28 36  zero
//
// record, at multiples of 64                    entry of a sealed segment's index (64 bytes)
//   0  4  "Rec1"                                  0  8  sequence
//   4  4  checksum of bytes 8…79                  8 16  key
//   8  8  sequence: grows with every record      24  8  version
//  16 16  key, high word first                   32  8  as of
//  32  8  version of the object                  40  8  expiry
//  40  8  as of: last purge that it knows        48  4  part
//  48  8  expiry, seconds since 1970             52  4  offset in the segment
//  56  4  part                                   56  4  bytes with head, without padding
//  60  4  bytes of facts                         60  4  flags
//  64  4  bytes of payload
//  68  4  checksum of facts and payload         trailer (64 bytes), the end of a sealed segment
//  72  4  flags: 1 = the key is removed           0  8  "edgeseal"
//  76  4  zero                                    8  4  version of the format
//  80  …  facts, payload, zeros up to 64         12  4  checksum of bytes 16…63
//                                                16  8  identity
//                                                24  4  number of the segment
//                                                28  4  entries
//                                                32  4  where the entries begin; they end at the trailer
//                                                36  4  checksum of all entries
//                                                40 24  zero
//
// Every checksum is seeded with the identity and the number of the segment, so bytes that belong to another place, or to
// a file whose blocks were used again, do not verify. A length is believed only once the checksum over it is right.

enum DiskFormat {
    static let version: UInt32 = 1
    static let alignment = 64
    static let blockBytes = 64
    static let recordHeadBytes = 80
    static let recordMagic: UInt32 = 0x3163_6552
    static let superblockMagic: UInt64 = 0x6b73_6964_6567_6465
    static let segmentMagic: UInt64 = 0x6d67_6573_6567_6465
    static let sealMagic: UInt64 = 0x6c61_6573_6567_6465

    static func padded(_ bytes: Int) -> Int { (bytes + alignment - 1) & ~(alignment - 1) }

    static func seed(identity: UInt64, segment: UInt32) -> UInt64 {
        identity ^ (UInt64(segment) << 32 | UInt64(~segment))
    }
}

extension Span<UInt8> {
    @inline(__always)
    func number<Number: FixedWidthInteger>(at offset: Int, as type: Number.Type) -> Number {
        withUnsafeBytes { bytes in
            precondition(offset >= 0 && offset + MemoryLayout<Number>.size <= bytes.count)
            return Number(
                littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Number.self)
            )
        }
    }
}

extension [UInt8] {
    mutating func append<Number: FixedWidthInteger>(number: Number) {
        Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
    }

    mutating func put<Number: FixedWidthInteger>(number: Number, at offset: Int) {
        Swift.withUnsafeBytes(of: number.littleEndian) { bytes in
            for (index, byte) in bytes.enumerated() { self[offset + index] = byte }
        }
    }

    mutating func pad(to count: Int) {
        append(contentsOf: repeatElement(0, count: count - self.count))
    }
}

/// The first 64 bytes of superblock, segment, and the last of a sealed segment have one shape: magic, version, checksum
/// of the rest, rest.
struct DiskBlock {
    enum Refusal: Error, Equatable {
        /// Not ours, or damaged.
        case unreadable
        case unknownVersion(UInt32)
    }

    private(set) var bytes: [UInt8]

    init(magic: UInt64, seed: UInt64, _ fill: (inout [UInt8]) -> Void) {
        bytes = []
        bytes.append(number: magic)
        bytes.append(number: DiskFormat.version)
        bytes.append(number: UInt32(0))
        fill(&bytes)
        bytes.pad(to: DiskFormat.blockBytes)
        bytes.put(number: Self.checksum(of: bytes.span, seed), at: 12)
    }

    /// The version is asked before the checksum: another version may well have another one.
    static func verify(
        _ bytes: Span<UInt8>,
        magic: UInt64,
        seed: UInt64
    ) throws(Refusal) {
        guard bytes.count >= DiskFormat.blockBytes,
            bytes.number(at: 0, as: UInt64.self) == magic
        else { throw .unreadable }
        let version = bytes.number(at: 8, as: UInt32.self)
        guard version == DiskFormat.version else { throw .unknownVersion(version) }
        guard bytes.number(at: 12, as: UInt32.self) == checksum(of: bytes, seed) else {
            throw .unreadable
        }
    }

    private static func checksum(of bytes: Span<UInt8>, _ seed: UInt64) -> UInt32 {
        var checksum = CRC32C(seed: seed)
        checksum.add(bytes.extracting(16..<DiskFormat.blockBytes))
        return checksum.value
    }
}

struct DiskSuperblock: Equatable {
    var identity: UInt64
    var secret: [UInt8]

    static let secretBytes = 16
    private static let seed: UInt64 = 0

    var encoded: [UInt8] {
        DiskBlock(magic: DiskFormat.superblockMagic, seed: Self.seed) { bytes in
            bytes.append(number: identity)
            bytes.append(contentsOf: secret)
        }.bytes
    }

    init(identity: UInt64, secret: [UInt8]) {
        precondition(secret.count == Self.secretBytes)
        self.identity = identity
        self.secret = secret
    }

    init(_ bytes: Span<UInt8>) throws(DiskBlock.Refusal) {
        try DiskBlock.verify(bytes, magic: DiskFormat.superblockMagic, seed: Self.seed)
        identity = bytes.number(at: 16, as: UInt64.self)
        secret = (24..<40).map { bytes[$0] }
    }
}

/// What stands in front of every record.
struct DiskRecordHead: Equatable, Sendable {
    var sequence: UInt64
    var key: CacheKey
    var version: UInt64
    var asOf: UInt64
    var expiry: Int64
    var part: UInt32
    var factsBytes: Int
    var payloadBytes: Int
    var bodyChecksum: UInt32
    var isRemoval: Bool

    var bytes: Int { DiskFormat.recordHeadBytes + factsBytes + payloadBytes }

    /// Over the room that was left for it.
    func write(to bytes: inout [UInt8], at start: Int, seed: UInt64) {
        bytes.put(number: DiskFormat.recordMagic, at: start)
        bytes.put(number: sequence, at: start + 8)
        bytes.put(number: key.high, at: start + 16)
        bytes.put(number: key.low, at: start + 24)
        bytes.put(number: version, at: start + 32)
        bytes.put(number: asOf, at: start + 40)
        bytes.put(number: expiry, at: start + 48)
        bytes.put(number: part, at: start + 56)
        bytes.put(number: UInt32(factsBytes), at: start + 60)
        bytes.put(number: UInt32(payloadBytes), at: start + 64)
        bytes.put(number: bodyChecksum, at: start + 68)
        bytes.put(number: UInt32(isRemoval ? 1 : 0), at: start + 72)
        var checksum = CRC32C(seed: seed)
        checksum.add(bytes.span.extracting((start + 8)..<(start + DiskFormat.recordHeadBytes)))
        bytes.put(number: checksum.value, at: start + 4)
    }

    /// Nil unless the bytes are a head that was written for this place; its lengths are within bounds then.
    init?(_ bytes: Span<UInt8>, seed: UInt64) {
        guard bytes.count >= DiskFormat.recordHeadBytes,
            bytes.number(at: 0, as: UInt32.self) == DiskFormat.recordMagic
        else { return nil }
        var checksum = CRC32C(seed: seed)
        checksum.add(bytes.extracting(8..<DiskFormat.recordHeadBytes))
        guard bytes.number(at: 4, as: UInt32.self) == checksum.value else { return nil }
        sequence = bytes.number(at: 8, as: UInt64.self)
        key = CacheKey(
            high: bytes.number(at: 16, as: UInt64.self),
            low: bytes.number(at: 24, as: UInt64.self)
        )
        version = bytes.number(at: 32, as: UInt64.self)
        asOf = bytes.number(at: 40, as: UInt64.self)
        expiry = bytes.number(at: 48, as: Int64.self)
        part = bytes.number(at: 56, as: UInt32.self)
        factsBytes = Int(bytes.number(at: 60, as: UInt32.self))
        payloadBytes = Int(bytes.number(at: 64, as: UInt32.self))
        bodyChecksum = bytes.number(at: 68, as: UInt32.self)
        isRemoval = bytes.number(at: 72, as: UInt32.self) & 1 == 1
        guard factsBytes <= Limits.diskFactsBytesMax, payloadBytes <= Limits.diskPayloadBytesMax
        else { return nil }
    }

    init(
        sequence: UInt64,
        key: CacheKey,
        version: UInt64,
        asOf: UInt64,
        expiry: Int64,
        part: UInt32,
        factsBytes: Int,
        payloadBytes: Int,
        bodyChecksum: UInt32,
        isRemoval: Bool
    ) {
        self.sequence = sequence
        self.key = key
        self.version = version
        self.asOf = asOf
        self.expiry = expiry
        self.part = part
        self.factsBytes = factsBytes
        self.payloadBytes = payloadBytes
        self.bodyChecksum = bodyChecksum
        self.isRemoval = isRemoval
    }
}

/// One row of a sealed segment's index, and what the writer keeps of the segment that it fills.
struct DiskEntry: Equatable, Sendable {
    static let bytes = 64

    var sequence: UInt64
    var key: CacheKey
    var version: UInt64
    var asOf: UInt64
    var expiry: Int64
    var part: UInt32
    var offset: UInt32
    var length: UInt32
    var isRemoval: Bool

    init(_ head: DiskRecordHead, offset: Int) {
        sequence = head.sequence
        key = head.key
        version = head.version
        asOf = head.asOf
        expiry = head.expiry
        part = head.part
        self.offset = UInt32(offset)
        length = UInt32(head.bytes)
        isRemoval = head.isRemoval
    }

    func append(to bytes: inout [UInt8]) {
        bytes.append(number: sequence)
        bytes.append(number: key.high)
        bytes.append(number: key.low)
        bytes.append(number: version)
        bytes.append(number: asOf)
        bytes.append(number: expiry)
        bytes.append(number: part)
        bytes.append(number: offset)
        bytes.append(number: length)
        bytes.append(number: UInt32(isRemoval ? 1 : 0))
    }

    /// From an index whose checksum was right.
    init(_ bytes: Span<UInt8>, at start: Int) {
        sequence = bytes.number(at: start, as: UInt64.self)
        key = CacheKey(
            high: bytes.number(at: start + 8, as: UInt64.self),
            low: bytes.number(at: start + 16, as: UInt64.self)
        )
        version = bytes.number(at: start + 24, as: UInt64.self)
        asOf = bytes.number(at: start + 32, as: UInt64.self)
        expiry = bytes.number(at: start + 40, as: Int64.self)
        part = bytes.number(at: start + 48, as: UInt32.self)
        offset = bytes.number(at: start + 52, as: UInt32.self)
        length = bytes.number(at: start + 56, as: UInt32.self)
        isRemoval = bytes.number(at: start + 60, as: UInt32.self) & 1 == 1
    }
}

enum DiskSegmentFormat {
    static func head(identity: UInt64, number: UInt32) -> [UInt8] {
        let seed = DiskFormat.seed(identity: identity, segment: number)
        return DiskBlock(magic: DiskFormat.segmentMagic, seed: seed) { bytes in
            bytes.append(number: identity)
            bytes.append(number: number)
        }.bytes
    }

    /// The index and trailer of a segment whose records end at `offset`.
    static func seal(
        _ entries: [DiskEntry],
        at offset: Int,
        identity: UInt64,
        number: UInt32
    ) -> [UInt8] {
        let seed = DiskFormat.seed(identity: identity, segment: number)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(sealBytes(entries.count))
        for entry in entries { entry.append(to: &bytes) }
        var checksum = CRC32C(seed: seed)
        checksum.add(bytes.span)
        let trailer = DiskBlock(magic: DiskFormat.sealMagic, seed: seed) { bytes in
            bytes.append(number: identity)
            bytes.append(number: number)
            bytes.append(number: UInt32(entries.count))
            bytes.append(number: UInt32(offset))
            bytes.append(number: checksum.value)
        }
        return bytes + trailer.bytes
    }

    static func sealBytes(_ entries: Int) -> Int {
        entries * DiskEntry.bytes + DiskFormat.blockBytes
    }
}
