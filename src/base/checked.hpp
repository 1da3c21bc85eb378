// SPDX-License-Identifier: MIT
// Arithmetic on numbers that come from files or callers: every overflow is an Error, never a wrapped value.
#pragma once

#include <concepts>
#include <limits>
#include <string_view>

#include "base/error.hpp"

namespace linnet {

template <std::unsigned_integral T>
T checked_add(T a, T b, std::string_view what) {
    T sum;
    if (__builtin_add_overflow(a, b, &sum)) throw Error(Status::bad_file, "{}: {} + {} overflows", what, a, b);
    return sum;
}

template <std::unsigned_integral T>
T checked_mul(T a, T b, std::string_view what) {
    T product;
    if (__builtin_mul_overflow(a, b, &product)) throw Error(Status::bad_file, "{}: {} * {} overflows", what, a, b);
    return product;
}

// The least multiple of `unit` (> 0) that is not below `n`.
template <std::unsigned_integral T>
T checked_round_up(T n, T unit, std::string_view what) {
    const T rest = n % unit;
    return rest == 0 ? n : checked_add(n, static_cast<T>(unit - rest), what);
}

// For sizes that are known to fit (validated before).
template <std::unsigned_integral T>
constexpr T round_up(T n, T unit) {
    return (n + unit - 1) / unit * unit;
}

template <std::unsigned_integral T>
constexpr T div_up(T n, T unit) {
    return n / unit + (n % unit != 0 ? 1 : 0);
}

}  // namespace linnet
