import Testing

@testable import EdgeRuntime

@Suite struct ServerStatusTests {
    private static var status: ServerStatus {
        var status = ServerStatus()
        status.version = "1.2.3"
        status.pid = 42
        status.state = .serving
        status.started = 1000
        status.uptime = 3700
        status.generation = 7
        status.configuration = "/etc/\"odd\".lua"
        status.listeners = [ServerStatus.Listener(address: "127.0.0.1:8080", isTLS: true)]
        status.workers = [
            ServerStatus.Worker(
                connections: 2,
                exchanges: 1,
                bufferedBytes: 20 << 20,
                busy: 15_000
            ),
            ServerStatus.Worker(connections: 3),
        ]
        status.origins = [
            ServerStatus.Origin(
                name: "app",
                kind: .servers,
                servers: [
                    ServerStatus.Server(address: "a:1", condition: .serving),
                    ServerStatus.Server(address: "b:1", condition: .ejected),
                ],
                connections: 5,
                idle: 4,
                requests: 9
            ),
            ServerStatus.Origin(name: "site", kind: .files),
        ]
        status.functions = [
            ServerStatus.Function(
                name: "gate",
                runs: 12,
                failures: [(word: "raised", count: 2), (word: "timeout", count: 1)],
                parked: 1,
                instructions: 340,
                fetches: 5,
                fetchFailures: 2
            ),
            ServerStatus.Function(name: "stamp", runs: 3),
        ]
        status.sheds = [(word: "origin_queue", count: 3)]
        status.certificates = [
            CertificateFacts(
                file: "a.pem",
                subject: "CN=a",
                names: ["a.example"],
                notBefore: 0,
                notAfter: 4700 + 3 * 86_400 + 5
            )
        ]
        return status
    }

    @Test func jsonIsOneObjectThatReadsBack() throws {
        let json = Self.status.json
        #expect(json.hasSuffix("}\n"))
        for part in [
            #""configuration":"/etc/\"odd\".lua""#, #""connections":5"#, #""generation":7"#,
            #"{"address":"b:1","state":"ejected"}"#, #""sheds":{"origin_queue":3}"#,
            #""busy":0.015"#, #""names":["a.example"]"#, #""days_left":3"#,
        ] { #expect(json.contains(part), "\(part)") }
    }

    @Test func theTableIsForPeople() {
        let text = Self.status.text
        #expect(
            text.hasPrefix("edged          1.2.3, serving, pid 42, up 1h 1m, generation 7\n")
        )
        #expect(text.contains("listeners      127.0.0.1:8080 (TLS)\n"))
        #expect(text.contains("viewers        5 connected, 1 requests in flight"))
        #expect(text.contains("buffered       20 MiB\n"))
        #expect(text.contains("certificate    a.example, 3 days left\n"))
        #expect(text.contains("app     9         5, 4 idle    a:1 serving, b:1 ejected\n"))
        #expect(text.contains("site    -         -            files\n"))
    }

    @Test(arguments: [
        (0, "0s"), (59, "59s"), (61, "1m 1s"), (3600, "1h 0m"), (90_000, "1d 1h"),
    ])
    func spansUseTwoUnits(seconds: Int64, text: String) {
        #expect(ServerStatus.span(seconds) == text)
    }

    @Test func answersAreTakenApart() throws {
        let whole = "HTTP/1.1 422 Unprocessable Content\r\nA: b\r\n\r\nline\r\n\r\n"
        let answer = try AdminClient.parse(Array(whole.utf8), from: "s")
        #expect(answer.status == 422)
        #expect(answer.text == "line\r\n\r\n")
        for text in ["", "SSH-2.0-x\r\n\r\nabcdef", "HTTP/1.1 200 OK\r\nA: b\r\n"] {
            #expect(throws: AdminClient.Failure.self) {
                try AdminClient.parse(Array(text.utf8), from: "s")
            }
        }
    }

    @Test func watchdogIsOursOnlyIfItNamesUs() {
        let patience = ["WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "7"]
        #expect(Systemd(environment: { patience[$0] }, pid: 7).watchdogPeriod == 1_500_000_000)
        #expect(Systemd(environment: { patience[$0] }, pid: 8).watchdogPeriod == nil)
        #expect(Systemd(environment: { _ in nil }, pid: 7).watchdogPeriod == nil)
    }
}
