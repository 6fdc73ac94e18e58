// Lua 5.4 for Swift: the headers, the macros among its calls as functions with our prefix, and what must be C
// because it jumps: the allocator, the count hook, the trampoline of host functions, the coroutine library, views.
//
// Lua raises errors by longjmp, and no jump may cross a Swift frame. So a host function written in Swift only
// returns a verdict, and a C frame raises or yields after the Swift one is gone; calls that can raise are made inside
// lua_pcall. The allocator refuses memory only while Lua code runs: what host code pushes may overshoot the limit
// and is charged when Lua code goes on.
#pragma once
#include <lua5.4/lauxlib.h>
#include <lua5.4/lua.h>
#include <lua5.4/lualib.h>
#include <stdint.h>

// What a host function may answer besides a count of results. RAISE: the error value is on top of the stack.
// WAIT: the runner is asked to do something and to resume with the results; only where `edge_lua_can_wait`.
enum { EDGE_LUA_RAISE = -1, EDGE_LUA_WAIT = -2 };
typedef int (*edge_lua_host)(lua_State *state);

// How a run ended besides Lua's own codes.
enum {
    EDGE_LUA_SPENT = 100,
    EDGE_LUA_MEMORY = 101,
    // Not ended: it waits for the runner, or its slice of time is over.
    EDGE_LUA_WAITS = 110,
    EDGE_LUA_SLICED = 111,
};

// The budget of one run over all its slices, and what was spent of it.
typedef struct edge_lua_run {
    long fuel;        // units left
    size_t memory;    // bytes by which the machine may grow
    size_t grown;     // bytes by which it grew
    uint64_t slice;   // nanoseconds after which the run yields to the loop
    uint64_t run_max; // nanoseconds of running in all: the net under the fuel
    uint64_t ran;
    int period; // instructions between two looks at the clock; zero before the first
} edge_lua_run;

// MARK: Machines

// A new machine that may hold `memory` bytes; NULL if even the empty one does not fit.
lua_State *edge_lua_new(size_t memory, void *context);
void edge_lua_close(lua_State *state);
void *edge_lua_context(lua_State *state);
void edge_lua_set_context(lua_State *state, void *context);
size_t edge_lua_memory(lua_State *state);

// Makes what sandboxes are made of; an error message is on top where it fails.
int edge_lua_open_libraries(lua_State *state);
// Pushes it: a table of base functions by name and of libraries, not to be given to anybody as it is.
void edge_lua_push_libraries(lua_State *state);
// For tests: gives the machine the real library too, and pushes its table of globals.
void edge_lua_open_reference(lua_State *state);
// Compiles text, or loads what `edge_lua_dump` made; the function or a message is on top.
int edge_lua_load(lua_State *state, const char *bytes, size_t length, const char *name, int is_compiled);
// Hands the function on top to `write` as bytecode, with its line numbers.
int edge_lua_dump(lua_State *state, lua_Writer write, void *data);

// MARK: Runs

// A thread for runs, on top of the stack. Lua code can neither resume nor close it, wherever it got hold of it.
lua_State *edge_lua_new_thread(lua_State *main);

// Calls to the end. Inside another run it draws on that one's budget.
int edge_lua_call(lua_State *state, int arguments, int results, edge_lua_run *run);
// Starts or continues a thread: LUA_OK, EDGE_LUA_WAITS, EDGE_LUA_SLICED, or an error with its value on top.
int edge_lua_resume(lua_State *thread, lua_State *from, int arguments, edge_lua_run *run, int *results);
// Closes what a run that raised an error left open, and makes the thread as new. Never for one that had to die: Lua
// leaves hooks off in a thread that died inside of one, so nothing may run on it again.
int edge_lua_reset(lua_State *thread, edge_lua_run *run);
// What a host function costs besides its call. Zero: that was too much, or the host has brought in more than there may
// be; the run ends at its next instruction, whatever the function answers.
int edge_lua_spend(lua_State *state, size_t units);
// Whether the runner can be reached from here.
int edge_lua_can_wait(lua_State *state);
// First of two values to resume with, so that the second one is raised where the run waited.
void edge_lua_push_raise(lua_State *thread);

// MARK: Host functions

// Pushes a function that calls `host` and raises or yields where it says so.
void edge_lua_push_host(lua_State *state, edge_lua_host host);
// Takes the table on top and leaves an empty one through which it can be read only.
void edge_lua_push_readonly(lua_State *state, const char *name);
// The name of a read-only table; NULL for any other value.
const char *edge_lua_readonly_name(lua_State *state, int index);

// How the host reads a table that code has given it, without running any of that code: what lies behind a read-only
// one counts as its own. As lua_next, lua_rawlen, lua_rawgeti, lua_rawget.
int edge_lua_next(lua_State *state, int index);
size_t edge_lua_length(lua_State *state, int index);
void edge_lua_item(lua_State *state, int index, lua_Integer place);
void edge_lua_field(lua_State *state, int index);

// MARK: Views

// A view is a word: no memory, no garbage, equal when it says the same. It lives as long as what it looks at; the
// generation in it tells an old one from whoever has its place now.
//
//   63            20 19        6 5     0
//   ┌───────────────┬───────────┬───────┐
//   │  generation   │   slot    │ kind  │
//   └───────────────┴───────────┴───────┘
enum { EDGE_LUA_KIND_BITS = 6, EDGE_LUA_SLOT_BITS = 14, EDGE_LUA_KINDS = 32 };

// What the host does with views. `field` is the number that the member's name was given, or -1 for a name that the
// kind does not list; the view is at 1, the name at 2, for `set` the value at 3. `next` gets a view and a key. `list`
// pushes names and values in turn as one list, for a walk that would cost `next` a search at each step; or nothing.
typedef struct edge_lua_view_host {
    int (*get)(lua_State *state, uint64_t word, int field);
    int (*set)(lua_State *state, uint64_t word, int field);
    int (*next)(lua_State *state, uint64_t word);
    int (*list)(lua_State *state, uint64_t word);
    int (*text)(lua_State *state, uint64_t word);
} edge_lua_view_host;

// Takes a table of kinds: [kind] = { name = number or function }. Called once for each machine.
void edge_lua_set_views(lua_State *state, edge_lua_view_host host);
static inline void edge_lua_push_view(lua_State *state, uint64_t word) {
    lua_pushlightuserdata(state, (void *)(uintptr_t)word);
}
static inline uint64_t edge_lua_view(lua_State *state, int index) {
    return lua_type(state, index) == LUA_TLIGHTUSERDATA ? (uint64_t)(uintptr_t)lua_touserdata(state, index) : 0;
}

// MARK: Macros

static inline void edge_lua_pop(lua_State *state, int count) { lua_settop(state, -count - 1); }
static inline int edge_lua_integer(lua_State *state, int index, lua_Integer *value) {
    int is_integer = 0;
    *value = lua_tointegerx(state, index, &is_integer);
    return is_integer;
}
static inline double edge_lua_number(lua_State *state, int index) {
    return lua_tonumberx(state, index, NULL);
}
static inline void edge_lua_collect(lua_State *state) { lua_gc(state, LUA_GCCOLLECT); }
static inline int edge_lua_keep(lua_State *state) { return luaL_ref(state, LUA_REGISTRYINDEX); }
static inline void edge_lua_push_kept(lua_State *state, int reference) {
    lua_rawgeti(state, LUA_REGISTRYINDEX, reference);
}
static inline void edge_lua_forget(lua_State *state, int reference) {
    luaL_unref(state, LUA_REGISTRYINDEX, reference);
}
