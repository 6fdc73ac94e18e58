// What must hold for whatever a peer sends where TLS is spoken: the same end however the bytes are cut, no connection
// and no text out of bytes that nobody sealed for us, and nothing left behind in OpenSSL's queue of errors.

import COpenSSL

#if canImport(EdgeRuntime)
    @testable import EdgeRuntime
#endif

enum TLSProperties {
    /// Beside this file, or from the root of the repository where the fuzzer is built and started.
    private static func fixture(_ file: String) -> String {
        var folder = #filePath
        folder.removeLast("FuzzTests/TLSProperties.swift".count)
        return folder + "Fixtures/tls/" + file
    }

    private static let contexts: (server: TLSContext, client: TLSContext) = {
        do throws(TLSSettingsError) {
            let identities = ["shop", "rsa"].map {
                TLSIdentity(
                    certificate: fixture($0 + ".pem"),
                    key: fixture($0 + ".key"),
                    ocsp: $0 == "shop" ? fixture("shop.ocsp") : nil
                )
            }
            var settings = TLSClientSettings()
            settings.authorities = fixture("ca.pem")
            settings.requestsStaple = true
            return (
                try TLSContext.server(
                    TLSServerSettings(identities: identities),
                    tickets: TicketKeys(now: 0)
                ),
                try TLSContext.client(settings)
            )
        } catch {
            preconditionFailure("\(error)")
        }
    }()

    /// Like that of the fixtures.
    private static let name = "shop.example.com"

    static func server(_ input: [UInt8]) {
        check(input) { TLSStream(contexts.server, role: .server, pool: $0) }
    }

    static func client(_ input: [UInt8]) {
        check(input) { pool in
            TLSStream(
                contexts.client,
                role: .client(serverName: name, verifyName: name),
                pool: pool
            )
        }
    }

    private static func check(_ input: [UInt8], _ make: (ChunkPool) -> TLSStream) {
        let whole = converse(input, pieces: max(1, input.count), make)
        for pieces in [1, 7, 1 + input.count / 2] {
            precondition(converse(input, pieces: pieces, make) == whole, "split answers")
        }
    }

    private static func converse(
        _ input: [UInt8],
        pieces: Int,
        _ make: (ChunkPool) -> TLSStream
    ) -> TLSProgress {
        let pool = ChunkPool()
        let stream = make(pool)
        _ = stream.handshake()
        var last = TLSProgress.wantsInput
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 512) { target in
            guard let base = target.baseAddress else { return }
            var rest = input.span
            while rest.count > 0, last == .wantsInput {
                let piece = rest.extracting(first: min(pieces, rest.count))
                rest = rest.extracting(droppingFirst: piece.count)
                last = stream.receive(piece, into: base, capacity: target.count)
                drain(stream, pool)
            }
            if last == .wantsInput {
                stream.receiveEnd()
                last = stream.read(into: base, capacity: target.count)
                drain(stream, pool)
            }
        }
        precondition(!stream.isEstablished, "nobody sealed this for us")
        precondition(ERR_peek_error() == 0, "an error is left in the queue")
        switch last {
        case .closed, .failed: return last
        case .bytes: preconditionFailure("a text that nobody sealed")
        case .wantsInput, .outputFull: preconditionFailure("the end of the input went unseen")
        }
    }

    private static func drain(_ stream: TLSStream, _ pool: ChunkPool) {
        var queue = WriteQueue(pool: pool)
        stream.drainOutput(into: &queue)
        queue.clear()
    }
}
