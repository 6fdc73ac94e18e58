// The keys under which session tickets are encrypted, shared by all loops and kept across reloads, so that a client
// may resume on any loop and after any reload.
//
//   rotate ──► current: encrypts and opens ──► previous: opens, and the client gets a new ticket ──► gone
//
// Time is an input: whoever has a clock calls `rotate` now and then, and it does nothing until a key is due. A ticket
// is sealed with AES-256-CBC under HMAC-SHA-256 (RFC 5077 §4): OpenSSL's interface for tickets has no place for
// the tag of an AEAD.

import COpenSSL

final class TicketKeys: @unchecked Sendable {
    // Guard: `lock`, for everything below it.
    private let lock = Lock()
    /// Two keys of `keyBytes`, current first. Allocated once so that nothing copies secrets about.
    private let keys: UnsafeMutablePointer<UInt8>
    private var hasPrevious = false
    private var rotatedAt: Int64

    static let nameBytes = 16
    static let cipherKeyBytes = 32
    static let macKeyBytes = 32
    static let keyBytes = nameBytes + cipherKeyBytes + macKeyBytes

    /// `now` in seconds of any clock that goes on evenly, the same one for every call.
    init(now: Int64) {
        keys = .allocate(capacity: 2 * Self.keyBytes)
        keys.initialize(repeating: 0, count: 2 * Self.keyBytes)
        rotatedAt = now
        makeKey()
    }

    deinit {
        OPENSSL_cleanse(keys, 2 * Self.keyBytes)
        keys.deallocate()
    }

    /// Replaces the current key when it is due and tells whether it did.
    @discardableResult
    func rotate(now: Int64) -> Bool {
        lock.withLock {
            let age = now - rotatedAt
            guard age >= Limits.ticketKeySeconds else { return false }
            rotatedAt = now
            // After a pause of two periods (a suspended machine) the current key is as old as a gone one.
            hasPrevious = age < 2 * Limits.ticketKeySeconds
            if hasPrevious {
                (keys + Self.keyBytes).update(from: keys, count: Self.keyBytes)
            } else {
                OPENSSL_cleanse(keys + Self.keyBytes, Self.keyBytes)
            }
            makeKey()
            return true
        }
    }

    private func makeKey() {
        // The generator has failed only when the kernel gives no entropy at all; nothing secret can be done then.
        let result = RAND_priv_bytes(keys, CInt(Self.keyBytes))
        precondition(result == 1, "no random bytes for session ticket keys")
    }

    private enum Match {
        case current
        case previous
    }

    /// Copies the key that encrypts now.
    private func copyCurrent(to copy: UnsafeMutablePointer<UInt8>) {
        lock.withLock { copy.update(from: keys, count: Self.keyBytes) }
    }

    /// Copies the key of that name, if it is still known.
    private func copy(
        named name: UnsafePointer<UInt8>,
        to copy: UnsafeMutablePointer<UInt8>
    ) -> Match? {
        lock.withLock {
            if CRYPTO_memcmp(name, keys, Self.nameBytes) == 0 {
                copy.update(from: keys, count: Self.keyBytes)
                return .current
            }
            if hasPrevious, CRYPTO_memcmp(name, keys + Self.keyBytes, Self.nameBytes) == 0 {
                copy.update(from: keys + Self.keyBytes, count: Self.keyBytes)
                return .previous
            }
            return nil
        }
    }

    /// Makes a server context seal its tickets with these keys, which must outlive it.
    func install(in handle: OpaquePointer) {
        edge_SSL_CTX_set_ticket_keys(handle, Unmanaged.passUnretained(self).toOpaque()) {
            ssl,
            name,
            iv,
            cipher,
            mac,
            isSealing in
            guard let ssl, let name, let iv, let keys = edge_SSL_ticket_keys(ssl) else { return -1 }
            let owner = Unmanaged<TicketKeys>.fromOpaque(keys).takeUnretainedValue()
            return owner.arm(name: name, iv: iv, cipher, mac, isSealing: isSealing == 1)
        }
    }

    /// The answers that OpenSSL wants: 1 done, 2 done but send a new ticket, 0 unknown key, -1 failed.
    private func arm(
        name: UnsafeMutablePointer<UInt8>,
        iv: UnsafeMutablePointer<UInt8>,
        _ cipher: OpaquePointer?,
        _ mac: OpaquePointer?,
        isSealing: Bool
    ) -> CInt {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.keyBytes) { key in
            guard let copy = key.baseAddress else { return -1 }
            defer { OPENSSL_cleanse(copy, Self.keyBytes) }
            let cipherKey = copy + Self.nameBytes
            let macKey = cipherKey + Self.cipherKeyBytes
            guard isSealing else {
                guard let match = self.copy(named: name, to: copy) else { return 0 }
                guard edge_ticket_arm(cipher, mac, cipherKey, macKey, iv, 0) == 1 else {
                    return -1
                }
                return match == .current ? 1 : 2
            }
            copyCurrent(to: copy)
            name.update(from: copy, count: Self.nameBytes)
            guard RAND_bytes(iv, 16) == 1,
                edge_ticket_arm(cipher, mac, cipherKey, macKey, iv, 1) == 1
            else { return -1 }
            return 1
        }
    }
}
