// find, match, gmatch and gsub.

#include "pattern.h"
#include <string.h>

static struct edge_lua_pattern pattern_at(lua_State *state, int index, const char *subject, size_t length) {
    size_t size;
    const char *bytes = lua_tolstring(state, index, &size);
    return (struct edge_lua_pattern){
        .state = state,
        .account = edge_lua_account(state),
        .subject = subject,
        .subject_end = subject + length,
        .pattern = bytes,
        .pattern_end = bytes + size,
    };
}

// A `^` that comes first is no part of what is matched.
static int take_anchor(struct edge_lua_pattern *pattern) {
    if (pattern->pattern == pattern->pattern_end || *pattern->pattern != '^') return 0;
    pattern->pattern++;
    return 1;
}

static void push_captured(struct edge_lua_pattern *pattern, int index, const char *start, const char *end) {
    const char *bytes;
    edge_lua_charge(pattern->state, pattern->account, EDGE_LUA_ELEMENT_UNITS);
    ptrdiff_t length = edge_lua_captured(pattern, index, start, end, &bytes);
    if (length != EDGE_LUA_POSITION) lua_pushlstring(pattern->state, bytes, (size_t)length);
}

static int push_all(struct edge_lua_pattern *pattern, int count, const char *start, const char *end) {
    luaL_checkstack(pattern->state, count, "too many captures");
    for (int index = 0; index < count; index++) push_captured(pattern, index, start, end);
    return count;
}

static int push_match(struct edge_lua_pattern *pattern, const char *start, const char *end) {
    return push_all(pattern, pattern->captures ? pattern->captures : 1, start, end);
}

// Where the search begins, from zero; behind the end it may lie anywhere.
static size_t first_place(lua_State *state, int index, size_t length) {
    lua_Integer first = luaL_optinteger(state, index, 1);
    if (first > 0) return (size_t)first - 1;
    if (first == 0 || 0u - (size_t)first > length) return 0;
    return length - (0u - (size_t)first);
}

// MARK: Without a pattern

static int is_plain(lua_State *state, const char *bytes, size_t length) {
    edge_lua_charge(state, edge_lua_account(state), length / EDGE_LUA_BYTES_A_UNIT);
    // Zeros end only what `strcspn` sees.
    for (size_t at = 0; at < length; at++) {
        at += strcspn(bytes + at, "^$*+?.([%-");
        if (at < length && bytes[at] != 0) return 0;
    }
    return 1;
}

static size_t common_length(const char *a, const char *b, size_t length) {
    size_t common = 0;
    while (common < length && a[common] == b[common]) common++;
    return common;
}

static const char *find_bytes(struct edge_lua_pattern *pattern, const char *at) {
    size_t size = (size_t)(pattern->pattern_end - pattern->pattern);
    if (size == 0) return at;
    while ((size_t)(pattern->subject_end - at) >= size) {
        size_t room = (size_t)(pattern->subject_end - at) - size + 1;
        const char *first = memchr(at, *pattern->pattern, room);
        edge_lua_step(pattern, 1 + (first ? (size_t)(first - at) : room) / EDGE_LUA_BYTES_A_UNIT);
        if (!first) return NULL;
        size_t common = common_length(first, pattern->pattern, size);
        edge_lua_step(pattern, common / EDGE_LUA_BYTES_A_UNIT);
        if (common == size) return first;
        at = first + 1;
    }
    return NULL;
}

// MARK: With one

static int search(lua_State *state, int is_find) {
    size_t length, size;
    const char *subject = luaL_checklstring(state, 1, &length);
    const char *bytes = luaL_checklstring(state, 2, &size);
    size_t first = first_place(state, 3, length);
    if (first > length) {
        luaL_pushfail(state);
        return 1;
    }
    struct edge_lua_pattern pattern = pattern_at(state, 2, subject, length);
    const char *at = subject + first;
    if (is_find && (lua_toboolean(state, 4) || is_plain(state, bytes, size))) {
        at = find_bytes(&pattern, at);
        edge_lua_settle(&pattern);
        if (at) {
            lua_pushinteger(state, at - subject + 1);
            lua_pushinteger(state, at - subject + (ptrdiff_t)size);
            return 2;
        }
    } else {
        int is_anchored = take_anchor(&pattern);
        const char *end = NULL;
        for (;; at++) {
            end = edge_lua_match(&pattern, at);
            if (end || is_anchored || at == pattern.subject_end) break;
        }
        edge_lua_settle(&pattern);
        if (end && !is_find) return push_match(&pattern, at, end);
        if (end) {
            lua_pushinteger(state, at - subject + 1);
            lua_pushinteger(state, end - subject);
            return 2 + push_all(&pattern, pattern.captures, at, end);
        }
    }
    luaL_pushfail(state);
    return 1;
}

static int find(lua_State *state) { return search(state, 1); }
static int match(lua_State *state) { return search(state, 0); }

// The upvalues of an iterator. A match does not end where the one before it did; zero is before the subject.
enum { WALK_SUBJECT = 1, WALK_PATTERN, WALK_PLACE, WALK_LAST };

static int walk(lua_State *state) {
    size_t length;
    const char *subject = lua_tolstring(state, lua_upvalueindex(WALK_SUBJECT), &length);
    struct edge_lua_pattern pattern = pattern_at(state, lua_upvalueindex(WALK_PATTERN), subject, length);
    size_t place = (size_t)lua_tointeger(state, lua_upvalueindex(WALK_PLACE));
    size_t last = (size_t)lua_tointeger(state, lua_upvalueindex(WALK_LAST));
    for (; place <= length; place++) {
        const char *end = edge_lua_match(&pattern, subject + place);
        if (!end || (size_t)(end - subject) + 1 == last) continue;
        edge_lua_settle(&pattern);
        lua_pushinteger(state, end - subject);
        lua_replace(state, lua_upvalueindex(WALK_PLACE));
        lua_pushinteger(state, end - subject + 1);
        lua_replace(state, lua_upvalueindex(WALK_LAST));
        return push_match(&pattern, subject + place, end);
    }
    edge_lua_settle(&pattern);
    return 0;
}

static int gmatch(lua_State *state) {
    size_t length;
    luaL_checklstring(state, 1, &length);
    luaL_checkstring(state, 2);
    size_t first = first_place(state, 3, length);
    lua_settop(state, 2);
    lua_pushinteger(state, (lua_Integer)(first > length ? length + 1 : first));
    lua_pushinteger(state, 0);
    lua_pushcclosure(state, walk, WALK_LAST);
    return 1;
}

// MARK: Replacement

// The matched part of the subject, and what takes its place.
struct replacement {
    struct edge_lua_pattern *pattern;
    luaL_Buffer *buffer;
    const char *start;
    const char *end;
};

static void add(const struct replacement *replacement, const char *bytes, size_t length) {
    edge_lua_step(replacement->pattern, length / EDGE_LUA_BYTES_A_UNIT);
    luaL_addlstring(replacement->buffer, bytes, length);
}

static void add_template(const struct replacement *replacement) {
    struct edge_lua_pattern *pattern = replacement->pattern;
    size_t length;
    const char *at = lua_tolstring(pattern->state, 3, &length);
    const char *end = at + length;
    for (;;) {
        const char *escape = memchr(at, '%', (size_t)(end - at));
        edge_lua_step(pattern, 1);
        add(replacement, at, (size_t)((escape ? escape : end) - at));
        if (!escape) return;
        char what = escape[1];
        at = escape + 2;
        if (what == '%') {
            luaL_addchar(replacement->buffer, '%');
        } else if (what == '0') {
            add(replacement, replacement->start, (size_t)(replacement->end - replacement->start));
        } else if (what >= '1' && what <= '9') {
            const char *bytes;
            ptrdiff_t captured =
                edge_lua_captured(pattern, what - '1', replacement->start, replacement->end, &bytes);
            if (captured == EDGE_LUA_POSITION) {
                luaL_addvalue(replacement->buffer);
            } else {
                add(replacement, bytes, (size_t)captured);
            }
        } else {
            luaL_error(pattern->state, "invalid use of '%%' in replacement string");
        }
    }
}

// Answers whether anything else stands there now.
static int add_replacement(const struct replacement *replacement, int type) {
    struct edge_lua_pattern *pattern = replacement->pattern;
    lua_State *state = pattern->state;
    if (type == LUA_TFUNCTION || type == LUA_TTABLE) {
        // What runs now must find the account settled.
        edge_lua_settle(pattern);
        if (type == LUA_TFUNCTION) {
            lua_pushvalue(state, 3);
            lua_call(state, push_match(pattern, replacement->start, replacement->end), 1);
        } else {
            push_captured(pattern, 0, replacement->start, replacement->end);
            lua_gettable(state, 3);
        }
        if (!lua_toboolean(state, -1)) {
            lua_pop(state, 1);
            add(replacement, replacement->start, (size_t)(replacement->end - replacement->start));
            return 0;
        }
        if (!lua_isstring(state, -1)) {
            return luaL_error(state, "invalid replacement value (a %s)", luaL_typename(state, -1));
        }
        edge_lua_step(pattern, lua_rawlen(state, -1) / EDGE_LUA_BYTES_A_UNIT);
        luaL_addvalue(replacement->buffer);
    } else {
        add_template(replacement);
    }
    return 1;
}

static int gsub(lua_State *state) {
    size_t length;
    const char *subject = luaL_checklstring(state, 1, &length);
    luaL_checkstring(state, 2);
    int type = lua_type(state, 3);
    lua_Integer most = luaL_optinteger(state, 4, (lua_Integer)length + 1);
    luaL_argexpected(state,
                     type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION || type == LUA_TTABLE,
                     3, "string/function/table");
    struct edge_lua_pattern pattern = pattern_at(state, 2, subject, length);
    int is_anchored = take_anchor(&pattern);
    luaL_Buffer buffer;
    luaL_buffinit(state, &buffer);
    const char *at = subject;
    const char *last = NULL; // where the match before this one ended
    lua_Integer count = 0;
    int is_changed = 0;
    while (count < most) {
        const char *end = edge_lua_match(&pattern, at);
        if (end && end != last) {
            struct replacement replacement = {&pattern, &buffer, at, end};
            is_changed |= add_replacement(&replacement, type);
            count++;
            at = last = end;
        } else if (at < pattern.subject_end) {
            luaL_addchar(&buffer, *at++);
        } else {
            break;
        }
        if (is_anchored) break;
    }
    if (is_changed) {
        edge_lua_step(&pattern, (size_t)(pattern.subject_end - at) / EDGE_LUA_BYTES_A_UNIT);
        luaL_addlstring(&buffer, at, (size_t)(pattern.subject_end - at));
        luaL_pushresult(&buffer);
    } else {
        lua_pushvalue(state, 1);
    }
    edge_lua_settle(&pattern);
    lua_pushinteger(state, count);
    return 2;
}

void edge_lua_add_search(lua_State *state) {
    static const luaL_Reg functions[] = {
        {"find", find}, {"gmatch", gmatch}, {"gsub", gsub}, {"match", match}, {NULL, NULL},
    };
    luaL_setfuncs(state, functions, 0);
}
