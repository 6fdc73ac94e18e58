// What one machine has spent, and what it may still spend. Private to the C target.
//
// Units of fuel: one for each VM instruction (charged by the count hook, a period at a time), one for each
// `EDGE_LUA_BYTES_A_UNIT` allocated bytes (charged by the allocator), and what a library function says that it
// costs (`edge_lua_charge`): one for each step of a loop that the VM does not see.
#pragma once
#include "include/CLua.h"

enum { EDGE_LUA_BYTES_A_UNIT = 16 };

struct edge_lua_account {
    void *context;
    size_t used;
    size_t limit;
    size_t ceiling; // what `used` may reach before the grower dies; never above `limit`
    size_t largest; // the largest block there ever was
    long left;      // units that may still be spent
    lua_State *running;
    int enforced; // whether Lua code runs, so that a refusal of memory may jump
    int verdict;  // EDGE_LUA_… once the invocation has to die: nothing goes on behind it
};

// Every coroutine of a machine inherits the pointer.
static inline struct edge_lua_account *edge_lua_account(lua_State *state) {
    return *(struct edge_lua_account **)lua_getextraspace(state);
}

// Raises what `account->verdict` says; never returns.
int edge_lua_die(lua_State *state, struct edge_lua_account *account);

// For the loops of C functions, which the count hook does not see. Raises when the fuel is spent.
static inline void edge_lua_charge(lua_State *state, struct edge_lua_account *account, size_t units) {
    account->left -= (long)units;
    if (account->left > 0 || !account->enforced) return;
    if (account->verdict == 0) account->verdict = EDGE_LUA_SPENT;
    edge_lua_die(state, account);
}
