// `X-Edge-Explain: 1` from those whom the operator trusts: one field of the answer says how it came about.
//
//   X-Edge-Explain: distribution=shop; behavior=/a/*; path=/a/b?x=1; verdict=hit, fresh; age=12; lifetime=60 (max-age)
//
// Written before the functions of viewer-response run, which see it.

enum ExplainField {
    static let name: StaticString = "X-Edge-Explain"

    static func write(_ exchange: Exchange) {
        let arena = exchange.arena
        guard
            let index = exchange.request.fields.firstIndex(
                named: "x-edge-explain".utf8.span,
                in: arena
            ),
            arena[exchange.request.fields[index].value].equals("1"), exchange.isTrusted
        else { return }
        let text = parts(exchange).map { "\($0.0)=\($0.1)" }.joined(separator: "; ")
        exchange.response.fields.append(
            Field(.other, name: arena.append(name), value: arena.append(text.utf8.span))
        )
    }

    private static func parts(_ exchange: Exchange) -> [(String, String)] {
        let arena = exchange.arena
        var parts: [(String, String)] = []
        if let distribution = exchange.distribution {
            parts.append(("distribution", distribution.name))
        }
        if let behavior = exchange.behavior { parts.append(("behavior", behavior.path)) }
        let query = exchange.request.query.map { "?" + arena[$0].text } ?? ""
        parts.append(("path", arena[exchange.fetchPath].text + query))
        parts.append(("verdict", exchange.cache.verdict.text))
        if let object = exchange.cache.object {
            let freshness = object.freshness
            parts.append(("age", "\(max(0, exchange.cache.age))"))
            parts.append(("lifetime", "\(freshness.lifetime) (\(freshness.basis.word))"))
            parts.append(("tags", "\(object.facts.tags.count)"))
        }
        if let facts = exchange.fetchFacts ?? exchange.fetch.map({ FetchFacts($0) }) {
            let origins = exchange.generation.configuration.origins
            parts.append(("origin", origins[facts.origin].name))
            parts.append(("attempts", "\(facts.attempts)"))
        }
        if exchange.functions.hasAnswered { parts.append(("answered", "by a function")) }
        if !exchange.functions.failed.isEmpty {
            parts.append(("failed", exchange.functions.failed))
        }
        if let error = exchange.error { parts.append(("reason", "\(error.word)")) }
        return parts
    }
}

extension CacheVerdict {
    /// What it was, and why.
    var text: String { "\(kind)" + (word.map { ", \($0)" } ?? "") }
}
