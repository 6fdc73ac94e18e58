// A stage that looks at a body: it waits until the body lies in its flow, whole or as far as it has come, and copies
// it from there. Nothing is taken, so what was read goes on as it came.

struct BodyReading {
    enum Wanted {
        case whole
        case next
    }

    var side: BodySide
    var wanted = Wanted.whole
    var bytesMax: Int
    /// How far an iteration has come.
    var offset = 0
}

extension HookRun {
    private enum Progress {
        case bytes([UInt8])
        case end
        case waits
        case failed(String)
        /// The peer broke off.
        case broken(EdgeError)
    }

    // MARK: Asked by the function

    func beginReading(_ reading: BodyReading, _ call: LuaCall) -> CInt {
        let side = reading.side
        if isAwaitingPeer {
            return call.fail("\(side.word): another function of edge.all reads a body")
        }
        if changes.isMapped(side) || (side == .request && isRequestMapped) {
            return call.fail("\(side.word) is mapped: read it before")
        }
        if let fault = bodyFault(side) { return call.fail("\(side.word) \(fault)") }
        var reading = reading
        if let bytes = bytesAtHand(side) {
            guard bytes.count <= reading.bytesMax else {
                return call.fail(tooLarge(reading))
            }
            let piece = reading.wanted == .whole ? bytes[...] : bytes.dropFirst(reading.offset)
            guard reading.wanted == .whole || !piece.isEmpty else {
                self.reading = nil
                call.stack.pushNil()
                return call.answer(1)
            }
            reading.offset = bytes.count
            self.reading = reading
            call.stack.push(Array(piece).span)
            return call.answer(1)
        }
        self.reading = reading
        let pool = loop.chunks
        _ = withFlow(side) { flow in
            flow.gather(upTo: reading.bytesMax, pool)
            flow.want()
        }
        switch progress(reading) {
        case .bytes(let bytes):
            call.stack.push(bytes.span)
            return call.answer(1)
        case .end:
            call.stack.pushNil()
            return call.answer(1)
        case .failed(let reason): return call.fail(reason)
        case .broken(let error):
            return call.fail("\(side.word) did not arrive whole: \(error.word)")
        case .waits:
            if let refusal = call.refusalToWait("reading a body") {
                endReading()
                return call.fail(refusal)
            }
            effect = .peer
            return call.wait()
        }
    }

    /// The iteration that goes on, or a new one.
    func readingOfNext(_ side: BodySide, isFirst: Bool) -> BodyReading {
        if !isFirst, let reading, reading.side == side, reading.wanted == .next { return reading }
        return BodyReading(
            side: side,
            wanted: .next,
            bytesMax: runtime.library.settings.bodyBytes
        )
    }

    // MARK: The flow

    /// Makes whoever has the next bytes look at the flow, which has more room now.
    func touchPeer() {
        guard let reading, let exchange else { return }
        switch reading.side {
        case .request: exchange.touchHost()
        case .response:
            if let fetch {
                fetch.bodyTaken()
            } else {
                exchange.fetch?.filter?.pump()
                exchange.fetch?.bodyTaken()
            }
            loop.touch(self)
        }
    }

    /// Something has arrived, perhaps what is waited for.
    func lookAtFlow() {
        guard let reading, !isIdle, isAwaitingPeer else { return }
        if reading.side == .response, fetch == nil { exchange?.fetch?.filter?.pump() }
        switch progress(reading) {
        case .waits: return
        case .bytes(let bytes):
            resultStack.push(bytes.span)
            resume(results: 1)
        case .end:
            resultStack.pushNil()
            resume(results: 1)
        case .failed(let reason): resume(raising: reason)
        case .broken(let error): giveUp(because: error)
        }
    }

    /// The body that the function waits for will not come: that is no failure of the function's.
    private func giveUp(because error: EdgeError) {
        let exchange = self.exchange
        let fetch = self.fetch
        giveUp()
        if let fetch { fetch.apply(.gaveUp(error)) } else { exchange?.stageEnded(.failed(error)) }
    }

    func endReading() {
        guard let reading else { return }
        _ = withFlow(reading.side) { $0.endGathering() }
        self.reading = nil
    }

    private func progress(_ reading: BodyReading) -> Progress {
        let allowance = loop.chunks.allowance
        let found = withFlow(reading.side) { flow -> Progress in
            if flow.bufferedBytes > reading.bytesMax { return .failed(self.tooLarge(reading)) }
            if let error = flow.failure { return .broken(error) }
            switch reading.wanted {
            case .whole:
                if flow.isOver { return .bytes(flow.copy()) }
            case .next:
                if flow.bufferedBytes > reading.offset {
                    return .bytes(
                        flow.copy(from: reading.offset, atMost: Limits.chunkLargeBytes)
                    )
                }
                if flow.isOver { return .end }
            }
            guard flow.isRoom(allowance) else {
                return .failed("\(reading.side.word): the edge has no memory left to hold it")
            }
            return .waits
        }
        let progress = found ?? (reading.wanted == .whole ? .bytes([]) : .end)
        switch (progress, reading.wanted) {
        case (.waits, _): break
        case (.bytes(let bytes), .next): self.reading?.offset += bytes.count
        case (.bytes, .whole), (.end, _), (.failed, _), (.broken, _): endReading()
        }
        return progress
    }

    private func tooLarge(_ reading: BodyReading) -> String {
        let limit = runtime.library.settings.bodyBytes
        return reading.bytesMax < limit
            ? "\(reading.side.word) has more than \(reading.bytesMax) bytes"
            : "\(reading.side.word) has more than \(limit) bytes (functions.limits.body)"
    }

    /// What functions have put in the body's place, or the edge's own page.
    private func bytesAtHand(_ side: BodySide) -> [UInt8]? {
        if let bytes = changes.replacement(side) { return bytes }
        guard let exchange else { return [] }
        switch side {
        // A page is asked for without a body.
        case .request: return exchange.machine.isErrorPage ? [] : exchange.ownRequestBody
        case .response:
            guard fetch == nil else { return nil }
            if case .own(let slice) = exchange.body { return exchange.arena.copy(of: slice) }
            return nil
        }
    }

    private var isRequestMapped: Bool {
        exchange?.maps.contains { $0.side == .request } ?? false
    }

    /// The flow through which the body comes to this stage; nil: there is no body.
    private func withFlow<Answer>(
        _ side: BodySide,
        _ look: (inout BodyFlow) -> Answer
    ) -> Answer? {
        guard let exchange else { return nil }
        switch side {
        case .request: return look(&exchange.requestBody)
        case .response:
            if let fetch { return fetch.bodyFraming == .none ? nil : look(&fetch.body) }
            guard !exchange.isBodiless else { return nil }
            switch exchange.body {
            case .none, .own: return nil
            case .made: return look(&exchange.made)
            case .stored:
                exchange.refill()
                return look(&exchange.made)
            case .fetched:
                guard let fetch = exchange.fetch, fetch.bodyFraming != .none else { return nil }
                if let filter = fetch.filter { return look(&filter.output) }
                return look(&fetch.body)
            }
        }
    }

    /// Why this body is nothing for functions, if it is not.
    func bodyFault(_ side: BodySide) -> String? {
        guard changes.replacement(side) == nil else { return nil }
        let arena = heads.arena
        switch side {
        case .request:
            if exchange?.ownRequestBody != nil { return nil }
            return BodyDescription.fault(heads.request.fields, status: 0, arena)
        case .response:
            if let exchange, fetch == nil {
                switch exchange.body {
                case .none, .own: return nil
                case .made, .fetched, .stored: break
                }
            }
            return BodyDescription.fault(
                heads.response.fields,
                status: heads.response.status,
                arena
            )
        }
    }
}
