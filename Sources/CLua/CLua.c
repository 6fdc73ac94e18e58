#include "CLua.h"
#include <stdlib.h>
#include <string.h>

struct edge_lua_account {
    void *context;
    size_t used;
    size_t limit;
    long left;    // instructions that may still run
    int depth;    // protected calls inside one another; the outermost one sets the budget
    int enforced; // whether Lua code runs, so that a refusal of memory may jump
    int spent;
};

static void *edge_lua_allocate(void *data, void *block, size_t from, size_t to) {
    struct edge_lua_account *account = data;
    size_t old = block ? from : 0;
    if (to == 0) {
        free(block);
        account->used -= old;
        return NULL;
    }
    if (to > old && account->enforced && account->used - old + to > account->limit) return NULL;
    void *moved = realloc(block, to);
    if (!moved) {
        // Lua would jump, perhaps over a Swift frame. Without memory for a few bytes there is nothing to save.
        if (!account->enforced) abort();
        return NULL;
    }
    account->used += to - old;
    return moved;
}

static struct edge_lua_account *account_of(lua_State *state) {
    void *data;
    lua_getallocf(state, &data);
    return data;
}

lua_State *edge_lua_new(size_t memory, void *context) {
    struct edge_lua_account *account = calloc(1, sizeof *account);
    if (!account) return NULL;
    account->limit = memory;
    account->context = context;
    lua_State *state = lua_newstate(edge_lua_allocate, account);
    if (!state) free(account);
    return state;
}

void edge_lua_close(lua_State *state) {
    struct edge_lua_account *account = account_of(state);
    lua_close(state);
    free(account);
}

void *edge_lua_context(lua_State *state) { return account_of(state)->context; }
size_t edge_lua_memory(lua_State *state) { return account_of(state)->used; }

static int open_libraries(lua_State *state) {
    luaL_requiref(state, LUA_GNAME, luaopen_base, 1);
    luaL_requiref(state, LUA_STRLIBNAME, luaopen_string, 1);
    luaL_requiref(state, LUA_TABLIBNAME, luaopen_table, 1);
    luaL_requiref(state, LUA_MATHLIBNAME, luaopen_math, 1);
    luaL_requiref(state, LUA_UTF8LIBNAME, luaopen_utf8, 1);
    return 0;
}

int edge_lua_open_libraries(lua_State *state) {
    lua_pushcclosure(state, open_libraries, 0);
    return edge_lua_call(state, 0, 0, 1000000);
}

int edge_lua_load(lua_State *state, const char *text, size_t length, const char *name) {
    struct edge_lua_account *account = account_of(state);
    int enforced = account->enforced;
    account->enforced = 1;
    int status = luaL_loadbufferx(state, text, length, name, "t");
    account->enforced = enforced;
    return status;
}

enum { EDGE_LUA_SLICE = 1000 };

// Once the budget is spent the hook strikes at every instruction, so no pcall goes on behind it.
static void edge_lua_fuel(lua_State *state, lua_Debug *record) {
    (void)record;
    struct edge_lua_account *account = account_of(state);
    account->left -= EDGE_LUA_SLICE;
    if (account->left > 0) return;
    account->spent = 1;
    lua_sethook(state, edge_lua_fuel, LUA_MASKCOUNT, 1);
    luaL_error(state, "instruction limit reached");
}

int edge_lua_call(lua_State *state, int arguments, int results, long instructions) {
    struct edge_lua_account *account = account_of(state);
    if (account->depth == 0) {
        account->left = instructions;
        account->spent = 0;
        lua_sethook(state, edge_lua_fuel, LUA_MASKCOUNT, EDGE_LUA_SLICE);
    }
    int enforced = account->enforced;
    account->enforced = 1;
    account->depth += 1;
    int status = lua_pcallk(state, arguments, results, 0, 0, NULL);
    account->depth -= 1;
    account->enforced = enforced;
    if (account->depth == 0) lua_sethook(state, NULL, 0, 0);
    return status != LUA_OK && account->spent ? EDGE_LUA_SPENT : status;
}

static int edge_lua_trampoline(lua_State *state) {
    edge_lua_host host;
    memcpy(&host, lua_touserdata(state, lua_upvalueindex(1)), sizeof host);
    struct edge_lua_account *account = account_of(state);
    int enforced = account->enforced;
    account->enforced = 0;
    int count = host(state);
    account->enforced = enforced;
    return count == EDGE_LUA_RAISE ? lua_error(state) : count;
}

void edge_lua_push_host(lua_State *state, edge_lua_host host) {
    void *cell = lua_newuserdatauv(state, sizeof host, 0);
    memcpy(cell, &host, sizeof host);
    lua_pushcclosure(state, edge_lua_trampoline, 1);
}
