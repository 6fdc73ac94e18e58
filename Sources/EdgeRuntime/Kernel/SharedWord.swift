// A word that one thread at a time writes and any reads: published facts, never counters.

import Synchronization

final class SharedWord: Sendable {
    private let word: Atomic<UInt64>

    init(_ value: UInt64 = 0) { word = Atomic(value) }

    var value: UInt64 {
        get { word.load(ordering: .acquiring) }
        set { word.store(newValue, ordering: .releasing) }
    }
}
