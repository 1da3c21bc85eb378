// SPDX-License-Identifier: MIT
// IQ4_XS: 256 weights in 8 sub-blocks of 32, w = d * (scale - 32) * value[q] with the values of IQ4_NL; q in 0..15,
// scale in 0..63, d in f16. Sub-block s: 16 bytes in IQ4_NL's order; low bits of its scale in nibble s of `scales_low`,
// high bits in bits 2 s of `scales_high`. d * (scale - 32) has 11 + 6 bits: exact in f32.
#pragma once

#include "kernels/formats/iq4_nl.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct iq4_xs {
    static constexpr std::uint32_t kGgufType = 23;
    static constexpr std::size_t kBlock = 256;
    static constexpr int kOffsetBits = iq4_nl::kOffsetBits;
    static constexpr int kMaxQuant = iq4_nl::kMaxQuant;
    static constexpr bool kHasMinimum = false;
    static constexpr bool kHalfScales = false;

    struct Block {
        std::uint16_t d;
        std::uint8_t scales_high[2];
        std::uint8_t scales_low[4];
        std::uint8_t q[128];

        int scale(std::size_t sub) const {
            const int low = (scales_low[sub / 2] >> (sub % 2 * 4)) & 15;
            return (low | ((scales_high[sub / 4] >> (sub % 4 * 2)) & 3) << 4) - 32;
        }
    };
    struct Tile {
        Nibbles q[8];
        std::uint8_t scales_high[2][16];  // the file's bytes of each row
        std::uint8_t scales_low[4][16];
        std::uint16_t d[16];
    };

    static void decode(const Block& b, float* y) {
        const float d = half_to_float(b.d);
        for (std::size_t k = 0; k < 256; ++k) {
            const unsigned byte = b.q[k / 32 * 16 + k % 16];
            const float scale = d * static_cast<float>(b.scale(k / 32));
            y[k] = scale * iq4_nl::value(k % 32 < 16 ? byte & 15U : byte >> 4);
        }
    }
    template <class V>
    static void pack(const Rows& rows, Tile& t) {
        for (std::size_t sub = 0; sub < 8; ++sub) t.q[sub].template pack<V>(rows, offsetof(Block, q) + 16 * sub);
        std::uint8_t head[4][16];
        V::store_transposed(head, V::gather(rows, 0));  // d, scales_high
        std::memcpy(t.scales_high, head + 2, sizeof t.scales_high);
        V::store_transposed(t.scales_low, V::gather(rows, offsetof(Block, scales_low)));
        gather_u16(rows, offsetof(Block, d), t.d);
    }
    static void unpack(const Tile& t, std::size_t row, Block& b) {
        for (std::size_t sub = 0; sub < 8; ++sub) t.q[sub].unpack(row, b.q + 16 * sub);
        for (std::size_t i = 0; i < 2; ++i) b.scales_high[i] = t.scales_high[i][row];
        for (std::size_t i = 0; i < 4; ++i) b.scales_low[i] = t.scales_low[i][row];
        b.d = t.d[row];
    }

    template <class V>
    struct Unpack {
        const Tile* tile;
        const Nibbles* quants;
        typename V::Floats d;
        typename V::Ints scales;
        void open(const Tile& t) {
            tile = &t;
            d = V::load_f16(t.d);
        }
        void select(std::size_t sub) {
            quants = tile->q + sub;
            const auto lows = V::shift_right(V::widen_u8(tile->scales_low[sub / 2]), static_cast<int>(sub % 2 * 4));
            const auto highs = V::shift_right(V::widen_u8(tile->scales_high[sub / 4]), static_cast<int>(sub % 4 * 2));
            scales = V::or_ints(V::and_ints(lows, 15), V::shift_left_ints(V::and_ints(highs, 3), 4));
        }
        template <int g>
        typename V::Bytes group() const {
            return V::look_up(iq4_nl::kValues, quants->template group<V, g>());
        }
        typename V::Floats scale() const { return V::mul(d, V::from_ints(V::add_ints(scales, V::broadcast_int(-32)))); }
    };
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
