// A viewer for one scenario: sends what it is told, keeps what it gets, and remembers when and how it ended.

@testable import EdgeRuntime

final class Probe: Peer {
    enum Ending: Equatable {
        case cleanly
        case reset
    }

    private(set) var bytes: [UInt8] = []
    /// Seconds since the probe connected.
    private(set) var firstByteAfter: Double?
    private(set) var endedAfter: Double?
    private(set) var ending: Ending?
    private let started: Nanoseconds

    init(_ world: World, _ acts: [Act]) throws {
        started = world.loop.now
        super.init(
            world: world,
            name: "probe",
            handle: try world.loop.reactor.connect(World.edge)
        )
        script(acts)
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }
    var status: Int? { Int(text.split(separator: " ").dropFirst().first ?? "") }
    var answers: Int { text.split(separator: "HTTP/1.1 ").count }

    override func received(_ bytes: [UInt8]) {
        if firstByteAfter == nil { firstByteAfter = elapsed }
        self.bytes += bytes
    }

    override func ended() { end(.cleanly) }
    override func broken() { end(.reset) }

    private func end(_ how: Ending) {
        ending = how
        endedAfter = elapsed
        close()
    }

    private var elapsed: Double { Double(loop.now - started) / 1e9 }
}

extension Act {
    static func text(_ text: String) -> Act { .send(Array(text.utf8)) }

    static func get(_ path: String, _ fields: String = "") -> Act {
        .text("GET \(path) HTTP/1.1\r\nHost: sim.test\r\n\(fields)\r\n")
    }
}
