// What functions fetch, in a network that has public addresses.

import CLinux
import Glibc
import Testing

@testable import EdgeRuntime

/// Answers every request with the same bytes, and closes.
private final class Answerer: LoopMember {
    private let world: World
    private let handle: SocketHandle
    private let answer: String
    private(set) var connections = 0

    init(_ world: World, at address: String, _ answer: String) throws {
        self.world = world
        self.answer = answer
        let place = try #require(SocketAddress(address))
        handle = try world.loop.reactor.listen(place, options: ListenOptions())
        super.init(loop: world.loop)
        loop.add(self)
        loop.reactor.watchLevel(handle, token)
    }

    override func ready(_ readiness: Readiness) {
        while case .accepted(let socket, _) = loop.reactor.accept(handle) {
            connections += 1
            let peer = AnsweringPeer(world: world, name: "answerer", handle: socket)
            peer.script([.until(.requestRead), .send(Array(answer.utf8)), .close])
        }
    }
}

private final class AnsweringPeer: Peer {
    private var inbox: [UInt8] = []

    override func received(_ bytes: [UInt8]) { inbox += bytes }
    override func holds(_ condition: Condition) -> Bool {
        condition == .requestRead && inbox.suffix(4).elementsEqual("\r\n\r\n".utf8)
    }
}

@Suite struct FetchTests {
    private static func moved(to target: String) -> String {
        "HTTP/1.1 302 Found\r\nLocation: \(target)\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    }

    private static let page =
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\npage"

    /// What a public server answers with does not open what only the edge can reach.
    @Test(
        arguments: [
            ("http://93.184.216.34/", "200 page"),
            ("http://93.184.216.35/", "200 page"),
            ("http://93.184.216.36/", "address_not_allowed"),
            ("http://93.184.216.37/", "address_not_allowed"),
            ("http://10.9.0.1/", "address_not_allowed"),
        ]
    )
    func aRedirectReachesNoPrivateAddress(_ url: String, _ wanted: String) throws {
        var template = Array("/tmp/edge-fetch-XXXXXX".utf8CString)
        let folder = template.withUnsafeMutableBufferPointer {
            String(cString: mkdtemp($0.baseAddress!))
        }
        defer {
            unlink("\(folder)/asks.lua")
            rmdir(folder)
        }
        let source = """
            local told = edge.kv.store("told")
            return {
              init = function()
                local answer, reason = edge.fetch("\(url)", { redirects = 5 })
                told:set("answer", answer and answer.status .. " " .. answer.body or reason)
              end,
              viewer_request = function() end,
            }
            """
        let file = try #require(fopen("\(folder)/asks.lua", "w"))
        fwrite(source, 1, source.utf8.count, file)
        fclose(file)
        let world = try World(
            seed: 3,
            weather: Weather.all[0],
            config: """
                return {
                  listen = { { address = "10.0.0.1:80" } },
                  log = { access = "off", events = "off" },
                  kv = { told = {} },
                  functions = { folder = "\(folder)" },
                  origins = { a = { url = "http://10.1.0.1:80" } },
                  distributions = { sim = { domains = { "*" }, behaviors = {
                    { path = "*", origin = "a", cache = "off", functions = { viewer_request = { "asks" } } },
                  } } },
                }
                """
        )
        _ = try Answerer(world, at: "93.184.216.34:80", Self.page)
        _ = try Answerer(world, at: "93.184.216.35:80", Self.moved(to: "http://93.184.216.34/"))
        _ = try Answerer(world, at: "93.184.216.36:80", Self.moved(to: "http://10.9.0.1/secret"))
        // By way of another public one.
        _ = try Answerer(world, at: "93.184.216.37:80", Self.moved(to: "//93.184.216.36/"))
        let secret = try Answerer(world, at: "10.9.0.1:80", Self.page)
        world.worker.beginBackground()
        world.run(for: .seconds(30))
        let told = world.published.stores.rows[0].store.value(
            Array("answer".utf8).span,
            now: world.loop.now
        )
        #expect(told == .string(Array(wanted.utf8)))
        #expect(secret.connections == 0)
        world.loop.dissolve()
    }
}
