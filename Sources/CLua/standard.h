// Lua's standard library with every loop counted. Private to the C target.
//
// The functions answer what those of Lua 5.4 answer, error texts included, and charge for what the count hook does
// not see: one unit for a byte walked or a step of a pattern, some for an element, one for each
// `EDGE_LUA_BYTES_A_UNIT` bytes that are only copied or compared. What they do otherwise than Lua:
//
//   base     no dofile, loadfile, collectgarbage, print, require, warn; `load` takes strings of text only and gives
//            the chunk the caller's globals; no address shows in `tostring`; `pairs` has one order; no `__gc`, no `__mode`
//   string   no dump; `%p` is refused, and `%s` shows no address; `rep` of nothing is nothing, however often
//   lists    no more than EDGE_LUA_RESULTS_MAX results
//   sort     is stable and writes only when it is done, so a comparator sees the table as it was, an error leaves it
//            so, and no order function is found invalid; which two values an error names can differ
//   utf8     `codes` raises at every byte that no code point begins with, as the manual has it and not all of 5.4 do
//   math     no randomseed; random numbers are the host's
//   read-only tables are read through by `rawget`, `rawlen` and `next`, and refuse `rawset` and `setmetatable`
#pragma once
#include "account.h"

// A long list of arguments or results is moved, walked and given room by single VM instructions, of which no count
// hook sees the length.
enum { EDGE_LUA_RESULTS_MAX = 8000 };

// An element read or written as Lua code does it, or two compared, takes about as long as four instructions; a byte
// compiled too. No clock is looked at within one call of a library function.
enum { EDGE_LUA_ELEMENT_UNITS = 4, EDGE_LUA_COMPILE_UNITS = 4 };

// Pushes the table `string`, and sets the metatable of strings: __index = it, __metatable = false.
void edge_lua_push_string(lua_State *state);
void edge_lua_push_base(lua_State *state);
void edge_lua_push_table(lua_State *state);
void edge_lua_push_math(lua_State *state);
void edge_lua_push_utf8(lua_State *state);

// 64 uniform bits, from the host.
uint64_t edge_lua_random_bits(lua_State *state);

// Pushes a text of any value, by its `__tostring` if it has one.
const char *edge_lua_to_text(lua_State *state, int index, size_t *length);

// Pushes an iterator over the table at `index`, in the order of `pairs`.
void edge_lua_push_walk(lua_State *state, int index);

// Its address is a key of the metatables of read-only tables; the name is the value.
extern char edge_lua_readonly;
// Pushes the table behind the read-only one at `index`; pushes nothing and answers 0 for any other value.
int edge_lua_push_behind(lua_State *state, int index);
// Raises where the value at `index` is a read-only table.
void edge_lua_check_writable(lua_State *state, int index);

// Pushes the table of functions `names` of the real library, for those without loops. `library` is its opener.
void edge_lua_push_real(lua_State *state, lua_CFunction library, const char *const *names);
