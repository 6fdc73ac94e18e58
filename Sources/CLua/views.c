// Views: light userdata with one metatable for all kinds.

#include "account.h"
#include <stdlib.h>
#include <string.h>

enum { KIND_MASK = (1 << EDGE_LUA_KIND_BITS) - 1 };

static uint64_t word_at(lua_State *state) { return edge_lua_view(state, 1); }

// Pushes what the kind's table has under the name at 2.
static int member(lua_State *state, uint64_t word) {
    int kind = (int)(word & KIND_MASK);
    if (kind >= EDGE_LUA_KINDS || lua_rawgeti(state, lua_upvalueindex(1), kind) != LUA_TTABLE) return LUA_TNIL;
    lua_pushvalue(state, 2);
    return lua_rawget(state, -2);
}

static int call(lua_State *state, int (*host)(lua_State *, uint64_t, int), uint64_t word, int field) {
    struct edge_lua_account *account = edge_lua_account(state);
    edge_lua_charge(state, account, EDGE_LUA_HOST_UNITS);
    int enforced = account->enforced;
    account->enforced = 0;
    int count = host(state, word, field);
    account->enforced = enforced;
    return edge_lua_finish(state, count);
}

static int get(lua_State *state) {
    uint64_t word = word_at(state);
    int field = -1;
    switch (member(state, word)) {
    case LUA_TFUNCTION: return 1;
    case LUA_TNUMBER: field = (int)lua_tointegerx(state, -1, NULL); break;
    default: break;
    }
    lua_settop(state, 2);
    return call(state, edge_lua_account(state)->views.get, word, field);
}

static int set(lua_State *state) {
    uint64_t word = word_at(state);
    int field = member(state, word) == LUA_TNUMBER ? (int)lua_tointegerx(state, -1, NULL) : -1;
    lua_settop(state, 3);
    return call(state, edge_lua_account(state)->views.set, word, field);
}

static int next_of(lua_State *state, uint64_t word, int field) {
    (void)field;
    return edge_lua_account(state)->views.next(state, word);
}

static int next(lua_State *state) {
    lua_settop(state, 2);
    edge_lua_charge(state, edge_lua_account(state), 10);
    return call(state, next_of, word_at(state), 0);
}

// The upvalues of a walk over a list of names and values.
enum { WALK_LIST = 1, WALK_PLACE };

static int step(lua_State *state) {
    edge_lua_charge(state, edge_lua_account(state), 10);
    lua_Integer place = lua_tointeger(state, lua_upvalueindex(WALK_PLACE));
    lua_settop(state, 0);
    if (lua_rawgeti(state, lua_upvalueindex(WALK_LIST), place + 1) == LUA_TNIL) return 1;
    lua_rawgeti(state, lua_upvalueindex(WALK_LIST), place + 2);
    lua_pushinteger(state, place + 2);
    lua_replace(state, lua_upvalueindex(WALK_PLACE));
    return 2;
}

static int list_of(lua_State *state, uint64_t word, int field) {
    (void)field;
    return edge_lua_account(state)->views.list(state, word);
}

static int pairs(lua_State *state) {
    lua_settop(state, 1);
    if (call(state, list_of, word_at(state), 0)) {
        lua_pushinteger(state, 0);
        lua_pushcclosure(state, step, WALK_PLACE);
        return 1;
    }
    lua_pushvalue(state, lua_upvalueindex(1));
    lua_pushvalue(state, 1);
    lua_pushnil(state);
    return 3;
}

static int text_of(lua_State *state, uint64_t word, int field) {
    (void)field;
    return edge_lua_account(state)->views.text(state, word);
}

static int text(lua_State *state) { return call(state, text_of, word_at(state), 0); }

void edge_lua_set_views(lua_State *state, edge_lua_view_host host) {
    edge_lua_account(state)->views = host;
    int kinds = lua_absindex(state, -1);
    lua_pushlightuserdata(state, NULL);
    lua_createtable(state, 0, 8);
    lua_pushvalue(state, kinds);
    lua_pushcclosure(state, get, 1);
    lua_setfield(state, -2, "__index");
    lua_pushvalue(state, kinds);
    lua_pushcclosure(state, set, 1);
    lua_setfield(state, -2, "__newindex");
    lua_pushcfunction(state, next);
    lua_pushcclosure(state, pairs, 1);
    lua_setfield(state, -2, "__pairs");
    lua_pushcfunction(state, text);
    lua_setfield(state, -2, "__tostring");
    lua_pushboolean(state, 0);
    lua_setfield(state, -2, "__metatable");
    lua_setmetatable(state, -2);
    lua_settop(state, kinds - 1);
}
