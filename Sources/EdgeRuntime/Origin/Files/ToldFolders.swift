// Of which folders the operator was told that they hold files which the edge may not read: a folder that was copied
// with the wrong owner is one warning, not one for each file and viewer.

struct ToldFolders {
    private var folders: Set<[UInt8]> = []

    /// The folder to be told of, when this is the first file in it: `a/b` for `a/b/c.txt`.
    mutating func firstIn(_ path: [UInt8]) -> [UInt8]? {
        let end = path.lastIndex(of: UInt8(ascii: "/")) ?? 0
        let folder = Array(path[..<end])
        guard folders.count < Limits.fileFoldersTold, folders.insert(folder).inserted else {
            return nil
        }
        return folder
    }
}
