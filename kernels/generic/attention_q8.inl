// SPDX-License-Identifier: MIT
// Attention on an 8-bit KV cache: both products are exact integer dot products. q.k is the matmul of Q8_0 weights with
// keys as rows. For p.v the scale of each position is folded into p, which is quantised per 32 positions; a masked
// position has p = 0 and adds nothing, whatever its slot holds.
#pragma once

#include "kernels/formats/q8_0.hpp"
#include "kernels/generic/attention.inl"
#include "kernels/generic/matmul_few.inl"

namespace linnet::kernels::LINNET_ISA {
namespace {

inline constexpr std::size_t kValueBlock = 32;  // positions
inline constexpr std::size_t kQueries = panel_tokens(Activations::q8);

inline std::size_t value_block_bytes(std::size_t head_dim) { return kValueBlock * head_dim + kValueBlock * 2; }

// A scale (not negative) as the cache holds it: saturated, to the nearest half.
inline std::uint16_t scale_to_half(float d) { return float_to_half(d < 65504.0F ? d : 65504.0F); }

template <class V>
void store_kv_q8(const KvHead& kv, std::int64_t pos, const float* key, const float* value) {
    const std::size_t slot = static_cast<std::size_t>(pos) % kv.ring;
    auto* tiles = reinterpret_cast<q8_0::Tile*>(kv.keys) + slot / 16 * (kv.head_dim / 32);
    const std::size_t row = slot % 16;
    for (std::size_t b = 0; b < kv.head_dim / 32; ++b) {
        const auto low = V::load(key + b * 32);
        const auto high = V::load(key + b * 32 + 16);
        const Q8Scale scale(V::reduce_max(V::max(V::abs(low), V::abs(high))));
        std::int8_t q[32];
        V::narrow_i8(q, quantise<V>(low, scale.inverse));
        V::narrow_i8(q + 16, quantise<V>(high, scale.inverse));
        for (std::size_t k = 0; k < 32; ++k) tiles[b].q[lane(row, k)] = static_cast<std::uint8_t>(q[k] ^ 0x80);
        tiles[b].d[row] = scale_to_half(scale.d);
    }

    std::byte* block = kv.values + slot / kValueBlock * value_block_bytes(kv.head_dim);
    const std::size_t i = slot % kValueBlock;
    auto highest = V::zero();
    for (std::size_t d = 0; d < kv.head_dim; d += 16) highest = V::max(highest, V::abs(V::load(value + d)));
    const Q8Scale scale(V::reduce_max(highest));
    for (std::size_t d = 0; d < kv.head_dim; d += 16) {
        std::int8_t q[16];
        V::narrow_i8(q, quantise<V>(V::load(value + d), scale.inverse));
        auto* group = reinterpret_cast<std::int8_t*>(block) + d * kValueBlock + i / 4 * 64 + i % 4;
        for (std::size_t lane16 = 0; lane16 < 16; ++lane16) group[4 * lane16] = q[lane16];
    }
    const std::uint16_t half = scale_to_half(scale.d);
    std::memcpy(block + kValueBlock * kv.head_dim + 2 * i, &half, 2);
}

// One column's 64 p, in place, for the dot products with values: 0..127 per block of 32 positions in the first 64
// bytes, then the two scales.
struct QuantisedP {
    float row[kKeyTile];

    std::uint8_t* q() { return reinterpret_cast<std::uint8_t*>(row); }
    const std::uint8_t* q() const { return reinterpret_cast<const std::uint8_t*>(row); }
    float* d() { return row + kKeyTile / 4; }
    const float* d() const { return row + kKeyTile / 4; }
};

template <class V>
inline void quantise_p(const std::byte* values, std::size_t head_dim, QuantisedP& p) {
    for (std::size_t b = 0; b < kKeyTile / kValueBlock; ++b) {
        const auto* scales =
            reinterpret_cast<const std::uint16_t*>(values + b * value_block_bytes(head_dim) + kValueBlock * head_dim);
        const auto low = V::mul(V::load(p.row + b * 32), V::load_f16(scales));
        const auto high = V::mul(V::load(p.row + b * 32 + 16), V::load_f16(scales + 16));
        const Q8Scale scale(V::reduce_max(V::max(low, high)));
        auto* q = reinterpret_cast<std::int8_t*>(p.q()) + b * 32;
        V::narrow_i8(q, quantise<V>(low, scale.inverse));
        V::narrow_i8(q + 16, quantise<V>(high, scale.inverse));
        p.d()[b] = scale.d;
    }
}

// o[c] += sum over blocks of positions, ascending, of d * exact sum, N columns. ahead: as in stream_tiles.
template <class V, int N>
inline void value_tile_q8(const std::byte* values, std::size_t head_dim, const QuantisedP* p, VisibleKeys visible,
                          std::size_t ahead, float* o) {
    for (std::size_t d = 0; d < head_dim; d += 16) {
        typename V::Floats acc[N];
        for (int c = 0; c < N; ++c) acc[c] = V::load(o + static_cast<std::size_t>(c) * head_dim + d);
        for (std::size_t b = 0; b < kKeyTile / kValueBlock; ++b) {
            if (!visible.overlap(b * kValueBlock, (b + 1) * kValueBlock)) continue;
            const auto* block =
                reinterpret_cast<const std::uint8_t*>(values + b * value_block_bytes(head_dim)) + d * kValueBlock;
            typename V::Bytes v[8];
            for (int g = 0; g < 8; ++g) v[g] = V::load_bytes(block + 64 * g);
            for (std::size_t line = 0; ahead != 0 && line < 16 * kValueBlock; line += 64) {
                __builtin_prefetch(block + ahead + line);
            }
#pragma GCC unroll 16
            for (int c = 0; c < N; ++c) {
                const auto sum = V::template dot_signed<8>(V::broadcast_int(0), v, p[c].q() + b * 32);
                acc[c] = V::fma(V::from_ints(sum), V::broadcast(p[c].d()[b]), acc[c]);
            }
        }
        for (int c = 0; c < N; ++c) V::store(o + static_cast<std::size_t>(c) * head_dim + d, acc[c]);
    }
}

template <class V>
void attention_q8(const AttentionArgs& a) {
    const std::size_t head_dim = a.kv.head_dim;
    const std::size_t panel_bytes = head_dim / kQuantBlock * kQueries * kQuantBlockBytes;
    start_attention(a);
    for (std::size_t c = 0; c < a.n_columns; ++c) {
        const std::size_t first = c / kQueries * kQueries;
        const std::size_t width = a.n_columns - first < kQueries ? a.n_columns - first : kQueries;
        pack_q8<V>(a.q + c * head_dim, head_dim, a.panel + c / kQueries * panel_bytes, width, c - first);
    }
    const std::size_t key_tile_bytes = kKeyTile / kRows * (head_dim / 32) * sizeof(q8_0::Tile);
    const std::size_t value_tile_bytes = kKeyTile / kValueBlock * value_block_bytes(head_dim);
    for (std::int64_t pos = a.begin; pos < a.end; pos += static_cast<std::int64_t>(kKeyTile)) {
        const std::size_t slot = static_cast<std::size_t>(pos) % a.kv.ring;
        const auto* keys = reinterpret_cast<const q8_0::Tile*>(a.kv.keys) + slot / 16 * (head_dim / 32);
        const std::byte* values = a.kv.values + slot / kValueBlock * value_block_bytes(head_dim);
        for (std::size_t c0 = 0; c0 < a.n_columns; c0 += kQueries) {
            const std::size_t width = a.n_columns - c0 < kQueries ? a.n_columns - c0 : kQueries;
            const Q8Panel panel{a.panel + c0 / kQueries * panel_bytes, width};
            for_columns<V::kColumns>(0, width, [&]<int N>(std::size_t column) {
                const VisibleKeys visible(a, pos, c0 + column, N);
                if (visible.none()) return;
                // The next tile is fetched while the first columns compute with one.
                const bool is_first = c0 + column == 0;
                float* scores = a.scores + (c0 + column) * kKeyTile;
                for (std::size_t tile = 0; tile < kKeyTile / kRows; tile += V::kTiles) {
                    if (!visible.overlap(tile * kRows, (tile + V::kTiles) * kRows)) continue;
                    const q8_0::Tile* tiles[V::kTiles];
                    for (std::size_t i = 0; i < V::kTiles; ++i) tiles[i] = keys + (tile + i) * (head_dim / 32);
                    stream_tiles<V, q8_0, N, V::kTiles>(tiles, head_dim, panel, column, scores + tile * kRows, kKeyTile,
                                                        V::kTiles * kRows, is_first ? key_tile_bytes : 0);
                }
                softmax_columns<V, N>(a, pos, c0 + column);
                auto* p = reinterpret_cast<QuantisedP*>(scores);
                for (int c = 0; c < N; ++c) quantise_p<V>(values, head_dim, p[c]);
                value_tile_q8<V, N>(values, head_dim, p, visible, is_first ? value_tile_bytes : 0,
                                    a.o + (c0 + column) * head_dim);
            });
        }
    }
}

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
