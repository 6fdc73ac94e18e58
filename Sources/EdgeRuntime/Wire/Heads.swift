// The two heads of one exchange of messages and the memory that both lie in: what steps, connections and hooks pass
// from hand to hand without copying.

final class Heads {
    let arena = Arena()
    var request = RequestHead()
    var response = ResponseHead()

    func reset() {
        arena.reset()
        request.reset()
        response.reset()
    }
}
