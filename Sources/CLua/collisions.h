// Tables whose keys are made to collide. Private to the C target.
//
// When a table grows, one instruction puts all of its keys into new nodes, and each walks past those with its hash: n keys
// with one hash take n²/2 steps, which nothing interrupts (seconds from 2^15 on). Strings have a seed; the hash of a number
// is that number, so numbers can be chosen that do not collide while the table is built and all do when it grows. The
// allocator, which is asked for the new nodes while the old ones still lie there, counts these steps beforehand.
#pragma once
#include <stddef.h>

// The blocks that may be nodes of large tables.
struct edge_lua_nodes {
    struct edge_lua_node_block {
        void *block;
        size_t nodes;
    } *blocks;
    size_t count;
    size_t room;
};

// As many nodes as a block of that size holds, if it may be a large table's; or zero.
size_t edge_lua_node_count(size_t size);
// Zero: there is no memory to remember it.
int edge_lua_remember_nodes(struct edge_lua_nodes *nodes, void *block, size_t count);
void edge_lua_forget_nodes(struct edge_lua_nodes *nodes, void *block);
// What it costs at most to fill so many new nodes from any of the blocks, in units.
size_t edge_lua_collision_units(const struct edge_lua_nodes *nodes, size_t count);
