// An OCSP response from a file, to be stapled beside the certificate that it is about (RFC 6066 §8).
//
// A client that gets a stale or a foreign one refuses the connection, where it would have gone on without any. So
// only a good one is sent: judged at each handshake, since a response that was good when it was loaded ends while
// the server runs. The operator is warned instead.

import COpenSSL

struct Staple: Equatable, Sendable {
    let file: String
    /// The file of the certificate that it is configured for.
    let certificate: String
    let bytes: [UInt8]
    let isAboutCertificate: Bool
    let isRevoked: Bool
    /// Seconds since 1970.
    let notBefore: Int64
    /// Nil: it names no end.
    let notAfter: Int64?

    init(file: String, for leaf: OpaquePointer, in certificate: String) throws(TLSSettingsError) {
        let bytes = try PEMFile.read(file)
        var told = edge_staple()
        guard edge_read_staple(bytes, bytes.count, leaf, &told) == 1 else {
            ERR_clear_error()
            throw TLSSettingsError(
                kind: .badStaple,
                file: file,
                problem: "this is not a successful OCSP response in DER; fetch one with"
                    + " openssl ocsp -respout"
            )
        }
        ERR_clear_error()
        self.file = file
        self.certificate = certificate
        self.bytes = bytes
        isAboutCertificate = told.is_about == 1
        isRevoked = told.is_revoked == 1
        notBefore = told.from
        notAfter = told.ends == 1 ? told.until : nil
    }

    /// A responder's clock may go a little ahead of ours.
    func isGood(at now: Int64) -> Bool {
        isAboutCertificate && now >= notBefore - Limits.stapleClockSeconds
            && now < notAfter ?? .max
    }

    func warning(at now: Int64) -> String? {
        if !isAboutCertificate {
            return "\(file): this OCSP response is about another certificate than \(certificate);"
                + " it is not sent, so fetch one for this certificate"
        }
        if let notAfter, now >= notAfter {
            return "\(file): this OCSP response has expired and is not sent any more;"
                + " fetch another one and reload"
        }
        if !isGood(at: now) {
            return "\(file): this OCSP response is not valid yet and is not sent until then;"
                + " check the clock of this machine"
        }
        if isRevoked {
            return "\(file): this OCSP response says that \(certificate) is revoked;"
                + " clients will refuse it, so replace it"
        }
        return nil
    }
}
