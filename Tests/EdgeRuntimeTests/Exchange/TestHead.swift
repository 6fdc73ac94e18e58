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
        let text = Array(value.utf8)
        let valueSlice = arena.append(text.span)
        head.fields.append(Field(HeaderName.named(name.span), name: slice, value: valueSlice))
    }

    func text(_ slice: Slice) -> String {
        // A view depends on a local arena; on a property it would not outlive the access.
        let arena = arena
        return arena[slice].text
    }

    var lines: [String] {
        let arena = arena
        var lines: [String] = []
        for index in 0..<head.fields.count {
            let field = head.fields[index]
            let name = arena.name(of: field).text
            lines.append("\(name): \(text(field.value))")
        }
        return lines
    }

    func value(_ id: HeaderName) -> String? {
        guard let slice = head.fields.value(of: id) else { return nil }
        return text(slice)
    }
}
