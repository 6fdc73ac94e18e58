import Testing

@testable import EdgeRuntime

@Suite struct AccessLogTests {
    private final class Bench {
        let ring = LogRing(signal: LogSignal())
        let requestArena = Arena()
        let responseArena = Arena()
        var record = AccessRecord()

        func line(
            _ format: LogFormat,
            logsCookies: Bool = false,
            _ fields: [(HeaderName, [UInt8])] = [],
            path: [UInt8] = Array("/a b".utf8),
            query: String? = nil,
            response: [(HeaderName, String)] = []
        ) -> String {
            var request = RequestHead()
            request.path = requestArena.append(path.span)
            request.query = query.map { requestArena.append($0.utf8.span) }
            request.authority = requestArena.append("www.example.com:8080")
            for (id, value) in fields {
                request.fields.append(id, value: requestArena.append(value.span))
            }
            var answer = ResponseHead()
            for (id, value) in response {
                answer.fields.append(id, value: responseArena.append(value.utf8.span))
            }
            let log = AccessLog(
                ring: ring,
                format: format,
                location: "FRA1",
                logsCookies: logsCookies
            )
            log.write(
                record,
                request: request,
                response: answer,
                requestArena: requestArena,
                responseArena: responseArena
            )
            let ring = ring
            let pending = ring.pending
            let text = pending.text
            ring.consume(pending.count)
            return text
        }
    }

    private func fullBench() -> Bench {
        let bench = Bench()
        bench.record.started = WallTime(seconds: 1_795_241_399, nanoseconds: 900_000_000)
        bench.record.timeTaken = 223_999_999
        bench.record.firstByteTime = 12_345_678
        bench.record.receivedBytes = 321
        bench.record.sentBytes = 123_456
        bench.record.status = 206
        bench.record.viewer = IPAddress(ipv4: 0xc000_0201)
        bench.record.viewerPort = 54321
        bench.record.tls = .init(version: .tls13, cipher: .aes128)
        bench.record.result = .hit
        bench.record.responseResult = .hit
        bench.record.generation = 7
        bench.record.distribution = "www"
        bench.record.behavior = "/media/*"
        bench.record.origin = "app"
        bench.record.retries = 1
        bench.record.originConnectTime = 1_000_000
        bench.record.originFirstByteTime = 2_000_000
        bench.record.originLastByteTime = 3_000_000
        bench.record.connection = 99
        bench.record.connectionRequest = 3
        bench.record.trace = TraceContextTests.example
        return bench
    }

    private static let requestFields: [(HeaderName, [UInt8])] = [
        (.referer, Array("https://example.org/".utf8)),
        (.userAgent, Array("Moz\"illa\t5\\ {x}".utf8) + [0xff]),
        (.cookie, Array("session=secret".utf8)),
        (.authorization, Array("Basic c2VjcmV0".utf8)),
        (.xForwardedFor, Array("10.0.0.1, 10.0.0.2".utf8)),
    ]
    private static let responseFields: [(HeaderName, String)] = [
        (.contentType, "video/mp4; x=\"y\""), (.contentLength, "1000"),
        (.contentRange, "bytes 0-999/123456"),
    ]
    private static let requestID = "AAAAAAAAAAAAAAAAAAAAAA"

    @Test func aFullJSONLine() {
        let line = fullBench().line(
            .json,
            Self.requestFields,
            query: "q=1&x=%20",
            response: Self.responseFields
        )
        let expected =
            #"{"date":"2026-11-21","time":"06:10:00","x-edge-location":"FRA1","sc-bytes":123456,"#
            + #""c-ip":"192.0.2.1","cs-method":"GET","cs(Host)":"www","cs-uri-stem":"/a b","#
            + #""sc-status":206,"cs(Referer)":"https://example.org/","#
            + #""cs(User-Agent)":"Moz\"illa\t5\\ {x}\u00ff","cs-uri-query":"q=1&x=%20","#
            + #""cs(Cookie)":null,"x-edge-result-type":"Hit","x-edge-request-id":""#
            + Self.requestID + #"","x-host-header":"www.example.com:8080","#
            + #""cs-protocol":"https","cs-bytes":321,"time-taken":0.223,"#
            + #""x-forwarded-for":"10.0.0.1, 10.0.0.2","ssl-protocol":"TLSv1.3","#
            + #""ssl-cipher":"TLS_AES_128_GCM_SHA256","x-edge-response-result-type":"Hit","#
            + #""cs-protocol-version":"HTTP/1.1","fle-status":null,"fle-encrypted-fields":null,"#
            + #""c-port":54321,"time-to-first-byte":0.012,"x-edge-detailed-result-type":"Hit","#
            + #""sc-content-type":"video/mp4; x=\"y\"","sc-content-len":1000,"#
            + #""sc-range-start":0,"sc-range-end":999,"timestamp(ms)":1795241400123,"#
            + #""x-edge-reason":null,"cache":null,"x-edge-generation":7,"x-edge-behavior":"/media/*","#
            + #""x-edge-origin":"app","x-edge-retries":1,"x-edge-origin-connect":0.001,"#
            + #""origin-fbl":0.002,"origin-lbl":0.003,"connection-id":99,"#
            + #""x-edge-connection-request":3,"traceparent":""#
            + TraceContextTests.valid + "\",\"x-edge-function\":null}\n"
        #expect(line == expected)
    }

    @Test func aFullStandardLine() {
        let line = fullBench().line(
            .standard,
            Self.requestFields,
            query: "q=1&x=%20",
            response: Self.responseFields
        )
        let expected = [
            "2026-11-21", "06:10:00", "FRA1", "123456", "192.0.2.1", "GET", "www", "/a%20b", "206",
            "https://example.org/", "Moz%22illa%095%5C%20%7Bx%7D%FF", "q=1&x=%2520", "-", "Hit",
            Self.requestID, "www.example.com:8080", "https", "321", "0.223",
            "10.0.0.1,%2010.0.0.2", "TLSv1.3", "TLS_AES_128_GCM_SHA256", "Hit", "HTTP/1.1", "-",
            "-", "54321", "0.012", "Hit", "video/mp4;%20x=%22y%22", "1000", "0", "999",
        ].joined(separator: "\t")
        #expect(line == expected + "\n")
    }

    @Test func whatIsMissing() {
        let standard = Bench().line(.standard, path: [])
        let columns = standard.dropLast().split(separator: "\t", omittingEmptySubsequences: false)
        #expect(columns.count == 33)
        #expect(columns[4] == "-" && columns[7] == "-" && columns[8] == "000")
        #expect(columns[20] == "-" && columns[27] == "-" && columns[32] == "-")
        let json = Bench().line(.json, path: [])
        #expect(json.contains(#""c-ip":null,"#) && json.contains(#""sc-status":0,"#))
        #expect(json.contains(#""time-to-first-byte":null,"#))
        #expect(json.hasSuffix("\"traceparent\":null,\"x-edge-function\":null}\n"))
    }

    @Test func bothFormatsNameTheSameFieldsInTheSameOrder() {
        let json = fullBench().line(.json)
        let header = "\(AccessLog.standardHeader)".split(separator: "\n")
        #expect(header.count == 2 && header[0] == "#Version: 1.0")
        let names = header[1].dropFirst("#Fields: ".count).split(separator: " ")
        #expect(names.count == 33)
        var rest = json[...]
        for name in names {
            guard let end = rest.range(of: "\"\(name)\":") else {
                Issue.record("\(name) is missing or out of order")
                return
            }
            rest = rest[end...]
        }
    }

    @Test func credentialsStayOut() {
        for format in [LogFormat.json, .standard] {
            let quiet = fullBench().line(format, Self.requestFields)
            #expect(!quiet.contains("secret") && !quiet.contains("c2VjcmV0"))
            let asked = fullBench().line(format, logsCookies: true, Self.requestFields)
            #expect(asked.contains("session=secret") && !asked.contains("c2VjcmV0"))
        }
    }

    @Test func failuresHaveTheirWords() {
        let bench = fullBench()
        bench.record.error = EdgeError(.originConnectTimeout)
        bench.record.result = .error
        let line = bench.line(.json)
        #expect(line.contains(#""x-edge-detailed-result-type":"OriginConnectError""#))
        #expect(line.contains(#""x-edge-reason":"origin_connect_timeout""#))
        bench.record.cache = "stale_on_error"
        #expect(bench.line(.json).contains(#""cache":"stale_on_error""#))
        #expect(line.contains(#""x-edge-result-type":"Error""#))
    }

    @Test func theLongestHostileLineFits() {
        let hostile = [UInt8](repeating: 0xff, count: Limits.headBytes)
        let names: [HeaderName] = [.referer, .userAgent, .cookie, .xForwardedFor]
        let bench = fullBench()
        for format in [LogFormat.json, .standard] {
            let line = bench.line(
                format,
                logsCookies: true,
                names.map { ($0, hostile) },
                path: hostile,
                query: String(repeating: "\u{1}", count: 9000),
                response: [(.contentType, String(repeating: "\\", count: 9000))]
            )
            #expect(line.hasSuffix("\n") && line.utf8.count < Limits.logLineBytesMax)
        }
        #expect(bench.ring.droppedLines == 0)
    }

    @Test func viewersOverIPv6AndWebSockets() {
        let bench = fullBench()
        bench.record.viewer = .loopbackIPv6
        bench.record.isWebSocket = true
        let line = bench.line(.standard)
        #expect(line.contains("\t::1\t") && line.contains("\twss\t"))
    }
}

extension String.SubSequence {
    /// The end of the first occurrence.
    fileprivate func range(of text: String) -> String.Index? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
