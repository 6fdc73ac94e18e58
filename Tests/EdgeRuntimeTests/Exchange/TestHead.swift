import Testing

@testable import EdgeRuntime

/// A head with its arena, for tables: fields are written and compared as lines.
final class TestHead {
    let arena = Arena()
    var head = RequestHead()

    init(_ method: EdgeRuntime.Method = .get, _ lines: [String] = [], host: String = "") {
        head.method = method
        head.path = arena.append("/")
        if !host.isEmpty { head.authority = arena.append(Array(host.utf8).span) }
        for line in lines { add(line) }
    }

    func add(_ line: String) {
        let colon = line.firstIndex(of: ":") ?? line.endIndex
        let name = Array(line[..<colon].utf8)
        let value = line[colon...].dropFirst().drop { $0 == " " }
        let slice = arena.append(name.span)
        head.fields.append(
            Field(
                HeaderName.named(name.span),
                name: slice,
                value: arena.append(Array(value.utf8).span)
            )
        )
    }

    func text(_ slice: Slice) -> String { arena[slice].text }

    var lines: [String] {
        (0..<head.fields.count).map { index in
            let field = head.fields[index]
            let name = arena.name(of: field).text
            return "\(name): \(arena[field.value].text)"
        }
    }

    func value(_ id: HeaderName) -> String? {
        guard let slice = head.fields.value(of: id) else { return nil }
        return arena[slice].text
    }
}
