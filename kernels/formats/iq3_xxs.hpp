// SPDX-License-Identifier: MIT
// IQ3_XXS: 256 weights in 8 sub-blocks of 32, w = d / 4 * (2 scale + 1) * quant; quants are points of 4 weights out of
// 256 with signs, d in f16. A point is a byte of index; sub-blocks have a word each of 4 x 7 signs with the scale above
// them. d / 4 * (2 scale + 1) has 11 + 5 bits: exact in f32, as is its product with 6 bits.
#pragma once

#include "kernels/formats/points.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct iq3_xxs {
    static constexpr std::uint32_t kGgufType = 18;
    static constexpr std::size_t kBlock = 256;
    static constexpr int kOffsetBits = 6;
    static constexpr int kMaxQuant = 126;
    static constexpr bool kHasMinimum = false;
    static constexpr bool kHalfScales = false;
    static constexpr bool kCostlyUnpack = true;
    // 4, 12, 20, 28, 36, 44, 52, 62, then negative; + 64.
    static constexpr std::uint8_t kQuants[16] = {68, 76, 84, 92, 100, 108, 116, 126, 60, 52, 44, 36, 28, 20, 12, 2};

    struct Block {
        std::uint16_t d;
        std::uint8_t q[64];
        std::uint8_t signs[32];
    };
    struct Tile {
        Words<16> q;
        Words<8> signs;
        std::uint16_t d[16];
    };

    static void decode(const Block& b, float* y) {
        const float d = half_to_float(b.d) * 0.25F;
        for (std::size_t k = 0; k < 256; ++k) {
            const std::uint32_t word = load_u32(b.signs + k / 32 * 4);
            const unsigned signs = all_signs((word >> (k % 32 / 8 * 7)) & 127U);
            const int quant = quad_quant(kGridIq3Xxs[b.q[k / 4]], ((signs >> (k % 8)) & 1U) != 0, k % 4, kQuants, 64);
            y[k] = d * static_cast<float>(2 * (word >> 28) + 1) * static_cast<float>(quant);
        }
    }
    template <class V>
    static void pack(const Rows& rows, Tile& t) {
        t.q.template pack<V>(rows, offsetof(Block, q));
        t.signs.template pack<V>(rows, offsetof(Block, signs));
        gather_u16(rows, offsetof(Block, d), t.d);
    }
    static void unpack(const Tile& t, std::size_t row, Block& b) {
        t.q.unpack(row, b.q);
        t.signs.unpack(row, b.signs);
        b.d = t.d[row];
    }

    template <class V>
    struct Unpack {
        const Tile* tile;
        std::size_t sub_block;
        typename V::Floats d;
        typename V::Ints signs[4];
        void open(const Tile& t) {
            tile = &t;
            d = V::mul(V::load_f16(t.d), V::broadcast(0.25F));
        }
        void select(std::size_t sub) {
            sub_block = sub;
            for (int i = 0; i < 4; ++i) {
                signs[i] = all_signs_of_rows<V>(tile->signs.template bits<V>(sub, 7 * i, 127));
            }
        }
        template <int g>
        typename V::Bytes group() const {
            const auto index = tile->q.template bits<V>(2 * sub_block + g / 4, g % 4 * 8, 255);
            const auto sign = V::and_ints(V::shift_right(signs[g / 2], g % 2 * 4), 15);
            return quad<V>(load_points<V>(kGridIq3Xxs, index), sign, kQuants);
        }
        typename V::Floats scale() const {
            const auto scale = tile->signs.template bits<V>(sub_block, 28, 15);
            return V::mul(d, V::from_ints(V::add_ints(V::shift_left_ints(scale, 1), V::broadcast_int(1))));
        }
    };
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
