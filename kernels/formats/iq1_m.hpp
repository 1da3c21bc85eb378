// SPDX-License-Identifier: MIT
// IQ1_M: 256 weights in 16 sub-blocks of 16, w = d * (2 scale + 1) * (p + shift) as IQ1_S has it, the shift one for
// each point. A point: a byte of index, and a nibble: three more bits of it, the sign of the shift. Scales (3 bits) lie
// four to a word of 16 bits, whose top nibbles are d in f16, lowest first. Integer bound: |(2 scale + 1) * sum| <= 15 *
// 16 * 9 * 127 < 2^19 per 16 weights.
#pragma once

#include "kernels/formats/points.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct iq1_m {
    static constexpr std::uint32_t kGgufType = 29;
    static constexpr std::size_t kBlock = 256;
    static constexpr int kOffsetBits = 4;
    static constexpr int kMaxQuant = 25;
    static constexpr bool kHasMinimum = false;
    static constexpr bool kHalfScales = true;
    static constexpr bool kCostlyUnpack = true;

    struct Block {
        std::uint8_t q[32];
        std::uint8_t high[16];
        std::uint16_t scales[4];
    };
    struct Tile {
        Words<8> q;
        Words<4> high;
        Words<2> scales;
    };

    static std::uint16_t scattered(unsigned a, unsigned b, unsigned c, unsigned d) {
        return static_cast<std::uint16_t>(a >> 12 | (b >> 12) << 4 | (c >> 12) << 8 | (d >> 12) << 12);
    }
    static void decode(const Block& b, float* y) {
        const float d = half_to_float(scattered(b.scales[0], b.scales[1], b.scales[2], b.scales[3])) * 0.125F;
        for (std::size_t k = 0; k < 256; ++k) {
            const unsigned high = (b.high[k / 16] >> (k / 8 % 2 * 4)) & 15U;
            const unsigned index = b.q[k / 8] | (high & 7U) << 8;
            const int quant = octet_quant(kGridIq1[index], (high & 8U) != 0, k % 8, kIq1Quants, 16);
            const int scale = (b.scales[k / 64] >> (k / 16 % 4 * 3)) & 7;
            y[k] = d * static_cast<float>(2 * scale + 1) * static_cast<float>(quant);
        }
    }
    template <class V>
    static void pack(const Rows& rows, Tile& t) {
        t.q.template pack<V>(rows, offsetof(Block, q));
        t.high.template pack<V>(rows, offsetof(Block, high));
        t.scales.template pack<V>(rows, offsetof(Block, scales));
    }
    static void unpack(const Tile& t, std::size_t row, Block& b) {
        t.q.unpack(row, b.q);
        t.high.unpack(row, b.high);
        t.scales.unpack(row, reinterpret_cast<std::uint8_t*>(b.scales));
    }

    template <class V>
    struct Unpack {
        const Tile* tile;
        std::size_t sub_block;
        typename V::Floats d;
        Octets<V> octets;
        void open(const Tile& t) {
            tile = &t;
            std::uint16_t halves[16];
            for (std::size_t row = 0; row < 16; ++row) {
                std::uint16_t words[4];
                t.scales.unpack(row, reinterpret_cast<std::uint8_t*>(words));
                halves[row] = scattered(words[0], words[1], words[2], words[3]);
            }
            d = V::mul(V::load_f16(halves), V::broadcast(0.125F));
        }
        void select(std::size_t sub) {
            sub_block = sub;
            for (int i = 0; i < 4; ++i) {
                const int first = static_cast<int>(sub % 2 * 16) + 4 * i;
                const auto high = V::shift_left_ints(tile->high.template bits<V>(sub / 2, first, 7), 8);
                octets.points[i] =
                    load_points<V>(kGridIq1, V::or_ints(tile->q.template bits<V>(sub, 8 * i, 255), high));
                octets.flags[i] =
                    V::mul_ints(tile->high.template bits<V>(sub / 2, first + 3, 1), V::broadcast_int(255));
            }
        }
        template <int g>
        typename V::Bytes group() const {
            return octets.template group<g>(kIq1Quants);
        }
        typename V::Floats scale() const { return d; }
        typename V::Floats half_scale(std::size_t half) const {
            const std::size_t i = 2 * sub_block + half;
            const int first = static_cast<int>(i / 4 % 2 * 16 + i % 4 * 3);
            const auto scale = tile->scales.template bits<V>(i / 8, first, 7);
            return V::from_ints(V::add_ints(V::shift_left_ints(scale, 1), V::broadcast_int(1)));
        }
    };
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
