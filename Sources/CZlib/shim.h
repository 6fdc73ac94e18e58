// zlib for Swift: the header, and the macros among its calls as functions with our prefix.
#pragma once
#define ZLIB_CONST
#include <zlib.h>

// zlib compares the version and the size of the structure that the caller was compiled with.
static inline int edge_deflateInit2(z_stream *stream, int level, int window_bits, int memory_level) {
  return deflateInit2(stream, level, Z_DEFLATED, window_bits, memory_level, Z_DEFAULT_STRATEGY);
}

static inline int edge_inflateInit2(z_stream *stream, int window_bits) {
  return inflateInit2(stream, window_bits);
}
