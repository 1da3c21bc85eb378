// SPDX-License-Identifier: MIT
// Logarithm and exponential in double precision from additions, multiplications and divisions only, so that every
// platform gets the same bits. For single numbers, not for loops over a vocabulary (base/exp.hpp has those).
#pragma once

#include <bit>
#include <cstdint>

namespace linnet {

inline constexpr double kLn2 = 0.693147180559945309417;

// ln x for normal x > 0, error below 1e-15 relative to 1 + |ln x|.
inline double log_positive(double x) noexcept {
    const auto bits = std::bit_cast<std::uint64_t>(x);
    auto exponent = static_cast<std::int64_t>(bits >> 52) - 1023;
    double m = std::bit_cast<double>((bits & 0xFFFFFFFFFFFFFU) | 0x3FF0000000000000U);  // [1, 2)
    if (m > 1.4142135623730951) {
        m *= 0.5;
        ++exponent;
    }
    // ln m = 2 atanh(t), |t| <= 0.172: the term of t^23 is below 1e-18.
    const double t = (m - 1.0) / (m + 1.0);
    double sum = 0.0;
    for (int k = 21; k >= 1; k -= 2) sum = sum * t * t + 1.0 / k;
    return static_cast<double>(exponent) * kLn2 + 2.0 * t * sum;
}

// e^x, relative error below 1e-14 where the result is normal; 0 below -700, e^700 above.
inline double exp_real(double x) noexcept {
    if (!(x > -700.0)) return 0.0;
    if (x > 700.0) x = 700.0;
    const double scaled = x / kLn2;
    const auto n = static_cast<std::int64_t>(scaled < 0.0 ? scaled - 0.5 : scaled + 0.5);
    constexpr double kLn2High = 0x1.62e42fep-1;  // 25 bits: n * kLn2High is exact
    constexpr double kLn2Low = kLn2 - kLn2High;
    const auto steps = static_cast<double>(n);
    const double r = (x - steps * kLn2High) - steps * kLn2Low;  // |r| <= 0.35
    double sum = 1.0;
    for (int k = 14; k >= 1; --k) sum = sum * r / k + 1.0;
    return sum * std::bit_cast<double>(static_cast<std::uint64_t>(n + 1023) << 52);
}

}  // namespace linnet
