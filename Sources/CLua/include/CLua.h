// Lua 5.4 for Swift: the headers, the macros among its calls as functions with our prefix, and what must be C
// because it jumps: the budget hook, the trampoline of host functions, the protected openers.
//
// Lua raises errors by longjmp, and no jump may cross a Swift frame. So a host function written in Swift only
// returns a verdict, and a C frame raises after the Swift one is gone; calls that can raise are made inside
// lua_pcall. The allocator refuses memory only while Lua code runs: what host code pushes may overshoot the limit
// and is charged when Lua code goes on.
#pragma once
#include <lua5.4/lauxlib.h>
#include <lua5.4/lua.h>
#include <lua5.4/lualib.h>

// What a host function may answer besides a count of results; the error value is on top of the stack.
enum { EDGE_LUA_RAISE = -1 };
typedef int (*edge_lua_host)(lua_State *state);

// How a protected call ended besides Lua's own codes: the instruction budget is spent.
enum { EDGE_LUA_SPENT = 100 };

// A new state that may hold `memory` bytes; NULL if even the empty one does not fit.
lua_State *edge_lua_new(size_t memory, void *context);
void edge_lua_close(lua_State *state);
void *edge_lua_context(lua_State *state);
size_t edge_lua_memory(lua_State *state);

// Opens base, string, table, math and utf8 as globals.
int edge_lua_open_libraries(lua_State *state);
// Compiles text, never bytecode; the function or a message is on top.
int edge_lua_load(lua_State *state, const char *text, size_t length, const char *name);
// Calls with an instruction budget, which nested calls draw on as well.
int edge_lua_call(lua_State *state, int arguments, int results, long instructions);
// Pushes a function that calls `host` and raises where it says so.
void edge_lua_push_host(lua_State *state, edge_lua_host host);

static inline void edge_lua_pop(lua_State *state, int count) { lua_settop(state, -count - 1); }
static inline int edge_lua_integer(lua_State *state, int index, lua_Integer *value) {
    int is_integer = 0;
    *value = lua_tointegerx(state, index, &is_integer);
    return is_integer;
}
static inline double edge_lua_number(lua_State *state, int index) {
    return lua_tonumberx(state, index, NULL);
}
