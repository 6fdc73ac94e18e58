// Where `math.random` gets its bits: the generator of the loop that runs the function, which a simulation seeds.

/// Called by the math library (`standard.h`). Configuration files have no random numbers, so a machine that has a
/// context is one of functions.
@_cdecl("edge_lua_random_bits")
func functionRandomBits(_ state: OpaquePointer?) -> UInt64 {
    guard let state, LuaStack(state).context != nil else {
        var random = Random()
        return random.next()
    }
    return FunctionRuntime.of(LuaStack(state)).randomBits()
}
