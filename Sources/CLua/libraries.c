// What a sandbox is made of, and bytecode for the machines of other loops.

#include "account.h"

static int open_libraries(lua_State *state) {
    luaL_requiref(state, LUA_GNAME, luaopen_base, 0);
    luaL_requiref(state, LUA_STRLIBNAME, luaopen_string, 0);
    lua_setfield(state, -2, LUA_STRLIBNAME);
    luaL_requiref(state, LUA_TABLIBNAME, luaopen_table, 0);
    lua_setfield(state, -2, LUA_TABLIBNAME);
    luaL_requiref(state, LUA_MATHLIBNAME, luaopen_math, 0);
    lua_setfield(state, -2, LUA_MATHLIBNAME);
    luaL_requiref(state, LUA_UTF8LIBNAME, luaopen_utf8, 0);
    lua_setfield(state, -2, LUA_UTF8LIBNAME);
    edge_lua_push_coroutines(state);
    lua_setfield(state, -2, LUA_COLIBNAME);
    return 1;
}

int edge_lua_open_libraries(lua_State *state) {
    lua_pushcfunction(state, open_libraries);
    edge_lua_run run = {.fuel = 1000000, .memory = SIZE_MAX, .slice = UINT64_MAX, .run_max = UINT64_MAX};
    int status = edge_lua_call(state, 0, 1, &run);
    if (status == LUA_OK) edge_lua_account(state)->libraries = edge_lua_keep(state);
    return status;
}

void edge_lua_push_libraries(lua_State *state) {
    edge_lua_push_kept(state, edge_lua_account(state)->libraries);
}

int edge_lua_dump(lua_State *state, lua_Writer write, void *data) { return lua_dump(state, write, data, 0); }

__attribute__((weak)) void edge_lua_push_readonly(lua_State *state, const char *name) { (void)state; (void)name; }
