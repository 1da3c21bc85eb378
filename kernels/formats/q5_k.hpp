// SPDX-License-Identifier: MIT
// Q5_K: as Q4_K with a fifth bit, q in 0..31: bit `sub` of byte k of `high` belongs to weight k of that sub-block.
#pragma once

#include "kernels/formats/format.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct q5_k {
    static constexpr std::uint32_t kGgufType = 13;
    static constexpr std::size_t kBlock = 256;
    static constexpr int kOffsetBits = -1;
    static constexpr int kMaxQuant = 31;
    static constexpr bool kHasMinimum = true;
    static constexpr bool kHalfScales = false;

    struct Block {
        std::uint16_t d;
        std::uint16_t dmin;
        std::uint8_t scales[12];
        std::uint8_t high[32];
        std::uint8_t q[128];

        unsigned quant(std::size_t sub, std::size_t k) const {
            const unsigned byte = q[sub / 2 * 32 + k];
            return (sub % 2 == 0 ? byte & 15U : byte >> 4) | ((high[k] >> sub) & 1U) << 4;
        }
    };
    struct Tile {
        struct Quants {
            Nibbles low;
            SingleBits high;
        } q[8];
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
            Nibbles::pack_pair<V>(rows, offsetof(Block, q) + 32 * pair, t.q[2 * pair].low, t.q[2 * pair + 1].low);
        }
        SingleBits::pack_planes<V>(rows, offsetof(Block, high), t.q);
        t.scales.template pack<V>(rows, offsetof(Block, scales));
        gather_u16(rows, offsetof(Block, d), t.d);
        gather_u16(rows, offsetof(Block, dmin), t.dmin);
    }
    static void unpack(const Tile& t, std::size_t row, Block& b) {
        std::memset(b.high, 0, 32);
        for (std::size_t k = 0; k < 32; ++k) {
            for (std::size_t sub = 0; sub < 8; ++sub) {
                b.high[k] = static_cast<std::uint8_t>(b.high[k] | t.q[sub].high.get(row, k) << sub);
            }
            for (std::size_t pair = 0; pair < 4; ++pair) {
                b.q[pair * 32 + k] =
                    static_cast<std::uint8_t>(t.q[2 * pair].low.get(row, k) | t.q[2 * pair + 1].low.get(row, k) << 4);
            }
        }
        t.scales.unpack(row, b.scales);
        b.d = t.d[row];
        b.dmin = t.dmin[row];
    }

    template <class V>
    struct Unpack {
        const Tile* tile;
        const typename Tile::Quants* quants;
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
            return V::or_bytes(quants->low.template group<V, g>(), quants->high.template group<V, g, 4>());
        }
        typename V::Floats scale() const { return V::mul(d, scales); }
        typename V::Floats minimum() const { return V::mul(negative_dmin, minimums); }
    };
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
