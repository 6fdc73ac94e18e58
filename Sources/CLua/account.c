// The allocator, the count hook, and calls that end when their budget does.

#include "account.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// Instructions between two looks at the clock. A run begins with few, so that one which starts with slow
// instructions (a comparison of megabytes is one instruction) is seen soon, and goes up to many.
enum { PERIOD_FIRST = 128, PERIOD_MAX = 1024 };
// Past this size one instruction may take long: the longest period shrinks in proportion.
enum { BLOCK_QUICK = 256 * 1024 };

// A call of the host that costs so much is seen by the clock.
enum { COSTLY_UNITS = 2000 };

enum { PERIOD_SLOW_NS = 500000, PERIOD_QUICK_NS = 60000 };
// What nothing can interrupt (a callback of table.sort, a __close) may take this part of the run's time at once:
// the loop serves nobody else meanwhile.
enum { STUCK_SHARE = 8 };

static uint64_t clock_of(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static uint64_t now(void) { return clock_of(CLOCK_MONOTONIC); }

// MARK: Memory

// Lua answers a refusal with a full collection and asks once more; what is refused then is the end of the run.
static void *refuse(struct edge_lua_account *account) {
    if (account->refused && account->verdict == 0) account->verdict = EDGE_LUA_MEMORY;
    account->refused = 1;
    // The collection walks over all that lives.
    account->left -= (long)(account->used / 256);
    return NULL;
}

// False: putting the keys of some table into so many nodes costs more than is left.
static int may_collide(struct edge_lua_account *account, size_t nodes) {
    if (account->collides) return 0;
    account->left -= (long)edge_lua_collision_units(&account->nodes, nodes);
    if (account->left > 0) return 1;
    account->collides = 1;
    if (account->verdict == 0) account->verdict = EDGE_LUA_SPENT;
    return 0;
}

static void *allocate(void *data, void *block, size_t from, size_t to) {
    struct edge_lua_account *account = data;
    size_t old = block ? from : 0;
    if (block && edge_lua_node_count(from)) edge_lua_forget_nodes(&account->nodes, block);
    if (to == 0) {
        free(block);
        account->used -= old;
        return NULL;
    }
    // `from` is the kind of an object, if it is one: nodes are none.
    size_t nodes = !block && from == 0 ? edge_lua_node_count(to) : 0;
    if (nodes && account->enforced && !may_collide(account, nodes)) return NULL;
    if (to > old && account->enforced) {
        if (account->used - old + to > account->ceiling) return refuse(account);
        account->left -= (long)((to - old) / EDGE_LUA_BYTES_A_UNIT);
        if (account->left <= 0 && !account->is_armed) {
            // Not from here: the hook strikes at the next instruction.
            account->is_armed = 1;
            lua_sethook(account->running, edge_lua_strike, LUA_MASKCOUNT, 1);
        }
    }
    void *moved = realloc(block, to);
    if (!moved) {
        // Lua would jump, perhaps over a Swift frame. Without memory for a few bytes there is nothing to save.
        if (!account->enforced) abort();
        return refuse(account);
    }
    if (nodes && !edge_lua_remember_nodes(&account->nodes, moved, nodes) && account->enforced) {
        free(moved);
        return refuse(account);
    }
    if (to > old) account->refused = 0;
    account->used += to - old;
    if (to > account->largest) account->largest = to;
    return moved;
}

// There are no weak tables: a chain of weak keys costs the collector n² steps in one piece. It looks for a mode whenever
// it comes by, so `setmetatable` cannot keep one from it; but the name that it looks for is a string of the machine, and
// when that one reads otherwise, no other string is it.
static void hide_modes(lua_State *state) {
    char *name = (char *)(uintptr_t)lua_pushliteral(state, "__mode");
    if (getentropy(name, strlen("__mode")) != 0) memset(name, 0xFF, strlen("__mode"));
    lua_pop(state, 1);
}

lua_State *edge_lua_new(size_t memory, void *context) {
    struct edge_lua_account *account = calloc(1, sizeof *account);
    if (!account) return NULL;
    account->limit = memory;
    account->ceiling = memory;
    account->context = context;
    lua_State *state = lua_newstate(allocate, account);
    if (!state) {
        free(account);
        return NULL;
    }
    account->running = state;
    account->main = state;
    *edge_lua_word(state) = (uintptr_t)account;
    hide_modes(state);
    return state;
}

void edge_lua_close(lua_State *state) {
    struct edge_lua_account *account = edge_lua_account(state);
    lua_close(state);
    free(account->nodes.blocks);
    free(account);
}

void *edge_lua_context(lua_State *state) { return edge_lua_account(state)->context; }
void edge_lua_set_context(lua_State *state, void *context) {
    edge_lua_account(state)->context = context;
}
size_t edge_lua_memory(lua_State *state) { return edge_lua_account(state)->used; }

// MARK: Fuel

static const char *words(const struct edge_lua_account *account) {
    if (account->collides) return "instruction limit reached: the keys of a large table collide";
    switch (account->verdict) {
    case EDGE_LUA_MEMORY: return "memory limit reached";
    default: return "instruction limit reached";
    }
}

int edge_lua_die(lua_State *state, struct edge_lua_account *account) {
    // From now on the hook strikes at every instruction, so no pcall, coroutine or __close goes on behind it.
    lua_sethook(state, edge_lua_strike, LUA_MASKCOUNT, 1);
    account->is_armed = 1;
    lua_Debug record;
    // Level 0 is the Lua function that the hook interrupts, or the library function that charges.
    for (int level = 0; level < 2 && lua_getstack(state, level, &record); level++) {
        lua_getinfo(state, "Sl", &record);
        if (record.currentline <= 0) continue;
        lua_pushfstring(state, "%s:%d: %s", record.short_src, record.currentline,
                        words(account));
        return lua_error(state);
    }
    lua_pushstring(state, words(account));
    return lua_error(state);
}

static int period_max(const struct edge_lua_account *account) {
    if (account->largest <= BLOCK_QUICK) return PERIOD_MAX;
    size_t period = (size_t)PERIOD_MAX * BLOCK_QUICK / account->largest;
    return period < 16 ? 16 : (int)period;
}

void edge_lua_strike(lua_State *state, lua_Debug *record) {
    (void)record;
    struct edge_lua_account *account = edge_lua_account(state);
    if (!account->enforced) return;
    int period = lua_gethookcount(state);
    account->left -= period;
    if (account->left <= 0 && account->verdict == 0) account->verdict = EDGE_LUA_SPENT;
    if (account->verdict) edge_lua_die(state, account);

    uint64_t time = now();
    if (account->slice_began == 0) {
        account->slice_began = time;
    } else if (time - account->looked > PERIOD_SLOW_NS) {
        account->period = account->period > 8 ? account->period / 8 : 1;
    } else if (time - account->looked < PERIOD_QUICK_NS && account->period < period_max(account)) {
        account->period *= 2;
    }
    account->looked = time;
    if (account->ran + (time - account->slice_began) > account->run_max) {
        account->verdict = EDGE_LUA_SPENT;
        edge_lua_die(state, account);
    }
    if (account->period != period) {
        lua_sethook(state, edge_lua_strike, LUA_MASKCOUNT, account->period);
        // It walks the whole chain of calls. In a deep recursion that takes longer than what it is to measure, and would
        // look as if each instruction were slow: the period would go back and forth for ever.
        account->looked = now();
    }
    if (time - account->slice_began <= account->slice) return;
    if (edge_lua_can_wait(state)) {
        account->pending = EDGE_LUA_SLICED;
        lua_yield(state, 0);
        return;
    }
    uint64_t busy = clock_of(CLOCK_THREAD_CPUTIME_ID);
    if (account->stuck_since == 0) account->stuck_since = busy;
    if (busy - account->stuck_since <= account->run_max / STUCK_SHARE) return;
    account->verdict = EDGE_LUA_SPENT;
    edge_lua_die(state, account);
}

// Behind a costly call the hook must not be a whole period away: a loop of such calls would hold everybody up. Up to a
// period of instructions goes uncounted then, once a slice.
static void look_soon(struct edge_lua_account *account) {
    uint64_t time = now();
    if (account->slice_began == 0) {
        account->slice_began = time;
        account->looked = time;
    } else if (time - account->slice_began > account->slice) {
        lua_sethook(account->running, edge_lua_strike, LUA_MASKCOUNT, 1);
    }
}

int edge_lua_spend(lua_State *state, size_t units) {
    struct edge_lua_account *account = edge_lua_account(state);
    account->left -= (long)units;
    if (!account->root) return 1;
    if (account->used > account->ceiling) {
        // A host may overshoot, but not without end: what was brought in may be garbage, or it is the end.
        account->left -= (long)(account->used / 256);
        lua_gc(state, LUA_GCCOLLECT);
        if (account->used > account->ceiling && account->verdict == 0) account->verdict = EDGE_LUA_MEMORY;
    }
    if (account->left > 0 && account->verdict == 0) {
        if (units >= COSTLY_UNITS) look_soon(account);
        return 1;
    }
    if (!account->is_armed) {
        account->is_armed = 1;
        lua_sethook(account->running, edge_lua_strike, LUA_MASKCOUNT, 1);
    }
    return 0;
}

int edge_lua_can_wait(lua_State *state) {
    return edge_lua_account(state)->barred == 0 && lua_isyieldable(state);
}

// MARK: Calls

int edge_lua_load(lua_State *state, const char *text, size_t length, const char *name, int is_compiled) {
    struct edge_lua_account *account = edge_lua_account(state);
    int enforced = account->enforced;
    account->enforced = 1;
    int status = luaL_loadbufferx(state, text, length, name, is_compiled ? "b" : "t");
    account->enforced = enforced;
    return status;
}

// What a run changes while it lasts; the one around it, if any, goes on with its own afterwards.
static void begin(lua_State *state, struct edge_lua_account *account, const edge_lua_run *run) {
    account->left = run->fuel;
    size_t room = run->memory > run->grown ? run->memory - run->grown : 0;
    size_t left = account->limit > account->used ? account->limit - account->used : 0;
    account->ceiling = account->used + (room < left ? room : left);
    account->ran = run->ran;
    account->run_max = run->run_max;
    account->slice = run->slice;
    // A run that goes on keeps the pace that it was found to need.
    account->period = run->period ? run->period : PERIOD_FIRST;
    account->slice_began = run->period ? now() : 0;
    account->looked = account->slice_began;
    account->stuck_since = 0;
    account->pending = 0;
    account->verdict = 0;
    account->refused = 0;
    account->collides = 0;
    account->is_armed = 0;
    account->barred = 0;
    account->running = state;
    account->root = state;
    account->enforced = 1;
    lua_sethook(state, edge_lua_strike, LUA_MASKCOUNT, account->period);
}

static void end(lua_State *state, struct edge_lua_account *account, edge_lua_run *run, size_t used) {
    account->enforced = 0;
    account->root = NULL;
    account->running = state;
    account->ceiling = account->limit;
    run->fuel = account->left;
    if (account->used > used) {
        run->grown += account->used - used;
    } else {
        size_t shrunk = used - account->used;
        run->grown = run->grown > shrunk ? run->grown - shrunk : 0;
    }
    if (account->slice_began == 0) return;
    run->ran += now() - account->slice_began;
    run->period = account->period;
}

// What ended in a refusal of memory says why it was refused.
static int outcome(lua_State *state, struct edge_lua_account *account, int status) {
    if (status == LUA_OK || !account->verdict) return status;
    if (status == LUA_ERRMEM && account->collides) {
        lua_pop(state, 1);
        lua_pushstring(state, words(account));
    }
    return account->verdict;
}

int edge_lua_call(lua_State *state, int arguments, int results, edge_lua_run *run) {
    struct edge_lua_account *account = edge_lua_account(state);
    if (account->root) {
        // Inside another run: its budget is ours.
        int enforced = account->enforced;
        account->enforced = 1;
        int status = lua_pcallk(state, arguments, results, 0, 0, NULL);
        account->enforced = enforced;
        return outcome(state, account, status);
    }
    size_t used = account->used;
    begin(state, account, run);
    account->barred = 1;
    int status = lua_pcallk(state, arguments, results, 0, 0, NULL);
    end(state, account, run, used);
    lua_sethook(state, NULL, 0, 0);
    return outcome(state, account, status);
}

int edge_lua_resume(lua_State *thread, lua_State *from, int arguments, edge_lua_run *run, int *results) {
    struct edge_lua_account *account = edge_lua_account(thread);
    size_t used = account->used;
    begin(thread, account, run);
    int status = lua_resume(thread, from, arguments, results);
    end(thread, account, run, used);
    if (status == LUA_YIELD) return account->pending;
    return outcome(thread, account, status);
}

lua_State *edge_lua_new_thread(lua_State *main) {
    lua_State *thread = lua_newthread(main);
    edge_lua_mark(thread, EDGE_LUA_RUNNER);
    return thread;
}

// Runs what is still to be closed, within what is left of the run, and makes the thread as new.
int edge_lua_reset(lua_State *thread, edge_lua_run *run) {
    struct edge_lua_account *account = edge_lua_account(thread);
    size_t used = account->used;
    begin(thread, account, run);
    account->barred = 1;
    int status = lua_resetthread(thread);
    end(thread, account, run, used);
    account->verdict = 0;
    edge_lua_mark(thread, EDGE_LUA_RUNNER);
    lua_settop(thread, 0);
    return status;
}

// MARK: Host functions

static char raise_mark;

void edge_lua_push_raise(lua_State *thread) { lua_pushlightuserdata(thread, &raise_mark); }

// What the runner resumed with is what the host function answers.
static int resumed(lua_State *state, int status, lua_KContext context) {
    (void)status;
    (void)context;
    if (lua_touserdata(state, 1) == &raise_mark) {
        lua_settop(state, 2);
        return lua_error(state);
    }
    return lua_gettop(state);
}

int edge_lua_finish(lua_State *state, int count) {
    if (count == EDGE_LUA_RAISE) return lua_error(state);
    if (count != EDGE_LUA_WAIT) return count;
    edge_lua_account(state)->pending = EDGE_LUA_WAITS;
    lua_settop(state, 0);
    return lua_yieldk(state, 0, 0, resumed);
}

static int trampoline(lua_State *state) {
    edge_lua_host host = (edge_lua_host)(uintptr_t)lua_touserdata(state, lua_upvalueindex(1));
    struct edge_lua_account *account = edge_lua_account(state);
    edge_lua_charge(state, account, EDGE_LUA_HOST_UNITS);
    int enforced = account->enforced;
    account->enforced = 0;
    int count = host(state);
    account->enforced = enforced;
    return edge_lua_finish(state, count);
}

void edge_lua_push_host(lua_State *state, edge_lua_host host) {
    lua_pushlightuserdata(state, (void *)(uintptr_t)host);
    lua_pushcclosure(state, trampoline, 1);
}
