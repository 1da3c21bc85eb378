// SPDX-License-Identifier: MIT
// Q3_K: 256 weights in 16 sub-blocks of 16, w = d * (scale - 32) * (q - 4); q in 0..7, scale in 0..63, d in f16.
// In each half of 128: byte j of `low` (32) holds two bits each of weights j, j + 32, j + 64, j + 96. Bit s of byte k
// of `high` is the third bit of weight 32 s + k. Scale i: low bits in nibble i / 8 of byte i % 8, high ones in bits 2
// (i / 4) of byte 8 + i % 4. Integer bound: |(scale - 32) * sum| <= 32 * 16 * 4 * 127 < 2^18 per 16 weights.
#pragma once

#include "kernels/formats/format.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct q3_k {
    static constexpr std::uint32_t kGgufType = 11;
    static constexpr std::size_t kBlock = 256;
    static constexpr int kOffsetBits = 2;
    static constexpr int kMaxQuant = 7;
    static constexpr bool kHasMinimum = false;
    static constexpr bool kHalfScales = true;  // one integer scale per 16 weights

    struct Block {
        std::uint8_t high[32];
        std::uint8_t low[64];
        std::uint8_t scales[12];
        std::uint16_t d;

        int quant(std::size_t k) const {
            const int pair = (low[k / 128 * 32 + k % 32] >> (k / 32 % 4 * 2)) & 3;
            return (pair | ((high[k % 32] >> (k / 32)) & 1) << 2) - 4;
        }
        int scale(std::size_t i) const {
            const int nibble = (scales[i % 8] >> (i / 8 * 4)) & 15;
            return (nibble | ((scales[8 + i % 4] >> (i / 4 * 2)) & 3) << 4) - 32;
        }
    };
    struct Tile {
        struct Quants {
            BitPairs low;
            SingleBits high;
        } q[8];
        std::uint8_t scales[12][16];  // the file's bytes of each row
        std::uint16_t d[16];
    };

    static void decode(const Block& b, float* y) {
        const float d = half_to_float(b.d);
        for (std::size_t k = 0; k < 256; ++k) {
            y[k] = d * static_cast<float>(b.scale(k / 16)) * static_cast<float>(b.quant(k));
        }
    }
    template <class V>
    static void pack(const Rows& rows, Tile& t) {
        for (std::size_t half = 0; half < 2; ++half) {
            auto* q = t.q + 4 * half;
            BitPairs::pack_planes<V>(rows, offsetof(Block, low) + 32 * half,
                                     {&q[0].low, &q[1].low, &q[2].low, &q[3].low});
        }
        SingleBits::pack_planes<V>(rows, offsetof(Block, high), t.q);
        for (std::size_t i = 0; i < 3; ++i) {
            V::store_transposed(t.scales + 4 * i, V::gather(rows, offsetof(Block, scales) + 4 * i));
        }
        gather_u16(rows, offsetof(Block, d), t.d);
    }
    static void unpack(const Tile& t, std::size_t row, Block& b) {
        std::memset(&b, 0, sizeof b);
        for (std::size_t i = 0; i < 256; ++i) {
            const auto& q = t.q[i / 32];
            const std::size_t k = i % 32;
            std::uint8_t& low = b.low[i / 128 * 32 + k];
            low = static_cast<std::uint8_t>(low | q.low.get(row, k) << (i / 32 % 4 * 2));
            b.high[k] = static_cast<std::uint8_t>(b.high[k] | q.high.get(row, k) << (i / 32));
        }
        for (std::size_t i = 0; i < 12; ++i) b.scales[i] = t.scales[i][row];
        b.d = t.d[row];
    }

    template <class V>
    struct Unpack {
        const Tile* tile;
        const typename Tile::Quants* quants;
        std::size_t first;  // of the sub-block's two scales
        typename V::Floats d;
        void open(const Tile& t) {
            tile = &t;
            d = V::load_f16(t.d);
        }
        void select(std::size_t sub) {
            quants = tile->q + sub;
            first = 2 * sub;
        }
        template <int g>
        typename V::Bytes group() const {
            return V::or_bytes(quants->low.template group<V, g, 0>(), quants->high.template group<V, g, 2>());
        }
        typename V::Floats scale() const { return d; }
        typename V::Floats half_scale(std::size_t half) const {
            const std::size_t i = first + half;
            const auto low = V::shift_right(V::widen_u8(tile->scales[i % 8]), static_cast<int>(i / 8 * 4));
            const auto high = V::shift_right(V::widen_u8(tile->scales[8 + i % 4]), static_cast<int>(i / 4 * 2));
            const auto scale = V::or_ints(V::and_ints(low, 15), V::shift_left_ints(V::and_ints(high, 3), 4));
            return V::from_ints(V::add_ints(scale, V::broadcast_int(-32)));
        }
    };
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
