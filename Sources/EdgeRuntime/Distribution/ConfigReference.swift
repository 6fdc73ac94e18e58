// What is generated from the schema: JSON Schema for editors, and the reference page for people.

package enum ConfigReference {
    // MARK: JSON Schema

    /// Draft 2020-12.
    package static var jsonSchema: String {
        let body = object(ConfigSchema.root)
        return """
            {"$schema":"https://json-schema.org/draft/2020-12/schema",\
            "title":"edged configuration",\(body.dropFirst())

            """
    }

    private static func object(_ rows: [Setting]) -> String {
        let properties = rows.map { row in
            var text = String(schema(row.type).dropLast())
            if text.count > 1 { text += "," }
            text += "\"description\":\(ConfigDump.quoted(row.sentence))"
            if let value = row.defaultText { text += ",\"default\":\(value)" }
            return "\(ConfigDump.quoted(row.name)):\(text)}"
        }
        let required = rows.filter(\.isRequired).map { ConfigDump.quoted($0.name) }
        let tail = required.isEmpty ? "" : ",\"required\":[\(required.joined(separator: ","))]"
        return "{\"type\":\"object\",\"properties\":{\(properties.joined(separator: ","))},"
            + "\"additionalProperties\":false\(tail)}"
    }

    private static func schema(_ type: SettingType) -> String {
        switch type {
        case .boolean: return #"{"type":"boolean"}"#
        case .integer(let range):
            return "{\"type\":\"integer\",\"minimum\":\(range.lowerBound),"
                + "\"maximum\":\(range.upperBound)}"
        case .number(let range):
            return "{\"type\":\"number\",\"minimum\":\(range.lowerBound),"
                + "\"maximum\":\(range.upperBound)}"
        case .size:
            return #"{"anyOf":[{"type":"integer","minimum":0},"#
                + #"{"type":"string","pattern":"^[0-9]+ *(B|KB|MB|GB|TB)$"}]}"#
        case .duration: return #"{"type":"string","pattern":"^[0-9]+ *(ms|s|m|h|d)$"}"#
        case .word(let words):
            return "{\"enum\":[\(words.map(ConfigDump.quoted).joined(separator: ","))]}"
        case .text: return #"{"type":"string"}"#
        case .secretText: return "{\"anyOf\":[{\"type\":\"string\"},\(secret)]}"
        case .list(let element, let counts):
            var text = "{\"type\":\"array\",\"items\":\(schema(element))"
            if counts.lowerBound > 0 { text += ",\"minItems\":\(counts.lowerBound)" }
            if counts.upperBound < .max { text += ",\"maxItems\":\(counts.upperBound)" }
            return text + "}"
        case .map(_, let element):
            return "{\"type\":\"object\",\"additionalProperties\":\(schema(element))}"
        case .record(let rows): return object(rows)
        case .either(let types):
            return "{\"anyOf\":[\(types.map(schema).joined(separator: ","))]}"
        case .anything: return "{}"
        }
    }

    private static let secret =
        #"{"type":"object","properties":{"secret":{"type":"string"}},"#
        + #""required":["secret"],"additionalProperties":false}"#

    // MARK: The page

    package static var page: String {
        var out = """
            # Configuration

            Generated from the schema by `edged config reference`; do not edit.

            `edge.lua` returns one table; the same table as JSON is accepted wherever it is. It runs in a
            sandbox without I/O: `env("NAME", "default")`, `secret "name"` and `include "sites/*.lua"` are
            the only calls besides Lua's own string, table, math and utf8. Sizes are `512` or `"64KB"`
            (powers of 1024), durations `"250ms"`, `"5s"`, `"10m"`, `"24h"`, `"7d"`. Paths are relative to the
            file that names them. `edged check` tells every mistake at once; `edged check --dump` prints
            what is in effect.

            | setting | value | default | |
            |---|---|---|---|

            """
        rows(ConfigSchema.root, "", to: &out)
        return out
    }

    private static func rows(_ settings: [Setting], _ path: String, to out: inout String) {
        for row in settings {
            let name = ConfigShape.path(path, row.name)
            let fallback = row.defaultText.map { "`\($0)`" } ?? (row.isRequired ? "required" : "")
            var sentence = row.sentence
            if row.availability == .later { sentence += " Not available in this version." }
            let value = row.type.article.replacing("|", with: "\\|")
            out += "| `\(name)` | \(value) | \(fallback) | \(sentence) |\n"
            inner(row.type, name, to: &out)
        }
    }

    private static func inner(_ type: SettingType, _ path: String, to out: inout String) {
        switch type {
        case .record(let settings): rows(settings, path, to: &out)
        case .list(let element, _): inner(element, "\(path)[n]", to: &out)
        case .map(_, let element): inner(element, "\(path).NAME", to: &out)
        case .either(let types):
            for type in types { inner(type, path, to: &out) }
        case .boolean, .integer, .number, .size, .duration, .word, .text, .secretText, .anything:
            return
        }
    }
}
