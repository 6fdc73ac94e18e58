// Answers of the edge itself when there is none from an origin: a status from the error's table, the worded reason,
// and a page that says no more than the viewer should know.

enum Fallback {
    static func answer(_ exchange: Exchange, _ error: EdgeError) {
        exchange.dropFetch()
        exchange.dropObject()
        if let replaced = exchange.replaced {
            pageFailed(exchange, replaced, because: error)
            return
        }
        exchange.error = error
        exchange.result = word(for: error)
        write(exchange, error, status: error.status, word: error.word)
    }

    /// What the error page was to replace goes out after all, for that is what has happened to the viewer's request.
    /// What the origin had said of it is gone, and was not meant for viewers.
    static func pageFailed(
        _ exchange: Exchange,
        _ replaced: ReplacedAnswer,
        because error: EdgeError?
    ) {
        let reason: EventValue =
            error.map { .word($0.word) } ?? .number(Int64(exchange.response.status))
        let arena = exchange.arena
        exchange.context.events.warn(
            "error_page_failed",
            EventField("distribution", .text(exchange.distribution?.name ?? "")),
            EventField("page", .text(arena[exchange.fetchPath].text)),
            EventField("reason", reason)
        )
        exchange.dropFetch()
        exchange.dropObject()
        exchange.behavior = replaced.behavior
        let word = replaced.error?.word ?? "error_page_failed"
        write(exchange, replaced.error, status: replaced.status, word: word)
    }

    private static func write(
        _ exchange: Exchange,
        _ error: EdgeError?,
        status: UInt16,
        word: StaticString
    ) {
        let arena = exchange.arena
        if arena.isOverflown { arena.openReserve() }
        exchange.response.reset()
        exchange.response.status = status
        let accept = exchange.request.fields.value(of: .accept)
        let form = accept.map { EdgeErrorPage.form(accept: arena[$0]) } ?? .html
        exchange.response.fields.append(.contentType, value: arena.append(form.contentType))
        exchange.response.fields.append(.cacheControl, value: arena.append("no-store"))
        if let error, error.status == 503 || error.status == 429 {
            exchange.response.fields.append(.retryAfter, value: arena.append("5"))
        }
        if error?.kind == .notAcceptableMethod {
            exchange.response.fields.append(.allow, value: arena.append("GET, HEAD, OPTIONS"))
        }
        let id = exchange.id.text
        exchange.body = .own(
            EdgeErrorPage.render(form, status: status, word: word, requestID: id.span, into: arena)
        )
    }

    private static func word(for error: EdgeError) -> RequestResult {
        switch error.kind {
        case .bufferLimit, .connectionLimit, .queueFull, .queueTimeout, .draining:
            .capacityExceeded
        case .addressLimit, .rateLimit: .limitExceeded
        case .functionFailed: .functionExecutionError
        case .functionInvalid: .functionValidationError
        case .functionLimit, .functionTimeout: .functionThrottledError
        default: .error
        }
    }
}
