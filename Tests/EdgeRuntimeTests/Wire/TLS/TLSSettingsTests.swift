import Testing

@testable import EdgeRuntime

@Suite struct TLSSettingsTests {
    private func mistake(_ identity: TLSIdentity) -> TLSSettingsError? {
        do throws(TLSSettingsError) {
            _ = try TLSContext.server(
                TLSServerSettings(identities: [identity]),
                tickets: TicketKeys(now: 0)
            )
            return nil
        } catch {
            return error
        }
    }

    private func identity(
        _ certificate: String,
        _ key: String,
        ocsp: String? = nil
    ) -> TLSIdentity {
        TLSIdentity(
            certificate: Fixture.path(certificate),
            key: Fixture.path(key),
            ocsp: ocsp.map(Fixture.path)
        )
    }

    @Test(
        arguments: [
            ("shop.pem", "shop.key", nil, nil, "", ""),
            ("none.pem", "shop.key", nil, .missingFile, "none.pem", "there is no such file"),
            ("shop.pem", "none.key", nil, .missingFile, "none.key", "there is no such file"),
            (".", "shop.key", nil, .unreadableFile, ".", "Is a directory"),
            ("shop.key", "shop.pem", nil, .noCertificate, "shop.key", "swapped?"),
            ("shop.pem", "shop.pem", nil, .noKey, "shop.pem", "swapped?"),
            ("shop.ocsp", "shop.key", nil, .noCertificate, "shop.ocsp", "BEGIN CERTIFICATE"),
            ("shop.pem", "shop.ocsp", nil, .noKey, "shop.ocsp", "BEGIN PRIVATE KEY"),
            ("shop.pem", "encrypted.key", nil, .encryptedKey, "encrypted.key", "openssl pkey"),
            ("shop.pem", "wildcard.key", nil, .keyMismatch, "wildcard.key", "does not belong"),
            ("shop.pem", "rsa.key", nil, .keyMismatch, "rsa.key", "does not belong"),
            ("weak.pem", "weak.key", nil, .refusedCertificate, "weak.pem", "2048 bits"),
            ("shop.pem", "shop.key", "shop.pem", .badStaple, "shop.pem", "OCSP"),
            ("shop.pem", "shop.key", "none", .missingFile, "none", "there is no such file"),
        ] as [(String, String, String?, TLSSettingsError.Kind?, String, String)]
    )
    func eachMistakeNamesTheFileAndARemedy(
        certificate: String,
        key: String,
        ocsp: String?,
        kind: TLSSettingsError.Kind?,
        file: String,
        words: String
    ) throws {
        let found = mistake(identity(certificate, key, ocsp: ocsp))
        #expect(found?.kind == kind)
        guard let found else { return }
        #expect(found.file == Fixture.path(file))
        #expect(found.problem.contains(words), "\(found)")
    }

    @Test func aListenerNeedsACertificate() {
        #expect(throws: TLSSettingsError.self) {
            try TLSContext.server(
                TLSServerSettings(identities: []),
                tickets: TicketKeys(now: 0)
            )
        }
    }

    @Test func authoritiesMustBeCertificates() {
        #expect(throws: TLSSettingsError.self) { try Fixture.client(authorities: "shop.key") }
        #expect(throws: TLSSettingsError.self) { try Fixture.client(authorities: "none.pem") }
    }

    @Test func wordsOfFailuresAreDistinct() {
        let words = TLSFailure.allCases.map { "\($0.word)" }
        #expect(Set(words).count == words.count)
    }

    @Test func wildcardsCoverOneLabel() {
        #expect(CertificateName.wildcard(covering: "a.b.c") == "*.b.c")
        #expect(CertificateName.wildcard(covering: "localhost") == nil)
        #expect(CertificateName.wildcard(covering: ".b") == nil)
    }
}
