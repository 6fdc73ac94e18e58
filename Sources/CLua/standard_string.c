// The string library, and what strings do as values. `find` and its like are in standard_search.c, `format` and
// `pack` in standard_format.c.

#include "pattern.h"
#include <ctype.h>
#include <limits.h>
#include <string.h>

// For work that goes over `bytes` bytes once.
static void charge(lua_State *state, size_t bytes) {
    edge_lua_charge(state, edge_lua_account(state), bytes / EDGE_LUA_BYTES_A_UNIT);
}

// A range as Lua code says it: from 1, or from -1 backwards, to its end; cut to what is there.
struct range {
    size_t start;
    size_t end;
};

static struct range range(lua_Integer first, lua_Integer last, size_t length) {
    struct range range = {0, length};
    if (first > 0) {
        range.start = (size_t)first - 1;
    } else if (first < 0 && 0u - (size_t)first <= length) {
        range.start = length - (0u - (size_t)first);
    }
    if (last >= 0 && (size_t)last < length) {
        range.end = (size_t)last;
    } else if (last < 0) {
        range.end = 0u - (size_t)last > length ? 0 : length - (0u - (size_t)last) + 1;
    }
    if (range.end < range.start) range.end = range.start;
    return range;
}

static int byte(lua_State *state) {
    size_t length;
    const char *text = luaL_checklstring(state, 1, &length);
    lua_Integer first = luaL_optinteger(state, 2, 1);
    struct range at = range(first, luaL_optinteger(state, 3, first), length);
    if (at.end - at.start > EDGE_LUA_RESULTS_MAX) return luaL_error(state, "string slice too long");
    int count = (int)(at.end - at.start);
    edge_lua_charge(state, edge_lua_account(state), (size_t)count);
    luaL_checkstack(state, count, "string slice too long");
    for (size_t place = at.start; place < at.end; place++) {
        lua_pushinteger(state, (unsigned char)text[place]);
    }
    return count;
}

static int character(lua_State *state) {
    int count = lua_gettop(state);
    edge_lua_charge(state, edge_lua_account(state), (size_t)count);
    luaL_Buffer buffer;
    char *bytes = luaL_buffinitsize(state, &buffer, (size_t)count);
    for (int at = 1; at <= count; at++) {
        lua_Unsigned value = (lua_Unsigned)luaL_checkinteger(state, at);
        luaL_argcheck(state, value <= 0xFF, at, "value out of range");
        bytes[at - 1] = (char)value;
    }
    luaL_pushresultsize(&buffer, (size_t)count);
    return 1;
}

static int length(lua_State *state) {
    size_t size;
    luaL_checklstring(state, 1, &size);
    lua_pushinteger(state, (lua_Integer)size);
    return 1;
}

static int sub(lua_State *state) {
    size_t size;
    const char *text = luaL_checklstring(state, 1, &size);
    lua_Integer first = luaL_checkinteger(state, 2);
    struct range at = range(first, luaL_optinteger(state, 3, -1), size);
    if (at.start == at.end) {
        lua_pushliteral(state, "");
        return 1;
    }
    charge(state, at.end - at.start);
    lua_pushlstring(state, text + at.start, at.end - at.start);
    return 1;
}

static int lower(lua_State *state) {
    size_t size;
    const char *text = luaL_checklstring(state, 1, &size);
    luaL_Buffer buffer;
    char *bytes = luaL_buffinitsize(state, &buffer, size);
    charge(state, size);
    for (size_t at = 0; at < size; at++) bytes[at] = (char)tolower((unsigned char)text[at]);
    luaL_pushresultsize(&buffer, size);
    return 1;
}

static int upper(lua_State *state) {
    size_t size;
    const char *text = luaL_checklstring(state, 1, &size);
    luaL_Buffer buffer;
    char *bytes = luaL_buffinitsize(state, &buffer, size);
    charge(state, size);
    for (size_t at = 0; at < size; at++) bytes[at] = (char)toupper((unsigned char)text[at]);
    luaL_pushresultsize(&buffer, size);
    return 1;
}

static int reverse(lua_State *state) {
    size_t size;
    const char *text = luaL_checklstring(state, 1, &size);
    luaL_Buffer buffer;
    char *bytes = luaL_buffinitsize(state, &buffer, size);
    charge(state, size);
    for (size_t at = 0; at < size; at++) bytes[at] = text[size - 1 - at];
    luaL_pushresultsize(&buffer, size);
    return 1;
}

static int rep(lua_State *state) {
    size_t size, separator_size;
    const char *text = luaL_checklstring(state, 1, &size);
    lua_Integer count = luaL_checkinteger(state, 2);
    const char *separator = luaL_optlstring(state, 3, "", &separator_size);
    size_t stride = size + separator_size;
    if (count <= 0 || stride == 0) {
        lua_pushliteral(state, "");
        return 1;
    }
    if (stride > (size_t)INT_MAX / (size_t)count) {
        return luaL_error(state, "resulting string too large");
    }
    size_t total = stride * (size_t)count - separator_size;
    luaL_Buffer buffer;
    char *bytes = luaL_buffinitsize(state, &buffer, total);
    charge(state, total);
    memcpy(bytes, text, size);
    if (count > 1) {
        memcpy(bytes + size, separator, separator_size);
        // What is there already is copied behind itself, twice as much each time.
        for (size_t done = stride; done < total;) {
            size_t more = done < total - done ? done : total - done;
            memcpy(bytes + done, bytes, more);
            done += more;
        }
    }
    luaL_pushresultsize(&buffer, total);
    return 1;
}

// MARK: Arithmetic

// Strings take part in it by what numbers they say. Only here is the length of what is read for one charged.
static const struct operation {
    const char *event;
    int code;
} operations[] = {
    {"__add", LUA_OPADD}, {"__sub", LUA_OPSUB}, {"__mul", LUA_OPMUL},   {"__mod", LUA_OPMOD},
    {"__pow", LUA_OPPOW}, {"__div", LUA_OPDIV}, {"__idiv", LUA_OPIDIV}, {"__unm", LUA_OPUNM},
};
enum { OPERATIONS = sizeof operations / sizeof *operations };

static int push_number(lua_State *state, int index) {
    if (lua_type(state, index) == LUA_TNUMBER) {
        lua_pushvalue(state, index);
        return 1;
    }
    size_t size;
    const char *text = lua_tolstring(state, index, &size);
    if (!text) return 0;
    edge_lua_charge(state, edge_lua_account(state), size);
    return lua_stringtonumber(state, text) == size + 1;
}

static int calculate(lua_State *state) {
    const struct operation *operation = &operations[lua_tointeger(state, lua_upvalueindex(1))];
    if (push_number(state, 1) && push_number(state, 2)) {
        lua_arith(state, operation->code);
        return 1;
    }
    // The other operand may know better.
    lua_settop(state, 2);
    if (lua_type(state, 2) == LUA_TSTRING || !luaL_getmetafield(state, 2, operation->event)) {
        return luaL_error(state, "attempt to %s a '%s' with a '%s'", operation->event + 2,
                          luaL_typename(state, 1), luaL_typename(state, 2));
    }
    lua_insert(state, 1);
    lua_call(state, 2, 1);
    return 1;
}

void edge_lua_push_string(lua_State *state) {
    static const luaL_Reg functions[] = {
        {"byte", byte}, {"char", character},    {"len", length}, {"lower", lower}, {"rep", rep},
        {"reverse", reverse}, {"sub", sub}, {"upper", upper}, {NULL, NULL},
    };
    luaL_newlib(state, functions);
    edge_lua_add_search(state);
    edge_lua_add_format(state);

    lua_pushliteral(state, "");
    lua_createtable(state, 0, OPERATIONS + 2);
    for (int index = 0; index < OPERATIONS; index++) {
        lua_pushinteger(state, index);
        lua_pushcclosure(state, calculate, 1);
        lua_setfield(state, -2, operations[index].event);
    }
    lua_pushvalue(state, -3);
    lua_setfield(state, -2, "__index");
    lua_pushboolean(state, 0);
    lua_setfield(state, -2, "__metatable");
    lua_setmetatable(state, -2);
    lua_pop(state, 1);
}
