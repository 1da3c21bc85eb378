// SPDX-License-Identifier: MIT
// IQ2_XXS: 256 weights in 8 sub-blocks of 32, w = d / 8 * (2 scale + 1) * quant; quants are points of 8 weights out of
// 256 with signs, d in f16. Sub-block: four bytes of indices, then a word of 4 x 7 signs and the scale above them. d /
// 8 * (2 scale + 1) has 11 + 5 bits: exact in f32, as is its product with 6 bits.
#pragma once

#include "kernels/formats/points.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct iq2_xxs {
    static constexpr std::uint32_t kGgufType = 16;
    static constexpr std::size_t kBlock = 256;
    static constexpr int kOffsetBits = 6;
    static constexpr int kMaxQuant = 107;
    static constexpr bool kHasMinimum = false;
    static constexpr bool kHalfScales = false;
    static constexpr bool kCostlyUnpack = true;

    struct Block {
        std::uint16_t d;
        std::uint8_t q[64];
    };
    struct Tile {
        Words<16> q;
        std::uint16_t d[16];
    };

    static void decode(const Block& b, float* y) {
        const float d = half_to_float(b.d) * 0.125F;
        for (std::size_t k = 0; k < 256; ++k) {
            const std::uint8_t* sub = b.q + k / 32 * 8;
            const std::uint32_t word = load_u32(sub + 4);
            const std::size_t octet = k % 32 / 8;
            const unsigned signs = all_signs((word >> (7 * octet)) & 127U);
            const int quant =
                octet_quant(kGridIq2Xxs[sub[octet]], ((signs >> (k % 8)) & 1U) != 0, k % 8, kIq2Quants, 64);
            y[k] = d * static_cast<float>(2 * (word >> 28) + 1) * static_cast<float>(quant);
        }
    }
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
        typename V::Floats d;
        typename V::Ints scales;
        Octets<V> octets;
        void open(const Tile& t) {
            tile = &t;
            d = V::mul(V::load_f16(t.d), V::broadcast(0.125F));
        }
        void select(std::size_t sub) {
            for (int i = 0; i < 4; ++i) {
                octets.points[i] = load_points<V>(kGridIq2Xxs, tile->q.template bits<V>(2 * sub, 8 * i, 255));
                octets.flags[i] = all_signs_of_rows<V>(tile->q.template bits<V>(2 * sub + 1, 7 * i, 127));
            }
            const auto scale = tile->q.template bits<V>(2 * sub + 1, 28, 15);
            scales = V::add_ints(V::shift_left_ints(scale, 1), V::broadcast_int(1));
        }
        template <int g>
        typename V::Bytes group() const {
            return octets.template group<g>(kIq2Quants);
        }
        typename V::Floats scale() const { return V::mul(d, V::from_ints(scales)); }
    };
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
