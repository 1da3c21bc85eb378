// SPDX-License-Identifier: MIT
// Q5_1: 32 weights w = d * q + m, q in 0..31, d and m in f16. Quants as in Q5_0.
#pragma once

#include "kernels/formats/format.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct q5_1 {
    static constexpr std::uint32_t kGgufType = 7;
    static constexpr std::size_t kBlock = 32;
    static constexpr int kOffsetBits = -1;
    static constexpr int kMaxQuant = 31;
    static constexpr bool kHasMinimum = true;
    static constexpr bool kHalfScales = false;

    struct Block {
        std::uint16_t d;
        std::uint16_t m;
        std::uint8_t high[4];
        std::uint8_t q[16];

        unsigned quant(std::size_t k) const {
            const unsigned nibble = k < 16 ? q[k] & 15U : q[k - 16] >> 4U;
            return nibble | ((high[k / 8] >> (k % 8)) & 1U) << 4;
        }
    };
    struct Tile {
        Nibbles q;
        SingleBits high;
        std::uint16_t d[16];
        std::uint16_t m[16];
    };

    static void decode(const Block& b, float* y) {
        const float d = half_to_float(b.d);
        const float m = half_to_float(b.m);
        for (std::size_t k = 0; k < 32; ++k) y[k] = d * static_cast<float>(b.quant(k)) + m;
    }
    template <class V>
    static void pack(const Rows& rows, Tile& t) {
        t.q.template pack<V>(rows, offsetof(Block, q));
        t.high.template pack_words<V>(rows, offsetof(Block, high));
        gather_u16(rows, offsetof(Block, d), t.d);
        gather_u16(rows, offsetof(Block, m), t.m);
    }
    static void unpack(const Tile& t, std::size_t row, Block& b) {
        t.q.unpack(row, b.q);
        std::memset(b.high, 0, 4);
        for (std::size_t k = 0; k < 32; ++k) {
            b.high[k / 8] = static_cast<std::uint8_t>(b.high[k / 8] | t.high.get(row, k) << (k % 8));
        }
        b.d = t.d[row];
        b.m = t.m[row];
    }

    template <class V>
    struct Unpack {
        const Tile* tile;
        void open(const Tile& t) { tile = &t; }
        void select(std::size_t) {}
        template <int g>
        typename V::Bytes group() const {
            return V::or_bytes(tile->q.template group<V, g>(), tile->high.template group<V, g, 4>());
        }
        typename V::Floats scale() const { return V::load_f16(tile->d); }
        typename V::Floats minimum() const { return V::load_f16(tile->m); }
    };
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
