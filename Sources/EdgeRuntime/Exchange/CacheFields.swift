// What an answer says of the cache: how old it is, and why it came from where it came (RFC 9211).

enum CacheFields {
    static func write(_ exchange: Exchange) {
        guard exchange.behavior?.cache != nil, exchange.isOfOrigin else { return }
        let arena = exchange.arena
        if exchange.cache.object != nil, exchange.result != .miss || exchange.cache.age > 0 {
            let age = DecimalDigits(max(0, exchange.cache.age))
            exchange.response.fields.set(.age, value: arena.append(age.span))
        }
    }
}
