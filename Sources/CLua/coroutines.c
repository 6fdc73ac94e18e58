// The coroutine library of hooks.
//
// A yield of the user's goes to whoever resumed. A yield that is meant for the runner (an effect to perform, a slice
// that is over) goes through: each `resume` on the way yields in its turn and, when the runner comes back, hands what
// it brought to the coroutine that asked.
//
//   runner ── resume ──▶ handler ── coroutine.resume ──▶ inner ── edge.fetch
//   runner ◀── yield ─── handler ◀────── yield ───────── inner        │
//   runner ── resume(answer) ▶ handler ── resume(answer) ▶ inner ◀────┘

#include "account.h"

enum { CREATION_UNITS = 200 };

static lua_State *coroutine_at(lua_State *state, int index) {
    lua_State *coroutine = lua_tothread(state, index);
    luaL_argexpected(state, coroutine, index, "coroutine");
    return coroutine;
}

static int create(lua_State *state) {
    luaL_checktype(state, 1, LUA_TFUNCTION);
    edge_lua_charge(state, edge_lua_account(state), CREATION_UNITS);
    lua_State *coroutine = lua_newthread(state);
    edge_lua_mark(coroutine, 0);
    lua_pushvalue(state, 1);
    lua_xmove(state, coroutine, 1);
    return 1;
}

enum status { RUNNING, DEAD, SUSPENDED, NORMAL };
static const char *const status_names[] = {"running", "dead", "suspended", "normal"};

static enum status status_of(lua_State *state, lua_State *coroutine) {
    if (state == coroutine) return RUNNING;
    if (*edge_lua_word(coroutine) & EDGE_LUA_KILLED) return DEAD;
    // Of this run, or of another one that waits: neither is for this code to go on with.
    if (*edge_lua_word(coroutine) & (EDGE_LUA_RUNNER | EDGE_LUA_AWAITS)) return NORMAL;
    if (coroutine == edge_lua_account(state)->main) return NORMAL;
    switch (lua_status(coroutine)) {
    case LUA_YIELD: return SUSPENDED;
    case LUA_OK: {
        lua_Debug record;
        if (lua_getstack(coroutine, 0, &record)) return NORMAL;
        return lua_gettop(coroutine) == 0 ? DEAD : SUSPENDED;
    }
    default: return DEAD;
    }
}

// How a step of a coroutine came out: results or an error on the resumer's stack, or a yield to pass on.
enum { PASS_ON = -1, FAILED = -2 };

static int step(lua_State *state, lua_State *coroutine, int arguments) {
    if (!lua_checkstack(coroutine, arguments)) {
        lua_pushliteral(state, "too many arguments to resume");
        return FAILED;
    }
    struct edge_lua_account *account = edge_lua_account(state);
    int bar = !lua_isyieldable(state);
    lua_xmove(state, coroutine, arguments);
    *edge_lua_word(coroutine) &= ~(uintptr_t)EDGE_LUA_AWAITS;
    account->barred += bar;
    account->running = coroutine;
    int count;
    int status = lua_resume(coroutine, state, arguments, &count);
    account->running = state;
    account->barred -= bar;
    if (account->verdict) {
        *edge_lua_word(coroutine) |= EDGE_LUA_KILLED;
        return edge_lua_die(state, account);
    }
    if (status == LUA_YIELD && account->pending) {
        *edge_lua_word(coroutine) |= EDGE_LUA_AWAITS;
        return PASS_ON;
    }
    if (status != LUA_OK && status != LUA_YIELD) {
        lua_xmove(coroutine, state, 1);
        return FAILED;
    }
    if (!lua_checkstack(state, count + 1)) {
        lua_pop(coroutine, count);
        lua_pushliteral(state, "too many results to resume");
        return FAILED;
    }
    lua_xmove(coroutine, state, count);
    return count;
}

static int fail_if_not_suspended(lua_State *state, lua_State *coroutine) {
    enum status status = status_of(state, coroutine);
    if (status == SUSPENDED) return 0;
    lua_pushfstring(state, "cannot resume %s coroutine",
                    status == DEAD ? "dead" : "non-suspended");
    return 1;
}

static int resume_goes_on(lua_State *state, int status, lua_KContext arguments);

static int resume_answers(lua_State *state, int count) {
    if (count == PASS_ON) {
        lua_settop(state, 1);
        return lua_yieldk(state, 0, 0, resume_goes_on);
    }
    lua_pushboolean(state, count != FAILED);
    if (count == FAILED) count = 1;
    lua_insert(state, -(count + 1));
    return count + 1;
}

static int resume_goes_on(lua_State *state, int status, lua_KContext context) {
    (void)status;
    (void)context;
    return resume_answers(state, step(state, lua_tothread(state, 1), lua_gettop(state) - 1));
}

static int resume(lua_State *state) {
    lua_State *coroutine = coroutine_at(state, 1);
    if (fail_if_not_suspended(state, coroutine)) return resume_answers(state, FAILED);
    return resume_answers(state, step(state, coroutine, lua_gettop(state) - 1));
}

// Runs what is still to be closed, which can wait for nothing.
static int reset(lua_State *state, lua_State *coroutine) {
    struct edge_lua_account *account = edge_lua_account(state);
    account->barred += 1;
    account->running = coroutine;
    int status = lua_resetthread(coroutine);
    account->running = state;
    account->barred -= 1;
    if (account->verdict == 0) return status;
    *edge_lua_word(coroutine) |= EDGE_LUA_KILLED;
    return edge_lua_die(state, account);
}

static int wrap_goes_on(lua_State *state, int status, lua_KContext context);

static int wrap_answers(lua_State *state, lua_State *coroutine, int count) {
    if (count == PASS_ON) {
        lua_settop(state, 0);
        return lua_yieldk(state, 0, 0, wrap_goes_on);
    }
    if (count != FAILED) return count;
    int status = lua_status(coroutine);
    if (status != LUA_OK && status != LUA_YIELD && !(*edge_lua_word(coroutine) & EDGE_LUA_KILLED)) {
        // Variables to be closed are; their error, if there is one, takes the place of the first.
        status = reset(state, coroutine);
        if (status != LUA_OK) lua_xmove(coroutine, state, 1);
    }
    if (status != LUA_ERRMEM && lua_type(state, -1) == LUA_TSTRING) {
        luaL_where(state, 1);
        lua_insert(state, -2);
        lua_concat(state, 2);
    }
    return lua_error(state);
}

static int wrap_goes_on(lua_State *state, int status, lua_KContext context) {
    (void)status;
    (void)context;
    lua_State *coroutine = lua_tothread(state, lua_upvalueindex(1));
    return wrap_answers(state, coroutine, step(state, coroutine, lua_gettop(state)));
}

static int wrapped(lua_State *state) {
    lua_State *coroutine = lua_tothread(state, lua_upvalueindex(1));
    if (fail_if_not_suspended(state, coroutine)) return wrap_answers(state, coroutine, FAILED);
    return wrap_answers(state, coroutine, step(state, coroutine, lua_gettop(state)));
}

static int wrap(lua_State *state) {
    create(state);
    lua_pushcclosure(state, wrapped, 1);
    return 1;
}

static int yield(lua_State *state) {
    if (state == edge_lua_account(state)->root) {
        return luaL_error(state, "attempt to yield from outside a coroutine of your own");
    }
    return lua_yield(state, lua_gettop(state));
}

static int status(lua_State *state) {
    lua_pushstring(state, status_names[status_of(state, coroutine_at(state, 1))]);
    return 1;
}

static int is_yieldable(lua_State *state) {
    lua_State *coroutine = lua_isthread(state, 1) ? lua_tothread(state, 1) : state;
    int is_own = !(*edge_lua_word(coroutine) & EDGE_LUA_RUNNER) && coroutine != edge_lua_account(state)->main;
    lua_pushboolean(state, is_own && lua_isyieldable(coroutine));
    return 1;
}

static int running(lua_State *state) {
    lua_pushthread(state);
    lua_pushboolean(state, state == edge_lua_account(state)->root);
    return 2;
}

static int close(lua_State *state) {
    lua_State *coroutine = coroutine_at(state, 1);
    enum status status = status_of(state, coroutine);
    if (status != DEAD && status != SUSPENDED) {
        return luaL_error(state, "cannot close a %s coroutine", status_names[status]);
    }
    if (*edge_lua_word(coroutine) & EDGE_LUA_KILLED) {
        lua_pushboolean(state, 0);
        lua_pushliteral(state, "it was ended by the edge");
        return 2;
    }
    int failed = reset(state, coroutine) != LUA_OK;
    lua_pushboolean(state, !failed);
    if (!failed) return 1;
    lua_xmove(coroutine, state, 1);
    return 2;
}

void edge_lua_push_coroutines(lua_State *state) {
    static const luaL_Reg functions[] = {
        {"create", create}, {"resume", resume},   {"wrap", wrap},
        {"yield", yield},   {"status", status},   {"isyieldable", is_yieldable},
        {"running", running}, {"close", close},   {NULL, NULL},
    };
    luaL_newlib(state, functions);
}
