// Judges the origin's head: hand over to the next member of the group, or take it. What is hop-by-hop stays here.

enum OriginResponseStep {
    static func run(_ fetch: Fetch) -> FetchMachine.Event {
        FetchStep.reportSuccess(fetch)
        if FetchStep.failsOver(fetch) { return .failedOver }
        do throws(EdgeError) {
            try HopByHop.remove(from: &fetch.response.fields, fetch.arena)
            try fetch.undoCoding()
        } catch {
            return .failed(error.blaming(.origin))
        }
        // The origin's other doors are not the edge's.
        fetch.response.fields.removeAll(.altSvc)
        guard !fetch.arena.isOverflown else { return .failed(.arenaOverflow) }
        return .accepted
    }
}
