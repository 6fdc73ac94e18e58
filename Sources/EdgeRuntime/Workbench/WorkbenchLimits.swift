// Bounds of what the workbench works with, with their reasons.

extension Limits {
    /// Folders in folders that are looked through for tests: nobody nests functions so deep, and links may go round.
    static let functionTestDepthMax = 8
    /// What one test may compute and hold: a hundred times what a function may, so that a test can prove a limit.
    static let functionTestInstructionsMax = 500_000_000
    static let functionTestMemoryBytesMax = 256 << 20
    /// Tables in tables that go from a test to its function and back.
    static let functionTestValueDepthMax = 32
}
