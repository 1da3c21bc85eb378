// SPDX-License-Identifier: MIT
// Q2_K: 256 weights in 16 sub-blocks of 16, w = d * scale * q - dmin * minimum; q in 0..3, scale and minimum in 0..15,
// nibbles of one byte, d and dmin in f16. In each half of 128: byte j of `q` (32) holds weights j, j + 32, j + 64, j
// + 96. Integer bounds per 16 weights: scale * sum <= 15 * 16 * 3 * 127, minimum * sum of activations <= 15 * 16 * 127.
#pragma once

#include "kernels/formats/format.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct q2_k {
    static constexpr std::uint32_t kGgufType = 10;
    static constexpr std::size_t kBlock = 256;
    static constexpr int kOffsetBits = -1;
    static constexpr int kMaxQuant = 3;
    static constexpr bool kHasMinimum = true;
    static constexpr bool kHalfScales = true;  // one integer scale, one integer minimum per 16 weights

    struct Block {
        std::uint8_t scales[16];
        std::uint8_t q[64];
        std::uint16_t d;
        std::uint16_t dmin;

        int quant(std::size_t k) const { return (q[k / 128 * 32 + k % 32] >> (k / 32 % 4 * 2)) & 3; }
    };
    struct Tile {
        BitPairs q[8];
        std::uint8_t scales[16][16];  // [sub-block][row]
        std::uint16_t d[16];
        std::uint16_t dmin[16];
    };

    static void decode(const Block& b, float* y) {
        const float d = half_to_float(b.d);
        const float dmin = half_to_float(b.dmin);
        for (std::size_t k = 0; k < 256; ++k) {
            const float scale = d * static_cast<float>(b.scales[k / 16] & 15);
            const float minimum = dmin * static_cast<float>(b.scales[k / 16] >> 4);
            y[k] = scale * static_cast<float>(b.quant(k)) - minimum;
        }
    }
    template <class V>
    static void pack(const Rows& rows, Tile& t) {
        for (std::size_t half = 0; half < 2; ++half) {
            auto* q = t.q + 4 * half;
            BitPairs::pack_planes<V>(rows, offsetof(Block, q) + 32 * half, {q, q + 1, q + 2, q + 3});
        }
        for (std::size_t i = 0; i < 4; ++i) {
            V::store_transposed(t.scales + 4 * i, V::gather(rows, offsetof(Block, scales) + 4 * i));
        }
        gather_u16(rows, offsetof(Block, d), t.d);
        gather_u16(rows, offsetof(Block, dmin), t.dmin);
    }
    static void unpack(const Tile& t, std::size_t row, Block& b) {
        BitPairs::unpack_planes(t.q, row, b.q);
        BitPairs::unpack_planes(t.q + 4, row, b.q + 32);
        for (std::size_t i = 0; i < 16; ++i) b.scales[i] = t.scales[i][row];
        b.d = t.d[row];
        b.dmin = t.dmin[row];
    }

    template <class V>
    struct Unpack {
        const Tile* tile;
        const BitPairs* quants;
        const std::uint8_t (*scales)[16];
        typename V::Floats d;
        typename V::Floats dmin;
        void open(const Tile& t) {
            tile = &t;
            d = V::load_f16(t.d);
            dmin = V::load_f16(t.dmin);
        }
        void select(std::size_t sub) {
            quants = tile->q + sub;
            scales = tile->scales + 2 * sub;
        }
        template <int g>
        typename V::Bytes group() const {
            return quants->template group<V, g, 0>();
        }
        typename V::Floats scale() const { return d; }
        typename V::Floats minimum() const { return dmin; }
        typename V::Floats half_scale(std::size_t half) const {
            return V::from_ints(V::and_ints(V::widen_u8(scales[half]), 15));
        }
        typename V::Floats half_minimum(std::size_t half) const {
            return V::from_ints(V::shift_right(V::widen_u8(scales[half]), 4));
        }
    };
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
