// SPDX-License-Identifier: MIT
// What the formats with a codebook (IQ1, IQ2, IQ3) share: points of several weights are gathered by their indices, and
// their bit fields spread to bytes, which with a flag (the sign, the shift) above them index a table of 16 quants.
// Inlined by force: vectors that are passed in memory cost more than the work (measured: AVX2 spends 4/5 on it).
#pragma once

#include "kernels/formats/format.hpp"
#include "kernels/formats/grids.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

inline std::uint32_t load_u32(const std::uint8_t* p) {
    std::uint32_t word;
    std::memcpy(&word, p, 4);
    return word;
}

// 4 n bytes of each of 16 rows, as words: 64 n bytes.
template <std::size_t n>
struct Words {
    std::uint8_t bytes[n][64];

    template <class V>
    void pack(const Rows& rows, std::size_t offset) {
        for (std::size_t i = 0; i < n; ++i) V::store_bytes(bytes[i], V::gather(rows, offset + 4 * i));
    }
    void unpack(std::size_t row, std::uint8_t* target) const {
        for (std::size_t i = 0; i < n; ++i) std::memcpy(target + 4 * i, bytes[i] + 4 * row, 4);
    }
    // Bits of word i from `first` on, which the mask holds within the word.
    template <class V>
    [[gnu::always_inline]] typename V::Ints bits(std::size_t i, int first, std::int32_t mask) const {
        return V::and_ints(V::shift_right(V::as_ints(V::load_bytes(bytes[i])), first), mask);
    }
};

// Each row's point.
template <class V>
[[gnu::always_inline]] inline typename V::Ints load_points(const std::uint16_t* grid, typename V::Ints index) {
    Rows rows{reinterpret_cast<const std::byte*>(grid), {}};
    V::store_bytes(reinterpret_cast<std::uint8_t*>(rows.offset), V::as_bytes(V::shift_left_ints(index, 1)));
    return V::and_ints(V::as_ints(V::gather(rows, 0)), 0xffff);
}

// Four fields of 1, 2 or 4 bits, alone in their lane, to four bytes.
template <class V, int bits>
[[gnu::always_inline]] inline typename V::Ints spread(typename V::Ints x) {
    constexpr std::int32_t kField = (1 << bits) - 1;
    constexpr std::int32_t kTwo = (1 << 2 * bits) - 1;
    x = V::and_ints(V::or_ints(x, V::shift_left_ints(x, 16 - 2 * bits)), kTwo * 0x00010001);
    return V::and_ints(V::or_ints(x, V::shift_left_ints(x, 8 - bits)), kField * 0x01010101);
}

// Formats with signs in 7 bits leave out the eighth: the number of negative weights is even.
inline unsigned all_signs(unsigned seven) { return seven | static_cast<unsigned>(__builtin_parity(seven)) << 7; }
template <class V>
[[gnu::always_inline]] inline typename V::Ints all_signs_of_rows(typename V::Ints seven) {
    const auto fold = [](typename V::Ints x, int n) {
        return V::as_ints(V::xor_bytes(V::as_bytes(x), V::as_bytes(V::shift_right(x, n))));
    };
    const auto parity = V::and_ints(fold(fold(fold(seven, 4), 2), 1), 1);
    return V::or_ints(seven, V::shift_left_ints(parity, 7));
}

// ---- Points of 8 weights, quants in a table by 2 bits of the point and one flag above them.

// IQ2: 8, 25, 43, negative with the flag; + 64.
inline constexpr std::uint8_t kIq2Quants[16] = {72, 89, 107, 64, 56, 39, 21, 64, 0, 0, 0, 0, 0, 0, 0, 0};
// IQ1: 8 times -1, 0, 1 shifted by 1/8, by -1/8 with the flag; + 16.
inline constexpr std::uint8_t kIq1Quants[16] = {9, 17, 25, 16, 7, 15, 23, 16, 0, 0, 0, 0, 0, 0, 0, 0};

// A sub-block of 32 weights: 4 points; flags in 8 bits each.
template <class V>
struct Octets {
    typename V::Ints points[4];
    typename V::Ints flags[4];

    template <int g>
    [[gnu::always_inline]] typename V::Bytes group(const std::uint8_t (&quants)[16]) const {
        const auto codes = spread<V, 2>(V::and_ints(V::shift_right(points[g / 2], g % 2 * 8), 0xff));
        const auto flag = spread<V, 1>(V::and_ints(V::shift_right(flags[g / 2], g % 2 * 4), 15));
        return V::look_up(quants, V::as_bytes(V::or_ints(codes, V::shift_left_ints(flag, 2))));
    }
};

// Weight k of a point as an integer.
inline int octet_quant(unsigned point, bool flag, std::size_t k, const std::uint8_t (&quants)[16], int offset) {
    return quants[((point >> (2 * k)) & 3U) | (flag ? 4U : 0U)] - offset;
}

// ---- Points of 4 weights (IQ3), quants by 3 bits of the point and the sign above them.

template <class V>
[[gnu::always_inline]] inline typename V::Bytes quad(typename V::Ints points, typename V::Ints signs,
                                                     const std::uint8_t (&quants)[16]) {
    const auto codes = V::or_ints(spread<V, 4>(points), V::shift_left_ints(spread<V, 1>(signs), 3));
    return V::look_up(quants, V::as_bytes(codes));
}
inline int quad_quant(unsigned point, bool negative, std::size_t k, const std::uint8_t (&quants)[16], int offset) {
    return quants[((point >> (4 * k)) & 7U) | (negative ? 8U : 0U)] - offset;
}

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
