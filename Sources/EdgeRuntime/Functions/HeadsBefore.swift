// What two heads said before a function ran that is passed over if it fails: half of what it wanted to do must not be
// sent, and least of all kept in a cache. The bytes stay where they lie: an arena only grows.

struct HeadsBefore {
    private var method: Method
    private var methodToken: Slice
    private var form: TargetForm
    private var path: Slice
    private var query: Slice?
    private var authority: Slice
    private var host: Slice
    private var port: UInt16?
    private var requestFields: [Field]
    private var status: UInt16
    private var reason: Slice
    private var responseFields: [Field]

    init(_ heads: Heads) {
        method = heads.request.method
        methodToken = heads.request.methodToken
        form = heads.request.form
        path = heads.request.path
        query = heads.request.query
        authority = heads.request.authority
        host = heads.request.host
        port = heads.request.port
        requestFields = Self.copy(heads.request.fields)
        status = heads.response.status
        reason = heads.response.reason
        responseFields = Self.copy(heads.response.fields)
    }

    func restore(_ heads: Heads) {
        heads.request.method = method
        heads.request.methodToken = methodToken
        heads.request.form = form
        heads.request.path = path
        heads.request.query = query
        heads.request.authority = authority
        heads.request.host = host
        heads.request.port = port
        Self.put(requestFields, into: &heads.request.fields)
        heads.response.status = status
        heads.response.reason = reason
        Self.put(responseFields, into: &heads.response.fields)
    }

    private static func copy(_ fields: borrowing HeaderFields) -> [Field] {
        var copy: [Field] = []
        copy.reserveCapacity(fields.count)
        for index in 0..<fields.count { copy.append(fields[index]) }
        return copy
    }

    private static func put(_ copy: [Field], into fields: inout HeaderFields) {
        fields.reset()
        for field in copy { fields.append(field) }
    }
}
