// SPDX-License-Identifier: MIT
// Between float and the 16-bit floats of files. To nearest, ties to even; values that fit are exact.
#pragma once

#include <bit>
#include <cstdint>

namespace linnet::quantize {

inline constexpr float kMaxHalf = 65504.0F;

inline float from_half(std::uint16_t half) noexcept {
    const std::uint32_t sign = (half & 0x8000U) << 16U;
    const std::uint32_t exponent = (half >> 10U) & 31U;
    const std::uint32_t mantissa = half & 0x3ffU;
    if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000U | (mantissa << 13U));
    if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 112) << 23U) | (mantissa << 13U));
    const float small = static_cast<float>(mantissa) * 0x1p-24F;  // exact
    return sign != 0 ? -small : small;
}

// |value| <= kMaxHalf.
inline std::uint16_t to_half(float value) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t sign = (bits >> 16U) & 0x8000U;
    const std::uint32_t magnitude = bits & 0x7fffffffU;
    if (magnitude < 0x38800000U) {  // below the least normal half: a count of 2^-24, rounded by the addition
        const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
        return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3f000000U));
    }
    const std::uint32_t rounded = magnitude + 0xfffU + ((magnitude >> 13U) & 1U);
    return static_cast<std::uint16_t>(sign | ((rounded >> 13U) - (112U << 10U)));
}

// NaN stays one.
inline std::uint16_t to_bfloat(float value) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    if ((bits & 0x7fffffffU) > 0x7f800000U) return static_cast<std::uint16_t>((bits >> 16U) | 0x40U);
    return static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16U) & 1U)) >> 16U);
}

}  // namespace linnet::quantize
