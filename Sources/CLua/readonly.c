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

const char *edge_lua_readonly_name(lua_State *state, int index) {
    const char *name = NULL;
    if (lua_type(state, index) != LUA_TTABLE || !lua_getmetatable(state, index)) return NULL;
    // The metatable holds it.
    if (lua_rawgetp(state, -1, &edge_lua_readonly) == LUA_TSTRING) name = lua_tostring(state, -1);
    lua_pop(state, 2);
    return name;
}

int edge_lua_next(lua_State *state, int index) {
    index = lua_absindex(state, index);
    if (!edge_lua_push_behind(state, index)) return lua_next(state, index);
    lua_insert(state, -2);
    int is_more = lua_next(state, -2);
    lua_remove(state, is_more ? -3 : -1);
    return is_more;
}

size_t edge_lua_length(lua_State *state, int index) {
    int is_behind = edge_lua_push_behind(state, index);
    size_t length = lua_rawlen(state, is_behind ? -1 : index);
    lua_pop(state, is_behind);
    return length;
}

void edge_lua_item(lua_State *state, int index, lua_Integer place) {
    if (!edge_lua_push_behind(state, index)) {
        lua_rawgeti(state, index, place);
        return;
    }
    lua_rawgeti(state, -1, place);
    lua_remove(state, -2);
}

void edge_lua_field(lua_State *state, int index) {
    if (!edge_lua_push_behind(state, index)) {
        lua_rawget(state, index);
        return;
    }
    lua_insert(state, -2);
    lua_rawget(state, -2);
    lua_remove(state, -2);
}

void edge_lua_check_writable(lua_State *state, int index) {
    const char *name = edge_lua_readonly_name(state, index);
    if (name) refuse(state, name);
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
