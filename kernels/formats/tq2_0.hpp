// SPDX-License-Identifier: MIT
// TQ2_0: 256 weights w = d * (q - 1), q in 0..3 (3 is not used), d in f16. In each half of 128: byte j of 32 holds
// weights j, j + 32, j + 64, j + 96.
#pragma once

#include "kernels/formats/format.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct tq2_0 {
    static constexpr std::uint32_t kGgufType = 35;
    static constexpr std::size_t kBlock = 256;
    static constexpr int kOffsetBits = 0;
    static constexpr int kMaxQuant = 3;
    static constexpr bool kHasMinimum = false;
    static constexpr bool kHalfScales = false;

    struct Block {
        std::uint8_t q[64];
        std::uint16_t d;
    };
    struct Tile {
        BitPairs q[8];
        std::uint16_t d[16];
    };

    static void decode(const Block& b, float* y) {
        const float d = half_to_float(b.d);
        for (std::size_t k = 0; k < 256; ++k) {
            const int q = (b.q[k / 128 * 32 + k % 32] >> (k / 32 % 4 * 2)) & 3;
            y[k] = d * static_cast<float>(q - 1);
        }
    }
    template <class V>
    static void pack(const Rows& rows, Tile& t) {
        for (std::size_t half = 0; half < 2; ++half) {
            auto* q = t.q + 4 * half;
            BitPairs::pack_planes<V>(rows, offsetof(Block, q) + 32 * half, {q, q + 1, q + 2, q + 3});
        }
        gather_u16(rows, offsetof(Block, d), t.d);
    }
    static void unpack(const Tile& t, std::size_t row, Block& b) {
        BitPairs::unpack_planes(t.q, row, b.q);
        BitPairs::unpack_planes(t.q + 4, row, b.q + 32);
        b.d = t.d[row];
    }

    template <class V>
    struct Unpack {
        const Tile* tile;
        const BitPairs* quants;
        void open(const Tile& t) { tile = &t; }
        void select(std::size_t sub) { quants = tile->q + sub; }
        template <int g>
        typename V::Bytes group() const {
            return quants->template group<V, g, 0>();
        }
        typename V::Floats scale() const { return V::load_f16(tile->d); }
    };
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
