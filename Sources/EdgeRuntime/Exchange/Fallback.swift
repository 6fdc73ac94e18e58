// Answers of the edge itself when there is none from an origin: a status from the error's table, the worded reason,
// and a page that says no more than the viewer should know.

enum Fallback {
    static func answer(_ exchange: Exchange, _ error: EdgeError) {
        exchange.dropFetch()
        exchange.error = error
        exchange.result = word(for: error)
        let arena = exchange.arena
        if arena.isOverflown { arena.openReserve() }
        exchange.response.reset()
        exchange.response.status = error.status
        let accept = exchange.request.fields.value(of: .accept)
        let form = accept.map { EdgeErrorPage.form(accept: arena[$0]) } ?? .html
        exchange.response.fields.append(.contentType, value: arena.append(form.contentType))
        exchange.response.fields.append(.cacheControl, value: arena.append("no-store"))
        if error.status == 503 || error.status == 429 {
            exchange.response.fields.append(.retryAfter, value: arena.append("5"))
        }
        if error.kind == .notAcceptableMethod {
            exchange.response.fields.append(.allow, value: arena.append("GET, HEAD, OPTIONS"))
        }
        let id = exchange.id.text
        exchange.body = .own(
            EdgeErrorPage.render(
                form,
                status: error.status,
                word: error.word,
                requestID: id.span,
                into: arena
            )
        )
    }

    private static func word(for error: EdgeError) -> RequestResult {
        switch error.kind {
        case .bufferLimit, .connectionLimit, .queueFull, .queueTimeout, .draining:
            .capacityExceeded
        case .addressLimit, .rateLimit: .limitExceeded
        default: .error
        }
    }
}
