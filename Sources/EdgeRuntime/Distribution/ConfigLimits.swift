// Bounds of the configuration: defaults of `limits` in `edge.lua`, and what a configuration itself may cost.

extension Limits {
    // MARK: Defaults of `limits`

    /// The largest object that the contract's service carries.
    static let bodyBytes = 20 << 30
    /// Ten times what one machine of this kind holds busy; idle ones are cheap.
    static let connections = 100_000
    /// Room for a large office behind one address, not for a flood.
    static let connectionsPerAddress = 1000
    /// Heads and bodies in flight, all loops together.
    static let bufferedBytes = 256 << 20
    /// Long enough that reconnecting costs nothing, short enough that load spreads again.
    static let requestsPerConnection = 10_000
    /// Below a kilobyte a second nobody reads: a modem of 1990 is faster.
    static let writeRate = 1 << 10

    // MARK: The file

    /// A configuration of 10,000 distributions is about 5 MiB.
    static let configFileBytesMax = 16 << 20
    /// No setting lies deeper than nine tables; options of functions may add some.
    static let configDepthMax = 32
    /// What `include` may bring together.
    static let configFilesMax = 1000
    /// A table computed by loops over hundreds of thousands of rows still ends within a second.
    static let configInstructionsMax = 50_000_000
    static let configMemoryBytesMax = 256 << 20
}
