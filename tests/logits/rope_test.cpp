// SPDX-License-Identifier: MIT
// Rotary tables against the papers' formulas with the C library in long double, for every kind of scaling.
#include <algorithm>
#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include "model/rope.hpp"

namespace {

using linnet::arch::RopeScaling;
using linnet::arch::RopeSpec;

constexpr long double kPi = 3.14159265358979323846264338327950288L;

// YaRN, section 3.2: with r(d) turns of dimension d over the original context, the frequency is interpolated where
// r < beta_slow, kept where r > beta_fast, blended in between. The blend is linear in d between the dimensions that
// turn beta_fast and beta_slow times, rounded outwards, as the authors' code has it.
long double yarn(const RopeSpec& rope, long double frequency, std::size_t i) {
    const auto dimension = [&](long double turns) {
        return rope.n_rot * std::log(rope.n_ctx_orig / (turns * 2 * kPi)) /
               (2 * std::log(static_cast<long double>(rope.theta)));
    };
    const long double low = std::max(std::floor(dimension(rope.beta_fast)), 0.0L);
    const long double high = std::min(std::ceil(dimension(rope.beta_slow)), static_cast<long double>(rope.n_rot - 1));
    const long double share =
        std::min(std::max((static_cast<long double>(i) - low) / std::max(high - low, 0.001L), 0.0L), 1.0L);
    return frequency / rope.factor * share + frequency * (1 - share);
}

void check(const RopeSpec& rope, const std::vector<float>& factors) {
    const std::size_t half = rope.n_rot / 2;
    std::vector<double> frequencies(half);
    linnet::inverse_frequencies(rope, factors.empty() ? nullptr : factors.data(), frequencies);
    std::vector<long double> expected(half);
    for (std::size_t i = 0; i < half; ++i) {
        expected[i] = std::pow(static_cast<long double>(rope.theta), -2.0L * static_cast<long double>(i) / rope.n_rot);
        if (!factors.empty()) expected[i] /= factors[i];
        if (rope.scaling == RopeScaling::linear) expected[i] /= rope.factor;
        if (rope.scaling == RopeScaling::yarn) expected[i] = yarn(rope, expected[i], i);
        CHECK(std::abs(frequencies[i] / expected[i] - 1) < 5e-14L);
    }
    std::vector<float> cosines(half);
    std::vector<float> sines(half);
    for (const std::uint32_t pos : {0U, 1U, 2U, 31U, 32U, 511U, 4095U, 4096U, 32767U, 131071U, 1048575U}) {
        linnet::rope_row(rope, frequencies, pos, cosines.data(), sines.data());
        for (std::size_t i = 0; i < half; ++i) {
            const long double angle = pos * expected[i];
            // Half an ulp of float for results up to the magnitude (below 2), and the angle's error: 5e-14 of it.
            const long double bound = rope.magnitude * (0x1p-24L + 6e-14L * angle + 1e-14L) + 1e-30L;
            CHECK(std::abs(cosines[i] - rope.magnitude * std::cos(angle)) <= bound);
            CHECK(std::abs(sines[i] - rope.magnitude * std::sin(angle)) <= bound);
        }
    }
}

}  // namespace

TEST_CASE("rope: plain, linear and factored frequencies") {
    for (const float theta : {10000.0F, 5000.0F, 500000.0F, 1e6F}) {
        for (const std::uint32_t n_rot : {2U, 12U, 48U, 64U, 128U, 256U}) {
            CAPTURE(theta);
            CAPTURE(n_rot);
            RopeSpec rope;
            rope.theta = theta;
            rope.n_rot = n_rot;
            check(rope, {});
            std::vector<float> factors;
            for (std::uint32_t i = 0; i < n_rot / 2; ++i) factors.push_back(1.0F + 0.37F * static_cast<float>(i));
            check(rope, factors);
            rope.scaling = RopeScaling::linear;
            rope.factor = 8.0F;
            check(rope, {});
            rope.scaling = RopeScaling::longrope;
            rope.magnitude = 1.1902381F;
            check(rope, factors);
        }
    }
}

TEST_CASE("rope: YaRN") {
    for (const std::uint32_t n_rot : {12U, 64U, 128U}) {
        for (const std::uint32_t n_ctx_orig : {32U, 2048U, 32768U}) {
            for (const float factor : {2.0F, 4.0F, 40.0F}) {
                CAPTURE(n_rot);
                CAPTURE(n_ctx_orig);
                CAPTURE(factor);
                RopeSpec rope;
                rope.scaling = RopeScaling::yarn;
                rope.theta = 1e6F;
                rope.n_rot = n_rot;
                rope.n_ctx_orig = n_ctx_orig;
                rope.factor = factor;
                rope.magnitude = static_cast<float>(0.1 * std::log(static_cast<double>(factor)) + 1.0);
                check(rope, {});
            }
        }
    }
}
