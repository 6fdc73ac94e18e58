// Patterns of Lua's string library: what `standard_pattern.c` matches with. Private to the C target.
#pragma once
#include "standard.h"

// Lua's own bounds. A level is one call of Lua's own matcher inside another, of which a capture, and an item that may
// match more than once, take one each.
enum { EDGE_LUA_CAPTURES_MAX = 32, EDGE_LUA_LEVELS_MAX = 200 };

// Lengths of captures that have none.
enum { EDGE_LUA_UNFINISHED = -1, EDGE_LUA_POSITION = -2 };

struct edge_lua_pattern {
    lua_State *state;
    struct edge_lua_account *account;
    const char *subject;
    const char *subject_end;
    const char *pattern;
    const char *pattern_end;
    size_t steps; // taken and not yet charged
    int captures;
    struct edge_lua_capture {
        const char *start;
        ptrdiff_t length;
    } capture[EDGE_LUA_CAPTURES_MAX];
};

// Matches the pattern at `start` only. Answers where the match ends, or NULL; raises where the pattern is malformed
// as far as the match reads it. A `^` is nothing special here.
const char *edge_lua_match(struct edge_lua_pattern *pattern, const char *start);

// What was captured by the last match, which went from `start` to `end`; without captures the match is the first.
// Answers its length, or pushes its position and answers EDGE_LUA_POSITION.
ptrdiff_t edge_lua_captured(struct edge_lua_pattern *pattern, int index, const char *start, const char *end,
                            const char **bytes);

// Charges what is left to be charged.
static inline void edge_lua_settle(struct edge_lua_pattern *pattern) {
    size_t steps = pattern->steps;
    pattern->steps = 0;
    edge_lua_charge(pattern->state, pattern->account, steps);
}

// How many steps are taken before they are charged: some microseconds.
enum { EDGE_LUA_STEPS_BATCH = 500 };

static inline void edge_lua_step(struct edge_lua_pattern *pattern, size_t steps) {
    pattern->steps += steps;
    if (pattern->steps >= EDGE_LUA_STEPS_BATCH) edge_lua_settle(pattern);
}

// The parts of the library: each adds its functions to the table on top.
void edge_lua_add_search(lua_State *state);
void edge_lua_add_format(lua_State *state);
