// Bodies whose ends lie on, just before and just behind every bound on their way.
//
// Where a queue is filled to its bound by the last piece, and the socket then takes all of it, no event is left that
// would say: now ask for the end. Such a body once hung in one download of a hundred; here every size of the walk is
// sent in one burst, so that the pieces meet the bounds each time.

import Glibc
import Testing

@testable import EdgeRuntime

@Suite struct BoundTests {
    enum Way: String, CaseIterable {
        case length
        case chunked
        case file
        case upload
    }

    private static let bounds = [
        Limits.copiedPieceBytes, Limits.chunkSmallBytes, Limits.chunkLargeBytes,
        Limits.outputBytes, Limits.fileCachedBytesMax, Limits.flowBytes + Limits.outputBytes,
    ]

    /// With all the memory that is wanted, and with so little that each queue holds one small chunk.
    @Test(arguments: Way.allCases, ["256MB", "1MB"])
    func aBodyEndsWhereverItsEndLies(_ way: Way, _ buffered: String) throws {
        for weather in Weather.all where ["calm", "wide"].contains(weather.name) {
            let walk = try Walk(way, buffered: buffered, weather)
            for bound in Self.bounds {
                // The head lies before the body in the same queue.
                let head = try walk.send(bound)
                for size in [
                    bound - 1, bound + 1, bound - head - 1, bound - head, bound - head + 1,
                ] {
                    _ = try walk.send(size)
                }
            }
            walk.finish()
        }
    }
}

/// One server that is asked for one size after the other.
private final class Walk {
    private let way: BoundTests.Way
    private let world: World
    private let folder: String
    private let origin: Burst
    private var sizes: Set<Int> = []

    init(_ way: BoundTests.Way, buffered: String, _ weather: Weather) throws {
        self.way = way
        var template = Array("/tmp/edge-bounds-XXXXXX".utf8CString)
        folder = template.withUnsafeMutableBufferPointer {
            String(cString: mkdtemp($0.baseAddress!))
        }
        let config = """
            return {
              listen = { { address = "10.0.0.1:80" } },
              log = { access = "off", events = "off" },
              limits = { buffered = "\(buffered)" },
              origins = { a = { url = "http://10.1.0.1:80" }, files = { files = "\(folder)" } },
              distributions = { sim = { domains = { "*" }, behaviors = {
                { path = "/file*", origin = "files", cache = "off" },
                { path = "*", origin = "a", cache = "off" },
              } } },
            }
            """
        world = try World(seed: 1, weather: weather, config: config)
        world.ready()
        origin = try Burst(world, at: "10.1.0.1:80")
    }

    deinit {
        for size in sizes { unlink("\(folder)/file\(size)") }
        rmdir(folder)
    }

    /// Says how long the head of the answer was.
    func send(_ size: Int) throws -> Int {
        let body = Pattern.bytes(size, 0..<size)
        var acts = [Act.get("/\(way)/\(size)")]
        switch way {
        case .length, .chunked: break
        case .file:
            if sizes.insert(size).inserted {
                let file = try #require(fopen("\(folder)/file\(size)", "w"))
                fwrite(body, 1, size, file)
                fclose(file)
            }
            acts = [.get("/file\(size)")]
        case .upload:
            let head = "POST /upload/\(size) HTTP/1.1\r\nHost: sim.test\r\n"
            acts = [.text(head + "Content-Length: \(size)\r\n\r\n"), .send(body)]
        }
        let probe = try Probe(world, acts + [.until(.never)])
        world.run(for: .seconds(20))
        let place = "\(way) of \(size) bytes, \(world.weather.name)"
        let head = Self.headLength(probe.bytes)
        let isFine = probe.bytes.starts(with: Array("HTTP/1.1 200 ".utf8))
        #expect(isFine, "\(place)")
        #expect(world.worker.context.exchangeCount == 0, "\(place): it never ended")
        switch way {
        case .length, .file:
            let isWhole = Array(probe.bytes.dropFirst(head)) == body
            #expect(isWhole, "\(place): \(probe.bytes.count - head) came")
        case .chunked:
            let isWhole = Array(probe.bytes.suffix(7)) == Array("\r\n0\r\n\r\n".utf8)
            #expect(isWhole, "\(place): \(probe.bytes.count - head) came")
        case .upload: #expect(probe.text.hasSuffix("taken \(size)"), "\(place)")
        }
        probe.close()
        return head
    }

    func finish() {
        origin.close()
        world.settle()
        #expect(world.failures == [])
    }

    private static func headLength(_ bytes: [UInt8]) -> Int {
        for end in 4..<max(4, min(bytes.count + 1, 4096))
        where bytes[(end - 4)..<end] == [13, 10, 13, 10] {
            return end
        }
        return 0
    }
}

/// An origin that says everything at once: `/length/N`, `/chunked/N`; `/upload/N` takes N bytes first.
private final class Burst: LoopMember {
    private final class Connection: Peer {
        private var head: [UInt8] = []
        private var left: Int?
        private var size = 0

        override func received(_ bytes: [UInt8]) {
            if let left {
                self.left = left - bytes.count
                takeUpload()
                return
            }
            head += bytes
            let text = String(decoding: head, as: UTF8.self)
            guard let end = text.utf8.count >= 4 ? Self.end(of: head) : nil else { return }
            let words = text.split(separator: " ")[1].split(separator: "/")
            let rest = head.count - end
            head = []
            size = Int(words[1])!
            let body = Pattern.bytes(size, 0..<size)
            switch words[0] {
            case "length":
                script([.text("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n"), .send(body)])
            case "chunked":
                script([
                    .text("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
                    .text(String(size, radix: 16) + "\r\n"), .send(body),
                    .text("\r\n0\r\n\r\n"),
                ])
            default:
                left = size - rest
                takeUpload()
            }
        }

        private func takeUpload() {
            guard left == 0 else { return }
            left = nil
            let answer = "taken \(size)"
            script([
                .text("HTTP/1.1 200 OK\r\nContent-Length: \(answer.count)\r\n\r\n\(answer)")
            ])
        }

        private static func end(of head: [UInt8]) -> Int? {
            (4...head.count).first { head[($0 - 4)..<$0] == [13, 10, 13, 10] }
        }
    }

    private let world: World
    private let handle: SocketHandle

    init(_ world: World, at address: String) throws {
        self.world = world
        handle = try world.loop.reactor.listen(
            SocketAddress(address)!,
            options: ListenOptions()
        )
        super.init(loop: world.loop)
        loop.add(self)
        loop.reactor.watchLevel(handle, token)
    }

    override func ready(_ readiness: Readiness) {
        while case .accepted(let socket, _) = loop.reactor.accept(handle) {
            _ = Connection(world: world, name: "burst", handle: socket)
        }
    }

    func close() {
        loop.reactor.close(handle)
        loop.remove(self)
    }
}
