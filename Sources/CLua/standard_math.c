// The math library: random numbers, and what walks over its arguments. The rest is Lua's.

#include "standard.h"
#include <stdlib.h>
#include <sys/random.h>

// Until a host brings its own.
__attribute__((weak)) uint64_t edge_lua_random_bits(lua_State *state) {
    (void)state;
    uint64_t bits;
    if (getrandom(&bits, sizeof bits, 0) != sizeof bits) abort();
    return bits;
}

// Uniform in 0…limit: what does not fit the smallest mask over it is drawn again, less than once on average.
static uint64_t draw(lua_State *state, uint64_t limit) {
    uint64_t mask = limit;
    for (int shift = 1; shift < 64; shift *= 2) mask |= mask >> shift;
    for (;;) {
        edge_lua_charge(state, edge_lua_account(state), 1);
        uint64_t bits = edge_lua_random_bits(state) & mask;
        if (bits <= limit) return bits;
    }
}

static int draws(lua_State *state) {
    lua_Integer low = 1;
    lua_Integer high;
    switch (lua_gettop(state)) {
    case 0:
        // As many bits as a float holds.
        lua_pushnumber(state, (lua_Number)(draw(state, UINT64_MAX) >> 11) * 0x1p-53);
        return 1;
    case 1:
        high = luaL_checkinteger(state, 1);
        if (high == 0) {
            lua_pushinteger(state, (lua_Integer)draw(state, UINT64_MAX));
            return 1;
        }
        break;
    case 2:
        low = luaL_checkinteger(state, 1);
        high = luaL_checkinteger(state, 2);
        break;
    default: return luaL_error(state, "wrong number of arguments");
    }
    luaL_argcheck(state, low <= high, 1, "interval is empty");
    uint64_t width = (uint64_t)high - (uint64_t)low;
    lua_pushinteger(state, (lua_Integer)((uint64_t)low + draw(state, width)));
    return 1;
}

static int choose(lua_State *state, int is_max) {
    int count = lua_gettop(state);
    luaL_argcheck(state, count >= 1, 1, "value expected");
    edge_lua_charge(state, edge_lua_account(state), (size_t)count);
    int best = 1;
    for (int at = 2; at <= count; at++) {
        if (lua_compare(state, is_max ? best : at, is_max ? at : best, LUA_OPLT)) best = at;
    }
    lua_pushvalue(state, best);
    return 1;
}

static int max(lua_State *state) { return choose(state, 1); }
static int min(lua_State *state) { return choose(state, 0); }

void edge_lua_push_math(lua_State *state) {
    static const char *const real[] = {
        "abs", "acos", "asin", "atan", "ceil", "cos", "deg", "exp", "floor", "fmod", "huge", "log", "maxinteger",
        "mininteger", "modf", "pi", "rad", "sin", "sqrt", "tan", "tointeger", "type", "ult", NULL,
    };
    static const luaL_Reg functions[] = {{"max", max}, {"min", min}, {"random", draws}, {NULL, NULL}};
    edge_lua_push_real(state, luaopen_math, real);
    luaL_setfuncs(state, functions, 0);
}
