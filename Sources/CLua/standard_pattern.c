// Matches patterns as Lua does, without recursion: what may have to be tried otherwise lies on a stack of choices.
//
//   item        on the stack                    tried next when the rest does not match
//   x?          where x began                   the rest without it
//   x* x+       where it began, how many        one less
//   x-          how far it came                 one more
//   ( () )      nothing                         nothing: the capture is undone
//
// Every byte of the subject that is looked at is a step, and so is every byte of a set or an item that is read.

#include "pattern.h"
#include <ctype.h>
#include <string.h>

enum kind { MAYBE, GREEDY, LAZY, OPENED, CLOSED };

struct choice {
    enum kind kind;
    int capture;       // closed by it
    const char *item;  // what is repeated
    const char *end;   // of the item, where its suffix is
    const char *start; // in the subject
    ptrdiff_t count;   // bytes after `start` that the item took
};

static unsigned char byte_at(const char *at) { return (unsigned char)*at; }

// MARK: Items

static int is_in_class(int byte, int class) {
    int is_in;
    switch (tolower(class)) {
    case 'a': is_in = isalpha(byte); break;
    case 'c': is_in = iscntrl(byte); break;
    case 'd': is_in = isdigit(byte); break;
    case 'g': is_in = isgraph(byte); break;
    case 'l': is_in = islower(byte); break;
    case 'p': is_in = ispunct(byte); break;
    case 's': is_in = isspace(byte); break;
    case 'u': is_in = isupper(byte); break;
    case 'w': is_in = isalnum(byte); break;
    case 'x': is_in = isxdigit(byte); break;
    case 'z': is_in = byte == 0; break; // no longer in the manual, and still in Lua
    default: return byte == class;
    }
    return isupper(class) ? !is_in : is_in != 0;
}

// The set is from its `[` to behind its `]`.
static int is_in_set(struct edge_lua_pattern *pattern, int byte, const char *set, const char *end) {
    const char *at = set + 1;
    const char *last = end - 1;
    int found = 1;
    if (*at == '^') {
        found = 0;
        at++;
    }
    while (at < last) {
        int is_here;
        const char *from = at;
        if (*at == '%') {
            is_here = is_in_class(byte, byte_at(at + 1));
            at += 2;
        } else if (at[1] == '-' && at + 2 < last) {
            is_here = byte_at(at) <= byte && byte <= byte_at(at + 2);
            at += 3;
        } else {
            is_here = byte_at(at) == byte;
            at += 1;
        }
        pattern->steps += (size_t)(at - from);
        if (is_here) {
            edge_lua_step(pattern, 0);
            return found;
        }
    }
    edge_lua_step(pattern, 0);
    return !found;
}

static const char *set_end(struct edge_lua_pattern *pattern, const char *set) {
    const char *at = set + 1;
    if (*at == '^') at++;
    // A `]` that comes first is a member.
    for (int is_first = 1; is_first || *at != ']'; is_first = 0) {
        if (at >= pattern->pattern_end) luaL_error(pattern->state, "malformed pattern (missing ']')");
        at += *at == '%' && at + 1 < pattern->pattern_end ? 2 : 1;
    }
    edge_lua_step(pattern, (size_t)(at - set));
    return at + 1;
}

static const char *item_end(struct edge_lua_pattern *pattern, const char *item) {
    if (*item == '[') return set_end(pattern, item);
    if (*item != '%') return item + 1;
    if (item + 1 == pattern->pattern_end) luaL_error(pattern->state, "malformed pattern (ends with '%%')");
    return item + 2;
}

static int matches(struct edge_lua_pattern *pattern, const char *at, const char *item, const char *end) {
    edge_lua_step(pattern, 1);
    if (at >= pattern->subject_end) return 0;
    switch (*item) {
    case '.': return 1;
    case '%': return is_in_class(byte_at(at), byte_at(item + 1));
    case '[': return is_in_set(pattern, byte_at(at), item, end);
    default: return *item == *at;
    }
}

// From one delimiter to the other that balances it.
static const char *balanced_end(struct edge_lua_pattern *pattern, const char *at, const char *delimiters) {
    if (pattern->pattern_end - delimiters < 2) {
        luaL_error(pattern->state, "malformed pattern (missing arguments to '%%b')");
    }
    if (at == pattern->subject_end || *at != delimiters[0]) return NULL;
    size_t depth = 1;
    while (++at < pattern->subject_end) {
        edge_lua_step(pattern, 1);
        // The same byte on both sides closes.
        if (*at == delimiters[1]) {
            if (--depth == 0) return at + 1;
        } else if (*at == delimiters[0]) {
            depth++;
        }
    }
    return NULL;
}

static int is_frontier(struct edge_lua_pattern *pattern, const char *at, const char *set, const char *end) {
    // The end of the subject counts as a zero, which Lua puts there.
    int before = at == pattern->subject ? 0 : byte_at(at - 1);
    return !is_in_set(pattern, before, set, end) && is_in_set(pattern, byte_at(at), set, end);
}

// MARK: Captures

static const char *again(struct edge_lua_pattern *pattern, const char *at, int digit) {
    int index = digit - '1';
    if (index < 0 || index >= pattern->captures || pattern->capture[index].length == EDGE_LUA_UNFINISHED) {
        luaL_error(pattern->state, "invalid capture index %%%d", index + 1);
    }
    struct edge_lua_capture capture = pattern->capture[index];
    if (capture.length == EDGE_LUA_POSITION || pattern->subject_end - at < capture.length) return NULL;
    edge_lua_step(pattern, (size_t)capture.length / EDGE_LUA_BYTES_A_UNIT);
    return memcmp(capture.start, at, (size_t)capture.length) == 0 ? at + capture.length : NULL;
}

static int unfinished(struct edge_lua_pattern *pattern) {
    int index = pattern->captures;
    while (--index >= 0) {
        if (pattern->capture[index].length == EDGE_LUA_UNFINISHED) return index;
    }
    return luaL_error(pattern->state, "invalid pattern capture");
}

ptrdiff_t edge_lua_captured(struct edge_lua_pattern *pattern, int index, const char *start, const char *end,
                            const char **bytes) {
    if (index >= pattern->captures) {
        if (index != 0) luaL_error(pattern->state, "invalid capture index %%%d", index + 1);
        *bytes = start;
        return end - start;
    }
    struct edge_lua_capture capture = pattern->capture[index];
    *bytes = capture.start;
    if (capture.length == EDGE_LUA_UNFINISHED) luaL_error(pattern->state, "unfinished capture");
    if (capture.length == EDGE_LUA_POSITION) {
        lua_pushinteger(pattern->state, capture.start - pattern->subject + 1);
    }
    return capture.length;
}

// MARK: Matching

struct attempt {
    struct edge_lua_pattern *pattern;
    const char *at;   // in the subject
    const char *item; // to match there
    int choices;
    // The first level holds no choice.
    struct choice choice[EDGE_LUA_LEVELS_MAX - 1];
};

enum outcome { FAILED, GOING, MATCHED };

static struct choice *choose(struct attempt *attempt, enum kind kind) {
    if (attempt->choices == EDGE_LUA_LEVELS_MAX - 1) luaL_error(attempt->pattern->state, "pattern too complex");
    struct choice *choice = &attempt->choice[attempt->choices++];
    choice->kind = kind;
    return choice;
}

static enum outcome start_capture(struct attempt *attempt) {
    struct edge_lua_pattern *pattern = attempt->pattern;
    int is_position = attempt->item[1] == ')';
    if (pattern->captures == EDGE_LUA_CAPTURES_MAX) luaL_error(pattern->state, "too many captures");
    pattern->capture[pattern->captures++] = (struct edge_lua_capture){
        .start = attempt->at,
        .length = is_position ? EDGE_LUA_POSITION : EDGE_LUA_UNFINISHED,
    };
    choose(attempt, OPENED);
    attempt->item += is_position ? 2 : 1;
    return GOING;
}

static enum outcome end_capture(struct attempt *attempt) {
    struct edge_lua_pattern *pattern = attempt->pattern;
    int index = unfinished(pattern);
    pattern->capture[index].length = attempt->at - pattern->capture[index].start;
    choose(attempt, CLOSED)->capture = index;
    attempt->item += 1;
    return GOING;
}

static enum outcome repeat(struct attempt *attempt) {
    struct edge_lua_pattern *pattern = attempt->pattern;
    const char *item = attempt->item;
    const char *end = item_end(pattern, item);
    // The zero behind the pattern is no suffix.
    char suffix = *end;
    int is_repeated = suffix == '?' || suffix == '*' || suffix == '+' || suffix == '-';
    attempt->item = is_repeated ? end + 1 : end;
    if (!matches(pattern, attempt->at, item, end)) return is_repeated && suffix != '+' ? GOING : FAILED;
    if (!is_repeated) {
        attempt->at++;
        return GOING;
    }

    const char *start = suffix == '+' ? attempt->at + 1 : attempt->at;
    const char *reached = attempt->at;
    if (suffix != '-') reached++;
    if (suffix == '*' || suffix == '+') {
        while (matches(pattern, reached, item, end)) reached++;
    }
    struct choice *choice = choose(attempt, suffix == '?' ? MAYBE : suffix == '-' ? LAZY : GREEDY);
    choice->item = item;
    choice->end = end;
    choice->start = start;
    choice->count = reached - start;
    attempt->at = reached;
    return GOING;
}

static enum outcome advance(struct attempt *attempt) {
    struct edge_lua_pattern *pattern = attempt->pattern;
    const char *item = attempt->item;
    edge_lua_step(pattern, 1);
    if (item == pattern->pattern_end) return MATCHED;
    switch (*item) {
    case '(': return start_capture(attempt);
    case ')': return end_capture(attempt);
    case '$':
        if (item + 1 != pattern->pattern_end) break;
        return attempt->at == pattern->subject_end ? MATCHED : FAILED;
    case '%':
        if (item[1] == 'b') {
            attempt->at = balanced_end(pattern, attempt->at, item + 2);
            attempt->item = item + 4;
            return attempt->at ? GOING : FAILED;
        }
        if (item[1] == 'f') {
            if (item[2] != '[') luaL_error(pattern->state, "missing '[' after '%%f' in pattern");
            attempt->item = set_end(pattern, item + 2);
            return is_frontier(pattern, attempt->at, item + 2, attempt->item) ? GOING : FAILED;
        }
        if (isdigit(byte_at(item + 1))) {
            attempt->at = again(pattern, attempt->at, item[1]);
            attempt->item = item + 2;
            return attempt->at ? GOING : FAILED;
        }
        break;
    default: break;
    }
    return repeat(attempt);
}

static enum outcome retry(struct attempt *attempt) {
    struct edge_lua_pattern *pattern = attempt->pattern;
    for (; attempt->choices > 0; attempt->choices--) {
        struct choice *choice = &attempt->choice[attempt->choices - 1];
        edge_lua_step(pattern, 1);
        switch (choice->kind) {
        case OPENED: pattern->captures--; continue;
        case CLOSED: pattern->capture[choice->capture].length = EDGE_LUA_UNFINISHED; continue;
        case MAYBE:
            attempt->choices--;
            attempt->at = choice->start;
            break;
        case GREEDY:
            if (choice->count == 0) continue;
            attempt->at = choice->start + --choice->count;
            break;
        case LAZY:
            if (!matches(pattern, choice->start, choice->item, choice->end)) continue;
            attempt->at = ++choice->start;
            break;
        }
        attempt->item = choice->end + 1;
        return GOING;
    }
    return FAILED;
}

const char *edge_lua_match(struct edge_lua_pattern *pattern, const char *start) {
    struct attempt attempt;
    attempt.pattern = pattern;
    attempt.at = start;
    attempt.item = pattern->pattern;
    attempt.choices = 0;
    pattern->captures = 0;
    for (;;) {
        enum outcome outcome = advance(&attempt);
        if (outcome == FAILED) outcome = retry(&attempt);
        if (outcome == FAILED) return NULL;
        if (outcome == MATCHED) return attempt.at;
    }
}
