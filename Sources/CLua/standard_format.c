// format; and pack, packsize and unpack, which are the real ones at a price.

#include "pattern.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

// What may be between the `%` and the letter: one of more bytes is refused.
enum { SPECIFICATION_MAX = 20, WIDTH_DIGITS = 2 };
// With no more than two digits of precision the longest item is the greatest double, as `%f` writes it.
enum { ITEM_MAX = 512 };
// Past this length a string without a precision has no use for a width, and is not copied twice.
enum { PADDED_MAX = 100 };
// A double is written from its exact decimal digits: each bit before the point costs, and each digit that is written.
enum { CONVERSION_UNITS = 4, NUMBER_UNITS = 20, BIT_UNITS = 2 };

static void charge(lua_State *state, size_t units) {
    edge_lua_charge(state, edge_lua_account(state), units);
}

struct conversion {
    int argument;
    char letter;
    // For `snprintf`, with room for a length modifier.
    char format[SPECIFICATION_MAX + 8];
    size_t length;
};

// MARK: Specifications

static const char *after_digits(const char *at) {
    for (int count = 0; count < WIDTH_DIGITS && isdigit((unsigned char)*at); count++) at++;
    return at;
}

// Only these flags; a width of two digits; a precision of two if there may be one.
static void check(lua_State *state, const struct conversion *conversion, const char *flags, int has_precision) {
    const char *at = conversion->format + 1;
    at += strspn(at, flags);
    if (*at != '0') {
        at = after_digits(at);
        if (*at == '.' && has_precision) at = after_digits(at + 1);
    }
    if (*at != conversion->letter) {
        luaL_error(state, "invalid conversion specification: '%s'", conversion->format);
    }
}

// Answers what is behind the letter.
static const char *parse(lua_State *state, const char *at, struct conversion *conversion) {
    size_t length = strspn(at, "-+ #0123456789.");
    if (length > SPECIFICATION_MAX) luaL_error(state, "invalid format (too long)");
    conversion->letter = at[length];
    conversion->length = length + 2;
    conversion->format[0] = '%';
    memcpy(conversion->format + 1, at, length + 1);
    conversion->format[conversion->length] = 0;
    return at + length + 1;
}

// Integers are long ones.
static void lengthen(struct conversion *conversion) {
    char *letter = conversion->format + conversion->length - 1;
    letter[0] = letter[1] = 'l';
    letter[2] = conversion->letter;
    letter[3] = 0;
}

// MARK: Literals

static void add_quoted(lua_State *state, luaL_Buffer *buffer, const char *bytes, size_t length) {
    charge(state, length);
    luaL_addchar(buffer, '"');
    for (size_t at = 0; at < length; at++) {
        unsigned char byte = (unsigned char)bytes[at];
        if (byte == '"' || byte == '\\' || byte == '\n') {
            luaL_addchar(buffer, '\\');
            luaL_addchar(buffer, (char)byte);
        } else if (iscntrl(byte)) {
            // Not to be read together with a digit that follows. There is a zero behind the last byte.
            char item[8];
            charge(state, CONVERSION_UNITS);
            snprintf(item, sizeof item, isdigit((unsigned char)bytes[at + 1]) ? "\\%03d" : "\\%d", byte);
            luaL_addstring(buffer, item);
        } else {
            luaL_addchar(buffer, (char)byte);
        }
    }
    luaL_addchar(buffer, '"');
}

static void add_number(lua_State *state, luaL_Buffer *buffer, int index) {
    char item[ITEM_MAX];
    if (lua_isinteger(state, index)) {
        lua_Integer value = lua_tointeger(state, index);
        // The least one is no decimal literal.
        snprintf(item, sizeof item, value == LUA_MININTEGER ? "0x%llx" : "%lld", value);
    } else {
        lua_Number value = lua_tonumber(state, index);
        if (value != value) {
            snprintf(item, sizeof item, "(0/0)");
        } else if (value - value != 0) {
            snprintf(item, sizeof item, value > 0 ? "1e9999" : "-1e9999");
        } else {
            snprintf(item, sizeof item, "%a", value);
        }
    }
    luaL_addstring(buffer, item);
}

// What Lua reads as the same value.
static void add_literal(lua_State *state, luaL_Buffer *buffer, const struct conversion *conversion) {
    if (conversion->length != 2) luaL_error(state, "specifier '%%q' cannot have modifiers");
    int index = conversion->argument;
    switch (lua_type(state, index)) {
    case LUA_TSTRING: {
        size_t length;
        const char *bytes = lua_tolstring(state, index, &length);
        add_quoted(state, buffer, bytes, length);
        break;
    }
    case LUA_TNUMBER: add_number(state, buffer, index); break;
    case LUA_TNIL: luaL_addstring(buffer, "nil"); break;
    case LUA_TBOOLEAN: luaL_addstring(buffer, lua_toboolean(state, index) ? "true" : "false"); break;
    default: luaL_argerror(state, index, "value has no literal form");
    }
}

// MARK: format

static void add_text(lua_State *state, luaL_Buffer *buffer, const struct conversion *conversion) {
    char item[ITEM_MAX];
    size_t length;
    const char *text = edge_lua_to_text(state, conversion->argument, &length);
    charge(state, length / EDGE_LUA_BYTES_A_UNIT);
    if (conversion->length == 2) {
        luaL_addvalue(buffer);
        return;
    }
    luaL_argcheck(state, length == strlen(text), conversion->argument, "string contains zeros");
    check(state, conversion, "-", 1);
    if (length >= PADDED_MAX && !strchr(conversion->format, '.')) {
        luaL_addvalue(buffer);
        return;
    }
    int count = snprintf(item, sizeof item, conversion->format, text);
    lua_pop(state, 1);
    luaL_addlstring(buffer, item, (size_t)count);
}

static void convert(lua_State *state, luaL_Buffer *buffer, struct conversion *conversion) {
    int index = conversion->argument;
    char item[ITEM_MAX];
    int count;
    charge(state, CONVERSION_UNITS);
    switch (conversion->letter) {
    case 's': add_text(state, buffer, conversion); return;
    case 'q': add_literal(state, buffer, conversion); return;
    case 'p': luaL_error(state, "addresses are hidden"); return;
    case 'c':
        check(state, conversion, "-", 0);
        count = snprintf(item, sizeof item, conversion->format, (int)luaL_checkinteger(state, index));
        break;
    case 'd':
    case 'i':
    case 'u':
    case 'o':
    case 'x':
    case 'X': {
        lua_Integer value = luaL_checkinteger(state, index);
        int is_signed = conversion->letter == 'd' || conversion->letter == 'i';
        check(state, conversion, is_signed ? "-+0 " : conversion->letter == 'u' ? "-0" : "-#0", 1);
        lengthen(conversion);
        count = snprintf(item, sizeof item, conversion->format, value);
        break;
    }
    case 'a':
    case 'A':
    case 'e':
    case 'E':
    case 'f':
    case 'g':
    case 'G': {
        int is_hexadecimal = conversion->letter == 'a' || conversion->letter == 'A';
        if (is_hexadecimal) check(state, conversion, "-+#0 ", 1);
        lua_Number value = luaL_checknumber(state, index);
        if (!is_hexadecimal) check(state, conversion, "-+#0 ", 1);
        int bits = 0;
        if (value - value == 0) frexp(value, &bits);
        charge(state, NUMBER_UNITS + (size_t)(bits > 0 ? bits * BIT_UNITS : 0));
        count = snprintf(item, sizeof item, conversion->format, value);
        charge(state, (size_t)count);
        break;
    }
    default: luaL_error(state, "invalid conversion '%s' to 'format'", conversion->format); return;
    }
    luaL_addlstring(buffer, item, (size_t)count);
}

static int format(lua_State *state) {
    int arguments = lua_gettop(state);
    size_t length;
    const char *at = luaL_checklstring(state, 1, &length);
    const char *end = at + length;
    struct conversion conversion = {.argument = 1};
    luaL_Buffer buffer;
    luaL_buffinit(state, &buffer);
    while (at < end) {
        const char *percent = memchr(at, '%', (size_t)(end - at));
        size_t before = (size_t)((percent ? percent : end) - at);
        charge(state, 1 + before / EDGE_LUA_BYTES_A_UNIT);
        luaL_addlstring(&buffer, at, before);
        if (!percent) break;
        if (percent[1] == '%') {
            luaL_addchar(&buffer, '%');
            at = percent + 2;
            continue;
        }
        if (++conversion.argument > arguments) {
            return luaL_argerror(state, conversion.argument, "no value");
        }
        at = parse(state, percent + 1, &conversion);
        convert(state, &buffer, &conversion);
    }
    luaL_pushresult(&buffer);
    return 1;
}

// MARK: pack

// The upvalue is the real function. It is run in this call, so that its errors name this one. Each byte of the format
// is an option, or a digit of one.
static int run_real(lua_State *state) {
    if (lua_type(state, 1) == LUA_TSTRING) charge(state, lua_rawlen(state, 1) * CONVERSION_UNITS);
    int results = lua_tocfunction(state, lua_upvalueindex(1))(state);
    if (results > EDGE_LUA_RESULTS_MAX) return luaL_error(state, "too many results");
    return results;
}

// The strings are copied, or looked through for zeros.
static int pack(lua_State *state) {
    int arguments = lua_gettop(state);
    size_t units = (size_t)arguments;
    for (int index = 2; index <= arguments; index++) {
        if (lua_type(state, index) == LUA_TSTRING) units += lua_rawlen(state, index) / EDGE_LUA_BYTES_A_UNIT;
    }
    charge(state, units);
    return run_real(state);
}

// What is read is paid where it is allocated, so that a long string can be read piece by piece. Only the end that a
// `z` does not find is searched for in all the rest: that is charged, and given back where it was found.
static int unpack(lua_State *state) {
    size_t length;
    const char *options = luaL_checklstring(state, 1, &length);
    size_t search = 0;
    if (memchr(options, 'z', length) && lua_type(state, 2) == LUA_TSTRING) {
        search = lua_rawlen(state, 2) / EDGE_LUA_BYTES_A_UNIT;
    }
    charge(state, search);
    int results = run_real(state);
    edge_lua_account(state)->left += (long)search;
    return results;
}

void edge_lua_add_format(lua_State *state) {
    static const char *const real[] = {"pack", "packsize", "unpack", NULL};
    static const luaL_Reg paid[] = {{"pack", pack}, {"packsize", run_real}, {"unpack", unpack}, {NULL, NULL}};
    edge_lua_push_real(state, luaopen_string, real);
    for (const luaL_Reg *function = paid; function->name; function++) {
        lua_getfield(state, -1, function->name);
        lua_pushcclosure(state, function->func, 1);
        lua_setfield(state, -3, function->name);
    }
    lua_pop(state, 1);
    lua_pushcfunction(state, format);
    lua_setfield(state, -2, "format");
}
