// SPDX-License-Identifier: MIT
// Q4_0: 32 weights w = d * (q - 8), q in 0..15, d in f16. Byte j holds weight j low, weight j + 16 high.
#pragma once

#include "kernels/formats/format.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct q4_0 {
    static constexpr std::uint32_t kGgufType = 2;
    static constexpr std::size_t kBlock = 32;
    static constexpr int kOffsetBits = 3;  // quants are stored as q + 8
    static constexpr int kMaxQuant = 15;
    static constexpr bool kHasMinimum = false;
    static constexpr bool kHalfScales = false;

    struct Block {
        std::uint16_t d;
        std::uint8_t q[16];
    };
    struct Tile {
        Nibbles q;
        std::uint16_t d[16];
    };

    static void decode(const Block& b, float* y) {
        const float d = half_to_float(b.d);
        for (std::size_t k = 0; k < 16; ++k) {
            y[k] = d * static_cast<float>((b.q[k] & 15) - 8);
            y[k + 16] = d * static_cast<float>((b.q[k] >> 4) - 8);
        }
    }
    // The file's nibble order is the tile's.
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
        void open(const Tile& t) { tile = &t; }
        void select(std::size_t) {}
        template <int g>
        typename V::Bytes group() const {
            return tile->q.template group<V, g>();
        }
        typename V::Floats scale() const { return V::load_f16(tile->d); }
    };
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
