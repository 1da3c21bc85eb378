// SPDX-License-Identifier: MIT
// What the formats share. A format is a struct (one header each) with:
//     Block        one row's block as files have it; kBlock weights, multiple of 32 (float formats: 1)
//     Tile         the same block of 16 rows, interleaved; sizeof(Tile) == 16 * sizeof(Block)
//     decode()     Block -> floats: the definition of the format
//     pack()       one row of a Tile from a Block; unpack() its inverse
//     Unpack<V>    Tile -> vectors for one sub-block of 32 weights (quantised formats)
// Quants of 16 rows are interleaved in groups of 4 along k: byte (row, j) of group g is weight k = 4 g + j of the row,
// so that one 64-byte vector dot-multiplied with a broadcast group of 4 activations feeds 16 rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace linnet::kernels::LINNET_ISA {
namespace {

inline constexpr std::size_t kRows = 16;

// Offset of weight k (0..31) of `row` in eight groups of 64 bytes.
constexpr std::size_t lane(std::size_t row, std::size_t k) { return k / 4 * 64 + row * 4 + k % 4; }

inline float bits_to_float(std::uint32_t bits) {
    float value;
    std::memcpy(&value, &bits, 4);
    return value;
}

inline std::uint32_t float_to_bits(float value) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, 4);
    return bits;
}

// Exact.
inline float half_to_float(std::uint16_t half) {
    const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000U) << 16;
    const std::uint32_t exponent = (half >> 10) & 31U;
    const std::uint32_t mantissa = half & 0x3ffU;
    if (exponent == 31) return bits_to_float(sign | 0x7f800000U | (mantissa << 13));
    if (exponent != 0) return bits_to_float(sign | ((exponent + 112) << 23) | (mantissa << 13));
    const float small = static_cast<float>(mantissa) * 0x1p-24F;  // subnormal: exact in f32
    return sign != 0 ? -small : small;
}

// Round to nearest, ties to even; overflow to infinity.
inline std::uint16_t float_to_half(float value) {
    const std::uint32_t bits = float_to_bits(value);
    const std::uint32_t sign = (bits >> 16) & 0x8000U;
    const std::uint32_t magnitude = bits & 0x7fffffffU;
    if (magnitude >= 0x7f800000U) {  // infinity, NaN (kept quiet, as the hardware does)
        const std::uint32_t nan = magnitude > 0x7f800000U ? 0x200U | ((magnitude >> 13) & 0x3ffU) : 0;
        return static_cast<std::uint16_t>(sign | 0x7c00U | nan);
    }
    if (magnitude < 0x38800000U) {  // below the least normal half: count of 2^-24, rounded by the addition
        const float shifted = bits_to_float(magnitude) + 0.5F;  // ulp of [0.5, 1) is 2^-24
        return static_cast<std::uint16_t>(sign | (float_to_bits(shifted) - 0x3f000000U));
    }
    const std::uint32_t rounded = magnitude + 0xfffU + ((magnitude >> 13) & 1U);
    const std::uint32_t half = (rounded >> 13) - (112U << 10);
    return static_cast<std::uint16_t>(sign | (half >= 0x7c00U ? 0x7c00U : half));
}

// Nibbles of 32 weights of 16 rows: byte (row, j) of vector v holds group v low, group v + 4 high. 256 bytes.
struct Nibbles {
    std::uint8_t bytes[256];

    static std::size_t index(std::size_t row, std::size_t k) { return lane(row, k % 16); }
    void set(std::size_t row, std::size_t k, unsigned value) {
        std::uint8_t& byte = bytes[index(row, k)];
        byte = static_cast<std::uint8_t>(k < 16 ? (byte & 0xf0U) | value : (byte & 0x0fU) | (value << 4));
    }
    unsigned get(std::size_t row, std::size_t k) const {
        const unsigned byte = bytes[index(row, k)];
        return k < 16 ? byte & 15U : byte >> 4;
    }
    template <class V>
    void load(typename V::Bytes (&w)[8]) const {
        for (int i = 0; i < 4; ++i) {
            const auto v = V::load_bytes(bytes + 64 * i);
            w[i] = V::template field<0>(v, 0x0f);
            w[i + 4] = V::template field<4>(v, 0x0f);
        }
    }
};

// Fifth bits of 32 weights of 16 rows: bit g of byte (row, j) belongs to group g. 64 bytes.
struct FifthBits {
    std::uint8_t bytes[64];

    void set(std::size_t row, std::size_t k, unsigned bit) {
        std::uint8_t& byte = bytes[row * 4 + k % 4];
        byte = static_cast<std::uint8_t>((byte & ~(1U << (k / 4))) | (bit << (k / 4)));
    }
    unsigned get(std::size_t row, std::size_t k) const { return (bytes[row * 4 + k % 4] >> (k / 4)) & 1U; }
    // Adds 16 where the bit is set.
    template <class V>
    void add_to(typename V::Bytes (&w)[8]) const {
        const auto v = V::load_bytes(bytes);
        w[0] = V::or_bytes(w[0], V::template shift_left<4>(V::template field<0>(v, 1)));
        w[1] = V::or_bytes(w[1], V::template shift_left<4>(V::template field<1>(v, 1)));
        w[2] = V::or_bytes(w[2], V::template shift_left<4>(V::template field<2>(v, 1)));
        w[3] = V::or_bytes(w[3], V::template shift_left<4>(V::template field<3>(v, 1)));
        w[4] = V::or_bytes(w[4], V::template field<0>(v, 16));
        w[5] = V::or_bytes(w[5], V::template field<1>(v, 16));
        w[6] = V::or_bytes(w[6], V::template field<2>(v, 16));
        w[7] = V::or_bytes(w[7], V::template field<3>(v, 16));
    }
};

// 6-bit scales and minimums of 8 sub-blocks of 16 rows (Q4_K, Q5_K). 192 bytes.
struct ScalesAndMins {
    std::uint8_t low[8][16];   // scale's low nibble, minimum's low nibble above it
    std::uint8_t high[4][16];  // two high bits each: scale, minimum of sub-block 2 i; then of 2 i + 1

    void set(std::size_t row, std::size_t sub, unsigned scale, unsigned minimum) {
        low[sub][row] = static_cast<std::uint8_t>((scale & 15U) | (minimum & 15U) << 4);
        const unsigned shift = sub % 2 * 4;
        std::uint8_t& byte = high[sub / 2][row];
        byte = static_cast<std::uint8_t>((byte & ~(15U << shift)) | ((scale >> 4) | (minimum >> 4) << 2) << shift);
    }
    unsigned scale(std::size_t row, std::size_t sub) const {
        return (low[sub][row] & 15U) | ((high[sub / 2][row] >> (sub % 2 * 4)) & 3U) << 4;
    }
    unsigned minimum(std::size_t row, std::size_t sub) const {
        return (low[sub][row] >> 4U) | ((high[sub / 2][row] >> (sub % 2 * 4 + 2)) & 3U) << 4;
    }
    // The file's 12 bytes of a row: sub-blocks 0..3 in the low 6 bits of bytes 0..3 (scale) and 4..7 (minimum);
    // 4..7 in the nibbles of bytes 8..11, their two high bits on top of bytes 0..3 and 4..7.
    static unsigned file_scale(const std::uint8_t* s, std::size_t sub) {
        return sub < 4 ? s[sub] & 63U : (s[sub + 4] & 15U) | static_cast<unsigned>(s[sub - 4] >> 6) << 4;
    }
    static unsigned file_minimum(const std::uint8_t* s, std::size_t sub) {
        return sub < 4 ? s[sub + 4] & 63U : (s[sub + 4] >> 4U) | static_cast<unsigned>(s[sub] >> 6) << 4;
    }
    void pack(std::size_t row, const std::uint8_t* s) {
        for (std::size_t sub = 0; sub < 8; ++sub) set(row, sub, file_scale(s, sub), file_minimum(s, sub));
    }
    void unpack(std::size_t row, std::uint8_t* s) const {
        for (std::size_t sub = 0; sub < 4; ++sub) {
            s[sub] = static_cast<std::uint8_t>(scale(row, sub) | (scale(row, sub + 4) >> 4) << 6);
            s[sub + 4] = static_cast<std::uint8_t>(minimum(row, sub) | (minimum(row, sub + 4) >> 4) << 6);
            s[sub + 8] = static_cast<std::uint8_t>((scale(row, sub + 4) & 15U) | (minimum(row, sub + 4) & 15U) << 4);
        }
    }
    template <class V>
    void load(std::size_t sub, typename V::Floats& scales, typename V::Floats& minimums) const {
        const auto lows = V::widen_u8(low[sub]);
        const auto highs = V::shift_right(V::widen_u8(high[sub / 2]), static_cast<int>(sub % 2 * 4));
        scales = V::from_ints(V::or_ints(V::and_ints(lows, 15), V::shift_left_ints(V::and_ints(highs, 3), 4)));
        minimums = V::from_ints(V::or_ints(V::shift_right(lows, 4), V::shift_left_ints(V::and_ints(highs, 12), 2)));
    }
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
