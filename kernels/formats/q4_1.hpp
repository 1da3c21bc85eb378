// SPDX-License-Identifier: MIT
// Q4_1: 32 weights w = d * q + m, q in 0..15, d and m in f16. Nibbles as in Q4_0.
#pragma once

#include "kernels/formats/format.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct q4_1 {
    static constexpr std::uint32_t kGgufType = 3;
    static constexpr std::size_t kBlock = 32;
    static constexpr int kOffsetBits = -1;  // quants are unsigned as they are
    static constexpr int kMaxQuant = 15;
    static constexpr bool kHasMinimum = true;
    static constexpr bool kHalfScales = false;

    struct Block {
        std::uint16_t d;
        std::uint16_t m;
        std::uint8_t q[16];
    };
    struct Tile {
        Nibbles q;
        std::uint16_t d[16];
        std::uint16_t m[16];
    };

    static void decode(const Block& b, float* y) {
        const float d = half_to_float(b.d);
        const float m = half_to_float(b.m);
        for (std::size_t k = 0; k < 16; ++k) {
            y[k] = d * static_cast<float>(b.q[k] & 15) + m;
            y[k + 16] = d * static_cast<float>(b.q[k] >> 4) + m;
        }
    }
    template <class V>
    static void pack(const Rows& rows, Tile& t) {
        t.q.template pack<V>(rows, offsetof(Block, q));
        gather_u16(rows, offsetof(Block, d), t.d);
        gather_u16(rows, offsetof(Block, m), t.m);
    }
    static void unpack(const Tile& t, std::size_t row, Block& b) {
        t.q.unpack(row, b.q);
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
            return tile->q.template group<V, g>();
        }
        typename V::Floats scale() const { return V::load_f16(tile->d); }
        typename V::Floats minimum() const { return V::load_f16(tile->m); }
    };
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
