// `POST /explain`: what an operator asks about, as JSON.
//
//   url       https://shop.example/a?x=1
//   method    GET, if it is not there
//   headers   ["Name: value", …]

struct ExplainQuestion: Equatable {
    var url: String
    var method = "GET"
    var headers: [String] = []

    struct Mistake: Error, Equatable {
        var message: String

        init(_ message: String) { self.message = message }
    }

    static func read(_ bytes: [UInt8]) throws(Mistake) -> Self {
        let tree: ConfigNode?
        do throws(Diagnostic) { tree = try JSONReader.read(bytes, file: "body") } catch {
            throw Mistake("the body is no JSON: \(error.message)")
        }
        guard case .table(let entries) = tree?.value else {
            throw Mistake("send a JSON object with url, method and headers")
        }
        var question = Self(url: "")
        for entry in entries {
            switch (entry.key, entry.node.value) {
            case ("url", .string(let text)): question.url = text
            case ("method", .string(let text)): question.method = text
            case ("headers", .list(let items)):
                for item in items {
                    guard case .string(let text) = item.value else {
                        throw Mistake("headers is a list of strings")
                    }
                    question.headers.append(text)
                }
            default: throw Mistake("'\(entry.key.prefix(50))' is not url, method or headers")
            }
        }
        return question
    }

    var json: String {
        let headers = headers.map(ConfigDump.quoted).joined(separator: ",")
        return "{\"url\":\(ConfigDump.quoted(url)),\"method\":\(ConfigDump.quoted(method)),"
            + "\"headers\":[\(headers)]}"
    }

    /// The head of the request, in absolute form, so that the scheme is in it.
    func head() throws(Mistake) -> [UInt8] {
        guard let end = url.firstRange(of: "://") else {
            throw Mistake("'\(url.prefix(100))' is no URL: write it whole, https://host/path")
        }
        let rest = url[end.upperBound...].prefix { $0 != "#" }
        var host = String(rest.prefix { $0 != "/" && $0 != "?" })
        let path = rest.dropFirst(host.count)
        var lines: [String] = []
        for header in headers {
            guard let colon = header.firstIndex(of: ":"), colon != header.startIndex,
                header.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 9 })
            else { throw Mistake("header '\(header.prefix(100))': write it as Name: value") }
            let value = header[header.index(after: colon)...].drop { $0 == " " }
            if header[..<colon].lowercased() == "host" {
                host = String(value)
            } else {
                lines.append("\(header[..<colon]): \(value)\r\n")
            }
        }
        guard !host.isEmpty else { throw Mistake("'\(url.prefix(100))' has no host") }
        let target = "\(url[..<end.lowerBound])://\(host)\(path.hasPrefix("/") ? "" : "/")\(path)"
        return Array("\(method) \(target) HTTP/1.1\r\nHost: \(host)\r\n\(lines.joined())\r\n".utf8)
    }
}

/// What `edged explain` asks of a running server.
package struct ExplainCall {
    private let question: ExplainQuestion

    package init(url: String, method: String?, headers: [String]) {
        question = ExplainQuestion(url: url, method: method ?? "GET", headers: headers)
    }

    package var body: [UInt8] { Array(question.json.utf8) }
}

/// Explains on the control loop what the worker loops would do.
struct ExplainDesk {
    var configuration: () -> Configuration
    var index: CacheIndex

    func answer(_ request: AdminRequest, isText: Bool) -> AdminAnswer {
        let head: [UInt8]
        do throws(ExplainQuestion.Mistake) {
            head = try ExplainQuestion.read(request.body).head()
        } catch {
            return AdminAnswer(400, "\(error.message)\n")
        }
        let lookup = DryLookup(
            configuration(),
            index,
            now: Clock.monotonic(),
            wall: Clock.wall().seconds
        )
        do throws(EdgeError) {
            let found = try lookup.explain(head: head)
            return isText ? AdminAnswer(200, found.text) : AdminAnswer(json: found.json)
        } catch {
            return AdminAnswer(400, "the edge would refuse this request: \(error.word)\n")
        }
    }
}
