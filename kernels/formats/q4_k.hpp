// SPDX-License-Identifier: MIT
// Q4_K: 256 weights in 8 sub-blocks of 32, w = d * scale * q - dmin * minimum; q in 0..15, scale and minimum in 0..63,
// d and dmin in f16. Byte j of the i-th 32 quant bytes holds sub-block 2 i low, 2 i + 1 high.
// d * scale and dmin * minimum have 11 + 6 bits: exact in f32.
#pragma once

#include "kernels/formats/format.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct q4_k {
    static constexpr std::uint32_t kGgufType = 12;
    static constexpr std::size_t kBlock = 256;
    static constexpr int kOffsetBits = -1;
    static constexpr int kMaxQuant = 15;
    static constexpr bool kHasMinimum = true;
    static constexpr bool kHalfScales = false;

    struct Block {
        std::uint16_t d;
        std::uint16_t dmin;
        std::uint8_t scales[12];
        std::uint8_t q[128];

        unsigned quant(std::size_t sub, std::size_t k) const {
            const unsigned byte = q[sub / 2 * 32 + k];
            return sub % 2 == 0 ? byte & 15U : byte >> 4;
        }
    };
    struct Tile {
        Nibbles q[8];
        ScalesAndMins scales;
        std::uint16_t d[16];
        std::uint16_t dmin[16];
    };

    static void decode(const Block& b, float* y) {
        const float d = half_to_float(b.d);
        const float dmin = half_to_float(b.dmin);
        for (std::size_t sub = 0; sub < 8; ++sub) {
            const float scale = d * static_cast<float>(ScalesAndMins::file_scale(b.scales, sub));
            const float minimum = dmin * static_cast<float>(ScalesAndMins::file_minimum(b.scales, sub));
            for (std::size_t k = 0; k < 32; ++k)
                y[sub * 32 + k] = scale * static_cast<float>(b.quant(sub, k)) - minimum;
        }
    }
    template <class V>
    static void pack(const Rows& rows, Tile& t) {
        for (std::size_t pair = 0; pair < 4; ++pair) {
            Nibbles::pack_pair<V>(rows, offsetof(Block, q) + 32 * pair, t.q[2 * pair], t.q[2 * pair + 1]);
        }
        t.scales.template pack<V>(rows, offsetof(Block, scales));
        gather_u16(rows, offsetof(Block, d), t.d);
        gather_u16(rows, offsetof(Block, dmin), t.dmin);
    }
    static void unpack(const Tile& t, std::size_t row, Block& b) {
        for (std::size_t pair = 0; pair < 4; ++pair) {
            for (std::size_t k = 0; k < 32; ++k) {
                b.q[pair * 32 + k] =
                    static_cast<std::uint8_t>(t.q[2 * pair].get(row, k) | t.q[2 * pair + 1].get(row, k) << 4);
            }
        }
        t.scales.unpack(row, b.scales);
        b.d = t.d[row];
        b.dmin = t.dmin[row];
    }

    template <class V>
    struct Unpack {
        const Tile* tile;
        const Nibbles* quants;
        typename V::Floats d;
        typename V::Floats negative_dmin;
        typename V::Floats scales;
        typename V::Floats minimums;
        void open(const Tile& t) {
            tile = &t;
            d = V::load_f16(t.d);
            negative_dmin = V::sub(V::zero(), V::load_f16(t.dmin));
        }
        void select(std::size_t sub) {
            quants = tile->q + sub;
            tile->scales.template load<V>(sub, scales, minimums);
        }
        template <int g>
        typename V::Bytes group() const {
            return quants->template group<V, g>();
        }
        typename V::Floats scale() const { return V::mul(d, scales); }
        typename V::Floats minimum() const { return V::mul(negative_dmin, minimums); }
    };
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
