import Testing

@testable import EdgeRuntime

@Suite struct AdminRoutesTests {
    private static func decide(_ method: Method, _ path: String) -> AdminRoute.Decision {
        AdminRoute.decide(method, path.utf8.span)
    }

    private static func desk(
        _ state: ServerStatus.State = .serving,
        reload: ReloadOutcome = .published(ReloadReport(from: 1, to: 2))
    ) -> AdminDesk {
        AdminDesk(
            state: { state },
            status: { ServerStatus() },
            metrics: { Array("page".utf8) },
            reload: { reload }
        )
    }

    private static func text(_ answer: AdminAnswer) -> String {
        String(decoding: answer.body, as: UTF8.self)
    }

    @Test func everyRouteIsFoundByItsOwnMethodOnly() {
        for route in AdminRoute.allCases {
            let path = "\(route.row.path)"
            #expect(Self.decide(route.row.method, path) == .route(route))
            let other: EdgeRuntime.Method = route.row.method == .get ? .post : .get
            #expect(Self.decide(other, path) == .wrongMethod(allow: route))
            #expect(AdminRoute.list.contains(path))
        }
        #expect(Self.decide(.head, "/metrics") == .route(.metrics))
        #expect(Self.decide(.head, "/reload") == .wrongMethod(allow: .reload))
        #expect(Self.decide(.get, "/metrics/") == .unknown)
    }

    @Test func readinessFollowsTheState() {
        let ready = AdminRoute.Decision.route(.ready)
        #expect(AdminAnswer.to(ready, Self.desk(.starting)).status == 503)
        #expect(AdminAnswer.to(ready, Self.desk(.serving)).status == 200)
        #expect(AdminAnswer.to(ready, Self.desk(.draining)).status == 503)
        #expect(AdminAnswer.to(.route(.health), Self.desk(.draining)).status == 200)
    }

    @Test func wrongMethodsAreToldTheRightOne() {
        let answer = AdminAnswer.to(.wrongMethod(allow: .reload), Self.desk())
        #expect(answer.status == 405)
        #expect(answer.allow == "POST")
        #expect(AdminAnswer.to(.unknown, Self.desk()).status == 404)
    }

    @Test(arguments: [
        ("Bearer s3cret", true), ("bearer s3cret", true), ("Bearer s3creT", false),
        ("Bearer s3cret ", false), ("Bearer ", false), ("s3cret", false), ("", false),
    ])
    func onlyTheWholeTokenMatches(field: String, matches: Bool) {
        let found = BearerToken.matches(field.utf8.span, "s3cret".utf8.span)
        #expect(found == matches)
    }

    @Test func anEmptyTokenOpensNothing() {
        let found = BearerToken.matches("Bearer ".utf8.span, "".utf8.span)
        #expect(!found)
    }
}
