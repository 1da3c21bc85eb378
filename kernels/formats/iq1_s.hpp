// SPDX-License-Identifier: MIT
// IQ1_S: 256 weights in 8 sub-blocks of 32, w = d * (2 scale + 1) * (p + shift); p in -1, 0, 1 from points of 8 weights
// out of 2048, shift 1/8 or -1/8, d in f16. Computed as d / 8 * (2 scale + 1) * (8 p + 8 shift), all exact. A point: a
// byte of index, three more bits of it in its sub-block's word of 16 bits: 4 x 3 bits, scale (3), sign of the shift
// (1).
#pragma once

#include "kernels/formats/points.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct iq1_s {
    static constexpr std::uint32_t kGgufType = 19;
    static constexpr std::size_t kBlock = 256;
    static constexpr int kOffsetBits = 4;
    static constexpr int kMaxQuant = 25;
    static constexpr bool kHasMinimum = false;
    static constexpr bool kHalfScales = false;
    static constexpr bool kCostlyUnpack = true;

    struct Block {
        std::uint16_t d;
        std::uint8_t q[32];
        std::uint16_t high[8];
    };
    struct Tile {
        Words<8> q;
        Words<4> high;
        std::uint16_t d[16];
    };

    static void decode(const Block& b, float* y) {
        const float d = half_to_float(b.d) * 0.125F;
        for (std::size_t k = 0; k < 256; ++k) {
            const unsigned high = b.high[k / 32];
            const unsigned index = b.q[k / 8] | ((high >> (k / 8 % 4 * 3)) & 7U) << 8;
            const int quant = octet_quant(kGridIq1[index], (high >> 15) != 0, k % 8, kIq1Quants, 16);
            y[k] = d * static_cast<float>(2 * ((high >> 12) & 7U) + 1) * static_cast<float>(quant);
        }
    }
    template <class V>
    static void pack(const Rows& rows, Tile& t) {
        t.q.template pack<V>(rows, offsetof(Block, q));
        t.high.template pack<V>(rows, offsetof(Block, high));
        gather_u16(rows, offsetof(Block, d), t.d);
    }
    static void unpack(const Tile& t, std::size_t row, Block& b) {
        t.q.unpack(row, b.q);
        t.high.unpack(row, reinterpret_cast<std::uint8_t*>(b.high));
        b.d = t.d[row];
    }

    template <class V>
    struct Unpack {
        const Tile* tile;
        typename V::Floats d;
        typename V::Ints scales;
        Octets<V> octets;
        void open(const Tile& t) {
            tile = &t;
            d = V::mul(V::load_f16(t.d), V::broadcast(0.125F));
        }
        void select(std::size_t sub) {
            const int half = static_cast<int>(sub % 2 * 16);
            const auto flags = V::mul_ints(tile->high.template bits<V>(sub / 2, half + 15, 1), V::broadcast_int(255));
            for (int i = 0; i < 4; ++i) {
                const auto high = V::shift_left_ints(tile->high.template bits<V>(sub / 2, half + 3 * i, 7), 8);
                octets.points[i] =
                    load_points<V>(kGridIq1, V::or_ints(tile->q.template bits<V>(sub, 8 * i, 255), high));
                octets.flags[i] = flags;
            }
            const auto scale = tile->high.template bits<V>(sub / 2, half + 12, 7);
            scales = V::add_ints(V::shift_left_ints(scale, 1), V::broadcast_int(1));
        }
        template <int g>
        typename V::Bytes group() const {
            return octets.template group<g>(kIq1Quants);
        }
        typename V::Floats scale() const { return V::mul(d, V::from_ints(scales)); }
    };
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
