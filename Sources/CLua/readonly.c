// Tables that Lua code may read only: an empty one stands before each.

#include "standard.h"

char edge_lua_readonly;

int edge_lua_push_behind(lua_State *state, int index) {
    if (lua_type(state, index) != LUA_TTABLE || !lua_getmetatable(state, index)) return 0;
    int is_readonly = lua_rawgetp(state, -1, &edge_lua_readonly) != LUA_TNIL;
    lua_pop(state, 1);
    if (!is_readonly) {
        lua_pop(state, 1);
        return 0;
    }
    lua_pushliteral(state, "__index");
    lua_rawget(state, -2);
    lua_remove(state, -2);
    return 1;
}

static int refuse(lua_State *state, const char *name) {
    // The assignment may be one that a library function makes for Lua code.
    int level = 1;
    lua_Debug record;
    while (lua_getstack(state, level, &record) && lua_getinfo(state, "l", &record) && record.currentline < 0) {
        level++;
    }
    luaL_where(state, level);
    lua_pushfstring(state, "%s is read-only", name);
    lua_concat(state, 2);
    return lua_error(state);
}

void edge_lua_check_writable(lua_State *state, int index) {
    if (lua_type(state, index) != LUA_TTABLE || !lua_getmetatable(state, index)) return;
    if (lua_rawgetp(state, -1, &edge_lua_readonly) == LUA_TSTRING) {
        refuse(state, lua_tostring(state, -1));
    }
    lua_pop(state, 2);
}

static int assign(lua_State *state) {
    return refuse(state, lua_tostring(state, lua_upvalueindex(1)));
}

static int length(lua_State *state) {
    lua_pushinteger(state, luaL_len(state, lua_upvalueindex(1)));
    return 1;
}

// The table behind must not be handed out, as the state of an iterator would be.
static int pairs(lua_State *state) {
    edge_lua_push_walk(state, lua_upvalueindex(1));
    lua_pushvalue(state, 1);
    lua_pushnil(state);
    return 3;
}

void edge_lua_push_readonly(lua_State *state, const char *name) {
    int behind = lua_gettop(state);
    lua_newtable(state);
    lua_createtable(state, 0, 6);
    lua_pushvalue(state, behind);
    lua_setfield(state, -2, "__index");
    lua_pushstring(state, name);
    lua_pushvalue(state, -1);
    lua_rawsetp(state, -3, &edge_lua_readonly);
    lua_pushcclosure(state, assign, 1);
    lua_setfield(state, -2, "__newindex");
    lua_pushvalue(state, behind);
    lua_pushcclosure(state, length, 1);
    lua_setfield(state, -2, "__len");
    lua_pushvalue(state, behind);
    lua_pushcclosure(state, pairs, 1);
    lua_setfield(state, -2, "__pairs");
    lua_pushboolean(state, 0);
    lua_setfield(state, -2, "__metatable");
    lua_setmetatable(state, -2);
    lua_replace(state, behind);
}
