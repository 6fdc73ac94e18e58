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
            reload: { reload },
            invalidations: InvalidationDesk(
                index: CacheIndex(
                    budget: 1 << 20,
                    secret: CacheSecret([UInt8](repeating: 7, count: 16).span)
                ),
                events: EventLog(level: .error),
                isDistribution: { _ in false }
            ),
            explain: ExplainDesk(
                configuration: { Configuration(origins: [], distributions: []) },
                index: CacheIndex(
                    budget: 1 << 20,
                    secret: CacheSecret([UInt8](repeating: 7, count: 16).span)
                )
            )
        )
    }

    private static func answer(
        _ decision: AdminRoute.Decision,
        _ desk: AdminDesk
    ) -> AdminAnswer {
        AdminAnswer.to(decision, AdminRequest(asker: .user(0)), desk)
    }

    private static func text(_ answer: AdminAnswer) -> String {
        String(decoding: answer.body, as: UTF8.self)
    }

    @Test func everyRouteIsFoundByItsOwnMethodOnly() {
        for route in AdminRoute.allCases {
            let path = "\(route.row.path)"
            let filled = path.replacing("NAME", with: "a").replacing("ID", with: "b")
            let open = path.split(separator: "/").compactMap {
                $0 == "NAME" ? "a" : $0 == "ID" ? "b" : nil
            }
            #expect(Self.decide(route.row.method, filled) == .route(route, open))
            let twins = AdminRoute.allCases.filter { "\($0.row.path)" == path }
            #expect(Self.decide(.put, filled) == .wrongMethod(allow: twins))
            #expect(AdminRoute.list.contains(path))
        }
        #expect(Self.decide(.head, "/metrics") == .route(.metrics, []))
        #expect(Self.decide(.head, "/reload") == .wrongMethod(allow: [.reload]))
        #expect(Self.decide(.get, "/metrics/") == .unknown)
    }

    @Test(arguments: [
        "/distributions", "/distributions/", "/distributions//invalidations",
        "/distributions/a/invalidations/", "/distributions/a/invalidations/b/c",
        "/distributions/a/Invalidations", "/Distributions/a/invalidations",
    ])
    func openPartsAreOneWordEach(path: String) {
        #expect(Self.decide(.get, path) == .unknown)
    }

    @Test func namesOfOpenPartsAreNamesAsWell() {
        #expect(
            Self.decide(.post, "/distributions/NAME/invalidations")
                == .route(.createInvalidation, ["NAME"])
        )
    }

    @Test func readinessFollowsTheState() {
        let ready = AdminRoute.Decision.route(.ready, [])
        #expect(Self.answer(ready, Self.desk(.starting)).status == 503)
        #expect(Self.answer(ready, Self.desk(.serving)).status == 200)
        #expect(Self.answer(ready, Self.desk(.draining)).status == 503)
        #expect(Self.answer(.route(.health, []), Self.desk(.draining)).status == 200)
    }

    @Test func wrongMethodsAreToldTheRightOne() {
        let answer = Self.answer(.wrongMethod(allow: [.reload]), Self.desk())
        #expect(answer.status == 405)
        #expect(answer.allow == "POST")
        let both = AdminRoute.Decision.wrongMethod(allow: [.listInvalidations, .createInvalidation])
        #expect(Self.answer(both, Self.desk()).allow == "GET, HEAD, POST")
        #expect(Self.answer(.unknown, Self.desk()).status == 404)
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
