// What a sandbox is made of, and bytecode for the machines of other loops.

#include "standard.h"

void edge_lua_push_real(lua_State *state, lua_CFunction library, const char *const *names) {
    // The base library writes into the globals of the machine, whatever they are.
    lua_rawgeti(state, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    lua_newtable(state);
    lua_rawseti(state, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    lua_pushcfunction(state, library);
    lua_call(state, 0, 1);
    lua_insert(state, -2);
    lua_rawseti(state, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    lua_newtable(state);
    for (; *names; names++) {
        lua_getfield(state, -2, *names);
        lua_setfield(state, -2, *names);
    }
    lua_remove(state, -2);
}

// Error texts name a function that has no name where it is called (`pcall(string.rep)`) by what is loaded.
static void name(lua_State *state, const char *library) {
    luaL_getsubtable(state, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushvalue(state, -2);
    lua_setfield(state, -2, library);
    lua_pop(state, 1);
}

// Takes a library on top of the table of all.
static void add(lua_State *state, const char *library) {
    name(state, library);
    lua_setfield(state, -2, library);
}

static int open_libraries(lua_State *state) {
    edge_lua_push_base(state);
    name(state, LUA_GNAME);
    edge_lua_push_string(state);
    add(state, LUA_STRLIBNAME);
    edge_lua_push_table(state);
    add(state, LUA_TABLIBNAME);
    edge_lua_push_math(state);
    add(state, LUA_MATHLIBNAME);
    edge_lua_push_utf8(state);
    add(state, LUA_UTF8LIBNAME);
    edge_lua_push_coroutines(state);
    add(state, LUA_COLIBNAME);
    return 1;
}

int edge_lua_open_libraries(lua_State *state) {
    lua_pushcfunction(state, open_libraries);
    edge_lua_run run = {.fuel = 1000000, .memory = SIZE_MAX, .slice = UINT64_MAX, .run_max = UINT64_MAX};
    int status = edge_lua_call(state, 0, 1, &run);
    if (status == LUA_OK) edge_lua_account(state)->libraries = edge_lua_keep(state);
    return status;
}

void edge_lua_open_reference(lua_State *state) {
    // Lua does not open again what is loaded.
    lua_pushnil(state);
    lua_setfield(state, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    luaL_openlibs(state);
    lua_pushglobaltable(state);
}

void edge_lua_push_libraries(lua_State *state) {
    edge_lua_push_kept(state, edge_lua_account(state)->libraries);
}

int edge_lua_dump(lua_State *state, lua_Writer write, void *data) { return lua_dump(state, write, data, 0); }
