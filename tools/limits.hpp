// SPDX-License-Identifier: MIT
// What this machine can do at most, measured: the scale on which speeds are reported.
#pragma once

#include <cstdint>

namespace tools {

// Per second, all threads together. A multiply-add counts as two operations.
struct Limits {
    double int8_ops;    // 8-bit dot products with 32-bit sums, the best instruction that the CPU has
    double f32_ops;     // fused multiply-adds
    double read_bytes;  // streaming reads of a buffer far larger than the caches
};

// Takes about two seconds and, while it lasts, 256 MB.
Limits measure_limits(std::uint32_t n_threads);

}  // namespace tools
