// SPDX-License-Identifier: MIT
// IQ4_NL: 32 weights w = d * value[q], q in 0..15, values of a fixed table in -127..113, d in f16. Byte j holds weight
// j low, weight j + 16 high. The tile keeps the 4 bits; values are looked up when they are used.
#pragma once

#include "kernels/formats/format.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct iq4_nl {
    static constexpr std::uint32_t kGgufType = 20;
    static constexpr std::size_t kBlock = 32;
    static constexpr int kOffsetBits = 7;  // looked up as value + 128
    static constexpr int kMaxQuant = 241;
    static constexpr bool kHasMinimum = false;
    static constexpr bool kHalfScales = false;
    static constexpr std::uint8_t kValues[16] = {1,   24,  45,  63,  79,  93,  106, 118,
                                                 129, 141, 153, 166, 181, 197, 217, 241};

    struct Block {
        std::uint16_t d;
        std::uint8_t q[16];
    };
    struct Tile {
        Nibbles q;
        std::uint16_t d[16];
    };

    static float value(unsigned q) { return static_cast<float>(kValues[q] - 128); }
    static void decode(const Block& b, float* y) {
        const float d = half_to_float(b.d);
        for (std::size_t k = 0; k < 16; ++k) {
            y[k] = d * value(b.q[k] & 15U);
            y[k + 16] = d * value(b.q[k] >> 4U);
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
            return V::look_up(kValues, tile->q.template group<V, g>());
        }
        typename V::Floats scale() const { return V::load_f16(tile->d); }
    };
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
