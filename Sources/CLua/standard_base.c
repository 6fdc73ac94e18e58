// The base functions: those with a loop, and those that must know of budgets and read-only tables.

#include "standard.h"
#include <string.h>

// MARK: Calls

// Lua bounds the depth of its C stack only, and a call that was unwound and goes on has left it. Each error looks at
// all calls that are open, so that a run with very many of them in one another would take seconds to die.
enum { PCALLS_MAX = 200 };

static void enter(lua_State *state) {
    uintptr_t *word = edge_lua_word(state);
    if (*word / EDGE_LUA_PCALL >= PCALLS_MAX) luaL_error(state, "C stack overflow");
    *word += EDGE_LUA_PCALL;
}

// An end of the run is not an error to be caught.
static int called(lua_State *state, int status, lua_KContext handlers) {
    *edge_lua_word(state) -= EDGE_LUA_PCALL;
    struct edge_lua_account *account = edge_lua_account(state);
    if (account->verdict) return edge_lua_die(state, account);
    if (status == LUA_OK || status == LUA_YIELD) return lua_gettop(state) - (int)handlers;
    lua_pushboolean(state, 0);
    lua_insert(state, -2);
    return 2;
}

static int pcall(lua_State *state) {
    luaL_checkany(state, 1);
    lua_pushboolean(state, 1);
    lua_insert(state, 1);
    enter(state);
    return called(state, lua_pcallk(state, lua_gettop(state) - 2, LUA_MULTRET, 0, 0, called), 0);
}

// The hook's own error comes here while no hook strikes: a handler that ran now could run for ever.
static int handle(lua_State *state) {
    lua_settop(state, 1);
    if (edge_lua_account(state)->verdict) return 1;
    lua_pushvalue(state, lua_upvalueindex(1));
    lua_insert(state, 1);
    lua_call(state, 1, 1);
    return 1;
}

// From  function handler argument…  to  function handle true function argument…
static int xpcall(lua_State *state) {
    int arguments = lua_gettop(state) - 2;
    luaL_checktype(state, 2, LUA_TFUNCTION);
    lua_pushvalue(state, 2);
    lua_pushcclosure(state, handle, 1);
    lua_replace(state, 2);
    lua_pushboolean(state, 1);
    lua_pushvalue(state, 1);
    lua_rotate(state, 3, 2);
    enter(state);
    return called(state, lua_pcallk(state, arguments, LUA_MULTRET, 2, 2, called), 2);
}

// MARK: Tables

static int rawget(lua_State *state) {
    luaL_checktype(state, 1, LUA_TTABLE);
    luaL_checkany(state, 2);
    lua_settop(state, 2);
    if (edge_lua_push_behind(state, 1)) lua_replace(state, 1);
    lua_rawget(state, 1);
    return 1;
}

static int rawset(lua_State *state) {
    luaL_checktype(state, 1, LUA_TTABLE);
    luaL_checkany(state, 2);
    luaL_checkany(state, 3);
    lua_settop(state, 3);
    edge_lua_check_writable(state, 1);
    lua_rawset(state, 1);
    return 1;
}

static int rawlen(lua_State *state) {
    int type = lua_type(state, 1);
    luaL_argexpected(state, type == LUA_TTABLE || type == LUA_TSTRING, 1, "table or string");
    if (edge_lua_push_behind(state, 1)) lua_replace(state, 1);
    lua_pushinteger(state, (lua_Integer)lua_rawlen(state, 1));
    return 1;
}

// Lua looks for a finalizer only when it sets a metatable: one that comes into the table later never runs.
static int set_metatable(lua_State *state) {
    int type = lua_type(state, 2);
    luaL_checktype(state, 1, LUA_TTABLE);
    luaL_argexpected(state, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
    lua_settop(state, 2);
    edge_lua_check_writable(state, 1);
    if (luaL_getmetafield(state, 1, "__metatable") != LUA_TNIL) {
        return luaL_error(state, "cannot change a protected metatable");
    }
    if (type == LUA_TTABLE) {
        lua_pushliteral(state, "__gc");
        if (lua_rawget(state, 2) != LUA_TNIL) return luaL_error(state, "__gc is not available");
        lua_pop(state, 1);
        lua_pushliteral(state, "__mode");
        if (lua_rawget(state, 2) != LUA_TNIL) {
            return luaL_error(state, "__mode is not available: there are no weak tables");
        }
        lua_pop(state, 1);
    }
    lua_setmetatable(state, 1);
    return 1;
}

static int choose(lua_State *state) {
    int count = lua_gettop(state);
    if (lua_type(state, 1) == LUA_TSTRING && *lua_tostring(state, 1) == '#') {
        lua_pushinteger(state, count - 1);
        return 1;
    }
    lua_Integer first = luaL_checkinteger(state, 1);
    if (first < 0) {
        first += count;
    } else if (first > count) {
        first = count;
    }
    luaL_argcheck(state, first >= 1, 1, "index out of range");
    int results = count - (int)first;
    edge_lua_charge(state, edge_lua_account(state), (size_t)results);
    if (results > EDGE_LUA_RESULTS_MAX) return luaL_error(state, "too many results to select");
    return results;
}

// MARK: Walks

// One step may cross many empty slots of a table that was large; the net of time under the fuel catches who does
// that on purpose.
static int next(lua_State *state) {
    luaL_checktype(state, 1, LUA_TTABLE);
    lua_settop(state, 2);
    edge_lua_charge(state, edge_lua_account(state), 1);
    if (edge_lua_push_behind(state, 1)) lua_replace(state, 1);
    if (lua_next(state, 1)) return 2;
    lua_pushnil(state);
    return 1;
}

// The order of `pairs`: 1…n while there is a value, the other integers, floats, strings by their bytes, booleans;
// then what has no order but that of Lua.
struct key {
    enum { INTEGER, FLOAT, STRING, BOOLEAN, OTHER } kind;
    int place; // among the unsorted
    union {
        lua_Integer integer;
        lua_Number number;
        const char *bytes;
    } as;
    size_t length;
};

static struct key key_at(lua_State *state, int index, int place) {
    struct key key = {.kind = OTHER, .place = place};
    switch (lua_type(state, index)) {
    case LUA_TNUMBER:
        if (lua_isinteger(state, index)) {
            key.kind = INTEGER;
            key.as.integer = lua_tointeger(state, index);
        } else {
            key.kind = FLOAT;
            key.as.number = lua_tonumber(state, index);
        }
        break;
    case LUA_TSTRING:
        key.kind = STRING;
        key.as.bytes = lua_tolstring(state, index, &key.length);
        break;
    case LUA_TBOOLEAN:
        key.kind = BOOLEAN;
        key.as.integer = lua_toboolean(state, index);
        break;
    default: break;
    }
    return key;
}

static int precedes(const struct key *a, const struct key *b, size_t *units) {
    *units += 1;
    if (a->kind != b->kind) return a->kind < b->kind;
    switch (a->kind) {
    case INTEGER:
    case BOOLEAN: return a->as.integer < b->as.integer;
    case FLOAT: return a->as.number < b->as.number;
    case STRING: {
        size_t common = a->length < b->length ? a->length : b->length;
        *units += common / EDGE_LUA_BYTES_A_UNIT;
        int order = memcmp(a->as.bytes, b->as.bytes, common);
        return order ? order < 0 : a->length < b->length;
    }
    case OTHER: break;
    }
    return a->place < b->place;
}

// Merges ever longer runs, from `keys` to `spare` and back; answers where the last merge went.
static struct key *sort(lua_State *state, struct key *keys, struct key *spare, int count) {
    struct edge_lua_account *account = edge_lua_account(state);
    for (long run = 1; run < count; run *= 2) {
        for (long start = 0; start < count; start += 2 * run) {
            long left = start;
            long middle = start + run < count ? start + run : count;
            long right = middle;
            long end = middle + run < count ? middle + run : count;
            size_t units = 0;
            for (long at = start; at < end; at++) {
                int is_left = right == end
                              || (left < middle && !precedes(&keys[right], &keys[left], &units));
                spare[at] = is_left ? keys[left++] : keys[right++];
            }
            edge_lua_charge(state, account, units);
        }
        struct key *sorted = spare;
        spare = keys;
        keys = sorted;
    }
    return keys;
}

// Most tables with names in them have few: those are sorted on the C stack.
enum { KEYS_FEW = 16 };

static int is_in_sequence(lua_State *state, int index, lua_Integer length) {
    return lua_isinteger(state, index) && lua_tointeger(state, index) >= 1
           && lua_tointeger(state, index) <= length;
}

// Takes the key to go on after, the last of those that came as 1, 2, …; pushes a table of the sorted others.
static void push_others(lua_State *state, int table, lua_Integer length) {
    struct edge_lua_account *account = edge_lua_account(state);
    int last = lua_gettop(state);
    size_t seen = 0;
    int count = 0;
    lua_pushvalue(state, last);
    while (lua_next(state, table)) {
        lua_pop(state, 1);
        seen++;
        if (!is_in_sequence(state, -1, length)) count++;
    }
    edge_lua_charge(state, account, 2 * seen);

    struct key few[2 * KEYS_FEW];
    struct key *keys = few;
    if (count > KEYS_FEW) {
        keys = lua_newuserdatauv(state, 2 * (size_t)count * sizeof *keys, 0);
    } else {
        lua_pushnil(state); // in its place
    }
    lua_createtable(state, count, 0);
    int sorted = lua_gettop(state);
    struct key *spare = keys + count;
    // From here on nothing is allocated: the strings live as long as they are keys.
    count = 0;
    lua_pushvalue(state, last);
    while (lua_next(state, table)) {
        lua_pop(state, 1);
        if (is_in_sequence(state, -1, length)) continue;
        keys[count] = key_at(state, -1, count);
        lua_pushvalue(state, -1);
        lua_rawseti(state, sorted, ++count);
    }

    struct key *order = sort(state, keys, spare, count);
    // Into place along the cycles of the permutation: `place` is where the value comes from.
    for (int start = 0; start < count; start++) {
        if (order[start].place == start) continue;
        lua_rawgeti(state, sorted, start + 1);
        int at = start;
        for (int from = order[at].place; from != start; from = order[at].place) {
            lua_rawgeti(state, sorted, from + 1);
            lua_rawseti(state, sorted, at + 1);
            order[at].place = at;
            at = from;
        }
        lua_rawseti(state, sorted, at + 1);
        order[at].place = at;
    }
    lua_replace(state, last);
    lua_settop(state, last);
}

// The upvalues of a walk.
enum { WALK_TABLE = 1, WALK_OTHERS, WALK_LENGTH, WALK_PLACE };

static int walk(lua_State *state) {
    struct edge_lua_account *account = edge_lua_account(state);
    lua_Integer length = lua_tointeger(state, lua_upvalueindex(WALK_LENGTH));
    lua_Integer place = lua_isnoneornil(state, 2) ? 0 : lua_tointeger(state, lua_upvalueindex(WALK_PLACE));
    lua_settop(state, 0);
    for (;;) {
        edge_lua_charge(state, account, 1);
        place++;
        if (place <= length) {
            lua_pushinteger(state, place);
        } else if (lua_rawgeti(state, lua_upvalueindex(WALK_OTHERS), place - length) == LUA_TNIL) {
            return 1;
        }
        lua_pushvalue(state, 1);
        // What became nil meanwhile is not there.
        if (lua_rawget(state, lua_upvalueindex(WALK_TABLE)) != LUA_TNIL) break;
        lua_settop(state, 0);
    }
    lua_pushinteger(state, place);
    lua_replace(state, lua_upvalueindex(WALK_PLACE));
    return 2;
}

// Pushes the last of the keys that come as 1, 2, …, and answers whether there are no others.
static int push_leading(lua_State *state, int table) {
    lua_Integer length = 0;
    lua_pushnil(state);
    lua_pushnil(state);
    int is_all = 1;
    while (is_all && lua_next(state, table)) {
        lua_pop(state, 1);
        is_all = lua_isinteger(state, -1) && lua_tointeger(state, -1) == length + 1;
        if (!is_all) break;
        length++;
        lua_copy(state, -1, -2);
    }
    if (!is_all) lua_pop(state, 1);
    edge_lua_charge(state, edge_lua_account(state), (size_t)length);
    return is_all;
}

// Takes the last of the leading keys.
static void push_walk(lua_State *state, int table) {
    int last = lua_gettop(state);
    lua_Integer leading = lua_tointeger(state, last);
    lua_Integer length = leading;
    while (lua_rawgeti(state, table, length + 1) != LUA_TNIL) {
        lua_pop(state, 1);
        length++;
    }
    lua_pop(state, 1);
    edge_lua_charge(state, edge_lua_account(state), (size_t)(length - leading));
    push_others(state, table, length);
    lua_pushvalue(state, table);
    lua_insert(state, last);
    lua_pushinteger(state, length);
    lua_pushinteger(state, 0);
    lua_pushcclosure(state, walk, WALK_PLACE);
}

void edge_lua_push_walk(lua_State *state, int index) {
    luaL_checkstack(state, 12, NULL);
    lua_pushvalue(state, index);
    int table = lua_gettop(state);
    push_leading(state, table);
    push_walk(state, table);
    lua_replace(state, table);
}

static int paired(lua_State *state, int status, lua_KContext context) {
    (void)state;
    (void)status;
    (void)context;
    return 3;
}

static int pairs(lua_State *state) {
    luaL_checkany(state, 1);
    if (luaL_getmetafield(state, 1, "__pairs") != LUA_TNIL) {
        lua_pushvalue(state, 1);
        lua_callk(state, 1, 3, 0, paired);
        return 3;
    }
    lua_settop(state, 1);
    // What has the keys 1…n only, and in this order, is walked as it lies, at no cost in memory.
    if (!lua_istable(state, 1) || push_leading(state, 1)) {
        lua_pushcfunction(state, next);
    } else {
        push_walk(state, 1);
    }
    lua_pushvalue(state, 1);
    lua_pushnil(state);
    return 3;
}

// MARK: Texts

const char *edge_lua_to_text(lua_State *state, int index, size_t *length) {
    index = lua_absindex(state, index);
    if (luaL_callmeta(state, index, "__tostring")) {
        if (!lua_isstring(state, -1)) luaL_error(state, "'__tostring' must return a string");
        return lua_tolstring(state, -1, length);
    }
    switch (lua_type(state, index)) {
    case LUA_TNUMBER:
    case LUA_TSTRING: lua_pushvalue(state, index); break;
    case LUA_TBOOLEAN: lua_pushstring(state, lua_toboolean(state, index) ? "true" : "false"); break;
    default: {
        int type = luaL_getmetafield(state, index, "__name");
        if (type == LUA_TSTRING) break;
        if (type != LUA_TNIL) lua_pop(state, 1);
        lua_pushstring(state, luaL_typename(state, index));
    }
    }
    return lua_tolstring(state, -1, length);
}

static int to_string(lua_State *state) {
    luaL_checkany(state, 1);
    edge_lua_to_text(state, 1, NULL);
    return 1;
}

static const char *after_blanks(const char *text) { return text + strspn(text, " \f\n\r\t\v"); }

static int digit(char byte) {
    if (byte >= '0' && byte <= '9') return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'z' ? byte - 'a' + 10 : 36;
}

// Whether all of the text is one integer; it wraps around.
static int parse(const char *text, const char *end, int base, lua_Integer *value) {
    text = after_blanks(text);
    int is_negative = *text == '-';
    if (*text == '-' || *text == '+') text++;
    if (digit(*text) >= base) return 0;
    lua_Unsigned sum = 0;
    for (; digit(*text) < base; text++) sum = sum * (lua_Unsigned)base + (lua_Unsigned)digit(*text);
    *value = (lua_Integer)(is_negative ? 0u - sum : sum);
    return after_blanks(text) == end;
}

static int to_number(lua_State *state) {
    size_t length;
    if (lua_isnoneornil(state, 2)) {
        luaL_checkany(state, 1);
        if (lua_type(state, 1) == LUA_TNUMBER) {
            lua_settop(state, 1);
            return 1;
        }
        const char *text = lua_tolstring(state, 1, &length);
        if (text) {
            edge_lua_charge(state, edge_lua_account(state), length);
            if (lua_stringtonumber(state, text) == length + 1) return 1;
        }
    } else {
        lua_Integer base = luaL_checkinteger(state, 2);
        luaL_checktype(state, 1, LUA_TSTRING);
        const char *text = lua_tolstring(state, 1, &length);
        luaL_argcheck(state, base >= 2 && base <= 36, 2, "base out of range");
        edge_lua_charge(state, edge_lua_account(state), length);
        lua_Integer value;
        if (parse(text, text + length, (int)base, &value)) {
            lua_pushinteger(state, value);
            return 1;
        }
    }
    luaL_pushfail(state);
    return 1;
}

// MARK: Code

// Pushes the globals of the nearest caller that uses any: machines are shared, so there are no others.
static void push_globals(lua_State *state) {
    lua_Debug record;
    for (int level = 1; lua_getstack(state, level, &record); level++) {
        edge_lua_charge(state, edge_lua_account(state), 1);
        lua_getinfo(state, "f", &record);
        if (!lua_iscfunction(state, -1)) {
            const char *name;
            for (int index = 1; (name = lua_getupvalue(state, -1, index)); index++) {
                if (strcmp(name, "_ENV") == 0) return;
                lua_pop(state, 1);
            }
        }
        lua_pop(state, 1);
    }
    lua_newtable(state);
}

// Bytecode is not checked by Lua and could do anything.
static int load(lua_State *state) {
    size_t length;
    luaL_checktype(state, 1, LUA_TSTRING);
    const char *text = lua_tolstring(state, 1, &length);
    const char *mode = luaL_optstring(state, 3, "t");
    const char *name = luaL_optstring(state, 2, text);
    int has_globals = !lua_isnone(state, 4);
    if (!has_globals) {
        lua_settop(state, 3);
        push_globals(state);
        lua_insert(state, 4);
    }
    lua_settop(state, 4);
    struct edge_lua_account *account = edge_lua_account(state);
    edge_lua_charge(state, account, length * EDGE_LUA_COMPILE_UNITS);
    if (*text == *LUA_SIGNATURE && strchr(mode, 'b')) mode = "t";
    if (luaL_loadbufferx(state, text, length, name, mode) != LUA_OK) {
        if (account->verdict) return edge_lua_die(state, account);
        luaL_pushfail(state);
        lua_insert(state, -2);
        return 2;
    }
    lua_pushvalue(state, 4);
    if (!lua_setupvalue(state, -2, 1)) lua_pop(state, 1);
    return 1;
}

void edge_lua_push_base(lua_State *state) {
    static const char *const real[] = {
        "assert", "error", "getmetatable", "ipairs", "rawequal", "type", "_VERSION", NULL,
    };
    static const luaL_Reg functions[] = {
        {"load", load},
        {"next", next},
        {"pairs", pairs},
        {"pcall", pcall},
        {"rawget", rawget},
        {"rawlen", rawlen},
        {"rawset", rawset},
        {"select", choose},
        {"setmetatable", set_metatable},
        {"tonumber", to_number},
        {"tostring", to_string},
        {"xpcall", xpcall},
        {NULL, NULL},
    };
    edge_lua_push_real(state, luaopen_base, real);
    luaL_setfuncs(state, functions, 0);
}
