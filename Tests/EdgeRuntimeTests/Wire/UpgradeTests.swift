import Testing

@testable import EdgeRuntime

/// Which protocols a viewer may ask for, and which answers agree to what was asked.
@Suite struct UpgradeTests {
    @Test(arguments: [
        ("websocket", true), ("tcp", true), ("WebSocket, irc/2.0", true), ("h2cx", true),
        ("h2c", false), ("H2C", false), ("h2", false), ("HTTP/2.0", false), ("http", false),
        ("TLS/1.2", false), ("tls", false), ("websocket, h2c", false), (", TLS/1.3,x", false),
        ("", false),
    ])
    func someProtocolsAreNotAskedFor(protocols: String, isAsked: Bool) {
        let test = TestHead(.get, ["Connection: keep-alive, Upgrade", "Upgrade: \(protocols)"])
        #expect((Framing.upgrade(test.head, test.arena) != nil) == isAsked)
    }

    @Test(arguments: [
        ["Upgrade: x"], ["Connection: upgrade"], ["Connection: close", "Upgrade: x"],
    ])
    func nothingIsAskedForUnvouched(lines: [String]) {
        let test = TestHead(.get, lines)
        #expect(Framing.upgrade(test.head, test.arena) == nil)
    }

    @Test(arguments: [
        ("websocket", true), ("WEBSOCKET", true), ("irc/2.0", true), ("irc/2.0, websocket", true),
        ("other", false), ("irc", false), ("irc/1.0", false), ("websocket, other", false),
        ("", false),
    ])
    func onlyWhatWasAskedForIsAgreedOn(agreed: String, isAgreed: Bool) {
        let arena = Arena()
        let offered = arena.append("websocket, irc/2.0")
        var head = ResponseHead()
        head.fields.append(.connection, value: arena.append("Upgrade"))
        head.fields.append(.upgrade, value: arena.append(Array(agreed.utf8).span))
        #expect((Framing.upgrade(head, arena, offered: offered) != nil) == isAgreed)
        head.version = .http10
        #expect(Framing.upgrade(head, arena, offered: offered) == nil)
    }
}
