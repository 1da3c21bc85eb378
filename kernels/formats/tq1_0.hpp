// SPDX-License-Identifier: MIT
// TQ1_0: 256 weights w = d * (q - 1), q in 0..2, d in f16. A byte b holds digits of base 3: digit n is 3 * (b * 3^n mod
// 256) / 256. Digit n of bytes 0..31 belongs to weights 32 n .., of bytes 32..47 to 160 + 16 n .., n < 5; of
// bytes 48..51 to 240 + 4 n .., n < 4.
#pragma once

#include "kernels/formats/points.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct tq1_0 {
    static constexpr std::uint32_t kGgufType = 34;
    static constexpr std::size_t kBlock = 256;
    static constexpr int kOffsetBits = 0;
    static constexpr int kMaxQuant = 2;
    static constexpr bool kHasMinimum = false;
    static constexpr bool kHalfScales = false;
    static constexpr bool kCostlyUnpack = true;

    struct Block {
        std::uint8_t q[52];
        std::uint16_t d;
    };
    struct Tile {
        Words<13> q;
        std::uint16_t d[16];
    };

    // Where a group of four weights is.
    struct Place {
        std::size_t word;
        int power;  // of three
    };
    static Place place(std::size_t group) {
        constexpr int kPowers[5] = {1, 3, 9, 27, 81};
        if (group < 40) return {group % 8, kPowers[group / 8]};
        if (group < 60) return {8 + group % 4, kPowers[(group - 40) / 4]};
        return {12, kPowers[group - 60]};
    }
    static void decode(const Block& b, float* y) {
        const float d = half_to_float(b.d);
        for (std::size_t k = 0; k < 256; ++k) {
            const Place p = place(k / 4);
            const int digit = ((b.q[4 * p.word + k % 4] * p.power & 255) * 3) >> 8;
            y[k] = d * static_cast<float>(digit - 1);
        }
    }
    template <class V>
    static void pack(const Rows& rows, Tile& t) {
        t.q.template pack<V>(rows, offsetof(Block, q));
        gather_u16(rows, offsetof(Block, d), t.d);
    }
    static void unpack(const Tile& t, std::size_t row, Block& b) {
        t.q.unpack(row, b.q);
        b.d = t.d[row];
    }

    template <class V>
    struct Unpack {
        const Tile* tile;
        std::size_t first;
        void open(const Tile& t) { tile = &t; }
        void select(std::size_t sub) { first = 8 * sub; }
        template <int g>
        typename V::Bytes group() const {
            const Place p = place(first + g);
            const auto even = digits(tile->q.template bits<V>(p.word, 0, 0x00ff00ff), p.power);
            const auto odd = digits(tile->q.template bits<V>(p.word, 8, 0x00ff00ff), p.power);
            return V::as_bytes(V::or_ints(even, V::shift_left_ints(odd, 8)));
        }
        // Of two bytes in 16 bits each, which hold 255 * 81.
        [[gnu::always_inline]] static typename V::Ints digits(typename V::Ints bytes, int power) {
            const auto x = V::and_ints(V::mul_ints(bytes, V::broadcast_int(power)), 0x00ff00ff);
            return V::and_ints(V::shift_right(V::add_ints(x, V::shift_left_ints(x, 1)), 8), 0x00030003);
        }
        typename V::Floats scale() const { return V::load_f16(tile->d); }
    };
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
