import Testing

@testable import EdgeRuntime

@Suite struct FileCacheTests {
    private func file(_ path: String, _ content: String?, inode: UInt64 = 1) -> CachedFile {
        CachedFile(
            path: path.utf8.span,
            entity: FileEntity(
                size: Int64(content?.utf8.count ?? 1 << 30),
                seconds: 1,
                nanoseconds: 0,
                inode: inode
            ),
            lastModified: "Thu, 01 Jan 1970 00:00:01 GMT".utf8.span,
            content: content.map { Chunk(Array($0.utf8).span) }
        )
    }

    private func text(_ file: CachedFile) -> String {
        guard let content = file.content else { return "-" }
        return content.bytes.text
    }

    private func word(_ cache: inout FileCache, _ path: String, _ now: Nanoseconds = 0) -> String {
        switch cache.lookup(path.utf8.span, now: now) {
        case .hit(let file): "hit \(text(file))"
        case .check: "check"
        case .absent: "absent"
        case .unknown: "unknown"
        }
    }

    @Test func aCopyCarriesItsFacts() {
        let file = file("a/b.css", "body{}", inode: 2)
        #expect(file.contentType.description == "text/css; charset=utf-8")
        #expect(file.etag.text == "\"3b9aca00-6-2\"")
        #expect(file.lastModified.text == "Thu, 01 Jan 1970 00:00:01 GMT")
        guard let range = file.range(from: 1, to: 3) else {
            Issue.record("no content")
            return
        }
        #expect(range.bytes.text == "od")
        let isLarge = self.file("a", nil).range(from: 0, to: 1) == nil
        #expect(isLarge)
    }

    @Test func aCopyIsServedUntilItMustBeLookedAt() {
        var cache = FileCache()
        #expect(word(&cache, "a") == "unknown")
        let file = file("a", "one")
        cache.insert(file, now: 0)
        #expect(word(&cache, "a", 99_999_999) == "hit one")
        #expect(word(&cache, "a", 100_000_000) == "check")
        cache.confirm(file, now: 100_000_000)
        #expect(word(&cache, "a", 150_000_000) == "hit one")
        cache.remove("a".utf8.span)
        #expect(word(&cache, "a", 150_000_000) == "unknown")
        #expect(cache.bytes == 0 && cache.count == 0)
    }

    @Test func whatIsConfirmedMustStillBeThere() {
        var cache = FileCache()
        let old = file("a", "old")
        cache.insert(old, now: 0)
        cache.insert(file("a", "new", inode: 2), now: 0)
        #expect(cache.count == 1)
        cache.confirm(old, now: 500_000_000)
        #expect(word(&cache, "a", 500_000_000) == "check")
    }

    @Test func absenceIsRememberedBriefly() {
        var cache = FileCache()
        cache.insertAbsence(of: "no".utf8.span, now: 0)
        #expect(word(&cache, "no", 1) == "absent")
        #expect(word(&cache, "no", 100_000_000) == "unknown")
        cache.insert(file("no", "now it is"), now: 100_000_000)
        #expect(word(&cache, "no", 100_000_001) == "hit now it is")
        #expect(cache.count == 1)
    }

    @Test func whatIsNotUsedMakesRoom() {
        var cache = FileCache(bytesMax: 1 << 20, entries: 4)
        for name in ["a", "b", "c", "d"] { cache.insert(file(name, name), now: 0) }
        _ = word(&cache, "a")
        _ = word(&cache, "c")
        cache.insert(file("e", "e"), now: 0)
        #expect(word(&cache, "b") == "unknown")
        #expect(word(&cache, "a") == "hit a" && word(&cache, "e") == "hit e")
        #expect(cache.count == 4)
    }

    @Test func theBoundOfBytesHolds() {
        var cache = FileCache(bytesMax: 3000, entries: 64)
        let thousand = String(repeating: "x", count: 1000)
        for index in 0..<10 {
            cache.insert(file("\(index)", thousand), now: 0)
            #expect(cache.bytes <= 3000)
        }
        #expect(cache.count == 2)
        cache.insert(file("huge", String(repeating: "x", count: 4000)), now: 0)
        #expect(word(&cache, "huge") == "unknown")
        #expect(word(&cache, "9").hasPrefix("hit"))
    }

    @Test(arguments: 0..<8)
    func randomOperationsAgreeWithADictionary(seed: UInt64) {
        var random = Random(seed: seed)
        var cache = FileCache(bytesMax: 4000, entries: 16)
        var known: [String: UInt64] = [:]
        for step in 0..<4000 {
            let name = "file-\(random.next(below: 24))"
            switch random.next(below: 4) {
            case 0:
                let content = String(repeating: "y", count: Int(random.next(below: 400)))
                cache.insert(file(name, content, inode: UInt64(step)), now: 0)
                known[name] = UInt64(step)
            case 1:
                cache.insertAbsence(of: name.utf8.span, now: 0)
                known[name] = .max
            case 2:
                cache.remove(name.utf8.span)
                known[name] = nil
            default: break
            }
            // What is found is what was put there last; what was put there may be gone.
            switch cache.lookup(name.utf8.span, now: 0) {
            case .hit(let file): #expect(known[name] == file.entity.inode)
            case .absent: #expect(known[name] == .max)
            case .unknown: break
            case .check: Issue.record("no time has passed")
            }
            #expect(cache.bytes <= 4000 && cache.count <= 16 && cache.bytes >= 0)
        }
    }
}

@Suite struct FileReadPlanTests {
    @Test func readsGoAheadUpToTheBound() {
        var plan = FileReadPlan(from: 10, to: 45, readMax: 10, readAhead: 20)
        #expect(plan.next() == .read(.init(offset: 10, count: 10)))
        #expect(plan.next() == .wait)
        plan.didRead(10)
        #expect(plan.next() == .read(.init(offset: 20, count: 10)))
        plan.didRead(10)
        #expect(plan.held == 20)
        #expect(plan.next() == .wait)
        plan.didTake(5)
        #expect(plan.next() == .wait)
        plan.didTake(15)
        #expect(plan.next() == .read(.init(offset: 30, count: 10)))
        plan.didRead(4)
        #expect(plan.next() == .read(.init(offset: 34, count: 10)))
        plan.didRead(10)
        plan.didTake(14)
        #expect(plan.next() == .read(.init(offset: 44, count: 1)))
        plan.didRead(1)
        #expect(plan.next() == .wait)
        plan.didTake(1)
        #expect(plan.next() == .finished)
    }

    @Test func aFileThatWasCutFails() {
        var plan = FileReadPlan(from: 0, to: 10, readMax: 10, readAhead: 10)
        _ = plan.next()
        plan.didRead(3)
        plan.didTake(3)
        #expect(plan.next() == .read(.init(offset: 3, count: 7)))
        plan.didRead(0)
        #expect(plan.next() == .truncated)
    }

    @Test func nothingIsReadOfNothing() {
        var plan = FileReadPlan(from: 5, to: 5)
        #expect(plan.next() == .finished)
    }
}
