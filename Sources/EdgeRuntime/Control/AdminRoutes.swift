// What operators may ask: one row per route. Pure: a method and a path go in, a row or a refusal comes out; what
// the answers are made of comes from the `AdminDesk`.

enum AdminRoute: CaseIterable {
    case index
    case health
    case ready
    case status
    case statusTable
    case metrics
    case reload
    case reloadJSON
    case listInvalidations
    case createInvalidation
    case invalidation
    case explain
    case explainText

    struct Row {
        var method: Method
        /// A part in capitals stands for any.
        var path: StaticString
        var sentence: StaticString
        var takesBody = false
    }

    var row: Row {
        switch self {
        case .index: Row(method: .get, path: "/", sentence: "This list.")
        case .health:
            Row(method: .get, path: "/healthz", sentence: "200 while the process answers.")
        case .ready:
            Row(
                method: .get,
                path: "/readyz",
                sentence: "200 while requests are served; 503 before that and while draining."
            )
        case .status:
            Row(method: .get, path: "/status", sentence: "Everything worth knowing, as JSON.")
        case .statusTable:
            Row(method: .get, path: "/status.txt", sentence: "The same as text for people.")
        case .metrics:
            Row(method: .get, path: "/metrics", sentence: "Counters in Prometheus' text format.")
        case .reload:
            Row(
                method: .post,
                path: "/reload",
                sentence: "Read the configuration again: 200 and what changed, or 4xx and why not."
            )
        case .reloadJSON:
            Row(method: .post, path: "/reload.json", sentence: "The same, told as JSON.")
        case .listInvalidations:
            Row(
                method: .get,
                path: "/distributions/NAME/invalidations",
                sentence: "What was purged, newest first; ?Marker=ID&MaxItems=N."
            )
        case .createInvalidation:
            Row(
                method: .post,
                path: "/distributions/NAME/invalidations",
                sentence: "Purge what a batch names: JSON with Paths, Tags or Everything.",
                takesBody: true
            )
        case .invalidation:
            Row(
                method: .get,
                path: "/distributions/NAME/invalidations/ID",
                sentence: "One of them, as it was asked for."
            )
        case .explain:
            Row(
                method: .post,
                path: "/explain",
                sentence: "What would be done with a request, and why: JSON with url, headers.",
                takesBody: true
            )
        case .explainText:
            Row(
                method: .post,
                path: "/explain.txt",
                sentence: "The same as text for people.",
                takesBody: true
            )
        }
    }

    enum Decision: Equatable {
        /// With the parts of the path that the row leaves open.
        case route(AdminRoute, [String])
        case unknown
        /// The path is known; this is what it takes.
        case wrongMethod(allow: [AdminRoute])
    }

    static func decide(_ method: Method, _ path: Span<UInt8>) -> Decision {
        var others: [AdminRoute] = []
        for route in allCases {
            guard let parts = route.parts(of: path) else { continue }
            let isRead = method == .get || method == .head
            let fits = route.row.method == .get ? isRead : method == route.row.method
            if fits { return .route(route, parts) }
            others.append(route)
        }
        return others.isEmpty ? .unknown : .wrongMethod(allow: others)
    }

    /// Names and ids have no bytes that would be escaped, so nothing is decoded.
    private func parts(of path: Span<UInt8>) -> [String]? {
        let template = row.path
        guard template.hasOpenParts else { return path.equals(template) ? [] : nil }
        let wanted = "\(template)".split(separator: "/", omittingEmptySubsequences: false)
        let given = path.text.split(separator: "/", omittingEmptySubsequences: false)
        guard wanted.count == given.count else { return nil }
        var parts: [String] = []
        for (want, part) in zip(wanted, given) {
            if want.first?.isUppercase == true {
                guard !part.isEmpty else { return nil }
                parts.append(String(part))
            } else if want != part {
                return nil
            }
        }
        return parts
    }

    /// For the `Allow` field.
    static func allowed(_ routes: [AdminRoute]) -> String {
        routes.map { $0.row.method == .get ? "GET, HEAD" : "\($0.row.method.text)" }
            .joined(separator: ", ")
    }

    static var list: String {
        let width = allCases.map(\.row.path.utf8CodeUnitCount).max() ?? 0
        return allCases.map { route in
            let row = route.row
            let gap = String(repeating: " ", count: width - row.path.utf8CodeUnitCount + 2)
            return "\(row.method.text)\t\(row.path)\(gap)\(row.sentence)\n"
        }.joined()
    }
}

extension StaticString {
    fileprivate var hasOpenParts: Bool {
        withUTF8Buffer { bytes in
            bytes.contains { $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") }
        }
    }
}

/// Where the answers come from. Filled in by the server; everything here runs on the control loop.
struct AdminDesk {
    var state: () -> ServerStatus.State
    var status: () -> ServerStatus
    var metrics: () -> [UInt8]
    var reload: () -> ReloadOutcome
    var invalidations: InvalidationDesk
    var explain: ExplainDesk
}

/// Who asks: for the event log.
enum AdminAsker: Equatable {
    /// Of the Unix socket, as the kernel says.
    case user(UInt32)
    case address(SocketAddress)

    var field: EventField {
        switch self {
        case .user(let user): EventField("user", .number(Int64(user)))
        case .address(let address): EventField("peer", .address(address))
        }
    }
}

/// A request without what HTTP needs around it.
struct AdminRequest {
    var asker: AdminAsker
    /// Without its question mark.
    var query: [UInt8] = []
    var body: [UInt8] = []
}

struct AdminAnswer: Equatable {
    var status: UInt16 = 200
    var type = Self.text
    var body: [UInt8]
    var allow: String?
    var location: String?

    static let text = "text/plain; charset=utf-8"
    static let json = "application/json"

    init(_ status: UInt16, _ text: String) {
        self.status = status
        body = Array(text.utf8)
    }

    init(_ status: UInt16 = 200, json: String) {
        self.status = status
        type = Self.json
        body = Array(json.utf8)
    }

    init(type: String, body: [UInt8]) {
        self.type = type
        self.body = body
    }

    static func to(
        _ decision: AdminRoute.Decision,
        _ request: AdminRequest,
        _ desk: AdminDesk
    ) -> Self {
        switch decision {
        case .route(let route, let parts): return route.answer(request, parts, desk)
        case .unknown: return Self(404, "there is no such route; GET / lists them\n")
        case .wrongMethod(let routes):
            let allowed = AdminRoute.allowed(routes)
            var answer = Self(405, "this route takes \(allowed)\n")
            answer.allow = allowed
            return answer
        }
    }

    /// Nothing of the body was read.
    static func tooLarge(_ decision: AdminRoute.Decision) -> Self {
        guard case .route(let route, _) = decision, route.row.takesBody else {
            return Self(413, "requests to this route have no body\n")
        }
        guard route == .createInvalidation else {
            return Self(413, "a question has at most \(Limits.adminBodyBytes) bytes\n")
        }
        let words = "a batch has at most \(Limits.adminBodyBytes) bytes: send several"
        return InvalidationAnswer.refusal(InvalidationRefusal(.batchTooLarge, words))
    }
}

extension AdminRoute {
    fileprivate func answer(
        _ request: AdminRequest,
        _ parts: [String],
        _ desk: AdminDesk
    ) -> AdminAnswer {
        switch self {
        case .index: return AdminAnswer(200, Self.list)
        case .health: return AdminAnswer(200, "ok\n")
        case .ready:
            let state = desk.state()
            return AdminAnswer(state == .serving ? 200 : 503, "\(state.word)\n")
        case .status: return AdminAnswer(json: desk.status().json)
        case .statusTable: return AdminAnswer(200, desk.status().text)
        case .metrics:
            return AdminAnswer(type: "\(MetricsPage.contentType)", body: desk.metrics())
        case .reload:
            let outcome = desk.reload()
            return AdminAnswer(outcome.status, outcome.text)
        case .reloadJSON:
            let outcome = desk.reload()
            return AdminAnswer(outcome.status, json: outcome.json)
        case .listInvalidations: return desk.invalidations.list(parts[0], request)
        case .createInvalidation: return desk.invalidations.create(parts[0], request)
        case .invalidation: return desk.invalidations.show(parts[1], of: parts[0])
        case .explain: return desk.explain.answer(request, isText: false)
        case .explainText: return desk.explain.answer(request, isText: true)
        }
    }
}
