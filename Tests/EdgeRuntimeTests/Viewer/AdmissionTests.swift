import Testing

@testable import EdgeRuntime

@Suite struct AdmissionTests {
    private func limits(_ connections: Int, perAddress: Int) -> EdgeLimits {
        var limits = EdgeLimits()
        limits.connections = connections
        limits.connectionsPerAddress = perAddress
        return limits
    }

    private func peer(_ number: UInt32) -> SocketAddress {
        SocketAddress(IPAddress(ipv4: 0x0a00_0000 + number), port: 1)
    }

    private func refusal(
        _ result: Result<Admission.Pass, Admission.RefusalError>
    )
        -> Admission.Refusal?
    {
        guard case .failure(let error) = result else { return nil }
        return error.reason
    }

    @Test func theTotalIsBounded() throws {
        let admission = Admission()
        let limits = limits(2, perAddress: 10)
        let first = try admission.admit(peer(1), limits: limits).get()
        _ = try admission.admit(peer(2), limits: limits).get()
        #expect(refusal(admission.admit(peer(3), limits: limits)) == .connectionLimit)
        #expect(refusal(admission.admit(peer(3), limits: limits)) == .connectionLimit)
        #expect(admission.connectionCount == 2)
        first.release()
        #expect(refusal(admission.admit(peer(3), limits: limits)) == nil)
        #expect(admission.connectionCount == 2)
    }

    @Test func anAddressIsBoundedAndTakesNoPlaceWhenRefused() throws {
        let admission = Admission()
        let limits = limits(10, perAddress: 2)
        let first = try admission.admit(peer(1), limits: limits).get()
        let second = try admission.admit(peer(1), limits: limits).get()
        #expect(refusal(admission.admit(peer(1), limits: limits)) == .addressLimit)
        #expect(refusal(admission.admit(peer(2), limits: limits)) == nil)
        #expect(admission.connectionCount == 3)
        first.release()
        second.release()
        #expect(admission.connectionCount == 1)
        _ = try admission.admit(peer(1), limits: limits).get()
        _ = try admission.admit(peer(1), limits: limits).get()
        #expect(refusal(admission.admit(peer(1), limits: limits)) == .addressLimit)
    }

    @Test func aUnixPeerHasNoAddressToCount() throws {
        let admission = Admission()
        let local = try #require(SocketAddress(unixPath: "/run/edge.sock"))
        let limits = limits(3, perAddress: 1)
        let passes = try (0..<3).map { _ in try admission.admit(local, limits: limits).get() }
        #expect(refusal(admission.admit(local, limits: limits)) == .connectionLimit)
        for pass in passes { pass.release() }
        #expect(admission.connectionCount == 0)
    }

    /// Who is behind a balancer is known only when it has said so.
    @Test func behindAProxyViewersAreCounted() throws {
        let admission = Admission()
        let limits = limits(10, perAddress: 2)
        var passes = try (0..<4).map { _ in
            try admission.admit(peer(1), limits: limits, isProxy: true).get()
        }
        for index in 0..<2 {
            let isAdmitted = passes[index].assign(IPAddress(ipv4: 7), limits: limits)
            #expect(isAdmitted)
        }
        let third = passes[2].assign(IPAddress(ipv4: 7), limits: limits)
        let other = passes[3].assign(IPAddress(ipv4: 8), limits: limits)
        #expect(!third && other)
        for pass in passes { pass.release() }
        #expect(admission.connectionCount == 0)
        var next = try admission.admit(peer(1), limits: limits, isProxy: true).get()
        let again = next.assign(IPAddress(ipv4: 7), limits: limits)
        #expect(again)
    }

    @Test func theProcessHasTheLastWord() throws {
        let admission = Admission(ceiling: 1)
        let limits = limits(10, perAddress: 10)
        _ = try admission.admit(peer(1), limits: limits).get()
        #expect(refusal(admission.admit(peer(2), limits: limits)) == .connectionLimit)
    }
}
