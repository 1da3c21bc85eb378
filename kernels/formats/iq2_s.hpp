// SPDX-License-Identifier: MIT
// IQ2_S: 256 weights in 16 sub-blocks of 16, w = d / 8 * (2 scale + 1) * quant; quants are points of 8 weights out of
// 1024 with signs, d in f16. A point: a byte of index, two more bits of it in `high` (byte per 32 weights), a byte of
// signs. Scales are nibbles, the first of a byte low. Integer bound: as IQ2_XS.
#pragma once

#include "kernels/formats/points.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct iq2_s {
    static constexpr std::uint32_t kGgufType = 22;
    static constexpr std::size_t kBlock = 256;
    static constexpr int kOffsetBits = 6;
    static constexpr int kMaxQuant = 107;
    static constexpr bool kHasMinimum = false;
    static constexpr bool kHalfScales = true;
    static constexpr bool kCostlyUnpack = true;

    struct Block {
        std::uint16_t d;
        std::uint8_t q[32];
        std::uint8_t signs[32];
        std::uint8_t high[8];
        std::uint8_t scales[8];
    };
    struct Tile {
        Words<8> q;
        Words<8> signs;
        Words<2> high;
        Words<2> scales;
        std::uint16_t d[16];
    };

    static void decode(const Block& b, float* y) {
        const float d = half_to_float(b.d) * 0.125F;
        for (std::size_t k = 0; k < 256; ++k) {
            const unsigned index = b.q[k / 8] | ((b.high[k / 32] >> (k / 8 % 4 * 2)) & 3U) << 8;
            const bool negative = ((b.signs[k / 8] >> (k % 8)) & 1) != 0;
            const int quant = octet_quant(kGridIq2S[index], negative, k % 8, kIq2Quants, 64);
            const int scale = (b.scales[k / 32] >> (k / 16 % 2 * 4)) & 15;
            y[k] = d * static_cast<float>(2 * scale + 1) * static_cast<float>(quant);
        }
    }
    template <class V>
    static void pack(const Rows& rows, Tile& t) {
        t.q.template pack<V>(rows, offsetof(Block, q));
        t.signs.template pack<V>(rows, offsetof(Block, signs));
        t.high.template pack<V>(rows, offsetof(Block, high));
        t.scales.template pack<V>(rows, offsetof(Block, scales));
        gather_u16(rows, offsetof(Block, d), t.d);
    }
    static void unpack(const Tile& t, std::size_t row, Block& b) {
        t.q.unpack(row, b.q);
        t.signs.unpack(row, b.signs);
        t.high.unpack(row, b.high);
        t.scales.unpack(row, b.scales);
        b.d = t.d[row];
    }

    template <class V>
    struct Unpack {
        const Tile* tile;
        std::size_t sub_block;
        typename V::Floats d;
        Octets<V> octets;
        void open(const Tile& t) {
            tile = &t;
            d = V::mul(V::load_f16(t.d), V::broadcast(0.125F));
        }
        void select(std::size_t sub) {
            sub_block = sub;
            for (int i = 0; i < 4; ++i) {
                const int first = static_cast<int>(sub % 4 * 8) + 2 * i;
                const auto high = V::shift_left_ints(tile->high.template bits<V>(sub / 4, first, 3), 8);
                octets.points[i] =
                    load_points<V>(kGridIq2S, V::or_ints(tile->q.template bits<V>(sub, 8 * i, 255), high));
                octets.flags[i] = tile->signs.template bits<V>(sub, 8 * i, 255);
            }
        }
        template <int g>
        typename V::Bytes group() const {
            return octets.template group<g>(kIq2Quants);
        }
        typename V::Floats scale() const { return d; }
        typename V::Floats half_scale(std::size_t half) const {
            const int first = static_cast<int>(sub_block % 4 * 8 + half * 4);
            const auto scale = tile->scales.template bits<V>(sub_block / 4, first, 15);
            return V::from_ints(V::add_ints(V::shift_left_ints(scale, 1), V::broadcast_int(1)));
        }
    };
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
