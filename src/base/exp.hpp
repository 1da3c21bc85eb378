// SPDX-License-Identifier: MIT
// exp for weights relative to the best token, from additions and multiplications only, so that every platform gets the
// same bits (libm's differ) and loops over a vocabulary vectorise.
#pragma once

#include <bit>
#include <cstdint>

namespace linnet {

// `value` or 0, without a branch: compilers do not vectorise loops around ?: on floats that might trap.
inline float value_if(bool condition, float value) noexcept {
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) & (0U - static_cast<std::uint32_t>(condition)));
}

// e^x for x <= 0, relative error below 2e-7. 0 for x <= -87 (where the result would leave the normal numbers) and NaN.
inline float exp_negative(float x) noexcept {
    // x = n ln 2 + r with |r| <= ln 2 / 2. Adding 1.5 * 2^23 rounds to an integer, which is then in the low bits.
    constexpr float kRound = 12582912.0F;
    constexpr float kLn2High = 0.693359375F;  // 9 bits: n * kLn2High is exact
    constexpr float kLn2Low = -2.12194440e-4F;
    const float shifted = x * 1.44269504F + kRound;
    const float n = shifted - kRound;
    const float r = (x - n * kLn2High) - n * kLn2Low;
    float sum = 1.0F / 5040.0F;  // Taylor: the term of r^8 is below 6e-9
    sum = sum * r + 1.0F / 720.0F;
    sum = sum * r + 1.0F / 120.0F;
    sum = sum * r + 1.0F / 24.0F;
    sum = sum * r + 1.0F / 6.0F;
    sum = sum * r + 0.5F;
    sum = sum * r + 1.0F;
    sum = sum * r + 1.0F;
    const float power = std::bit_cast<float>((std::bit_cast<std::uint32_t>(shifted) + 127U) << 23);
    return value_if(x > -87.0F, sum * power);
}

// The least x in [-88, 0] with exp_negative(x) >= w, for w <= 1: a threshold on exponents that agrees with the weights.
inline float log_threshold(float w) noexcept {
    float below = -88.0F;
    float above = 0.0F;
    for (int i = 0; i < 40; ++i) {
        const float middle = 0.5F * (below + above);
        (exp_negative(middle) < w ? below : above) = middle;
    }
    return above;
}

}  // namespace linnet
