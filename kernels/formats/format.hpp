// SPDX-License-Identifier: MIT
// What the formats share. A format is a struct (one header each) with:
//     Block        one row's block as files have it; kBlock weights, multiple of 32 (float formats: 1)
//     Tile         the same block of 16 rows, interleaved; sizeof(Tile) == 16 * sizeof(Block)
//     decode()     Block -> floats: the definition of the format
//     pack<V>()    16 rows' Blocks -> Tile; unpack() one row of it back
//     kCostlyUnpack  (may be left out) weights are unpacked as seldom as possible, not in registers for several columns
//     Unpack<V>    Tile -> vectors, one sub-block of 32 weights at a time (quantised formats): open(tile), select(sub),
//                  then group<g>() for g = 0..7, scale(), and where the format has them: minimum(); half_scale(0 | 1),
//                  an integer per 16 weights; with both, half_minimum(0 | 1), integers that count minimum() and are
//                  subtracted; first_scale(), a float for the first 16 weights. Integers come as floats: their products
//                  with the sums of 16 weights (at most 16 * 63 * 127 * 64 and 16 * 32 * 127 * 128), and two of those
//                  added, stay below 2^24, where floats are exact
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

// A block of each of 16 rows: row r's is at base + offset[r].
struct Rows {
    const std::byte* base;
    std::uint32_t offset[16];
};

inline void gather_u16(const Rows& rows, std::size_t offset, std::uint16_t (&target)[16]) {
    for (int row = 0; row < 16; ++row) std::memcpy(target + row, rows.base + rows.offset[row] + offset, 2);
}

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

    unsigned get(std::size_t row, std::size_t k) const {
        const unsigned byte = bytes[lane(row, k % 16)];
        return k < 16 ? byte & 15U : byte >> 4;
    }
    // From 16 bytes per row that pair weights k and k + 16 as the tile does.
    template <class V>
    void pack(const Rows& rows, std::size_t offset) {
        for (std::size_t g = 0; g < 4; ++g) V::store_bytes(bytes + 64 * g, V::gather(rows, offset + 4 * g));
    }
    // Back to the 16 bytes of a row.
    void unpack(std::size_t row, std::uint8_t* q) const {
        for (std::size_t g = 0; g < 4; ++g) std::memcpy(q + 4 * g, bytes + lane(row, 4 * g), 4);
    }
    // From 32 bytes per row that hold one sub-block in their low nibbles (here) and another in the high ones.
    template <class V>
    static void pack_pair(const Rows& rows, std::size_t offset, Nibbles& low, Nibbles& high) {
        for (std::size_t g = 0; g < 4; ++g) {
            const auto first = V::gather(rows, offset + 4 * g);
            const auto second = V::gather(rows, offset + 16 + 4 * g);
            V::store_bytes(low.bytes + 64 * g,
                           V::or_bytes(V::template field<0>(first, 0x0f),
                                       V::template shift_left<4>(V::template field<0>(second, 0x0f))));
            V::store_bytes(high.bytes + 64 * g,
                           V::or_bytes(V::template field<4>(first, 0x0f), V::template field<0>(second, 0xf0)));
        }
    }
    template <class V, int g>
    typename V::Bytes group() const {
        return V::template field<g / 4 * 4>(V::load_bytes(bytes + 64 * (g % 4)), 0x0f);
    }
};

// One bit of each of 32 weights of 16 rows: bit g of byte (row, j) belongs to group g. 64 bytes.
struct SingleBits {
    std::uint8_t bytes[64];

    // From 4 bytes per row, bit k of which belongs to weight k: bits j, j + 4 ... become byte j.
    template <class V>
    void pack_words(const Rows& rows, std::size_t offset) {
        const auto words = V::as_ints(V::gather(rows, offset));
        auto packed = V::broadcast_int(0);
        for (int j = 0; j < 4; ++j) {
            auto x = V::and_ints(V::shift_right(words, j), 0x11111111);
            x = V::and_ints(V::or_ints(x, V::shift_right(x, 3)), 0x03030303);
            x = V::and_ints(V::or_ints(x, V::shift_right(x, 6)), 0x000f000f);
            x = V::and_ints(V::or_ints(x, V::shift_right(x, 12)), 0xff);
            packed = V::or_ints(packed, V::shift_left_ints(x, 8 * j));
        }
        V::store_bytes(bytes, V::as_bytes(packed));
    }
    // From 32 bytes per row, bit `sub` of byte k of which belongs to weight k of sub-block `sub`.
    template <class V, class Quants>
    static void pack_planes(const Rows& rows, std::size_t offset, Quants (&quants)[8]) {
        typename V::Bytes groups[8];
        for (std::size_t g = 0; g < 8; ++g) groups[g] = V::gather(rows, offset + 4 * g);
        for (auto& sub : quants) {
            auto packed = V::template field<0>(groups[0], 1);
            packed = V::or_bytes(packed, V::template shift_left<1>(V::template field<0>(groups[1], 1)));
            packed = V::or_bytes(packed, V::template shift_left<2>(V::template field<0>(groups[2], 1)));
            packed = V::or_bytes(packed, V::template shift_left<3>(V::template field<0>(groups[3], 1)));
            packed = V::or_bytes(packed, V::template shift_left<4>(V::template field<0>(groups[4], 1)));
            packed = V::or_bytes(packed, V::template shift_left<5>(V::template field<0>(groups[5], 1)));
            packed = V::or_bytes(packed, V::template shift_left<6>(V::template field<0>(groups[6], 1)));
            packed = V::or_bytes(packed, V::template shift_left<7>(V::template field<0>(groups[7], 1)));
            V::store_bytes(sub.high.bytes, packed);
            for (auto& group : groups) group = V::template field<1>(group, 0x7f);
        }
    }
    unsigned get(std::size_t row, std::size_t k) const { return (bytes[row * 4 + k % 4] >> (k / 4)) & 1U; }
    // Of group g, moved to bit `at`.
    template <class V, int g, int at>
    typename V::Bytes group() const {
        const auto v = V::load_bytes(bytes);
        if constexpr (g < at) {
            return V::template shift_left<at - g>(V::template field<0>(v, 1 << g));
        } else {
            return V::template field<g - at>(v, 1 << at);
        }
    }
};

// Two bits of each of 32 weights of 16 rows: bits 2 (g % 4) of byte (row, j) of vector g / 4 belong to group g. 128
// bytes.
struct BitPairs {
    std::uint8_t bytes[128];

    // From 32 bytes per row, bits 2 s of byte k of which belong to weight k of sub-block s.
    template <class V>
    static void pack_planes(const Rows& rows, std::size_t offset, BitPairs* const (&subs)[4]) {
        for (std::size_t vector = 0; vector < 2; ++vector) {
            typename V::Bytes groups[4];
            for (std::size_t g = 0; g < 4; ++g) groups[g] = V::gather(rows, offset + 16 * vector + 4 * g);
            for (BitPairs* sub : subs) {
                auto packed = V::template field<0>(groups[0], 3);
                packed = V::or_bytes(packed, V::template shift_left<2>(V::template field<0>(groups[1], 3)));
                packed = V::or_bytes(packed, V::template shift_left<4>(V::template field<0>(groups[2], 3)));
                packed = V::or_bytes(packed, V::template shift_left<6>(V::template field<0>(groups[3], 3)));
                V::store_bytes(sub->bytes + 64 * vector, packed);
                for (auto& group : groups) group = V::template field<2>(group, 0x3f);
            }
        }
    }
    unsigned get(std::size_t row, std::size_t k) const {
        return (bytes[k / 16 * 64 + row * 4 + k % 4] >> (k / 4 % 4 * 2)) & 3U;
    }
    // Back to the 32 bytes of a row.
    static void unpack_planes(const BitPairs* subs, std::size_t row, std::uint8_t* planes) {
        for (std::size_t k = 0; k < 32; ++k) {
            unsigned byte = 0;
            for (std::size_t sub = 0; sub < 4; ++sub) byte |= subs[sub].get(row, k) << (2 * sub);
            planes[k] = static_cast<std::uint8_t>(byte);
        }
    }
    // Of group g, moved to bits `at` and at + 1.
    template <class V, int g, int at>
    typename V::Bytes group() const {
        constexpr int from = g % 4 * 2;
        const auto v = V::load_bytes(bytes + 64 * (g / 4));
        if constexpr (from < at) {
            return V::template shift_left<at - from>(V::template field<0>(v, 3 << from));
        } else {
            return V::template field<from - at>(v, 3 << at);
        }
    }
};

// 6-bit scales and minimums of 8 sub-blocks of 16 rows (Q4_K, Q5_K). 192 bytes.
struct ScalesAndMins {
    std::uint8_t low[8][16];   // scale's low nibble, minimum's low nibble above it
    std::uint8_t high[4][16];  // two high bits each: scale, minimum of sub-block i; then of i + 4

    unsigned scale(std::size_t row, std::size_t sub) const {
        return (low[sub][row] & 15U) | ((high[sub % 4][row] >> (sub / 4 * 4)) & 3U) << 4;
    }
    unsigned minimum(std::size_t row, std::size_t sub) const {
        return (low[sub][row] >> 4U) | ((high[sub % 4][row] >> (sub / 4 * 4 + 2)) & 3U) << 4;
    }
    // The file's 12 bytes of a row: sub-blocks 0..3 in the low 6 bits of bytes 0..3 (scale) and 4..7 (minimum);
    // 4..7 in the nibbles of bytes 8..11, their two high bits on top of bytes 0..3 and 4..7.
    static unsigned file_scale(const std::uint8_t* s, std::size_t sub) {
        return sub < 4 ? s[sub] & 63U : (s[sub + 4] & 15U) | static_cast<unsigned>(s[sub - 4] >> 6) << 4;
    }
    static unsigned file_minimum(const std::uint8_t* s, std::size_t sub) {
        return sub < 4 ? s[sub + 4] & 63U : (s[sub + 4] >> 4U) | static_cast<unsigned>(s[sub] >> 6) << 4;
    }
    template <class V>
    void pack(const Rows& rows, std::size_t offset) {
        const auto s = V::gather(rows, offset);
        const auto m = V::gather(rows, offset + 4);
        V::store_transposed(
            low, V::or_bytes(V::template field<0>(s, 0x0f), V::template shift_left<4>(V::template field<0>(m, 0x0f))));
        V::store_transposed(low + 4, V::gather(rows, offset + 8));
        const auto first = V::or_bytes(V::template field<4>(s, 0x03), V::template field<2>(m, 0x0c));
        const auto second = V::or_bytes(V::template field<2>(s, 0x30), V::template field<0>(m, 0xc0));
        V::store_transposed(high, V::or_bytes(first, second));
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
        const auto highs = V::shift_right(V::widen_u8(high[sub % 4]), static_cast<int>(sub / 4 * 4));
        scales = V::from_ints(V::or_ints(V::and_ints(lows, 15), V::shift_left_ints(V::and_ints(highs, 3), 4)));
        minimums = V::from_ints(V::or_ints(V::shift_right(lows, 4), V::shift_left_ints(V::and_ints(highs, 12), 2)));
    }
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
