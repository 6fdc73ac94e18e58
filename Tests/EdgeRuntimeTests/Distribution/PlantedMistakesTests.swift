import Testing

@testable import EdgeRuntime

/// One edit of the example of the whole surface, and what the check says about it.
struct PlantedMistake: Sendable, CustomTestStringConvertible {
    var search: String
    var replacement: String
    /// Part of the message, key or remedy.
    var says: String

    init(_ search: String, _ replacement: String, _ says: String) {
        self.search = search
        self.replacement = replacement
        self.says = says
    }

    var testDescription: String { replacement }
}

@Suite struct PlantedMistakesTests {
    static let path = Fixtures.path("config/surface/edge.lua")

    static let mistakes: [PlantedMistake] = [
        .init("workers = \"auto\"", "workers = \"outo\"", "did you mean \"auto\"?"),
        .init("workers = \"auto\"", "workers = 0", "from 1 to 1024"),
        .init("workers = \"auto\"", "worker = \"auto\"", "did you mean 'workers'?"),
        .init("{ address = \"127.0.0.1:8080\" }", "{ adress = \"127.0.0.1:8080\" }", "'address'"),
        .init("{ address = \"127.0.0.1:8080\" }", "{ }", "add address ="),
        .init("\"127.0.0.1:8080\" }", "\"127.0.0.1\" }", "127.0.0.1:8080, [::1]:8080"),
        .init("\"127.0.0.1:8080\" }", "\"localhost:8080\" }", "unix:run/edge.sock"),
        .init("\"127.0.0.1:8443\"", "\"127.0.0.1:8080\"", "listen[1] already"),
        .init("tls/shop.pem", "tls/shap.pem", "create it, or correct the path"),
        .init("key = \"tls/shop.key\"", "ky = \"tls/shop.key\"", "did you mean 'key'?"),
        .init("minimum_version = \"1.2\"", "minimum_version = \"1.1\"", "did you mean \"1.2\"?"),
        .init("minimum_version = \"1.2\"", "minimum_version = 1.2", "\"1.2\", \"1.3\""),
        .init("protocols = { \"h2\"", "protocols = { \"h3\"", "did you mean \"h2\"?"),
        .init("ocsp = nil,", "ocsp = \"tls/x\",", "beside its certificate"),
        .init("trusted_proxies = {}", "trusted_proxies = { \"10.0.0/8\" }", "10.0.0.0/8"),
        .init(
            "socket = \"run/edged.sock\"",
            "address = \"0.0.0.0:9901\"",
            "add token = secret \"admin\""
        ),
        .init("format = \"json\"", "format = \"jsn\"", "did you mean \"json\"?"),
        .init("level = \"info\"", "level = \"warn\"", "warning"),
        .init("head = \"32KB\"", "head = \"32kb\"", "did you mean 'KB'?"),
        .init("head = \"32KB\"", "head = \"32\"", "add one of B, KB"),
        .init("head = \"32KB\"", "head = \"many\"", "write \"64KB\""),
        .init("head = \"32KB\"", "head = \"4KB\"", "raise limits.head"),
        .init("fields = 128", "fields = \"128\"", "a string is not a whole number"),
        .init("fields = 128", "fields = 2", "choose from 8 to 1024"),
        .init("head_timeout = \"10s\"", "head_timeout = 10", "write \"10s\""),
        .init("head_timeout = \"10s\"", "head_timeout = \"10sec\"", "units are ms, s, m, h, d"),
        .init("head_timeout = \"10s\"", "head_timeuot = \"10s\"", "did you mean 'head_timeout'?"),
        .init("{ env = \"EDGED_TOKEN\" }", "{}", "write { env = \"NAME\" }"),
        .init("secrets/s3", "secrets/s4", "create it, or correct the path"),
        .init("geo/city.mmdb", "geo/town.mmdb", "create it, or correct the path"),
        .init("kv/redirects.json", "kv", "name a file"),
        .init("keys/k2.pem", "keys/k3.pem", "create it, or correct the path"),
        .init("profile = \"payments\"", "profile = \"payment\"", "did you mean 'payments'?"),
        .init("\"card*\"", "\"*card\"", "a star may only close it"),
        .init("instructions = 5000000", "instructions = 5", "choose from 1000"),
        .init("private_addresses = false", "private_addresses = \"no\"", "write true or false"),
        .init("spool_size = \"10GB\"", "spool_size = \"10G\"", "did you mean"),
        .init("site  = { files = \"public\" }", "site = { files = \"pubic\" }", "create it"),
        .init("site  = { files = \"public\" }", "site = { }", "exactly one of url, urls"),
        .init(
            "site  = { files = \"public\" }",
            "site = { files = \"public\", url = \"http://a\" }",
            "exactly one of"
        ),
        .init("https://api.internal.example:8443", "api.internal.example", "put http://"),
        .init("https://api.internal.example:8443", "ftp://api.internal", "http or https"),
        .init("https://api.internal.example:8443", "https://api.example/v1", "path = \"/…\""),
        .init("path = \"\", host", "path = \"v1\", host", "write \"/v1\""),
        .init("path = \"\", host", "path = \"/v1/\", host", "take the closing / away"),
        .init("[\"x-edge-key\"]", "[\"x edge key\"]", "no spaces or colon"),
        .init("[\"x-edge-key\"]", "[\"Host\"]", "write host = "),
        .init("[\"x-edge-key\"]", "[\"Content-Length\"]", "belongs to the edge"),
        .init("connect_attempts = 3", "connect_attempts = 30", "from 1 to 10"),
        .init("weights = { 3, 1 }", "weights = { 3 }", "one weight for each"),
        .init("secret_key = secret \"s3\"", "secret_key = secret \"s33\"", "did you mean 's3'?"),
        .init("\"media\", \"site\" }", "\"media\", \"sites\" }", "did you mean 'site'?"),
        .init("\"media\", \"site\" }", "\"media\" }", "at least 2"),
        .init("failover = { 500,", "failover = { 401,", "choose from 400"),
        .init("\"*.shop.example.com\"", "\"a.*.example.com\"", "begins with \"*.\""),
        .init("\"*.shop.example.com\"", "\"Shop2.example.com\"", "write \"shop2.example.com\""),
        .init("\"*.shop.example.com\"", "\"inbox.s3-accelerate.example.com\"", "keep it in one"),
        .init("\"index.html\"", "\"/index.html\"", "write \"index.html\""),
        .init("deny = { \"KP\" }", "deny = { \"kp\" }", "two capital letters"),
        .init("[404] =", "[418] =", "choose from 400"),
        .init("path = \"/404.html\", ", "", "add path ="),
        .init("path = \"/404.html\"", "path = \"404.html\"", "write \"/404.html\""),
        .init("path = \"/api/*\"", "path = \"/api/ *\"", "cannot be in a pattern"),
        .init("path = \"/api/*\"", "path = \"*\"", "move it to the end"),
        .init(
            "path = \"/private/*\", origin",
            "path = \"api/*\", origin",
            "take one of them away"
        ),
        .init("origin = \"steady\", methods", "origin = \"stedy\", methods", "'steady'?"),
        .init(
            "{ path = \"*\", origin = \"steady\"",
            "{ path = \"/x\", origin = \"steady\"",
            "\"*\""
        ),
        .init(
            "methods = \"all\", viewer_protocol",
            "methods = \"any\", viewer_protocol",
            "\"all\""
        ),
        .init("viewer_protocol = \"redirect\"", "viewer_protocol = \"http\"", "\"https\""),
        .init("cache = \"off\",\n", "cache = false,\n", "\"off\""),
        .init("headers = \"all\", cookies", "headers = \"al\", cookies", "did you mean \"all\"?"),
        .init("encrypt = \"cards\"", "encrypt = \"card\"", "did you mean 'cards'?"),
        .init("signed_by = { \"editors\" }", "signed_by = { \"editor\" }", "'editors'?"),
        .init("203.0.113.0/24", "203.0.113.0/42", "not an address or prefix"),
        .init("burst = 200", "burst = 20", "write at least 100"),
        .init("min_ttl = \"0s\"", "min_ttl = \"9000d\"", "3650d"),
        .init("min_ttl = \"0s\"", "min_ttl = \"400d\"", "must hold"),
        .init("default_ttl = \"24h\"", "default_ttl = \"366d\"", "must hold"),
        .init("vary = \"standard\"", "vary = \"standart\"", "did you mean \"standard\"?"),
        .init("remove = { \"server\" }", "remove = { \"transfer-encoding\" }", "take it out"),
        .init("\"https://app.example.com\"", "\"app.example.com\"", "write https://host"),
        .init("methods = { \"GET\" }", "methods = { \"get\" }", "did you mean \"GET\"?"),
        .init("on_error = \"open\"", "on_error = \"opened\"", "did you mean \"open\"?"),
        .init("mode = \"pass\"", "mode = \"past\"", "did you mean \"pass\"?"),
        .init("env(\"AWS_ACCESS_KEY_ID\", \"\")", "env(\"NOT_SET_ANYWHERE\")", "give a default"),
        .init("workers = \"auto\",", "workers = \"auto\"", "',' is missing"),
        .init("workers = \"auto\",", "workers = \"auto,", "close it with \""),
        .init("workers = \"auto\",", "\"workers\" = \"auto\",", "write [\"workers\"]"),
        .init("workers = \"auto\",", "workers = tostring,", "booleans and tables"),
        .init("workers = \"auto\",", "workers = tonumbr \"4\",", "did you mean 'tonumber'?"),
    ]

    @Test func thereAreAtLeastSixty() {
        #expect(Self.mistakes.count >= 60)
    }

    @Test(arguments: mistakes)
    func isReportedOnItsLineWithARemedy(mistake: PlantedMistake) throws {
        let good = try Fixtures.text("config/surface/edge.lua")
        let range = try #require(good.firstRange(of: mistake.search))
        var bad = good
        bad.replaceSubrange(range, with: mistake.replacement)
        let line = good[..<range.lowerBound].split(
            separator: "\n",
            omittingEmptySubsequences: false
        )
        .count
        let result = ConfigCheck.load(text: bad, path: Self.path)
        #expect(result.configuration == nil)
        let errors = result.diagnostics.filter { $0.severity == .error }
        #expect(
            errors.contains {
                $0.position?.line == line && $0.position?.file == Self.path
                    && $0.description.contains(mistake.says) && !$0.remedy.isEmpty
            },
            "\(line): \(errors.map(\.description))"
        )
    }

    @Test func theExampleItselfIsGood() throws {
        let result = ConfigCheck.load(path: Self.path)
        #expect(!result.hasErrors, "\(result.diagnostics.map(\.description))")
        let configuration = try #require(result.configuration)
        #expect(configuration.origins.map(\.name) == ["api", "media", "pool", "site"])
        #expect(configuration.unavailable.contains { $0.key == "origins.media.s3" })
        let shop = try #require(configuration.distributions.first { $0.name == "shop" })
        #expect(shop.behaviors.map(\.path) == ["/api/*", "/private/*", "*"])
        #expect(shop.behaviors[0].cache == nil)
        #expect(shop.behaviors[2].methods == .read)
        #expect(configuration.settings.limits.headTimeout == .seconds(10))
    }

    @Test func allMistakesAreToldAtOnce() {
        let text =
            "return { workers = 0, listn = {}, log = { format = 1 }, limits = { head = {} } }"
        let result = ConfigCheck.load(text: text)
        #expect(result.diagnostics.count == 4)
    }

    @Test func theDumpIsAcceptedAndDumpsAsItself() throws {
        let dump = try #require(ConfigCheck.load(path: Self.path).dump)
        let again = ConfigCheck.load(text: dump, path: Self.path)
        #expect(!again.hasErrors, "\(again.diagnostics.map(\.description))")
        #expect(again.dump == dump)
        #expect(dump.contains("{\"secret\": \"s3\"}"))
        #expect(!dump.contains("not-a-secret"))
    }

    @Test func defaultsOfTheModelAreThoseOfTheSchema() throws {
        let settings = try #require(ConfigCheck.load(text: "return {}").configuration).settings
        let plain = ServerSettings()
        #expect(String(describing: settings.limits) == String(describing: plain.limits))
        #expect(String(describing: settings.log) == String(describing: plain.log))
        #expect(settings.cache.memoryBytes == plain.cache.memoryBytes)
        #expect(settings.uploads.spoolBytes == plain.uploads.spoolBytes)
        #expect(settings.functions.instructions == plain.functions.instructions)
        #expect(settings.functions.memoryBytes == plain.functions.memoryBytes)
    }

    @Test func theReferencePageIsTheOneInTheRepository() throws {
        #expect(try Fixtures.text("../../docs/configuration.md") == ConfigReference.page)
    }
}
