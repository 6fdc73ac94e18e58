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

    struct Row {
        var method: Method
        var path: StaticString
        var sentence: StaticString
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
        }
    }

    enum Decision: Equatable {
        case route(AdminRoute)
        case unknown
        /// The path is known; this is what it takes.
        case wrongMethod(allow: AdminRoute)
    }

    static func decide(_ method: Method, _ path: Span<UInt8>) -> Decision {
        for route in allCases where path.equals(route.row.path) {
            let isRead = method == .get || method == .head
            let fits = route.row.method == .get ? isRead : method == route.row.method
            return fits ? .route(route) : .wrongMethod(allow: route)
        }
        return .unknown
    }

    /// For the `Allow` field.
    var allowed: StaticString { row.method == .get ? "GET, HEAD" : "POST" }

    static var list: String {
        allCases.map { route in
            let row = route.row
            let gap = String(repeating: " ", count: 14 - row.path.utf8CodeUnitCount)
            return "\(row.method.text)\t\(row.path)\(gap)\(row.sentence)\n"
        }.joined()
    }
}

/// Where the answers come from. Filled in by the server; everything here runs on the control loop.
struct AdminDesk {
    var state: () -> ServerStatus.State
    var status: () -> ServerStatus
    var metrics: () -> [UInt8]
    var reload: () -> ReloadOutcome
}

struct AdminAnswer: Equatable {
    var status: UInt16 = 200
    var type = Self.text
    var body: [UInt8]
    var allow: String?

    static let text = "text/plain; charset=utf-8"

    init(_ status: UInt16, _ text: String) {
        self.status = status
        body = Array(text.utf8)
    }

    init(type: String, body: [UInt8]) {
        self.type = type
        self.body = body
    }

    static func to(_ decision: AdminRoute.Decision, _ desk: AdminDesk) -> Self {
        switch decision {
        case .route(let route): return route.answer(desk)
        case .unknown: return Self(404, "there is no such route; GET / lists them\n")
        case .wrongMethod(let route):
            var answer = Self(405, "\(route.row.path) takes \(route.allowed)\n")
            answer.allow = "\(route.allowed)"
            return answer
        }
    }
}

extension AdminRoute {
    fileprivate func answer(_ desk: AdminDesk) -> AdminAnswer {
        switch self {
        case .index: return AdminAnswer(200, Self.list)
        case .health: return AdminAnswer(200, "ok\n")
        case .ready:
            let state = desk.state()
            return AdminAnswer(state == .serving ? 200 : 503, "\(state.word)\n")
        case .status:
            return AdminAnswer(type: "application/json", body: Array(desk.status().json.utf8))
        case .statusTable: return AdminAnswer(200, desk.status().text)
        case .metrics:
            return AdminAnswer(type: "\(MetricsPage.contentType)", body: desk.metrics())
        case .reload:
            let outcome = desk.reload()
            return AdminAnswer(outcome.status, outcome.text)
        case .reloadJSON:
            let outcome = desk.reload()
            var answer = AdminAnswer(outcome.status, outcome.json)
            answer.type = "application/json"
            return answer
        }
    }
}
