// SPDX-License-Identifier: MIT
// Q6_K: 256 weights in 16 sub-blocks of 16, w = d * scale * (q - 32); q in 0..63, scale int8, d in f16.
// In each half of 128: byte j of `low` (64) holds weights j and j + 64 in its nibbles; byte j of `high` (32) two bits
// each of weights j, j + 32, j + 64, j + 96.
// Integer bound: |scale * sum| <= 128 * 16 * 63 * 127 < 2^24 per 16 weights, so int32 holds a block exactly.
#pragma once

#include "kernels/formats/format.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

struct q6_k {
    static constexpr std::uint32_t kGgufType = 14;
    static constexpr std::size_t kBlock = 256;
    static constexpr int kOffsetBits = 5;
    static constexpr int kMaxQuant = 63;
    static constexpr bool kHasMinimum = false;
    static constexpr bool kHalfScales = true;  // one integer scale per 16 weights

    struct Block {
        std::uint8_t low[128];
        std::uint8_t high[64];
        std::int8_t scales[16];
        std::uint16_t d;

        unsigned quant(std::size_t k) const {
            const std::size_t half = k / 128;
            const std::size_t i = k % 128;
            const unsigned byte = low[half * 64 + i % 64];
            const unsigned nibble = i < 64 ? byte & 15U : byte >> 4;
            return nibble | ((high[half * 32 + i % 32] >> (i / 32 * 2)) & 3U) << 4;
        }
    };
    struct Tile {
        struct Quants {
            Nibbles low;
            BitPairs high;
        } q[8];
        std::uint8_t scales[16][16];  // [sub-block][row], signed bytes
        std::uint16_t d[16];
    };

    static void decode(const Block& b, float* y) {
        const float d = half_to_float(b.d);
        for (std::size_t k = 0; k < 256; ++k) {
            const float scale = d * static_cast<float>(b.scales[k / 16]);
            y[k] = scale * static_cast<float>(static_cast<int>(b.quant(k)) - 32);
        }
    }
    template <class V>
    static void pack(const Rows& rows, Tile& t) {
        for (std::size_t half = 0; half < 2; ++half) {
            for (std::size_t i = 0; i < 2; ++i) {  // sub-blocks i and i + 2 of the half share bytes
                auto* q = t.q + 4 * half + i;
                Nibbles::pack_pair<V>(rows, offsetof(Block, low) + 64 * half + 32 * i, q[0].low, q[2].low);
            }
            auto* q = t.q + 4 * half;
            BitPairs::pack_planes<V>(rows, offsetof(Block, high) + 32 * half,
                                     {&q[0].high, &q[1].high, &q[2].high, &q[3].high});
        }
        for (std::size_t i = 0; i < 4; ++i) {
            V::store_transposed(t.scales + 4 * i, V::gather(rows, offsetof(Block, scales) + 4 * i));
        }
        gather_u16(rows, offsetof(Block, d), t.d);
    }
    static void unpack(const Tile& t, std::size_t row, Block& b) {
        std::memset(&b, 0, sizeof b);
        for (std::size_t i = 0; i < 256; ++i) {
            const auto& q = t.q[i / 32];
            const std::size_t k = i % 32;
            const unsigned low = q.low.get(row, k);
            const unsigned high = q.high.get(row, k);
            std::uint8_t& low_byte = b.low[i / 128 * 64 + i % 64];
            low_byte = static_cast<std::uint8_t>(low_byte | low << (i % 128 / 64 * 4));
            std::uint8_t& high_byte = b.high[i / 128 * 32 + i % 32];
            high_byte = static_cast<std::uint8_t>(high_byte | high << (i % 128 / 32 * 2));
        }
        for (std::size_t i = 0; i < 16; ++i) b.scales[i] = static_cast<std::int8_t>(t.scales[i][row]);
        b.d = t.d[row];
    }

    template <class V>
    struct Unpack {
        const Tile* tile;
        const typename Tile::Quants* quants;
        const std::uint8_t (*scales)[16];
        typename V::Floats d;
        void open(const Tile& t) {
            tile = &t;
            d = V::load_f16(t.d);
        }
        void select(std::size_t sub) {
            quants = tile->q + sub;
            scales = tile->scales + 2 * sub;
        }
        template <int g>
        typename V::Bytes group() const {
            return V::or_bytes(quants->low.template group<V, g>(), quants->high.template group<V, g, 4>());
        }
        typename V::Floats scale() const { return d; }
        typename V::Floats half_scale(std::size_t half) const {
            return V::from_ints(V::widen_i8(reinterpret_cast<const std::int8_t*>(scales[half])));
        }
    };
};

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
