// SPDX-License-Identifier: MIT
// The generator against the output that its author publishes, and exp against the C library's in double precision.
#include "sampling/random.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <limits>

#include <doctest/doctest.h>

#include "base/exp.hpp"

using linnet::exp_negative;
using linnet::log_threshold;
using linnet::Random;

TEST_CASE("the generator gives PCG32's published numbers") {
    // pcg32-demo of the PCG distribution, seeded with (42, 54), "32bit", round 1.
    constexpr std::uint32_t kExpected[] = {0xa15c02b7U, 0x7b47f409U, 0xba1d3330U,
                                           0x83d2f293U, 0xbfa4784bU, 0xcbed606eU};
    Random random(42, 54);
    for (const std::uint32_t expected : kExpected) CHECK(random.next() == expected);
}

TEST_CASE("uniform numbers are made of two draws, high one first") {
    Random random(42, 54);
    const double expected = static_cast<double>(0xa15c02b77b47f409ULL >> 11) / 9007199254740992.0;
    CHECK(random.uniform() == expected);
    double sum = 0.0;
    for (int i = 0; i < 100'000; ++i) {
        const double u = random.uniform();
        REQUIRE(u >= 0.0);
        REQUIRE(u < 1.0);
        sum += u;
    }
    CHECK(std::abs(sum / 100'000 - 0.5) < 0.005);  // 5.5 standard deviations
}

TEST_CASE("seeds give different sequences") {
    Random a(1);
    Random b(2);
    int n_same = 0;
    for (int i = 0; i < 100; ++i) n_same += a.next() == b.next() ? 1 : 0;
    CHECK(n_same < 3);
}

TEST_CASE("exp_negative is exact to 2e-7 and zero where it must be") {
    double worst = 0.0;
    for (float x = 0.0F; x > -86.9F; x -= 0.0137F) {
        const double expected = std::exp(static_cast<double>(x));
        worst = std::max(worst, std::abs(static_cast<double>(exp_negative(x)) - expected) / expected);
    }
    CHECK(worst < 2e-7);
    CHECK(exp_negative(0.0F) == 1.0F);
    CHECK(exp_negative(-0.0F) == 1.0F);
    CHECK(exp_negative(-1e-20F) == 1.0F);
    CHECK(exp_negative(-86.99F) > 0.0F);
    for (const float x :
         {-87.0F, -1000.0F, -3e38F, -std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
        CHECK(exp_negative(x) == 0.0F);
    }
}

TEST_CASE("log_threshold is where exp_negative reaches the value") {
    for (const float w : {1.0F, 0.999F, 0.5F, 0.05F, 1e-6F, 1e-30F}) {
        const float x = log_threshold(w);
        CHECK(exp_negative(x) >= w);
        CHECK(std::abs(static_cast<double>(x) - std::log(static_cast<double>(w))) < 1e-5);
    }
    CHECK(std::abs(log_threshold(1.0F)) < 1e-7F);
    CHECK(log_threshold(0.0F) == -88.0F);
}
