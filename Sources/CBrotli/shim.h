// Brotli for Swift: its two headers. None of its calls is a macro.
#pragma once
#include <brotli/decode.h>
#include <brotli/encode.h>
