// edge.jwt: whether a JSON Web Token counts, and what it says.

enum JWTAPI {
    static let rows = [
        APIRow(
            "jwt.verify",
            "verify(token: string, rules: table): table?, string?",
            "The claims of a token that counts; nil and a reason. Rules: `algorithms` (a list, needed), `key` (PEM, or the secret of HS…) or `keys` (by `kid`), `issuer`, `audience`, `leeway`, `requires_expiry`."
        ) { LuaCall.serve($0) { verify($0) } }
    ]

    private struct Fault: Error {
        var reason: String
    }

    private static func verify(_ call: LuaCall) -> CInt {
        let stack = call.stack
        guard let token = stack.bytes(at: 1), stack.kind(at: 2) == .table else {
            return call.fail("edge.jwt.verify takes a token and a table of rules")
        }
        guard let run = call.run else {
            return call.fail("edge.jwt.verify cannot be called while a file is loaded")
        }
        stack.drop(to: 2)
        let verifier: JWTVerifier
        do throws(Fault) { verifier = try readRules(call, run) } catch {
            return call.fail("edge.jwt.verify: \(error.reason)")
        }
        call.spend(Limits.functionVerifyUnits * max(1, verifier.keys.count) + token.count)
        let wall = run.loop.clock.wall
        let claims: [UInt8]
        do throws(JWTRefusal) {
            claims = try verifier.verify(token.span, now: Double(wall.seconds)).0.claims
        } catch { return call.refuse(error.word) }
        stack.drop(to: 0)
        stack.push(claims.span)
        return JSONAPI.decode(call)
    }

    private static func readRules(_ call: LuaCall, _ run: StageRun) throws(Fault) -> JWTVerifier {
        let stack = call.stack
        let known = [
            "algorithms", "key", "keys", "issuer", "audience", "leeway", "requires_expiry",
        ]
        stack.pushNil()
        while stack.next(in: 2) {
            stack.pop()
            let name = stack.kind(at: -1) == .string ? stack.string(at: -1) ?? "?" : "?"
            guard known.contains(name) else {
                let near = Suggestion.nearest(to: name, among: known).map {
                    " (did you mean '\($0)'?)"
                }
                throw Fault(reason: "there is no rule '\(name)'\(near ?? "")")
            }
        }
        var algorithms = JWTAlgorithmSet(rawValue: 0)
        for name in try texts("algorithms", stack) ?? [] {
            guard let algorithm = JWTAlgorithm(name: name.span) else {
                throw Fault(reason: "no algorithm '\(String(decoding: name, as: UTF8.self))'")
            }
            algorithms.insert(JWTAlgorithmSet(algorithm))
        }
        guard algorithms.rawValue != 0 else { throw Fault(reason: "algorithms = { … } is needed") }
        let keys = try readKeys(call, run)
        guard !keys.isEmpty, keys.count <= Limits.jwtKeysMax else {
            throw Fault(
                reason: "key = … or keys = { kid = … } is needed, at most \(Limits.jwtKeysMax)"
            )
        }
        var verifier = JWTVerifier(algorithms: algorithms, keys: keys)
        verifier.issuers = try texts("issuer", stack)
        verifier.audiences = try texts("audience", stack)
        stack.pushField("leeway", of: 2)
        if stack.kind(at: -1) != .nil { verifier.leeway = max(0, stack.number(at: -1)) }
        stack.pop()
        stack.pushField("requires_expiry", of: 2)
        verifier.requiresExpiry = stack.boolean(at: -1)
        stack.pop()
        return verifier
    }

    /// A string, or a list of strings.
    private static func texts(_ name: String, _ stack: LuaStack) throws(Fault) -> [[UInt8]]? {
        stack.pushField(name, of: 2)
        defer { stack.pop() }
        switch stack.kind(at: -1) {
        case .nil: return nil
        case .string: return stack.bytes(at: -1).map { [$0] }
        case .table:
            var items: [[UInt8]] = []
            let table = stack.absolute(-1)
            for item in 1...Limits.jwtAudiencesMax {
                stack.pushRawItem(item, of: table)
                defer { stack.pop() }
                guard stack.kind(at: -1) != .nil else { return items }
                guard let text = stack.bytes(at: -1) else {
                    throw Fault(reason: "\(name) is a list of strings")
                }
                items.append(text)
            }
            return items
        default: throw Fault(reason: "\(name) is a string or a list of strings")
        }
    }

    private static func readKeys(_ call: LuaCall, _ run: StageRun) throws(Fault) -> [JWTKey] {
        let stack = call.stack
        var keys: [JWTKey] = []
        stack.pushField("key", of: 2)
        if let text = stack.bytes(at: -1) { keys.append(try key(text, id: nil, run)) }
        stack.pop()
        stack.pushField("keys", of: 2)
        defer { stack.pop() }
        guard stack.kind(at: -1) == .table else { return keys }
        let table = stack.absolute(-1)
        stack.pushNil()
        while stack.next(in: table) {
            let id = stack.kind(at: -2) == .string ? stack.bytes(at: -2) : nil
            let text = stack.bytes(at: -1)
            stack.pop()
            guard let text else { throw Fault(reason: "keys is a table of keys by kid") }
            keys.append(try key(text, id: id, run))
        }
        return keys
    }

    private static func key(
        _ text: [UInt8],
        id: [UInt8]?,
        _ run: StageRun
    ) throws(Fault) -> JWTKey {
        guard text.span.starts(with: "-----BEGIN") else {
            guard !text.isEmpty else { throw Fault(reason: "the key is empty") }
            return JWTKey(id: id, material: .secret(text))
        }
        do throws(PublicKey.Failure) {
            return JWTKey(id: id, material: .publicKey(try run.runtime.keys.key(text)))
        } catch { throw Fault(reason: "the key: \(error.word)") }
    }
}
