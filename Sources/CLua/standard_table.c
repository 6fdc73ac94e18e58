// The table library. Elements are read and written as Lua code does it, metamethods included.

#include "standard.h"
#include <limits.h>

// What an argument that is no table must have metamethods for.
enum { READS = 1, WRITES = 2, MEASURES = 4 };

static int has(lua_State *state, int metatable, const char *name) {
    lua_pushstring(state, name);
    lua_rawget(state, metatable);
    int is_there = !lua_isnil(state, -1);
    lua_pop(state, 1);
    return is_there;
}

static void check(lua_State *state, int index, int needs) {
    if (lua_type(state, index) == LUA_TTABLE) return;
    if (lua_getmetatable(state, index)) {
        int metatable = lua_gettop(state);
        int does = (!(needs & READS) || has(state, metatable, "__index"))
                   && (!(needs & WRITES) || has(state, metatable, "__newindex"))
                   && (!(needs & MEASURES) || has(state, metatable, "__len"));
        lua_pop(state, 1);
        if (does) return;
    }
    luaL_checktype(state, index, LUA_TTABLE);
}

static lua_Integer measure(lua_State *state, int index, int needs) {
    check(state, index, needs | MEASURES);
    return luaL_len(state, index);
}

static void copy(lua_State *state, int from, lua_Integer at, int to, lua_Integer place) {
    edge_lua_charge(state, edge_lua_account(state), EDGE_LUA_ELEMENT_UNITS);
    lua_geti(state, from, at);
    lua_seti(state, to, place);
}

static int insert(lua_State *state) {
    // A length may be the largest integer: sums wrap around.
    lua_Unsigned end = (lua_Unsigned)measure(state, 1, READS | WRITES) + 1;
    lua_Integer place = (lua_Integer)end;
    switch (lua_gettop(state)) {
    case 2: break;
    case 3:
        place = luaL_checkinteger(state, 2);
        luaL_argcheck(state, (lua_Unsigned)place - 1 < end, 2, "position out of bounds");
        for (lua_Integer at = (lua_Integer)end; at > place; at--) copy(state, 1, at - 1, 1, at);
        break;
    default: return luaL_error(state, "wrong number of arguments to 'insert'");
    }
    lua_seti(state, 1, place);
    return 0;
}

static int removes(lua_State *state) {
    lua_Integer length = measure(state, 1, READS | WRITES);
    lua_Integer place = luaL_optinteger(state, 2, length);
    if (place != length) {
        luaL_argcheck(state, (lua_Unsigned)place - 1 <= (lua_Unsigned)length, 1, "position out of bounds");
    }
    lua_geti(state, 1, place);
    for (; place < length; place++) copy(state, 1, place + 1, 1, place);
    lua_pushnil(state);
    lua_seti(state, 1, place);
    return 1;
}

static int move(lua_State *state) {
    lua_Integer from = luaL_checkinteger(state, 2);
    lua_Integer last = luaL_checkinteger(state, 3);
    lua_Integer place = luaL_checkinteger(state, 4);
    int target = lua_isnoneornil(state, 5) ? 1 : 5;
    check(state, 1, READS);
    check(state, target, WRITES);
    if (last >= from) {
        luaL_argcheck(state, from > 0 || last < LUA_MAXINTEGER + from, 3, "too many elements to move");
        lua_Integer count = last - from + 1;
        luaL_argcheck(state, place <= LUA_MAXINTEGER - count + 1, 4, "destination wrap around");
        // Where the ranges overlap nothing may be overwritten before it is read.
        int is_upwards = place > last || place <= from
                         || (target != 1 && !lua_compare(state, 1, target, LUA_OPEQ));
        for (lua_Integer done = 0; done < count; done++) {
            lua_Integer offset = is_upwards ? done : count - 1 - done;
            copy(state, 1, from + offset, target, place + offset);
        }
    }
    lua_pushvalue(state, target);
    return 1;
}

// Writing a number in digits.
enum { NUMBER_TEXT_UNITS = 50 };

static void add(lua_State *state, luaL_Buffer *buffer, lua_Integer at) {
    lua_geti(state, 1, at);
    if (!lua_isstring(state, -1)) {
        luaL_error(state, "invalid value (%s) at index %I in table for 'concat'", luaL_typename(state, -1),
                   (LUAI_UACINT)at);
    }
    size_t units = lua_type(state, -1) == LUA_TNUMBER ? NUMBER_TEXT_UNITS : EDGE_LUA_ELEMENT_UNITS;
    edge_lua_charge(state, edge_lua_account(state), units + lua_rawlen(state, -1) / EDGE_LUA_BYTES_A_UNIT);
    luaL_addvalue(buffer);
}

static int concat(lua_State *state) {
    lua_Integer last = measure(state, 1, READS);
    size_t length;
    const char *separator = luaL_optlstring(state, 2, "", &length);
    lua_Integer at = luaL_optinteger(state, 3, 1);
    last = luaL_optinteger(state, 4, last);
    luaL_Buffer buffer;
    luaL_buffinit(state, &buffer);
    if (at <= last) {
        for (; at < last; at++) {
            add(state, &buffer, at);
            edge_lua_charge(state, edge_lua_account(state), length / EDGE_LUA_BYTES_A_UNIT);
            luaL_addlstring(&buffer, separator, length);
        }
        add(state, &buffer, at);
    }
    luaL_pushresult(&buffer);
    return 1;
}

static int pack(lua_State *state) {
    int count = lua_gettop(state);
    edge_lua_charge(state, edge_lua_account(state), (size_t)count);
    lua_createtable(state, count, 1);
    lua_insert(state, 1);
    for (int at = count; at > 0; at--) lua_rawseti(state, 1, at);
    lua_pushinteger(state, count);
    lua_setfield(state, 1, "n");
    return 1;
}

static int unpack(lua_State *state) {
    lua_Integer first = luaL_optinteger(state, 2, 1);
    lua_Integer last = lua_isnoneornil(state, 3) ? luaL_len(state, 1) : luaL_checkinteger(state, 3);
    if (first > last) return 0;
    lua_Unsigned count = (lua_Unsigned)last - (lua_Unsigned)first;
    if (count >= EDGE_LUA_RESULTS_MAX || !lua_checkstack(state, (int)count + 1)) {
        return luaL_error(state, "too many results to unpack");
    }
    edge_lua_charge(state, edge_lua_account(state), ((size_t)count + 1) * EDGE_LUA_ELEMENT_UNITS);
    for (lua_Unsigned offset = 0; offset <= count; offset++) {
        lua_geti(state, 1, (lua_Integer)((lua_Unsigned)first + offset));
    }
    return (int)count + 1;
}

// MARK: Sorting

// The values are read into a table of their own at 3, and their numbers are merged in ever longer runs. Whatever the
// order function answers, and whatever it does to the table, there are no more than n log n comparisons.

static int precedes(lua_State *state, int a, int b) {
    size_t units = EDGE_LUA_ELEMENT_UNITS;
    int is_less;
    if (lua_isnil(state, 2)) {
        lua_rawgeti(state, 3, a);
        lua_rawgeti(state, 3, b);
        if (lua_type(state, -1) == LUA_TSTRING && lua_type(state, -2) == LUA_TSTRING) {
            size_t lengths[] = {lua_rawlen(state, -1), lua_rawlen(state, -2)};
            units += lengths[lengths[0] > lengths[1]] / EDGE_LUA_BYTES_A_UNIT;
        }
        edge_lua_charge(state, edge_lua_account(state), units);
        is_less = lua_compare(state, -2, -1, LUA_OPLT);
        lua_pop(state, 2);
    } else {
        edge_lua_charge(state, edge_lua_account(state), units);
        lua_pushvalue(state, 2);
        lua_rawgeti(state, 3, a);
        lua_rawgeti(state, 3, b);
        lua_call(state, 2, 1);
        is_less = lua_toboolean(state, -1);
        lua_pop(state, 1);
    }
    return is_less;
}

static int *merge(lua_State *state, int *numbers, int *spare, int count) {
    for (long run = 1; run < count; run *= 2) {
        for (long start = 0; start < count; start += 2 * run) {
            long left = start;
            long middle = start + run < count ? start + run : count;
            long right = middle;
            long end = middle + run < count ? middle + run : count;
            for (long at = start; at < end; at++) {
                int is_left = right == end
                              || (left < middle && !precedes(state, numbers[right], numbers[left]));
                spare[at] = is_left ? numbers[left++] : numbers[right++];
            }
        }
        int *sorted = spare;
        spare = numbers;
        numbers = sorted;
    }
    return numbers;
}

static int sort(lua_State *state) {
    lua_Integer length = measure(state, 1, READS | WRITES);
    if (length < 2) return 0;
    luaL_argcheck(state, length < INT_MAX, 1, "array too big");
    if (!lua_isnoneornil(state, 2)) luaL_checktype(state, 2, LUA_TFUNCTION);
    lua_settop(state, 2);
    int count = (int)length;
    // A length that was made up gets no room in advance.
    lua_createtable(state, (size_t)count == lua_rawlen(state, 1) ? count : 0, 0);
    struct edge_lua_account *account = edge_lua_account(state);
    for (int at = 1; at <= count; at++) {
        edge_lua_charge(state, account, EDGE_LUA_ELEMENT_UNITS);
        lua_geti(state, 1, at);
        lua_rawseti(state, 3, at);
    }
    int *numbers = lua_newuserdatauv(state, 2 * (size_t)count * sizeof *numbers, 0);
    for (int at = 0; at < count; at++) numbers[at] = at + 1;
    int *sorted = merge(state, numbers, numbers + count, count);
    for (int at = 1; at <= count; at++) {
        edge_lua_charge(state, account, EDGE_LUA_ELEMENT_UNITS);
        lua_rawgeti(state, 3, sorted[at - 1]);
        lua_seti(state, 1, at);
    }
    return 0;
}

void edge_lua_push_table(lua_State *state) {
    static const luaL_Reg functions[] = {
        {"concat", concat}, {"insert", insert},  {"move", move}, {"pack", pack},
        {"remove", removes}, {"sort", sort}, {"unpack", unpack}, {NULL, NULL},
    };
    luaL_newlib(state, functions);
}
