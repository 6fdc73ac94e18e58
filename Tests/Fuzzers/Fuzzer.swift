// libFuzzer's way in: built by `scripts/fuzz`, not by the package. One program for all formats, since each needs the
// whole runtime: the name that it is started by says which format it feeds.

nonisolated(unsafe) private var format = Format.requestHead

@_cdecl("LLVMFuzzerInitialize")
func initialize(
    _ count: UnsafeMutablePointer<CInt>,
    _ words: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>>>
) -> CInt {
    let name = String(cString: words.pointee[0]).split(separator: "/").last.map(String.init)
    guard let named = name.flatMap(Format.init) else {
        preconditionFailure("start it by the name of a format")
    }
    format = named
    return 0
}

@_cdecl("LLVMFuzzerTestOneInput")
func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    format.check(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}
