// SPDX-License-Identifier: MIT
// exp, log, pow, sin and cos in double precision from additions, multiplications and divisions only: the C library's
// differ between platforms in the last bit, and these enter results (rotary tables). Relative error below 1e-14 in the
// ranges stated; speed does not matter here.
#pragma once

#include <bit>
#include <cstdint>

namespace linnet::math {

inline constexpr double kPi = 3.14159265358979323846;
inline constexpr double kLn2 = 0.69314718055994530942;

// 2^n for n in -1022..1023.
inline double power_of_two(int n) { return std::bit_cast<double>(static_cast<std::uint64_t>(n + 1023) << 52); }

// To the nearest integer, for |x| < 2^51.
inline double nearest(double x) {
    constexpr double kShift = 6755399441055744.0;  // 1.5 * 2^52: adding it leaves no fraction bits
    volatile double shifted = x + kShift;
    return shifted - kShift;
}

// 0 below -700 (and of NaN), e^700 above 700.
inline double exp(double x) {
    if (!(x >= -700.0)) return 0.0;
    if (x > 700.0) x = 700.0;
    const double n = nearest(x / kLn2);
    // ln 2 in two parts, the first with 21 zero bits at the end, so that n * it is exact.
    const double r = (x - n * 0x1.62e42feep-1) - n * 0x1.a39ef35793c76p-33;
    double term = 1.0;
    double sum = 1.0;
    for (int i = 1; i < 18; ++i) {  // |r| <= 0.35: 0.35^18 / 18! < 1e-24
        term *= r / i;
        sum += term;
    }
    return sum * power_of_two(static_cast<int>(n));
}

// x > 0, normal.
inline double log(double x) {
    const std::uint64_t bits = std::bit_cast<std::uint64_t>(x);
    int exponent = static_cast<int>(bits >> 52) - 1023;
    double m = std::bit_cast<double>((bits & 0xfffffffffffffU) | 0x3ff0000000000000U);  // [1, 2)
    if (m > 1.4142135623730951) {
        m *= 0.5;
        ++exponent;
    }
    // ln m = 2 atanh(s), s = (m - 1) / (m + 1), |s| <= 0.172
    const double s = (m - 1.0) / (m + 1.0);
    const double s2 = s * s;
    double power = s;
    double sum = s;
    for (int i = 3; i < 25; i += 2) {
        power *= s2;
        sum += power / i;
    }
    return 2.0 * sum + exponent * kLn2;
}

// x > 0.
inline double pow(double x, double y) { return exp(y * log(x)); }

// ln(1 + e^x)
inline double softplus(double x) { return x > 30.0 ? x : log(1.0 + exp(x)); }

inline double sqrt(double x) { return __builtin_sqrt(x); }  // IEEE: exact everywhere

struct SinCos {
    double sine;
    double cosine;
};

// |x| < 1e9; beyond, where a file's frequencies make no sense, the angle counts as 0, so that results stay finite.
inline SinCos sin_cos(double x) {
    if (!(x > -1e9 && x < 1e9)) return {0.0, 1.0};
    const double n = nearest(x * (2.0 / kPi));
    // pi / 2 in parts of 21 bits and a last one: n, below 2^30, times a part is exact, as are the first two
    // differences.
    double r = (x - n * 0x1.921fbp+0) - n * 0x1.5110bp-22;
    r = (r - n * 0x1.184690p-44) - n * 0x1.13198a2e03707p-65;
    const double r2 = r * r;
    double sine = r;
    double cosine = 1.0;
    double sine_term = r;
    double cosine_term = 1.0;
    for (int i = 1; i < 11; ++i) {  // |r| <= 0.79: 0.79^22 / 22! < 1e-23
        cosine_term *= -r2 / ((2 * i - 1) * (2 * i));
        sine_term *= -r2 / ((2 * i) * (2 * i + 1));
        cosine += cosine_term;
        sine += sine_term;
    }
    switch (static_cast<std::int64_t>(n) & 3) {
        case 0: return {sine, cosine};
        case 1: return {cosine, -sine};
        case 2: return {-sine, -cosine};
        default: return {-cosine, sine};
    }
}

}  // namespace linnet::math
