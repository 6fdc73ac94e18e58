import Testing

@testable import EdgeRuntime

@Suite struct UniqueArrayTests {
    private final class Counted {
        let value: Int
        init(_ value: Int) { self.value = value }
    }

    private func values(_ array: borrowing UniqueArray<Counted>) -> [Int] {
        (0..<array.count).map { array[$0].value }
    }

    private func filled(_ count: Int) -> UniqueArray<Counted> {
        var array = UniqueArray<Counted>()
        for value in 0..<count { array.append(Counted(value)) }
        return array
    }

    @Test func itGrowsAndKeepsItsOrder() {
        let array = filled(100)
        let all = values(array)
        #expect(all == Array(0..<100))
        let last = array.span[99].value
        #expect(last == 99)
    }

    @Test(
        arguments: [
            (0, [0, 1, 2, 3, 4]), (2, [2, 3, 4]), (5, []),
        ]
    )
    func theFirstGo(count: Int, left: [Int]) {
        var array = filled(5)
        array.removeFirst(count)
        let all = values(array)
        #expect(all == left)
    }

    @Test func oneGoesOrTheLastOnesDo() {
        var array = filled(5)
        array.remove(at: 1)
        array.removeLast(1)
        let three = values(array)
        #expect(three == [0, 2, 3])
        let last = array.takeLast().value
        #expect(last == 3)
        array[0] = Counted(7)
        let two = values(array)
        #expect(two == [7, 2])
    }

    /// What is taken out, overwritten or left behind is let go of, once.
    @Test func nothingIsHeldThatIsGone() {
        weak var first: Counted?
        weak var second: Counted?
        weak var third: Counted?
        do {
            var array = UniqueArray<Counted>()
            do {
                let counted = (Counted(1), Counted(2), Counted(3))
                (first, second, third) = counted
                array.append(counted.0)
                array.append(counted.1)
                array.append(counted.2)
            }
            array.removeFirst(1)
            array[0] = Counted(4)
            let are = [first != nil, second != nil, third != nil]
            #expect(are == [false, false, true])
            array.removeAll()
            let isThere = third != nil
            #expect(!isThere)
            array.append(Counted(5))
            third = array[0]
        }
        let isThere = third != nil
        #expect(!isThere)
    }
}
