// SPDX-License-Identifier: MIT
// IQ3_S: 256 weights in 8 sub-blocks of 32, w = d * (2 scale + 1) * quant; quants are points of 4 weights out of 512
// with signs, d in f16. A point: a byte of index, a ninth bit of it in `high` (byte per 32 weights), 4 bits of signs.
// Scales are nibbles, the first of a byte low. d * (2 scale + 1) has 11 + 5 bits: exact in f32, as is its product with
// 4 bits.
#pragma once

#include "kernels/formats/points.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct iq3_s {
    static constexpr std::uint32_t kGgufType = 21;
    static constexpr std::size_t kBlock = 256;
    static constexpr int kOffsetBits = 4;
    static constexpr int kMaxQuant = 31;
    static constexpr bool kHasMinimum = false;
    static constexpr bool kHalfScales = false;
    static constexpr bool kCostlyUnpack = true;
    // 1, 3 .. 15, then negative; + 16.
    static constexpr std::uint8_t kQuants[16] = {17, 19, 21, 23, 25, 27, 29, 31, 15, 13, 11, 9, 7, 5, 3, 1};

    struct Block {
        std::uint16_t d;
        std::uint8_t q[64];
        std::uint8_t high[8];
        std::uint8_t signs[32];
        std::uint8_t scales[4];
    };
    struct Tile {
        Words<16> q;
        Words<2> high;
        Words<8> signs;
        Words<1> scales;
        std::uint16_t d[16];
    };

    static void decode(const Block& b, float* y) {
        const float d = half_to_float(b.d);
        for (std::size_t k = 0; k < 256; ++k) {
            const unsigned index = b.q[k / 4] | ((b.high[k / 32] >> (k / 4 % 8)) & 1U) << 8;
            const bool negative = ((b.signs[k / 8] >> (k % 8)) & 1) != 0;
            const int quant = quad_quant(kGridIq3S[index], negative, k % 4, kQuants, 16);
            const int scale = (b.scales[k / 64] >> (k / 32 % 2 * 4)) & 15;
            y[k] = d * static_cast<float>(2 * scale + 1) * static_cast<float>(quant);
        }
    }
    template <class V>
    static void pack(const Rows& rows, Tile& t) {
        t.q.template pack<V>(rows, offsetof(Block, q));
        t.high.template pack<V>(rows, offsetof(Block, high));
        t.signs.template pack<V>(rows, offsetof(Block, signs));
        t.scales.template pack<V>(rows, offsetof(Block, scales));
        gather_u16(rows, offsetof(Block, d), t.d);
    }
    static void unpack(const Tile& t, std::size_t row, Block& b) {
        t.q.unpack(row, b.q);
        t.high.unpack(row, b.high);
        t.signs.unpack(row, b.signs);
        t.scales.unpack(row, b.scales);
        b.d = t.d[row];
    }

    template <class V>
    struct Unpack {
        const Tile* tile;
        std::size_t sub_block;
        typename V::Floats d;
        void open(const Tile& t) {
            tile = &t;
            d = V::load_f16(t.d);
        }
        void select(std::size_t sub) { sub_block = sub; }
        template <int g>
        typename V::Bytes group() const {
            const int first = static_cast<int>(sub_block % 4 * 8) + g;
            const auto high = V::shift_left_ints(tile->high.template bits<V>(sub_block / 4, first, 1), 8);
            const auto low = tile->q.template bits<V>(2 * sub_block + g / 4, g % 4 * 8, 255);
            const auto sign = tile->signs.template bits<V>(sub_block, 4 * g, 15);
            return quad<V>(load_points<V>(kGridIq3S, V::or_ints(low, high)), sign, kQuants);
        }
        typename V::Floats scale() const {
            const auto scale = tile->scales.template bits<V>(0, static_cast<int>(4 * sub_block), 15);
            return V::mul(d, V::from_ints(V::add_ints(V::shift_left_ints(scale, 1), V::broadcast_int(1))));
        }
    };
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
