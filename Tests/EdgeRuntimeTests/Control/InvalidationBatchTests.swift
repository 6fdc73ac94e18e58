import Testing

@testable import EdgeRuntime

/// The rules of §5.1 and §5.3 of the contract, and of what we add.
@Suite struct InvalidationBatchTests {
    private func read(_ text: String) throws(InvalidationRefusal) -> InvalidationBatch {
        try InvalidationBatch.read(Array(text.utf8))
    }

    private func refusal(_ text: String) -> InvalidationRefusal? {
        do throws(InvalidationRefusal) {
            _ = try read(text)
            return nil
        } catch { return error }
    }

    private func paths(_ items: String, quantity: Int = 1) -> String {
        #"{"Paths":{"Quantity":\#(quantity),"Items":[\#(items)]}}"#
    }

    @Test func theContractsFormIsRead() throws {
        let batch = try read(
            #"{"Paths":{"Quantity":2,"Items":["/images/*","/a.css?v=1"]},"CallerReference":"r1"}"#
        )
        #expect(batch.paths == ["/images/*", "/a.css?v=1"])
        #expect(batch.reference == "r1")
        #expect(batch.strength == .hard)
        #expect(
            batch.targets == [.path(Array("/images/*".utf8)), .path(Array("/a.css?v=1".utf8))]
        )
    }

    @Test func oursIsReadBesideIt() throws {
        let tags = try read(#"{"Tags":{"Items":["product-7"],"Quantity":1},"Soft":true}"#)
        #expect(tags.targets == [.tag(Array("product-7".utf8))])
        #expect(tags.strength == .soft)
        let all = try read(#"{"Everything":true,"Paths":{"Quantity":0}}"#)
        #expect(all.targets == [.everything])
    }

    static let mistakes: [(String, InvalidationRefusal.Code, String)] = [
        ("", .missingBody, "as JSON"),
        ("{", .invalidArgument, "line 1, column 2"),
        ("[]", .invalidArgument, "a JSON object"),
        ("null", .invalidArgument, "a JSON object"),
        (#"{"secret":"x"}"#, .invalidArgument, "a JSON object"),
        ("{}", .invalidArgument, "name Paths or Tags"),
        (#"{"Paths":{"Quantity":0,"Items":[]}}"#, .invalidArgument, "name Paths or Tags"),
        (#"{"Everything":false}"#, .invalidArgument, "name Paths or Tags"),
        (#"{"paths":{}}"#, .invalidArgument, "did you mean 'Paths'?"),
        (#"{"Frobnicate":1}"#, .invalidArgument, "it has Paths, Tags"),
        (#"{"Paths":{"Quantity":1,"Item":["/a"]}}"#, .invalidArgument, "did you mean 'Items'?"),
        (#"{"Paths":["/a"]}"#, .invalidArgument, "Paths is a JSON object"),
        (#"{"Paths":{"Items":["/a"]}}"#, .invalidArgument, "no Quantity"),
        (#"{"Paths":{"Quantity":"1","Items":["/a"]}}"#, .invalidArgument, "a whole number"),
        (#"{"Paths":{"Quantity":1,"Items":"/a"}}"#, .invalidArgument, "a list of strings"),
        (#"{"Paths":{"Quantity":1,"Items":[7]}}"#, .invalidArgument, "has a number"),
        (#"{"Paths":{"Quantity":2,"Items":["/a"]}}"#, .inconsistentQuantities, "is 2"),
        (#"{"Tags":{"Quantity":0,"Items":["a"]}}"#, .inconsistentQuantities, "is 0"),
        (#"{"Everything":true,"Tags":{"Quantity":1,"Items":["a"]}}"#, .invalidArgument, "alone"),
        (#"{"Everything":"yes"}"#, .invalidArgument, "true or false"),
        (#"{"Soft":1,"Everything":true}"#, .invalidArgument, "Soft is true or false"),
        (#"{"Everything":true,"CallerReference":""}"#, .invalidArgument, "1 to 256 bytes"),
        (#"{"Everything":true,"CallerReference":7}"#, .invalidArgument, "1 to 256 bytes"),
        (#"{"Everything":true,"Everything":true}"#, .invalidArgument, "there twice"),
    ]

    @Test(arguments: mistakes)
    func eachMistakeHasItsCodeAndItsWords(
        text: String,
        code: InvalidationRefusal.Code,
        words: String
    ) throws {
        let found = try #require(refusal(text), "\(text) was taken")
        #expect(found.code == code)
        #expect(found.message.contains(words), "\(found.message)")
    }

    @Test(arguments: [
        ("/", true), ("/a.jpg", true), ("/dir/*", true), ("/*", true), ("/a?x=1&y", true),
        ("/caf%C3%A9", true), ("/a|b^{}\\\\~", true),
        ("", false), ("*", false), ("a.jpg", false), ("https://www.example/a", false),
        ("/café", false), ("/a b", false), ("/a\\tb", false), ("/a#top", false),
    ])
    func pathsAreAsViewersSendThem(path: String, isTaken: Bool) {
        #expect((refusal(paths("\"\(path)\"")) == nil) == isTaken)
    }

    @Test func theMessageHasTheRemedy() {
        #expect(refusal(paths(#""a.jpg""#))?.message.contains("did you mean '/a.jpg'?") == true)
        #expect(refusal(paths(#""/ä b#c""#))?.message.contains("'/%C3%A4%20b%23c'") == true)
    }

    @Test func aPathHasAtMostItsBytes() {
        let most = "/" + String(repeating: "a", count: Limits.invalidationPathBytes - 1)
        #expect(refusal(paths("\"\(most)\"")) == nil)
        let refused = refusal(paths("\"\(most)a\""))
        #expect(refused?.code == .invalidArgument)
        #expect((refused?.message.utf8.count ?? 0) < 300)
    }

    @Test(arguments: ["", "a b", "a,b", "a\\nb", String(repeating: "t", count: 1025)])
    func tagsAreOneWord(tag: String) {
        let text = #"{"Tags":{"Quantity":1,"Items":["\#(tag)"]}}"#
        #expect(refusal(text)?.code == .invalidArgument)
    }

    @Test func aBatchHasAtMostItsItems() {
        let most = Limits.invalidationItemsMax
        let full = Array(repeating: #""/a""#, count: most).joined(separator: ",")
        #expect(refusal(paths(full, quantity: most)) == nil)
        #expect(refusal(paths(full + #","/b""#, quantity: most + 1))?.code == .batchTooLarge)
        // One batch alone never makes the rules purge more than it names.
        #expect(most < Limits.purgeRulesMax)
    }

    @Test func aBatchHasAtMostItsWildcards() {
        let most = Limits.purgePatternsMax
        let full = (0..<most).map { "\"/\($0)/*\"" }.joined(separator: ",")
        #expect(refusal(paths(full, quantity: most)) == nil)
        #expect(refusal(paths(full + #","/b*""#, quantity: most + 1))?.code == .batchTooLarge)
    }

    @Test func theOrderOfPathsSaysNothing() throws {
        let one = try read(paths(#""/a","/b""#, quantity: 2))
        #expect(one.asks(theSameAs: try read(paths(#""/b","/a""#, quantity: 2))))
        #expect(!one.asks(theSameAs: try read(paths(#""/a","/a""#, quantity: 2))))
        var soft = one
        soft.isSoft = true
        #expect(!one.asks(theSameAs: soft))
        var tags = one
        tags.paths = []
        tags.tags = one.paths
        #expect(!one.asks(theSameAs: tags))
    }
}

@Suite struct InvalidationBookTests {
    private func entry(
        _ id: Int,
        of distribution: String = "shop",
        bytes: Int = 10
    )
        -> InvalidationBook.Entry
    {
        InvalidationBook.Entry(
            id: "I\(id)",
            distribution: distribution,
            created: WallTime(seconds: Int64(id), nanoseconds: 0),
            batch: InvalidationBatch(
                paths: [String(repeating: "/", count: bytes)],
                reference: "r\(id)"
            )
        )
    }

    private func ids(_ page: InvalidationBook.Page?) -> [String]? { page?.entries.map(\.id) }

    @Test func pagesGoFromTheNewestToTheOldest() {
        var book = InvalidationBook()
        for id in 1...5 { book.add(entry(id, of: id == 3 ? "blog" : "shop")) }
        let first = book.page(of: "shop", after: nil, atMost: 2)
        #expect(ids(first) == ["I5", "I4"])
        #expect(first?.isTruncated == true)
        let second = book.page(of: "shop", after: "I4", atMost: 2)
        #expect(ids(second) == ["I2", "I1"])
        #expect(second?.isTruncated == false)
        #expect(ids(book.page(of: "shop", after: "I1", atMost: 2)) == [])
        #expect(book.page(of: "shop", after: "I3", atMost: 2) == nil)
        #expect(ids(book.page(of: "blog", after: nil, atMost: 9)) == ["I3"])
    }

    @Test func anEntryBelongsToItsDistribution() {
        var book = InvalidationBook()
        book.add(entry(1))
        #expect(book.entry("I1", of: "shop")?.id == "I1")
        #expect(book.entry("I1", of: "blog") == nil)
        #expect(book.entry(referredToAs: "r1", of: "shop")?.id == "I1")
        #expect(book.entry(referredToAs: "r1", of: "blog") == nil)
    }

    @Test func theOldestGiveWay() {
        var book = InvalidationBook(entriesMax: 3, bytesMax: 1000)
        for id in 1...5 { book.add(entry(id)) }
        #expect(ids(book.page(of: "shop", after: nil, atMost: 9)) == ["I5", "I4", "I3"])
        book.add(entry(6, bytes: 900))
        #expect(ids(book.page(of: "shop", after: nil, atMost: 9)) == ["I6", "I5", "I4"])
        book.add(entry(7, bytes: 90))
        #expect(ids(book.page(of: "shop", after: nil, atMost: 9)) == ["I7"])
        book.add(entry(8, bytes: 5000))
        #expect(ids(book.page(of: "shop", after: nil, atMost: 9)) == ["I8"])
        book.add(entry(9))
        #expect(ids(book.page(of: "shop", after: nil, atMost: 9)) == ["I9"])
    }
}

@Suite struct InvalidationDeskTests {
    private let index = CacheIndex(
        budget: 1 << 20,
        secret: CacheSecret([UInt8](repeating: 7, count: 16).span)
    )

    private func desk() -> InvalidationDesk {
        InvalidationDesk(
            index: index,
            events: EventLog(level: .error),
            random: Random(seed: 7),
            clock: { WallTime(seconds: 1_795_253_400, nanoseconds: 5_000_000) },
            isDistribution: { $0 == "shop" }
        )
    }

    private func request(_ body: String = "", query: String = "") -> AdminRequest {
        AdminRequest(asker: .user(0), query: Array(query.utf8), body: Array(body.utf8))
    }

    private func text(_ answer: AdminAnswer) -> String {
        String(decoding: answer.body, as: UTF8.self)
    }

    private let batch = #"{"Paths":{"Quantity":1,"Items":["/a"]},"CallerReference":"r"}"#

    @Test func aBatchIsCarriedOutAndShownAsItWasSent() {
        let desk = desk()
        let answer = desk.create("shop", request(batch))
        #expect(answer.status == 201)
        #expect(index.purgeSequence == 1)
        let said = text(answer)
        #expect(said.contains(#""InvalidationBatch":\#(batch)"#), "\(said)")
        #expect(said.contains(#""Status":"Completed""#))
        #expect(said.contains(#""CreateTime":"2026-11-21T"#), "\(said)")
        let id = answer.location?.split(separator: "/").last.map(String.init) ?? ""
        #expect(answer.location == "/distributions/shop/invalidations/\(id)")
        #expect(said.contains("\"Id\":\"\(id)\""))
        #expect(id.count == 14)
        #expect(text(desk.show(id, of: "shop")) == said)
        #expect(text(desk.list("shop", request())).contains("\"Items\":[{\"Id\":\"\(id)\""))
    }

    @Test func theSameReferenceIsTheSameInvalidation() {
        let desk = desk()
        let first = desk.create("shop", request(batch))
        let again = desk.create("shop", request(batch))
        #expect(again.status == 200)
        #expect(again.body == first.body)
        #expect(index.purgeSequence == 1, "nothing new is purged")
        let other = desk.create(
            "shop",
            request(#"{"Everything":true,"CallerReference":"r"}"#)
        )
        #expect(other.status == 400)
        #expect(text(other).contains(#""Code":"InvalidationBatchAlreadyExists""#))
        #expect(index.purgeSequence == 1)
        let unnamed = #"{"Everything":true}"#
        #expect(desk.create("shop", request(unnamed)).status == 201)
        #expect(desk.create("shop", request(unnamed)).status == 201)
        #expect(index.purgeSequence == 3)
    }

    @Test func whatIsNotThereIsSaid() {
        let desk = desk()
        for answer in [
            desk.create("blog", request(batch)), desk.list("blog", request()),
            desk.show("I1", of: "blog"),
        ] {
            #expect(answer.status == 404)
            #expect(text(answer).contains(#""Code":"NoSuchDistribution""#))
        }
        #expect(index.purgeSequence == 0)
        #expect(text(desk.show("I1", of: "shop")).contains(#""Code":"NoSuchInvalidation""#))
    }

    @Test(arguments: [
        ("", 200), ("MaxItems=1", 200), ("Marker=", 200), ("MaxItems=0", 400),
        ("MaxItems=x", 400), ("MaxItems=1001", 400), ("Marker=I0", 400), ("Page=2", 400),
        ("MaxItems", 400),
    ])
    func theListChecksItsQuery(query: String, status: UInt16) {
        #expect(desk().list("shop", request(query: query)).status == status)
    }

    @Test func aListSaysWhereItGoesOn() {
        let desk = desk()
        for number in 1...3 {
            let reference = #"{"Everything":true,"CallerReference":"\#(number)"}"#
            #expect(desk.create("shop", request(reference)).status == 201)
        }
        let page = text(desk.list("shop", request(query: "MaxItems=2")))
        #expect(page.contains("\"IsTruncated\":true,\"Quantity\":2"))
        let marker = page.split(separator: "NextMarker\":\"")[1].prefix { $0 != "\"" }
        let rest = text(desk.list("shop", request(query: "MaxItems=2&Marker=\(marker)")))
        #expect(rest.contains("\"IsTruncated\":false,\"Quantity\":1"))
        #expect(!rest.contains("NextMarker"))
    }

    // MARK: The command's side

    private func call(
        _ paths: [String],
        tags: [String] = [],
        soft: Bool = false
    ) -> InvalidationCall {
        InvalidationCall(
            distribution: "shop",
            paths: paths,
            tags: tags,
            everything: paths.isEmpty && tags.isEmpty,
            soft: soft,
            reference: "r"
        )
    }

    private func outcome(
        _ call: InvalidationCall,
        _ answer: AdminAnswer
    )
        -> InvalidationCall.Outcome
    {
        call.outcome(of: AdminClient.Answer(status: Int(answer.status), body: answer.body))
    }

    @Test func theCommandSaysWhatTheServerTakes() throws {
        let call = call(["/a", "/b \"\\"], tags: ["t"], soft: true)
        #expect(call.target == "/distributions/shop/invalidations")
        let tree = try JSONReader.read(call.body, file: "body")
        #expect(tree?["Paths"]?["Items"]?.position.line == 1)
        #expect(throws: InvalidationRefusal.self) { try InvalidationBatch.read(call.body) }
        let good = self.call(["/a", "/b"], tags: ["t"], soft: true)
        let batch = try InvalidationBatch.read(good.body)
        #expect(batch.paths == ["/a", "/b"] && batch.tags == ["t"] && batch.isSoft)
        #expect(batch.reference == "r")
    }

    @Test func theCommandTellsWhatCameOfIt() {
        let desk = desk()
        let call = call(["/a", "/b"], tags: ["t"])
        guard case .done(let text) = outcome(call, desk.create("shop", request(of: call))) else {
            Issue.record("refused")
            return
        }
        #expect(text.hasSuffix(": purged 2 paths and 1 tag of shop"))
        guard case .done(let again) = outcome(call, desk.create("shop", request(of: call))) else {
            Issue.record("refused")
            return
        }
        #expect(again.hasSuffix(": known, made before"))
        let all = self.call([])
        guard case .refused = outcome(all, desk.create("shop", request(of: all))) else {
            Issue.record("the reference is taken")
            return
        }
        let strange = AdminClient.Answer(status: 500, body: Array("broken".utf8))
        #expect(call.outcome(of: strange) == .failed("the server answered 500"))
        let odd = AdminClient.Answer(status: 201, body: Array("<html>".utf8))
        #expect(call.outcome(of: odd) == .failed("the server answered 201"))
    }

    private func request(of call: InvalidationCall) -> AdminRequest {
        AdminRequest(asker: .user(0), body: call.body)
    }
}
