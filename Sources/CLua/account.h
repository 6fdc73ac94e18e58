// What one machine has spent, and what it may still spend. Private to the C target.
//
// Units of fuel: one for each VM instruction (charged by the count hook, a period at a time), one for each
// `EDGE_LUA_BYTES_A_UNIT` allocated bytes (charged by the allocator), and what a library function says that it
// costs (`edge_lua_charge`): one for each step of a loop that the VM does not see.
//
// Fuel is exact and the same in every run of the same code. Time is only looked at by the hook, to end a slice and
// to end what the fuel does not see: one instruction that compares megabytes, one call with a very long list.
#pragma once
#include "collisions.h"
#include "include/CLua.h"
#include <stdint.h>

enum { EDGE_LUA_BYTES_A_UNIT = 16 };
// What the way into the host and back costs, measured: as much as so many instructions.
enum { EDGE_LUA_HOST_UNITS = 20 };

struct edge_lua_account {
    void *context;
    edge_lua_view_host views;
    lua_State *running; // the thread whose code runs now
    lua_State *main;
    int libraries;      // reference
    lua_State *root;    // the thread that the run began with; NULL between runs
    size_t used;
    size_t limit;
    size_t ceiling; // what `used` may reach before the grower dies; never above `limit`
    size_t largest; // the largest block there ever was
    struct edge_lua_nodes nodes;
    long left;      // units that may still be spent
    uint64_t slice_began; // zero until the first look at the clock
    uint64_t looked;
    uint64_t ran;
    uint64_t run_max;
    uint64_t slice;
    uint64_t stuck_since; // time of the thread's CPU when a slice was over that nothing could interrupt; or zero
    int period;   // instructions to the next look
    int barred;   // callers on the way that cannot wait; above zero nothing may yield to the runner
    int pending;  // EDGE_LUA_WAITS or EDGE_LUA_SLICED while a yield is on its way to the runner
    int enforced; // whether Lua code runs, so that a refusal of memory may jump
    int refused;  // the last growth was refused
    int is_armed; // the hook strikes at the next instruction
    int collides; // what spent the fuel is a table whose keys collide
    int verdict;  // EDGE_LUA_… once the run has to die: nothing goes on behind it
};

// A thread has one word of ours: the pointer to the account, and around it what only this thread is.
//
//   63        48 47                         3   2        1        0
//   ┌───────────┬───────────────────────────┬────────┬────────┬────────┐
//   │  pcalls   │          account          │ AWAITS │ KILLED │ RUNNER │
//   └───────────┴───────────────────────────┴────────┴────────┴────────┘
//
//   RUNNER   the runner resumes it, nobody else may, also not a function of another request that got hold of it
//   KILLED   it died inside of a hook, where Lua leaves hooks off: nothing may ever run on it, __close least of all
//   AWAITS   a coroutine whose run waits for the runner inside of it: only that run goes on with it
//   pcalls   in one another, now
enum { EDGE_LUA_RUNNER = 1, EDGE_LUA_KILLED = 2, EDGE_LUA_AWAITS = 4 };
#define EDGE_LUA_PCALL ((uintptr_t)1 << 48)
#define EDGE_LUA_ACCOUNT (EDGE_LUA_PCALL - 8)

static inline uintptr_t *edge_lua_word(lua_State *state) { return (uintptr_t *)lua_getextraspace(state); }
static inline struct edge_lua_account *edge_lua_account(lua_State *state) {
    return (struct edge_lua_account *)(*edge_lua_word(state) & EDGE_LUA_ACCOUNT);
}
// A new thread inherits the word of the main one.
static inline void edge_lua_mark(lua_State *thread, uintptr_t mark) {
    *edge_lua_word(thread) = (uintptr_t)edge_lua_account(thread) | mark;
}

void edge_lua_strike(lua_State *state, lua_Debug *record);

// Pushes the library (coroutines.c).
void edge_lua_push_coroutines(lua_State *state);

// Raises what `account->verdict` says; never returns.
int edge_lua_die(lua_State *state, struct edge_lua_account *account);

// For the loops of C functions, which the count hook does not see. Raises when the fuel is spent.
static inline void edge_lua_charge(lua_State *state, struct edge_lua_account *account, size_t units) {
    account->left -= (long)units;
    if (account->left > 0 || !account->enforced) return;
    if (account->verdict == 0) account->verdict = EDGE_LUA_SPENT;
    edge_lua_die(state, account);
}

// What a host function answered becomes results, an error or a yield. Called last: it may jump.
int edge_lua_finish(lua_State *state, int count);
