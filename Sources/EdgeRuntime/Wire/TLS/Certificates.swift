// Certificates and keys from PEM files: loaded, checked, and asked for the facts that others show.
//
// A file is read whole and parsed from memory, so each way to be wrong has its own message: not there, not PEM, the
// wrong kind of PEM, encrypted. Messages say what to do; OpenSSL's own words come last, in brackets, if at all.

import COpenSSL
import Glibc

/// What `/status`, the metrics and the choice by server name need to know of a certificate.
struct CertificateFacts: Equatable, Sendable {
    var file: String
    var subject: String
    /// Lower-cased DNS names of the subject alternative name, else the common name.
    var names: [String]
    /// Seconds since 1970.
    var notBefore: Int64
    var notAfter: Int64
    /// SHA-256 of the whole certificate: two that tell the same facts may still be two.
    var fingerprint: [UInt8] = []

    /// A warning for the operator, who may be about to replace the file: not a reason to refuse to start.
    func warning(at now: Int64) -> String? {
        if now > notAfter {
            return "\(file): this certificate has expired; clients will refuse it, so renew it"
        }
        if now < notBefore {
            return "\(file): this certificate is not valid yet; clients will refuse it until then"
        }
        return nil
    }
}

/// How names in certificates are compared with the name a client asks for.
enum CertificateName {
    /// `*.example.com` covers exactly one label: `a.example.com`, not `example.com`, not `a.b.example.com`.
    static func wildcard(covering name: String) -> String? {
        guard let dot = name.utf8.firstIndex(of: UInt8(ascii: ".")), dot != name.startIndex else {
            return nil
        }
        return "*" + name[dot...]
    }

    /// Lower case, and without the root's dot.
    static func normalized(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
        let trimmed = bytes.last == UInt8(ascii: ".") ? bytes.dropLast() : bytes[...]
        return String(decoding: trimmed.lazy.map(\.lowercased), as: UTF8.self)
    }
}

/// An X509 with its chain, as it stood in one file. Owns one reference to each.
struct CertificateChain: ~Copyable {
    let leaf: OpaquePointer
    let others: [OpaquePointer]
    let file: String

    /// Every certificate in the file: the first is the leaf, or the first of a list of authorities.
    init(file: String) throws(TLSSettingsError) {
        let bytes = try PEMFile.read(file)
        var found: [OpaquePointer] = []
        PEMFile.withMemory(bytes) { memory in
            while let next = PEM_read_bio_X509(memory, nil, nil, nil) { found.append(next) }
        }
        ERR_clear_error()
        guard let first = found.first else {
            throw TLSSettingsError(
                kind: .noCertificate,
                file: file,
                problem: PEMFile.holds("PRIVATE KEY-----", in: bytes)
                    ? "this is a key, not a certificate; are certificate and key swapped?"
                    : "there is no certificate in this file; give it as PEM, which begins with"
                        + " -----BEGIN CERTIFICATE-----"
            )
        }
        leaf = first
        others = Array(found.dropFirst())
        self.file = file
    }

    deinit {
        X509_free(leaf)
        for other in others { X509_free(other) }
    }

    var facts: CertificateFacts {
        CertificateFacts(
            file: file,
            subject: Self.subject(of: leaf),
            names: Self.names(of: leaf),
            notBefore: Self.seconds(X509_get0_notBefore(leaf)),
            notAfter: Self.seconds(X509_get0_notAfter(leaf)),
            fingerprint: Self.fingerprint(of: leaf)
        )
    }

    private static func fingerprint(of certificate: OpaquePointer) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        guard X509_digest(certificate, EVP_sha256(), &digest, nil) == 1 else { return [] }
        return digest
    }

    /// As RFC 2253 writes it: `CN=client,O=Example`.
    static func subject(of certificate: OpaquePointer) -> String {
        guard let memory = BIO_new(BIO_s_mem()) else { return "" }
        defer { BIO_free(memory) }
        X509_NAME_print_ex(memory, X509_get_subject_name(certificate), 0, edge_name_flags())
        var base: UnsafePointer<CChar>?
        let count = edge_memory_bytes(memory, &base)
        return base.withBytes(count) { String(decoding: $0, as: UTF8.self) }
    }

    static func names(of certificate: OpaquePointer) -> [String] {
        var names: [String] = []
        if let list = edge_alternative_names(certificate) {
            defer { edge_names_free(list) }
            for index in 0..<edge_names_count(list) {
                var count: CInt = 0
                guard let base = edge_dns_name(list, index, &count), count > 0 else { continue }
                let bytes = UnsafeBufferPointer(start: base, count: Int(count))
                names.append(CertificateName.normalized(bytes))
            }
        }
        if names.isEmpty, let common = commonName(of: certificate) { names.append(common) }
        return names
    }

    private static func commonName(of certificate: OpaquePointer) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            let count = X509_NAME_get_text_by_NID(
                X509_get_subject_name(certificate),
                NID_commonName,
                buffer.baseAddress,
                CInt(buffer.count)
            )
            guard count > 0 else { return nil }
            return buffer.withMemoryRebound(to: UInt8.self) { bytes in
                CertificateName.normalized(
                    UnsafeBufferPointer(rebasing: bytes.prefix(Int(count)))
                )
            }
        }
    }

    private static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64 {
        var parts = tm()
        guard ASN1_TIME_to_tm(time, &parts) == 1 else { return 0 }
        return Int64(timegm(&parts))
    }
}

/// A private key. Owns one reference.
struct PrivateKey: ~Copyable {
    let handle: OpaquePointer

    init(file: String) throws(TLSSettingsError) {
        let bytes = try PEMFile.read(file)
        // Called when the key is encrypted: remembers that it was, and gives no phrase.
        var wasAsked = false
        let key = withUnsafeMutablePointer(to: &wasAsked) { flag in
            PEMFile.withMemory(bytes) { memory in
                PEM_read_bio_PrivateKey(
                    memory,
                    nil,
                    { _, _, _, flag in
                        flag?.assumingMemoryBound(to: Bool.self).pointee = true
                        return -1
                    },
                    flag
                )
            }
        }
        ERR_clear_error()
        guard let key else {
            throw Self.mistake(file: file, bytes: bytes, isEncrypted: wasAsked)
        }
        handle = key
    }

    deinit { EVP_PKEY_free(handle) }

    private static func mistake(
        file: String,
        bytes: [UInt8],
        isEncrypted: Bool
    ) -> TLSSettingsError {
        if isEncrypted || PEMFile.holds("ENCRYPTED", in: bytes) {
            return TLSSettingsError(
                kind: .encryptedKey,
                file: file,
                problem: "this key is encrypted and there is nobody to ask for its pass phrase;"
                    + " store it without one: openssl pkey -in \(file) -out plain.key"
            )
        }
        return TLSSettingsError(
            kind: .noKey,
            file: file,
            problem: PEMFile.holds("CERTIFICATE-----", in: bytes)
                ? "this is a certificate, not a key; are certificate and key swapped?"
                : "there is no private key in this file; give it as PEM, which begins with"
                    + " -----BEGIN PRIVATE KEY-----"
        )
    }
}

/// Reading the files that settings name.
enum PEMFile {
    static func read(_ path: String) throws(TLSSettingsError) -> [UInt8] {
        do {
            let file = Descriptor(
                owning: CInt(
                    try Syscall.value("open") { () -> Int in
                        Int(path.withCString { open($0, O_RDONLY | O_CLOEXEC) })
                    }
                )
            )
            var bytes: [UInt8] = []
            var block = [UInt8](repeating: 0, count: 16 << 10)
            while bytes.count <= Limits.tlsFileBytesMax {
                let count = try Syscall.value("read") {
                    block.withUnsafeMutableBytes { Glibc.read(file.raw, $0.baseAddress, $0.count) }
                }
                guard count > 0 else { return bytes }
                bytes.append(contentsOf: block[..<count])
            }
        } catch {
            throw TLSSettingsError(
                kind: error.code == ENOENT ? .missingFile : .unreadableFile,
                file: path,
                problem: error.code == ENOENT
                    ? "there is no such file; check the path, which is relative to the configuration"
                    : "this file cannot be read (\(error.reason)); check its permissions"
            )
        }
        throw TLSSettingsError(
            kind: .unreadableFile,
            file: path,
            problem: "this file is larger than 4 MiB, so it is no certificate or key"
        )
    }

    static func withMemory<Result>(
        _ bytes: [UInt8],
        _ body: (OpaquePointer?) -> Result
    ) -> Result {
        bytes.withUnsafeBytes { buffer in
            let memory = BIO_new_mem_buf(buffer.baseAddress, CInt(buffer.count))
            defer { BIO_free(memory) }
            return body(memory)
        }
    }

    static func holds(_ word: StaticString, in bytes: [UInt8]) -> Bool {
        var rest = bytes.span
        while rest.count >= word.utf8CodeUnitCount {
            if rest.starts(with: word) { return true }
            rest = rest.extracting(droppingFirst: 1)
        }
        return false
    }
}

extension Optional where Wrapped == UnsafePointer<CChar> {
    /// What a C call put behind a pointer, for as long as the call.
    fileprivate func withBytes<Result>(
        _ count: Int,
        _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        body(UnsafeRawBufferPointer(start: self, count: self == nil ? 0 : count))
    }
}
