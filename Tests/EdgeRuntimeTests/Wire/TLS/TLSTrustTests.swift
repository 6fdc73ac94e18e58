import Testing

@testable import EdgeRuntime

/// Who is who: certificates by name, clients' certificates, origins' certificates, staples, tickets.
@Suite struct TLSTrustTests {
    // MARK: The certificate by the name

    @Test(arguments: [
        ("shop.example.com", 1), ("www.shop.example.com", 1), ("api.shop.example.com", 2),
        ("a.example.com", 2), ("SHOP.Example.COM", 1), ("example.com", 0),
        ("a.b.example.com", 0), ("old.example.net", 3), ("unknown.test", 0),
    ])
    func serverNameChoosesTheCertificate(name: String, row: Int) throws {
        let names = ["rsa", "shop", "wildcard", "common-name"]
        let server = try Fixture.server("rsa", "shop", "wildcard", "common-name")
        let pair = TLSPair(
            client: try Fixture.client { $0.verify = false },
            server: server,
            name: name
        )
        pair.run()
        #expect(pair.isEstablished)
        let subject = try #require(pair.client.stream.peerCertificateSubject)
        #expect(subject == server.certificates[row].subject, "\(names[row])")
    }

    @Test func namesAreLowerCasedAndDated() throws {
        let facts = try Fixture.server("shop").certificates[0]
        #expect(facts.names == ["shop.example.com", "www.shop.example.com"])
        #expect(facts.subject == "CN=shop.example.com")
        #expect(facts.warning(at: facts.notBefore) == nil)
        #expect(facts.warning(at: facts.notAfter + 1)?.contains("has expired") == true)
        #expect(facts.warning(at: facts.notBefore - 1)?.contains("not valid yet") == true)
    }

    // MARK: Origins

    private func verdict(
        server: String,
        name: String = "shop.example.com",
        authorities: String = "ca.pem",
        now: Int64? = nil
    ) throws -> TLSProgress? {
        let pair = TLSPair(
            client: try Fixture.client(authorities: authorities),
            server: try Fixture.server(server),
            name: name,
            now: now
        )
        pair.run()
        return pair.isEstablished ? nil : pair.client.last
    }

    @Test func originsAreVerified() throws {
        let facts = try Fixture.server("shop").certificates[0]
        #expect(try verdict(server: "shop") == nil)
        #expect(try verdict(server: "shop", name: "127.0.0.1") == nil)
        #expect(try verdict(server: "chained", name: "chained.example.com") == nil)
        #expect(try verdict(server: "wildcard", name: "x.example.com") == nil)
        let none = TLSProgress.failed(.nameMismatch)
        #expect(try verdict(server: "shop", name: "other.example.com") == none)
        #expect(try verdict(server: "shop", name: "127.0.0.2") == none)
        #expect(try verdict(server: "wildcard", name: "example.com") == none)
        #expect(
            try verdict(server: "shop", now: facts.notAfter + 10)
                == .failed(.certificateExpired)
        )
        #expect(
            try verdict(server: "shop", now: facts.notBefore - 100_000)
                == .failed(.certificateNotYetValid)
        )
        #expect(try verdict(server: "foreign") == .failed(.unknownAuthority))
        #expect(
            try verdict(server: "self-signed", name: "self.example.com") == .failed(.selfSigned)
        )
        #expect(
            try verdict(
                server: "self-signed",
                name: "self.example.com",
                authorities: "self-signed.pem"
            ) == nil
        )
        // An intermediate alone may be trusted.
        #expect(
            try verdict(
                server: "chained",
                name: "chained.example.com",
                authorities: "intermediate.pem"
            ) == nil
        )
    }

    @Test func withoutVerificationAnythingGoes() throws {
        let pair = TLSPair(
            client: try Fixture.client { $0.verify = false },
            server: try Fixture.server("foreign"),
            name: "nobody.example"
        )
        pair.run()
        #expect(pair.isEstablished)
    }

    @Test func theSystemsAuthoritiesDoNotKnowOurs() throws {
        let pair = TLSPair(
            client: try Fixture.client(authorities: nil),
            server: try Fixture.server("shop")
        )
        pair.run()
        #expect(pair.client.last == .failed(.unknownAuthority))
        #expect(pair.server.last == .failed(.certificateRefused))
    }

    // MARK: Clients

    @Test(
        arguments: [
            ("client", true, nil), ("client", false, nil), (nil, false, nil),
            (nil, true, TLSFailure.clientCertificateRequired),
            ("stranger", true, .unknownAuthority), ("stranger", false, .unknownAuthority),
        ] as [(String?, Bool, TLSFailure?)]
    )
    func clientCertificates(shown: String?, isRequired: Bool, failure: TLSFailure?) throws {
        for version in [TLSVersion.tls12, .tls13] {
            let pair = TLSPair(
                client: try Fixture.client {
                    $0.identity = shown.map { Fixture.identity($0) }
                    $0.maximumVersion = version
                },
                server: try Fixture.server("shop") {
                    $0.clientCertificates = .init(
                        authorities: Fixture.path("ca.pem"),
                        required: isRequired
                    )
                }
            )
            pair.run()
            if let failure {
                #expect(pair.server.last == .failed(failure))
                let told: Set<TLSFailure> = [
                    .certificateRefused, .clientCertificateRequired, .handshakeRefused,
                ]
                guard case .failed(let heard) = pair.client.last else {
                    Issue.record("the client was not told")
                    continue
                }
                #expect(told.contains(heard))
            } else {
                #expect(pair.isEstablished)
                let subject = shown == nil ? nil : "CN=a client,O=Example"
                #expect(pair.server.stream.peerCertificateSubject == subject)
            }
        }
    }

    // MARK: Staples

    @Test func theStapleReachesTheClient() throws {
        let server = try Fixture.server("rsa") {
            $0.identities.append(Fixture.identity("shop", ocsp: "shop.ocsp"))
        }
        for (name, isStapled) in [("shop.example.com", true), ("rsa.example.com", false)] {
            let pair = TLSPair(
                client: try Fixture.client { $0.requestsStaple = true },
                server: server,
                name: name
            )
            pair.run()
            let expected = try PEMFile.read(Fixture.path("shop.ocsp"))
            #expect(pair.client.stream.stapledResponse == (isStapled ? expected : nil))
        }
    }

    /// Judged by the clock of the handshake: it was good when it was loaded.
    @Test func aStapleThatHasEndedIsNotSent() throws {
        let staple = try #require(
            try Fixture.server("shop") {
                $0.identities = [Fixture.identity("shop", ocsp: "shop.ocsp")]
            }.staples[0]
        )
        let end = try #require(staple.notAfter)
        let warnings = [
            (staple.notBefore - 3600, "not valid yet"), (staple.notBefore - 60, nil),
            (staple.notBefore, nil), (end - 1, nil), (end, "expired"),
        ]
        for (now, words) in warnings {
            let warning = staple.warning(at: now)
            #expect(words.map { warning?.contains($0) == true } ?? (warning == nil))
            let server = try Fixture.server("shop") {
                $0.identities = [Fixture.identity("shop", ocsp: "shop.ocsp")]
            }
            let pair = TLSPair(
                client: try Fixture.client {
                    $0.requestsStaple = true
                    $0.verify = false
                },
                server: server,
                now: now
            )
            pair.run()
            #expect(pair.isEstablished)
            #expect((pair.client.stream.stapledResponse != nil) == (words == nil), "\(now)")
        }
    }

    @Test func aStapleOfAnotherCertificateIsNotSent() throws {
        for name in ["rsa", "foreign"] {
            let server = try Fixture.server(name) {
                $0.identities = [Fixture.identity(name, ocsp: "shop.ocsp")]
            }
            let staple = try #require(server.staples[0])
            #expect(staple.warning(at: staple.notBefore)?.contains("another certificate") == true)
            let pair = TLSPair(
                client: try Fixture.client {
                    $0.requestsStaple = true
                    $0.verify = false
                },
                server: server
            )
            pair.run()
            #expect(pair.isEstablished)
            #expect(pair.client.stream.stapledResponse == nil)
        }
    }

    // MARK: Tickets

    private func resume(
        _ session: TLSSession?,
        _ server: TLSContext,
        version: TLSVersion
    ) throws -> (wasResumed: Bool, session: TLSSession?) {
        let pair = TLSPair(
            client: try Fixture.client { $0.maximumVersion = version },
            server: server,
            resuming: session
        )
        pair.run()
        #expect(pair.isEstablished)
        #expect(pair.client.stream.wasResumed == pair.server.stream.wasResumed)
        #expect(pair.server.stream.serverName == "shop.example.com")
        return (pair.client.stream.wasResumed, pair.client.stream.session)
    }

    @Test(arguments: [TLSVersion.tls12, .tls13]) func ticketsLiveForTwoKeys(
        version: TLSVersion
    ) throws {
        let period = Limits.ticketKeySeconds
        let keys = TicketKeys(now: 100)
        let server = try Fixture.server("rsa", "shop", tickets: keys)
        let first = try resume(nil, server, version: version)
        #expect(!first.wasResumed)
        #expect(try resume(first.session, server, version: version).wasResumed)
        // Another context with the same keys: after a reload, or on another listener.
        let reloaded = try Fixture.server("rsa", "shop", tickets: keys)
        #expect(try resume(first.session, reloaded, version: version).wasResumed)

        #expect(!keys.rotate(now: 100 + period - 1))
        #expect(keys.rotate(now: 100 + period))
        let renewed = try resume(first.session, server, version: version)
        #expect(renewed.wasResumed)
        #expect(keys.rotate(now: 100 + 2 * period))
        #expect(try !resume(first.session, server, version: version).wasResumed)
        // The ticket that came with the resumption was sealed with the second key.
        #expect(try resume(renewed.session, server, version: version).wasResumed)
        // After a long pause no old key is left.
        #expect(keys.rotate(now: 100 + 5 * period))
        #expect(try !resume(renewed.session, server, version: version).wasResumed)
    }

    @Test func aTicketDoesNotOpenADoorThatAsksForCertificates() throws {
        let keys = TicketKeys(now: 0)
        let plain = try Fixture.server("shop", tickets: keys)
        let guarded = try Fixture.server("shop", tickets: keys) {
            $0.clientCertificates = .init(authorities: Fixture.path("ca.pem"))
        }
        let first = try resume(nil, plain, version: .tls13)
        let pair = TLSPair(
            client: try Fixture.client(),
            server: guarded,
            resuming: first.session
        )
        pair.run()
        #expect(pair.server.last == .failed(.clientCertificateRequired))
    }
}
