import CLinux
import Glibc
import Testing

@testable import EdgeRuntime

/// A folder that is gone after the test.
final class TemporaryFolder {
    let path: String

    init() {
        var template = Array("/tmp/edge-files-XXXXXX".utf8CString)
        path = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
    }

    deinit { Self.remove(path) }

    func write(_ name: String, _ content: String) {
        let file = fopen("\(path)/\(name)", "w")!
        fwrite(content, 1, content.utf8.count, file)
        fclose(file)
    }

    func folder(_ name: String) { mkdir("\(path)/\(name)", 0o755) }
    func link(_ name: String, to target: String) { symlink(target, "\(path)/\(name)") }

    static func remove(_ path: String) {
        if let folder = opendir(path) {
            while let entry = readdir(folder) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                    String(cString: $0.bindMemory(to: CChar.self).baseAddress!)
                }
                guard name != ".", name != ".." else { continue }
                if unlink("\(path)/\(name)") != 0 { remove("\(path)/\(name)") }
            }
            closedir(folder)
        }
        rmdir(path)
    }
}

@Suite struct FileRootTests {
    private func content(_ file: OpenFile) -> String {
        guard let chunk = FileRoot.content(of: file) else { return "large" }
        return chunk.bytes.text
    }

    private func word(_ opening: FileOpening) -> String {
        switch opening {
        case .file(let file): content(file)
        case .directory: "directory"
        case .missing: "missing"
        case .forbidden: "forbidden"
        case .notPermitted: "not permitted"
        case .failed(let error): error.description
        }
    }

    @Test(arguments: [FileRoot.Resolution.kernel, .checked])
    func onlyRegularFilesBeneathTheRootAreOpened(resolution: FileRoot.Resolution) throws {
        let outside = TemporaryFolder()
        outside.write("secret", "no")
        let folder = TemporaryFolder()
        folder.write("a.txt", "hello")
        folder.write("empty", "")
        folder.folder("sub")
        folder.write("sub/b.txt", "deep")
        folder.link("inside", to: "sub/b.txt")
        folder.link("up", to: "../../etc/passwd")
        folder.link("outside", to: "\(outside.path)/secret")
        folder.link("way", to: outside.path)
        folder.link("loop", to: "loop")
        folder.link("sub/back", to: "../a.txt")
        mkfifo("\(folder.path)/pipe", 0o644)
        let root = try FileRoot(path: folder.path, resolution: resolution)
        let expected = [
            ("a.txt", "hello"), ("empty", ""), ("sub/b.txt", "deep"), ("inside", "deep"),
            ("sub/back", "hello"), ("sub", "directory"), ("nothing", "missing"),
            ("a.txt/x", "missing"), ("sub/nothing", "missing"), ("up", "forbidden"),
            ("outside", "forbidden"), ("way/secret", "forbidden"), ("loop", "forbidden"),
            ("pipe", "forbidden"), ("../\(outside.path)/secret", "forbidden or missing"),
        ]
        for (path, answer) in expected {
            let word = word(root.open(path.utf8.span))
            #expect(answer.contains(word) && word.isEmpty == answer.isEmpty, "\(path)")
        }
    }

    @Test func theKernelIsAskedWhereItCan() throws {
        let folder = TemporaryFolder()
        let root = try FileRoot(path: folder.path)
        #expect(root.resolution == .kernel || root.resolution == .checked)
        #expect(throws: SystemError("open", ENOENT)) {
            try FileRoot(path: folder.path + "/nowhere")
        }
    }

    @Test func aChangeOfTheFileShows() throws {
        let folder = TemporaryFolder()
        folder.write("a", "one")
        let root = try FileRoot(path: folder.path)
        guard case .file(let file) = root.open("a".utf8.span) else {
            Issue.record("not opened")
            return
        }
        #expect(root.status("a".utf8.span) == file.entity)
        folder.write("b", "two")
        rename("\(folder.path)/b", "\(folder.path)/a")
        #expect(root.status("a".utf8.span) != file.entity)
        #expect(content(file) == "one")
        truncate("\(folder.path)/a", 1)
        #expect(root.status("nothing".utf8.span) == nil)
    }

    @Test func partsOfAFileAreReadIntoChunks() throws {
        let folder = TemporaryFolder()
        folder.write("a", "0123456789")
        let root = try FileRoot(path: folder.path)
        guard case .file(let file) = root.open("a".utf8.span) else {
            Issue.record("not opened")
            return
        }
        let chunk = Chunk(capacity: 64)
        #expect(FileRoot.read(file, at: 2, count: 3, into: chunk) == .bytes(3))
        #expect(FileRoot.read(file, at: 8, count: 9, into: chunk) == .bytes(2))
        #expect(FileRoot.read(file, at: 10, count: 9, into: chunk) == .bytes(0))
        #expect(chunk.bytes.text == "23489")
    }

    @Test func aFileThatIsWrittenToIsNotReadOn() throws {
        let folder = TemporaryFolder()
        folder.write("a", "0123456789")
        let root = try FileRoot(path: folder.path)
        guard case .file(let file) = root.open("a".utf8.span) else {
            Issue.record("not opened")
            return
        }
        let chunk = Chunk(capacity: 64)
        #expect(FileRoot.read(file, at: 0, count: 3, into: chunk) == .bytes(3))
        truncate("\(folder.path)/a", 5)
        #expect(FileRoot.read(file, at: 3, count: 3, into: chunk) == .changed)
        #expect(chunk.bytes.text == "012")
        // Whoever replaces it by another file leaves this one alone.
        guard case .file(let same) = root.open("a".utf8.span) else {
            Issue.record("not opened")
            return
        }
        folder.write("b", "other")
        rename("\(folder.path)/b", "\(folder.path)/a")
        #expect(FileRoot.read(same, at: 3, count: 2, into: chunk) == .bytes(2))
        #expect(chunk.bytes.text == "01234")
    }

    @Test func aFileThatIsTooLargeHasNoCopy() throws {
        let folder = TemporaryFolder()
        folder.write("a", "")
        truncate("\(folder.path)/a", off_t(Limits.fileCachedBytesMax + 1))
        let root = try FileRoot(path: folder.path)
        #expect(word(root.open("a".utf8.span)) == "large")
    }
}

@Suite struct ToldFoldersTests {
    @Test func eachFolderIsToldOnceAndNotTooMany() {
        var told = ToldFolders()
        func tell(_ path: String) -> String? {
            told.firstIn(Array(path.utf8)).map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(tell("a/b/c.txt") == "a/b")
        #expect(tell("a/b/d.txt") == nil)
        #expect(tell("a/e.txt") == "a")
        #expect(tell("top.txt") == "")
        for index in 3..<Limits.fileFoldersTold { #expect(tell("\(index)/x") == "\(index)") }
        #expect(tell("one more/x") == nil)
    }
}

@Suite struct FileEntityTests {
    private func etag(_ entity: FileEntity) -> String {
        var bytes: [UInt8] = []
        entity.writeETag { bytes.append($0) }
        #expect(bytes.count <= FileEntity.etagBytesMax)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func theTagSaysEverythingThatMayChange() {
        let entity = FileEntity(size: 255, seconds: 1, nanoseconds: 0, inode: 16)
        #expect(etag(entity) == "\"3b9aca00-ff-10\"")
        #expect(
            etag(FileEntity(size: 0, seconds: 0, nanoseconds: 0, inode: 0)) == "\"0-0-0\""
        )
        #expect(
            etag(FileEntity(size: .max, seconds: -1, nanoseconds: 999_999_999, inode: .max))
                == "\"ffffffffffffffff-7fffffffffffffff-ffffffffffffffff\""
        )
    }
}
