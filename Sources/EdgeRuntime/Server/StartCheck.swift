// `edged check` beyond the text: everything that a start takes except sockets and logs, in the words of a start.

package enum StartCheck {
    /// Builds the generation of a good configuration as a start would, and adds what cannot be had.
    package static func check(_ result: inout LoadResult) {
        guard let configuration = result.configuration else { return }
        do throws(StartFailure) {
            let published = try Published(
                number: 1,
                configuration: configuration,
                tickets: TicketKeys(now: Clock.wall().seconds),
                vocabulary: MetricVocabulary(origins: [], loops: 1, verdicts: CacheVerdict.words),
                tree: result.tree,
                loops: 0,
                now: Clock.monotonic()
            )
            result.add(published.functions.warnings)
        } catch {
            result.add(error.reasons)
            result.configuration = nil
        }
    }
}

extension LoadResult {
    /// With the texts that their places point into.
    package mutating func add(_ more: [Diagnostic]) {
        diagnostics = (diagnostics + more).sorted { $0.precedes($1) }
        for file in Set(more.compactMap(\.position?.file)) where sources[file] == nil {
            if case .success(let bytes) = ConfigReader.read(
                file,
                bytesMax: Limits.functionFileBytesMax
            ) {
                sources[file] = bytes
            }
        }
    }
}
