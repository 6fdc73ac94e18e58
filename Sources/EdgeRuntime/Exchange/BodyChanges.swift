// What the functions of a stage did to the bodies, and how that is put in their way once the stage goes on.
//
//   assigned string   takes the body's place: length known again
//   assigned map      a filter on the body's way: no length, another entity tag, no parts
//
// The origin's stages change the fetch, the viewer's the exchange. A fetch that is built anew for the next member of a
// group begins without changes, since its functions run again.

struct BodyChanges {
    var response: [UInt8]?
    var request: [UInt8]?
    var maps: [BodyMap] = []
    /// Those that have nothing to map any more; they come back if that is undone.
    var dropped: [BodyMap] = []

    var isEmpty: Bool { response == nil && request == nil && maps.isEmpty }

    mutating func replace(_ side: BodySide, by bytes: [UInt8]) {
        // What was to be mapped is not there any more.
        dropped += maps.filter { $0.side == side }
        maps.removeAll { $0.side == side }
        switch side {
        case .request: request = bytes
        case .response: response = bytes
        }
    }

    func isMapped(_ side: BodySide) -> Bool { maps.contains { $0.side == side } }

    func replacement(_ side: BodySide) -> [UInt8]? {
        switch side {
        case .request: request
        case .response: response
        }
    }

    /// The stage came to nothing.
    mutating func forget() {
        for map in maps { map.forget() }
        forgetDropped()
        self = Self()
    }

    mutating func forgetDropped() {
        for map in dropped { map.forget() }
        dropped.removeAll()
    }

    /// Back to what it was, and nothing of what came since is left.
    mutating func undo(to before: Self) {
        let kept = (before.maps + before.dropped).map(\.function)
        for map in maps + dropped where !kept.contains(map.function) { map.forget() }
        self = before
    }
}

/// What fields say of a body's bytes.
enum BodyDescription {
    /// The one coding that stands between these bytes and those of the representation, if the edge knows it.
    static func coding(_ fields: borrowing HeaderFields, _ arena: Arena) -> ContentCoding? {
        guard fields.count(of: .contentEncoding) == 1,
            let value = fields.value(of: .contentEncoding)
        else { return nil }
        return ContentCoding.named(arena[value])
    }

    /// Why hooks, which work on the bytes of the representation itself, cannot have this body.
    static func fault(_ fields: borrowing HeaderFields, status: UInt16, _ arena: Arena) -> String? {
        if let coding = fields.value(of: .contentEncoding) {
            let name = arena[coding]
            if name.count > 0, !name.equalsIgnoringCase("identity") {
                let shown = String(decoding: arena.copy(of: coding).prefix(40), as: UTF8.self)
                return
                    "is coded (\(shown)), which is not undone here: remove accept-encoding in origin_request"
            }
        }
        return status == 206 ? "is only a part (206): remove range in origin_request" : nil
    }

    /// The bytes change as they flow.
    static func map(_ fields: inout HeaderFields, _ arena: Arena) {
        BodyFields.dropMeasures(&fields, arena)
        BodyFields.weakenTag(&fields, arena)
    }

    /// Others take their place.
    static func replace(_ fields: inout HeaderFields, _ arena: Arena) {
        BodyFields.dropMeasures(&fields, arena)
        fields.removeAll { field in
            switch field.id {
            case .contentEncoding, .contentRange, .etag, .lastModified: true
            default: false
            }
        }
    }
}

extension BodyDescription {
    /// What takes the place of a part is no part.
    static func makeWhole(_ response: inout ResponseHead, _ arena: Arena) {
        guard response.status == 206 else { return }
        response.status = 200
        response.reason = .empty
        let parts: StaticString = "multipart/byteranges"
        guard let type = response.fields.value(of: .contentType),
            arena[type].extracting(first: parts.utf8CodeUnitCount).equalsIgnoringCase(parts)
        else { return }
        response.fields.removeAll(.contentType)
    }
}

extension Generation {
    /// Whether functions of the behaviour may look at responses' bodies: such are asked for whole and uncoded.
    func takesResponseBody(_ behavior: Behavior) -> Bool {
        guard let library = functions?.library else { return false }
        return behavior.functions.originResponse.contains { library.hooks[$0.id].namesBody }
            || takesBodyOfHits(behavior)
    }

    /// Whether functions may look at the body each time that it is shown.
    func takesBodyOfHits(_ behavior: Behavior) -> Bool {
        guard let library = functions?.library else { return false }
        return behavior.functions.viewerResponse.contains { library.hooks[$0.id].namesBody }
    }
}

extension Fetch {
    /// What functions of an origin stage did.
    func take(_ changes: consuming BodyChanges) {
        if let body = changes.response { replaceBody(body) }
        if let body = changes.request { ownRequestBody = body }
        for map in changes.maps {
            maps.append(map)
            guard map.side == .response else { continue }
            isMapped = true
            guard bodyFraming != .none, let exchange else { continue }
            let source = filter.map { BodyFilter.Source.filter($0) } ?? .fetch(self)
            filter = BodyFilter(map, from: source, exchange: exchange, fetch: self)
        }
    }

    /// The functions run again, or nobody waits any more.
    func dropChanges() {
        // Hardly any fetch has had changes.
        if let filter = filter.take() { filter.stop() }
        if let filter = requestFilter.take() { filter.stop() }
        if !maps.isEmpty { forgetMaps() }
        isMapped = false
        if ownRequestBody != nil { ownRequestBody = nil }
        guard sendsOwnBody else { return }
        sentBody.reset()
        sendsOwnBody = false
    }

    private func forgetMaps() {
        for map in maps { map.forget() }
        maps.removeAll(keepingCapacity: true)
    }

    /// How the request's body is framed when functions have had it; sets up what they put in its way.
    func settleRequestBody(_ exchange: Exchange, _ framing: OutgoingFraming) -> OutgoingFraming {
        guard !exchange.machine.isErrorPage else { return framing }
        var framing = framing
        if let bytes = ownRequestBody ?? exchange.ownRequestBody {
            MadeBody.push(bytes, into: &sentBody, context.loop.chunks)
            sentBody.end()
            sendsOwnBody = true
            if !bytes.isEmpty || framing != .none { framing = .length(Int64(bytes.count)) }
        }
        guard framing != .none else { return .none }
        let earlier = ownRequestBody == nil ? exchange.maps : []
        for map in earlier + maps where map.side == .request {
            let source = requestFilter.map { BodyFilter.Source.filter($0) } ?? .request(self)
            requestFilter = BodyFilter(map, from: source, exchange: exchange, fetch: self)
            framing = .chunked
        }
        return framing
    }

    // MARK: Taken by connections and filters

    /// The body as the viewer's side gets it.
    func pullBody() -> BodyFlow.Pull { filter?.pull() ?? pullSource() }

    func pullSource() -> BodyFlow.Pull {
        let pull = body.pull()
        if case .bytes = pull { bodyTaken() }
        return pull
    }

    var isBodyEmptyForNow: Bool { filter?.isEmptyForNow ?? body.isEmptyForNow }

    func pullRequestSource() -> BodyFlow.Pull {
        guard let exchange else { return .failed(.clientClosed) }
        guard !sendsOwnBody else {
            route.didPullBody = true
            return sentBody.pull()
        }
        let pull = exchange.requestBody.pull()
        if case .bytes = pull { route.didPullBody = true }
        // The connection reads on when there is room, and says "100 Continue" when it is first asked.
        exchange.touchHost()
        return pull
    }

    var isRequestSourceEmptyForNow: Bool {
        sendsOwnBody ? sentBody.isEmptyForNow : exchange?.requestBody.isEmptyForNow ?? true
    }
}

extension Exchange {
    /// What functions of a viewer stage did.
    func take(_ changes: consuming BodyChanges) {
        if let body = changes.response { show(body) }
        if let body = changes.request {
            ownRequestBody = body
            dropRequestBody()
        }
        for map in changes.maps {
            maps.append(map)
            guard map.side == .response else { continue }
            isMapped = true
            guard !isBodiless else { continue }
            if case .own(let slice) = body { show(arena.copy(of: slice)) }
            let source = filter.map { BodyFilter.Source.filter($0) } ?? .exchange(self)
            filter = BodyFilter(map, from: source, exchange: self, fetch: nil)
        }
    }

    /// Bytes that a function made take the place of the answer's.
    func show(_ bytes: [UInt8]) {
        dropFetch()
        dropObject()
        made.reset()
        MadeBody.push(bytes, into: &made, context.loop.chunks)
        made.end()
        body = .made(bytes.count)
    }

    func dropChanges() {
        if let filter = filter.take() { filter.stop() }
        if !maps.isEmpty { forgetMaps() }
        isMapped = false
        if ownRequestBody != nil { ownRequestBody = nil }
    }

    private func forgetMaps() {
        for map in maps { map.forget() }
        maps.removeAll(keepingCapacity: true)
    }

    /// What the viewer sends is not wanted any more; it is read so that the viewer can come to its end.
    func dropRequestBody() {
        while !requestBody.isEmptyForNow, case .bytes = requestBody.pull() {}
        touchHost()
    }

    /// Whether what the viewer gets has no length that is known, since a function changes it on its way.
    var isFlowMapped: Bool {
        if isMapped { return true }
        guard case .fetched = body else { return false }
        return fetch?.isMapped ?? false
    }

    // MARK: Taken by the connection and by filters

    func pullBody() -> BodyFlow.Pull {
        guard !isBodiless || isUpgraded else { return .ended }
        return filter?.pull() ?? pullSource()
    }

    func pullSource() -> BodyFlow.Pull {
        switch body {
        case .none, .own: return .ended
        case .made: return made.pull()
        case .stored:
            refill()
            return made.pull()
        case .fetched: return fetch?.pullBody() ?? .ended
        }
    }

    /// Whether a pull would answer `pending`: neither bytes nor the end is there.
    var isBodyEmptyForNow: Bool {
        if isBodiless, !isUpgraded { return false }
        return filter?.isEmptyForNow ?? isSourceEmptyForNow
    }

    var isSourceEmptyForNow: Bool {
        switch body {
        case .none, .own: false
        case .made: made.isEmptyForNow
        case .stored: isStoredEmptyForNow
        case .fetched: fetch?.isBodyEmptyForNow ?? false
        }
    }
}
