// Lua 5.4 for Swift: the headers, and the macros among its calls as functions with our prefix.
#pragma once
#include <lua5.4/lauxlib.h>
#include <lua5.4/lua.h>
#include <lua5.4/lualib.h>
