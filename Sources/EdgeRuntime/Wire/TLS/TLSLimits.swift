// Bounds of TLS, with their reasons.

extension Limits {
    /// Ciphertext that a stream may hold because the reader of its plaintext is slower: one read from the socket.
    /// The driver reads from the socket only while `TLSStream.hasUnreadInput` is false.
    static let tlsInputBytesMax = chunkLargeBytes
    /// Ciphertext that waits for `drainOutput`; past it `write` takes nothing. A record never splits over this
    /// mark, so up to one record more may wait.
    static let tlsOutputBytesMax = chunkLargeBytes
    /// The largest plaintext of one record (RFC 8446 §5.1).
    static let tlsRecordBytes = 16 << 10
    /// Certificates, keys and staples are a few KiB, Debian's whole bundle of authorities about 220 KiB.
    static let tlsFileBytesMax = 4 << 20
    /// How long a key encrypts tickets; for as long again it still opens them. So a ticket lives 12 to 24 hours
    /// and a stolen key opens the resumed sessions of one day.
    static let ticketKeySeconds: Int64 = 12 * 3600
    /// A ticket is refused past this age even if its key is still known.
    static let ticketLifetimeSeconds = 24 * 3600
    /// How far the clock of an OCSP responder may be ahead of ours.
    static let stapleClockSeconds: Int64 = 300
}
