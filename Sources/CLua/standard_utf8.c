// The utf8 library: sequences of up to six bytes as Lua has them; strict unless asked otherwise.

#include "standard.h"

enum { STRICT_MAX = 0x10FFFF, LAX_MAX = 0x7FFFFFFF };
static const char invalid[] = "invalid UTF-8 code";

static int continues(const char *byte) { return (*byte & 0xC0) == 0x80; }

// Answers where the code point ends, or NULL. The zero behind every string ends what it breaks off.
static const char *decode(const char *text, lua_Unsigned *code, int is_lax) {
    static const lua_Unsigned least[] = {0, 0x80, 0x800, 0x10000, 0x200000, 0x4000000};
    unsigned first = (unsigned char)*text;
    if (first < 0x80) {
        *code = first;
        return text + 1;
    }
    int more = 0;
    while (first & (0x40u >> more)) more++;
    if (more < 1 || more > 5) return NULL;
    lua_Unsigned value = first & (0x3Fu >> more);
    for (int at = 1; at <= more; at++) {
        if (!continues(text + at)) return NULL;
        value = value << 6 | (text[at] & 0x3F);
    }
    if (value < least[more]) return NULL;
    if (!is_lax && (value > STRICT_MAX || (value >= 0xD800 && value <= 0xDFFF))) return NULL;
    *code = value;
    return text + more + 1;
}

static void charge(lua_State *state, size_t bytes) {
    edge_lua_charge(state, edge_lua_account(state), bytes);
}

// A negative position counts from the end.
static lua_Integer position(lua_Integer value, size_t length) {
    if (value >= 0) return value;
    return 0u - (size_t)value > length ? 0 : (lua_Integer)length + value + 1;
}

static int length(lua_State *state) {
    size_t size;
    const char *text = luaL_checklstring(state, 1, &size);
    lua_Integer at = position(luaL_optinteger(state, 2, 1), size);
    lua_Integer last = position(luaL_optinteger(state, 3, -1), size);
    int is_lax = lua_toboolean(state, 4);
    luaL_argcheck(state, at >= 1 && at - 1 <= (lua_Integer)size, 2, "initial position out of bounds");
    luaL_argcheck(state, last <= (lua_Integer)size, 3, "final position out of bounds");
    if (last >= at) charge(state, (size_t)(last - at + 1));
    lua_Integer count = 0;
    while (at <= last) {
        lua_Unsigned code;
        const char *end = decode(text + at - 1, &code, is_lax);
        if (!end) {
            luaL_pushfail(state);
            lua_pushinteger(state, at);
            return 2;
        }
        at = end - text + 1;
        count++;
    }
    lua_pushinteger(state, count);
    return 1;
}

static int code_points(lua_State *state) {
    size_t size;
    const char *text = luaL_checklstring(state, 1, &size);
    lua_Integer at = position(luaL_optinteger(state, 2, 1), size);
    lua_Integer last = position(luaL_optinteger(state, 3, at), size);
    int is_lax = lua_toboolean(state, 4);
    luaL_argcheck(state, at >= 1, 2, "out of bounds");
    luaL_argcheck(state, last <= (lua_Integer)size, 3, "out of bounds");
    if (at > last) return 0;
    charge(state, (size_t)(last - at + 1));
    const char *next = text + at - 1;
    int count = 0;
    while (next < text + last) {
        lua_Unsigned code;
        next = decode(next, &code, is_lax);
        if (!next) return luaL_error(state, invalid);
        if (count == EDGE_LUA_RESULTS_MAX) return luaL_error(state, "string slice too long");
        luaL_checkstack(state, 1, "string slice too long");
        lua_pushinteger(state, (lua_Integer)code);
        count++;
    }
    return count;
}

static size_t encode(char *bytes, lua_Unsigned code) {
    if (code < 0x80) {
        *bytes = (char)code;
        return 1;
    }
    int more = 1;
    while (code >> (5 * more + 6)) more++;
    *bytes = (char)(0xFF00u >> (more + 1) | (unsigned)(code >> (6 * more)));
    for (int at = 1; at <= more; at++) {
        bytes[at] = (char)(0x80 | (code >> (6 * (more - at)) & 0x3F));
    }
    return (size_t)more + 1;
}

static int character(lua_State *state) {
    int count = lua_gettop(state);
    charge(state, (size_t)count);
    luaL_Buffer buffer;
    luaL_buffinit(state, &buffer);
    for (int at = 1; at <= count; at++) {
        lua_Unsigned code = (lua_Unsigned)luaL_checkinteger(state, at);
        luaL_argcheck(state, code <= LAX_MAX, at, "value out of range");
        char bytes[8];
        luaL_addlstring(&buffer, bytes, encode(bytes, code));
    }
    luaL_pushresult(&buffer);
    return 1;
}

static int offset(lua_State *state) {
    size_t size;
    const char *text = luaL_checklstring(state, 1, &size);
    lua_Integer count = luaL_checkinteger(state, 2);
    lua_Integer at = position(luaL_optinteger(state, 3, count >= 0 ? 1 : (lua_Integer)size + 1), size);
    luaL_argcheck(state, at >= 1 && at - 1 <= (lua_Integer)size, 3, "position out of bounds");
    at--;
    lua_Integer from = at;
    lua_Integer end = (lua_Integer)size;
    if (count == 0) {
        while (at > 0 && continues(text + at)) at--;
    } else {
        if (continues(text + at)) return luaL_error(state, "initial position is a continuation byte");
        if (count > 0) count--;
        for (; count < 0 && at > 0; count++) {
            do at--;
            while (at > 0 && continues(text + at));
        }
        for (; count > 0 && at < end; count--) {
            do at++;
            while (continues(text + at));
        }
    }
    charge(state, (size_t)(at > from ? at - from : from - at));
    if (count == 0) {
        lua_pushinteger(state, at + 1);
    } else {
        luaL_pushfail(state);
    }
    return 1;
}

static int walk(lua_State *state, int is_lax) {
    size_t size;
    const char *text = luaL_checklstring(state, 1, &size);
    lua_Unsigned from = (lua_Unsigned)lua_tointeger(state, 2);
    lua_Unsigned at = from;
    if (at > 0) {
        if (at > size) return 0;
        while (continues(text + at)) at++;
    }
    charge(state, (size_t)(at - from) + 1);
    if (at >= size) return 0;
    lua_Unsigned code;
    const char *next = decode(text + at, &code, is_lax);
    if (!next || continues(next)) return luaL_error(state, invalid);
    lua_pushinteger(state, (lua_Integer)at + 1);
    lua_pushinteger(state, (lua_Integer)code);
    return 2;
}

static int walk_strictly(lua_State *state) { return walk(state, 0); }
static int walk_laxly(lua_State *state) { return walk(state, 1); }

static int codes(lua_State *state) {
    int is_lax = lua_toboolean(state, 2);
    const char *text = luaL_checkstring(state, 1);
    luaL_argcheck(state, !continues(text), 1, invalid);
    lua_pushcfunction(state, is_lax ? walk_laxly : walk_strictly);
    lua_pushvalue(state, 1);
    lua_pushinteger(state, 0);
    return 3;
}

void edge_lua_push_utf8(lua_State *state) {
    static const luaL_Reg functions[] = {
        {"char", character}, {"codepoint", code_points}, {"codes", codes},
        {"len", length},     {"offset", offset},         {NULL, NULL},
    };
    luaL_newlib(state, functions);
    static const char pattern[] = "[\0-\x7F\xC2-\xFD][\x80-\xBF]*";
    lua_pushlstring(state, pattern, sizeof pattern - 1);
    lua_setfield(state, -2, "charpattern");
}
