// libFuzzer's way in: built by `scripts/fuzz`, not by the package.

@_cdecl("LLVMFuzzerTestOneInput")
func fuzzLuaSyntax(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    LuaProperties.luaSyntax(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}
