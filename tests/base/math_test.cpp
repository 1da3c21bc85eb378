// SPDX-License-Identifier: MIT
// exp, log, pow, sin and cos of base/math.hpp against the C library's in long double (64 bits of fraction), over the
// ranges that the header states.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <limits>

#include <doctest/doctest.h>

#include "base/math.hpp"

namespace {

namespace math = linnet::math;

// SplitMix64, in [0, 1).
double next(std::uint64_t& state) {
    std::uint64_t z = (state += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

double relative(double got, long double expected) {
    return static_cast<double>(std::abs((static_cast<long double>(got) - expected) / expected));
}

}  // namespace

TEST_CASE("math: powers of two and rounding to integers") {
    for (int n = -1022; n <= 1023; ++n) CHECK(math::power_of_two(n) == std::ldexp(1.0, n));
    for (const double x : {0.0, 0.4, 0.5, 0.6, 1.5, 2.5, -0.5, -1.5, -2.5, 1e15 + 0.5, -123456.7}) {
        CHECK(math::nearest(x) == std::nearbyint(x));
    }
}

TEST_CASE("math: exp") {
    std::uint64_t state = 1;
    double worst = 0.0;
    for (int i = 0; i < 200000; ++i) {
        const double x = (next(state) * 2.0 - 1.0) * (i % 3 == 0 ? 700.0 : i % 3 == 1 ? 20.0 : 0.5);
        worst = std::max(worst, relative(math::exp(x), std::exp(static_cast<long double>(x))));
    }
    CHECK(worst < 1e-14);
    CHECK(math::exp(0.0) == 1.0);
    CHECK(relative(math::exp(700.0), std::exp(700.0L)) < 1e-14);
    CHECK(relative(math::exp(-700.0), std::exp(-700.0L)) < 1e-14);
    CHECK(math::exp(-701.0) == 0.0);
    CHECK(math::exp(std::numeric_limits<double>::quiet_NaN()) == 0.0);
    CHECK(math::exp(1e9) == math::exp(700.0));
}

TEST_CASE("math: log") {
    std::uint64_t state = 2;
    double worst = 0.0;
    for (int i = 0; i < 200000; ++i) {
        const double x = i % 2 == 0 ? std::exp((next(state) * 2.0 - 1.0) * 700.0) : 0.5 + next(state);
        const long double expected = std::log(static_cast<long double>(x));
        // Near 1 the result is small, and its error relative to 1 ulp of x: absolute there.
        worst = std::max(worst,
                         static_cast<double>(std::abs(math::log(x) - expected) / std::max(std::abs(expected), 1e-2L)));
    }
    CHECK(worst < 1e-14);
    CHECK(math::log(1.0) == 0.0);
}

TEST_CASE("math: pow, for the frequencies of rotary embeddings") {
    // The exponent y log x carries log's error: |y log x| times 1e-14 at most.
    for (const double theta : {10000.0, 5000.0, 1e5, 5e5, 1e6, 8e6, 1e9, 2.0, 1.0}) {
        for (int n_rot = 2; n_rot <= 256; n_rot += 2) {
            for (int i = 0; i < n_rot / 2; ++i) {
                const double y = -2.0 * i / n_rot;
                const long double expected = std::pow(static_cast<long double>(theta), static_cast<long double>(y));
                CHECK(relative(math::pow(theta, y), expected) < 2e-14);
            }
        }
    }
}

TEST_CASE("math: sin and cos") {
    std::uint64_t state = 3;
    double worst = 0.0;
    for (const double range : {1.0, 10.0, 1e3, 1e5, 1e6, 1.6e7}) {  // positions below 2^24, frequencies up to 1
        for (int i = 0; i < 50000; ++i) {
            const double x = (next(state) * 2.0 - 1.0) * range;
            const math::SinCos angle = math::sin_cos(x);
            const auto wide = static_cast<long double>(x);
            worst = std::max(worst, static_cast<double>(std::abs(angle.sine - std::sin(wide))));
            worst = std::max(worst, static_cast<double>(std::abs(angle.cosine - std::cos(wide))));
        }
    }
    CHECK(worst < 1e-14);
    // Every integer position of a frequency of 1, which is the first of every model.
    worst = 0.0;
    for (int pos = 0; pos < 200000; ++pos) {
        const math::SinCos angle = math::sin_cos(pos);
        worst = std::max(worst, static_cast<double>(std::abs(angle.sine - std::sin(static_cast<long double>(pos)))));
        worst = std::max(worst, static_cast<double>(std::abs(angle.cosine - std::cos(static_cast<long double>(pos)))));
    }
    CHECK(worst < 1e-14);
    CHECK(math::sin_cos(0.0).sine == 0.0);
    CHECK(math::sin_cos(0.0).cosine == 1.0);
}

TEST_CASE("math: angles that make no sense stay finite") {
    constexpr double kInf = std::numeric_limits<double>::infinity();
    for (const double x : {1e9, -1e9, 1e19, -1e300, kInf, -kInf, std::nan("")}) {
        const math::SinCos angle = math::sin_cos(x);
        CHECK(std::abs(angle.sine) <= 1.0);
        CHECK(std::abs(angle.cosine) <= 1.0);
    }
}
