// The steps that a table's growth will take, from the keys in its old nodes. `collisions.h` says why.

#include "collisions.h"
#include "include/CLua.h"
#include <limits.h>
#include <math.h>
#include <stdlib.h>

#if LUA_VERSION_NUM != 504 || LUA_VERSION_RELEASE_NUM < 50403
#error "the layout of nodes and the hash of integers are those of Lua 5.4.3 and later"
#endif

// A node of ltable.c:
//
//   0        8      9      10  12     16       24
//   ┌────────┬──────┬──────┬───┬──────┬────────┐
//   │ value  │ type │ type │   │ next │  key   │
//   │        │ of it│of key│   │      │        │
//   └────────┴──────┴──────┴───┴──────┴────────┘
struct node {
    uint64_t value;
    uint8_t value_type;
    uint8_t key_type;
    int32_t next;
    union {
        uint64_t integer;
        double number;
    } key;
};
_Static_assert(sizeof(struct node) == 24, "as Lua has it");
enum { TYPE_INTEGER = LUA_TNUMBER, TYPE_FLOAT = LUA_TNUMBER | 1 << 4, TYPE_BASIC = 0x0F };

// Fewer keys in one chain are done in less than ten milliseconds.
enum { NODES_LARGE = 1024, UNITS_A_STEP = 4, NODES_A_UNIT = 4 };

size_t edge_lua_node_count(size_t size) {
    size_t count = size / sizeof(struct node);
    if (count < NODES_LARGE || size % sizeof(struct node) || count & (count - 1)) return 0;
    return count;
}

int edge_lua_remember_nodes(struct edge_lua_nodes *nodes, void *block, size_t count) {
    if (nodes->count == nodes->room) {
        size_t room = nodes->room ? 2 * nodes->room : 16;
        void *blocks = realloc(nodes->blocks, room * sizeof *nodes->blocks);
        if (!blocks) return 0;
        nodes->blocks = blocks;
        nodes->room = room;
    }
    nodes->blocks[nodes->count++] = (struct edge_lua_node_block){block, count};
    return 1;
}

void edge_lua_forget_nodes(struct edge_lua_nodes *nodes, void *block) {
    for (size_t at = nodes->count; at > 0; at--) {
        if (nodes->blocks[at - 1].block != block) continue;
        nodes->blocks[at - 1] = nodes->blocks[--nodes->count];
        return;
    }
}

// The hash of a float in ltable.c.
static unsigned hash_of(double number) {
    int exponent;
    double scaled = frexp(number, &exponent) * -(double)INT_MIN;
    if (!(scaled >= -0x1p63 && scaled < 0x1p63)) return 0;
    unsigned hash = (unsigned)exponent + (unsigned)(int64_t)scaled;
    return hash <= INT_MAX ? hash : ~hash;
}

static int is_number(const struct node *node) {
    return (node->value_type & TYPE_BASIC) != LUA_TNIL
           && (node->key_type == TYPE_INTEGER || node->key_type == TYPE_FLOAT);
}

static size_t steps_of(const struct edge_lua_node_block *block, size_t count) {
    const struct node *node = block->block;
    const struct node *end = node + block->nodes;
    size_t numbers = 0;
    for (const struct node *at = node; at < end; at++) numbers += is_number(at);
    if (numbers < NODES_LARGE) return 0;
    size_t places = (count - 1) | 1;
    uint32_t *chains = calloc(places, sizeof *chains);
    // Then all of them may collide.
    if (!chains) return numbers * numbers / 2;
    size_t steps = 0;
    for (; node < end; node++) {
        if (!is_number(node)) continue;
        uint64_t hash = node->key_type == TYPE_INTEGER ? node->key.integer : hash_of(node->key.number);
        steps += chains[hash % places]++;
    }
    free(chains);
    return steps;
}

size_t edge_lua_collision_units(const struct edge_lua_nodes *nodes, size_t count) {
    size_t most = 0;
    size_t seen = 0;
    for (size_t at = 0; at < nodes->count; at++) {
        size_t steps = steps_of(&nodes->blocks[at], count);
        if (steps > most) most = steps;
        seen += nodes->blocks[at].nodes;
    }
    return most * UNITS_A_STEP + seen / NODES_A_UNIT;
}
