// Host names → the distribution that serves them (§13 of the contract).
//
// An exact name wins over a wildcard, a longer wildcard over a shorter one, and `*` takes what is left. `*.x`
// covers any depth below `x`, never `x` itself.
//
// The host is hashed once from its end to its beginning. At every dot the hash so far is the hash of a suffix, so
// all wildcards that could match are looked up in the same pass, the longest last:
//
//   a.b.shop.example.com
//                   ←──── com?
//           ←──────────── example.com?
//      ←───────────────── shop.example.com?   longest wildcard seen so far wins …
//   ←──────────────────── … unless the whole name is there
//
// Open addressing over flat arrays: a look-up allocates nothing. Names come from the operator, so no peer can
// choose them to collide.

struct HostIndex: Sendable {
    private struct Slot {
        var hash: UInt32 = 0
        var start: UInt32 = 0
        var count: UInt32 = 0
        /// Which distribution; negative in an empty slot.
        var value: Int32 = -1
        var isWildcard = false
    }

    private let slots: [Slot]
    private let text: [UInt8]
    private let fallback: Int?

    /// `domains[n]` are the names of distribution `n`: lower case, `shop.example`, `*.shop.example` or `*`.
    /// Should a name be there twice the first one wins; the check refuses such a configuration.
    init(domains: [[String]]) {
        let total = domains.reduce(0) { $0 + $1.count }
        var capacity = 8
        while capacity < total * 2 { capacity *= 2 }
        var slots = [Slot](repeating: Slot(), count: capacity)
        var text: [UInt8] = []
        var fallback: Int?
        for (value, names) in domains.enumerated() {
            for name in names {
                if name == "*" {
                    fallback = fallback ?? value
                    continue
                }
                let isWildcard = name.hasPrefix("*.")
                let bytes = Array(name.utf8.dropFirst(isWildcard ? 2 : 0)).map(\.lowercased)
                let hash = bytes.reversed().reduce(Self.hashStart, Self.extend)
                var at = Int(hash) & (capacity - 1)
                while slots[at].value >= 0 { at = (at + 1) & (capacity - 1) }
                slots[at] = Slot(
                    hash: hash,
                    start: UInt32(text.count),
                    count: UInt32(bytes.count),
                    value: Int32(value),
                    isWildcard: isWildcard
                )
                text += bytes
            }
        }
        self.slots = slots
        self.text = text
        self.fallback = fallback
    }

    /// The place of the distribution for a host without its port. Case and one closing dot do not matter.
    func index(for host: Span<UInt8>) -> Int? {
        var host = host
        if host.count > 1, host[host.count - 1] == UInt8(ascii: ".") {
            host = host.extracting(droppingLast: 1)
        }
        var best = fallback
        var hash = Self.hashStart
        var at = host.count
        while at > 0 {
            at &-= 1
            let byte = host[at].lowercased
            if byte == UInt8(ascii: "."), at + 1 < host.count,
                let found = find(host.extracting(droppingFirst: at + 1), hash, isWildcard: true)
            {
                best = found
            }
            hash = Self.extend(hash, byte)
        }
        return find(host, hash, isWildcard: false) ?? best
    }

    @inline(__always)
    private func find(_ name: Span<UInt8>, _ hash: UInt32, isWildcard: Bool) -> Int? {
        let slots = slots.span
        let mask = slots.count &- 1
        var at = Int(hash) & mask
        while slots[at].value >= 0 {
            let slot = slots[at]
            if slot.hash == hash, slot.isWildcard == isWildcard, Int(slot.count) == name.count {
                let known = text.span.extracting(Int(slot.start)..<Int(slot.start + slot.count))
                if known.equalsIgnoringCase(name) { return Int(slot.value) }
            }
            at = (at &+ 1) & mask
        }
        return nil
    }

    // FNV-1a: one multiplication a byte, and good enough for names that no enemy picks.
    private static let hashStart: UInt32 = 0x811c_9dc5

    @inline(__always)
    private static func extend(_ hash: UInt32, _ byte: UInt8) -> UInt32 {
        (hash ^ UInt32(byte)) &* 0x0100_0193
    }
}
