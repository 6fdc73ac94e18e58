// What of a stored object is written to disk, so that it is the same object when it is read again.
//
//   part 0      head of an object, and its body if that is one piece; or the names that a key's answers vary by
//   part 1 …    pieces of the body: blocks, cut where they are larger than a record may be
//
//   head: 112 bytes, then the text of its parts                names of `Vary`: 16 bytes, then the text
//     0  1  'o'                   48  8  when it came             0  1  'n'
//     1  1  flags                 56  8  age by then              1  3  zero
//     2  2  status                64  8  lifetime                 4  4  dialect
//     4  4  dialect               72  8  stale while revalidate   8  4  bytes of names
//     8  8  variant               80  8  stale if error          12  4  zero
//    16  8  version of the body   88  8  last modified
//    24  8  length of the body    96  4  fields
//    32  4  bytes of a block     100  4  bytes of fields
//    36  1  coding, 255: none    104  4  bytes of the entity tag
//    37  1  rule of its lifetime 108  4  bytes of names
//    40  8  zero                 112  …  fields, entity tag, names, body
//
// Numbers of names and rules are those of the program that wrote them; the *dialect* is a checksum over what they mean,
// so after an update that has others nothing is misread: it is a miss.

struct DiskHead: Sendable {
    var variant: UInt64
    /// Its blocks are found under it; drawn for each body.
    var version: UInt64
    var freshness: Freshness
    var head: StoredHead
    var etag: [UInt8]
    var lastModified: Int64?
    var coding: ContentCoding?
    var names: VaryNames?
    var cut: DiskCut

    private static let bytes = 112

    private struct Flags: OptionSet {
        let rawValue: UInt8
        static let sparse = Self(rawValue: 1)
        static let mustAsk = Self(rawValue: 2)
        static let hasDate = Self(rawValue: 4)
    }

    init(_ object: CachedObject, version: UInt64, names: VaryNames?, _ cut: DiskCut) {
        variant = object.variant
        self.version = version
        freshness = object.freshness
        head = object.head
        etag = object.etag
        lastModified = object.lastModified
        coding = object.coding
        self.names = names
        self.cut = cut
    }

    var encoded: [UInt8] {
        let (status, fieldCount, fields) = head.encoded
        let text = DiskNames.text(of: names)
        var flags: Flags = cut.isSparse ? .sparse : []
        if freshness.mustAsk { flags.insert(.mustAsk) }
        if lastModified != nil { flags.insert(.hasDate) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.bytes + fields.count + etag.count + text.count)
        bytes.append(UInt8(ascii: "o"))
        bytes.append(flags.rawValue)
        bytes.append(number: status)
        bytes.append(number: DiskDialect.checksum)
        bytes.append(number: variant)
        bytes.append(number: version)
        bytes.append(number: cut.length)
        bytes.append(number: UInt32(cut.blockBytes))
        bytes.append(coding?.rawValue ?? .max)
        bytes.append(freshness.basis.rawValue)
        bytes.pad(to: 48)
        for number in [
            freshness.received, freshness.initialAge, freshness.lifetime,
            freshness.staleWhileRevalidate, freshness.staleIfError, lastModified ?? 0,
        ] {
            bytes.append(number: number)
        }
        for count in [fieldCount, fields.count, etag.count, text.count] {
            bytes.append(number: UInt32(count))
        }
        return bytes + fields + etag + text
    }

    /// Nil: this is no head that we understand. What follows it is the body, where it lies with the head.
    init?(_ bytes: Span<UInt8>, end: inout Int) {
        guard bytes.count >= Self.bytes, bytes[0] == UInt8(ascii: "o"),
            bytes.number(at: 4, as: UInt32.self) == DiskDialect.checksum,
            let basis = FreshnessBasis(rawValue: bytes[37])
        else { return nil }
        let flags = Flags(rawValue: bytes[1])
        func count(_ place: Int) -> Int { Int(bytes.number(at: place, as: UInt32.self)) }
        func long(_ place: Int) -> Int64 { bytes.number(at: place, as: Int64.self) }
        let fieldsEnd = Self.bytes + count(100)
        let tagEnd = fieldsEnd + count(104)
        end = tagEnd + count(108)
        guard end <= bytes.count,
            let head = StoredHead(
                status: bytes.number(at: 2, as: UInt16.self),
                fieldCount: count(96),
                bytes: Self.copy(bytes.extracting(Self.bytes..<fieldsEnd))
            ),
            let cut = DiskCut(
                length: long(24),
                blockBytes: count(32),
                isSparse: flags.contains(.sparse)
            )
        else { return nil }
        self.head = head
        self.cut = cut
        etag = Self.copy(bytes.extracting(fieldsEnd..<tagEnd))
        names = DiskNames.names(bytes.extracting(tagEnd..<end))
        variant = bytes.number(at: 8, as: UInt64.self)
        version = bytes.number(at: 16, as: UInt64.self)
        coding = ContentCoding(rawValue: bytes[36])
        lastModified = flags.contains(.hasDate) ? long(88) : nil
        freshness = Freshness(
            received: long(48),
            initialAge: long(56),
            lifetime: long(64),
            basis: basis,
            staleWhileRevalidate: long(72),
            staleIfError: long(80),
            mustAsk: flags.contains(.mustAsk)
        )
    }

    fileprivate static func copy(_ bytes: Span<UInt8>) -> [UInt8] {
        bytes.withUnsafeBufferPointer { Array($0) }
    }
}

/// What the answers under a key vary by; each of them lies under a key of its own.
enum DiskNames {
    private static let bytes = 16

    static func text(of names: VaryNames?) -> [UInt8] {
        Array((names?.names ?? []).joined(separator: "\n").utf8)
    }

    static func names(_ text: Span<UInt8>) -> VaryNames? {
        let text = text.text
        return VaryNames(names: text.split(separator: "\n").map(String.init))
    }

    /// So that the index tells whether these are the ones that lie there.
    static func version(_ names: VaryNames) -> UInt64 {
        let text = text(of: names)
        var checksum = CRC32C(seed: UInt64(DiskDialect.checksum))
        checksum.add(text.span)
        return UInt64(checksum.value)
    }

    static func encoded(_ names: VaryNames) -> [UInt8] {
        let text = text(of: names)
        var bytes: [UInt8] = [UInt8(ascii: "n"), 0, 0, 0]
        bytes.append(number: DiskDialect.checksum)
        bytes.append(number: UInt32(text.count))
        bytes.append(number: UInt32(0))
        return bytes + text
    }

    static func decoded(_ bytes: Span<UInt8>) -> VaryNames? {
        guard bytes.count >= Self.bytes, bytes[0] == UInt8(ascii: "n"),
            bytes.number(at: 4, as: UInt32.self) == DiskDialect.checksum,
            bytes.number(at: 8, as: UInt32.self) == UInt32(bytes.count - Self.bytes)
        else { return nil }
        return names(bytes.extracting(droppingFirst: Self.bytes))
    }
}

enum DiskDialect {
    /// Raised when the bytes above mean something else than they did.
    private static let format: UInt64 = 1

    static let checksum: UInt32 = {
        var checksum = CRC32C(seed: format)
        func add(_ word: String) { checksum.add(word.utf8.span) }
        for name in HeaderName.allCases where name != .other { add("\(name.canonical)\n") }
        for basis in FreshnessBasis.allCases { add("\(basis.word)\n") }
        for coding in ContentCoding.allCases { add("\(coding.word)\n") }
        return checksum.value
    }()
}

/// How a body is cut into records.
struct DiskCut: Equatable, Sendable {
    struct Part: Equatable {
        var number: UInt32
        var range: Range<Int64>
    }

    let length: Int64
    let blockBytes: Int
    /// Blocks come and go on their own.
    let isSparse: Bool

    /// Nil: no body is like that, or it is too large for the disk.
    init?(length: Int64, blockBytes: Int, isSparse: Bool) {
        guard length >= 0, blockBytes > 0, blockBytes <= Limits.diskBlockBytesMax,
            isSparse || length <= Limits.diskWholeBytesMax,
            length / Int64(min(blockBytes, Limits.diskPartBytes)) < Int64(UInt32.max / 2)
        else { return nil }
        self.length = length
        self.blockBytes = blockBytes
        self.isSparse = isSparse
    }

    private var partBytes: Int { min(blockBytes, Limits.diskPartBytes) }

    /// The body lies in the record of its head.
    var isInHead: Bool { !isSparse && length <= Int64(partBytes) }

    var blockCount: Int { Int((length + Int64(blockBytes) - 1) / Int64(blockBytes)) }

    func parts(ofBlock index: Int) -> [Part] {
        let start = Int64(index) * Int64(blockBytes)
        let end = min(length, start + Int64(blockBytes))
        let perBlock = (blockBytes + partBytes - 1) / partBytes
        var parts: [Part] = []
        var place = start
        while place < end {
            let next = min(end, place + Int64(partBytes))
            let number = UInt32(1 + index * perBlock + parts.count)
            parts.append(Part(number: number, range: place..<next))
            place = next
        }
        return parts
    }
}

/// What a purge looks at, and the purges themselves.
///
///   facts: distribution 8 │ path 4 │ target 4 │ tags 4 │ target … │ tags, 8 bytes each
///   rule:  1 │ kind 1 │ strength 1 │ distribution 8 │ text …
extension ObjectFacts {
    var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(number: distribution)
        for count in [pathLength, target.count, tags.count] {
            bytes.append(number: UInt32(count))
        }
        bytes += target
        for tag in tags { bytes.append(number: tag) }
        return bytes
    }

    init?(_ bytes: Span<UInt8>, asOf sequence: UInt64) {
        guard bytes.count >= 20 else { return nil }
        let targetEnd = 20 + Int(bytes.number(at: 12, as: UInt32.self))
        let tagCount = Int(bytes.number(at: 16, as: UInt32.self))
        guard bytes.count == targetEnd + tagCount * 8 else { return nil }
        distribution = bytes.number(at: 0, as: UInt64.self)
        pathLength = Int(bytes.number(at: 8, as: UInt32.self))
        target = DiskHead.copy(bytes.extracting(20..<targetEnd))
        tags = []
        for index in 0..<tagCount {
            tags.append(bytes.number(at: targetEnd + index * 8, as: UInt64.self))
        }
        self.sequence = sequence
    }
}

struct DiskRule: Equatable {
    var target: InvalidationRules.Target
    var distribution: UInt64
    var strength: PurgeStrength

    private static let format: UInt8 = 1
    private static let bytes = 11

    /// What does not fit is more than was asked for, never less.
    var encoded: [UInt8] {
        var rule = self
        let kind: UInt8
        let text: [UInt8]
        switch target {
        case .path(let path) where path.count <= Limits.diskInvalidationBytesMax - Self.bytes:
            (kind, text) = (1, path)
        case .tag(let tag) where tag.count <= Limits.diskInvalidationBytesMax - Self.bytes:
            (kind, text) = (2, tag)
        case .everything: (kind, text) = (0, [])
        case .path, .tag:
            (kind, text) = (0, [])
            rule.strength = .hard
        }
        var bytes = [Self.format, kind, rule.strength.rawValue]
        bytes.append(number: distribution)
        return bytes + text
    }

    init(
        _ target: InvalidationRules.Target,
        of distribution: UInt64,
        _ strength: PurgeStrength
    ) {
        self.target = target
        self.distribution = distribution
        self.strength = strength
    }

    /// Nil: a rule of a program that knows more than this one.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= Self.bytes, bytes[0] == Self.format,
            let strength = PurgeStrength(rawValue: bytes[2])
        else { return nil }
        let text = Array(bytes[Self.bytes...])
        switch bytes[1] {
        case 0: target = .everything
        case 1: target = .path(text)
        case 2: target = .tag(text)
        default: return nil
        }
        self.strength = strength
        distribution = bytes.span.number(at: 3, as: UInt64.self)
    }
}

extension DiskCut {
    /// Nil: such a body is not kept on disk.
    init?(of body: StoredBody) {
        guard let length = body.length else { return nil }
        self.init(length: length, blockBytes: body.blockBytes, isSparse: body.isSparse)
    }
}

extension Freshness {
    /// The moment when it is not fresh any more.
    var end: Int64 { received - initialAge + lifetime }
}
