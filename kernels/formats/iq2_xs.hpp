// SPDX-License-Identifier: MIT
// IQ2_XS: 256 weights in 16 sub-blocks of 16, w = d / 8 * (2 scale + 1) * quant; quants are points of 8 weights out of
// 512 with signs, d in f16. A point: 16 bits, 9 of index, 7 of signs. Scales are nibbles, the first of a byte low.
// Integer bound: |(2 scale + 1) * sum| <= 31 * 16 * 43 * 127 < 2^22 per 16 weights.
#pragma once

#include "kernels/formats/points.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct iq2_xs {
    static constexpr std::uint32_t kGgufType = 17;
    static constexpr std::size_t kBlock = 256;
    static constexpr int kOffsetBits = 6;
    static constexpr int kMaxQuant = 107;
    static constexpr bool kHasMinimum = false;
    static constexpr bool kHalfScales = true;
    static constexpr bool kCostlyUnpack = true;

    struct Block {
        std::uint16_t d;
        std::uint16_t q[32];
        std::uint8_t scales[8];
    };
    struct Tile {
        Words<16> q;
        Words<2> scales;
        std::uint16_t d[16];
    };

    static void decode(const Block& b, float* y) {
        const float d = half_to_float(b.d) * 0.125F;
        for (std::size_t k = 0; k < 256; ++k) {
            const unsigned q = b.q[k / 8];
            const bool negative = ((all_signs(q >> 9) >> (k % 8)) & 1U) != 0;
            const int quant = octet_quant(kGridIq2Xs[q & 511U], negative, k % 8, kIq2Quants, 64);
            const int scale = (b.scales[k / 32] >> (k / 16 % 2 * 4)) & 15;
            y[k] = d * static_cast<float>(2 * scale + 1) * static_cast<float>(quant);
        }
    }
    template <class V>
    static void pack(const Rows& rows, Tile& t) {
        t.q.template pack<V>(rows, offsetof(Block, q));
        t.scales.template pack<V>(rows, offsetof(Block, scales));
        gather_u16(rows, offsetof(Block, d), t.d);
    }
    static void unpack(const Tile& t, std::size_t row, Block& b) {
        t.q.unpack(row, reinterpret_cast<std::uint8_t*>(b.q));
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
                const std::size_t word = 2 * sub + static_cast<std::size_t>(i / 2);
                const int half = i % 2 * 16;
                octets.points[i] = load_points<V>(kGridIq2Xs, tile->q.template bits<V>(word, half, 511));
                octets.flags[i] = all_signs_of_rows<V>(tile->q.template bits<V>(word, half + 9, 127));
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
