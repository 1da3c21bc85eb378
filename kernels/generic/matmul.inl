// SPDX-License-Identifier: MIT
// y[t, r] = sum_k x[t, k] * W[r, k] on packed tiles. Lanes are rows: each output is one chain of fused multiply-adds
// over the blocks of its row in ascending order, whatever the number of columns or tiles.
#pragma once

#include "kernels/api/table.hpp"
#include "kernels/formats/format.hpp"

namespace linnet::kernels::LINNET_ISA {
namespace {

// One panel of q8 activations, read block by block (layout: kernels/api/table.hpp).
struct Q8Panel {
    const std::byte* data;
    std::size_t width;  // P

    const std::byte* block(std::size_t b) const { return data + b * width * kQuantBlockBytes; }
    const float* d(const std::byte* block) const { return reinterpret_cast<const float*>(block); }
    const float* ds(const std::byte* block) const { return d(block) + width; }
    const std::int32_t* ns(const std::byte* block) const {
        return reinterpret_cast<const std::int32_t*>(block) + 2 * width;
    }
    const std::int32_t* ns_low(const std::byte* block) const { return ns(block) + width; }
    const std::int32_t* ns_high(const std::byte* block) const { return ns(block) + 2 * width; }
    const std::int8_t* q(const std::byte* block) const {
        return reinterpret_cast<const std::int8_t*>(block + width * 20);
    }
};

template <class V>
inline void store_rows(float* y, std::size_t n_rows, typename V::Floats a) {
    if (n_rows >= kRows) {
        V::store(y, a);
        return;
    }
    float rows[kRows];
    V::store(rows, a);
    std::memcpy(y, rows, n_rows * sizeof(float));
}

// N columns from `column` on of one panel, one tile.
template <class V, class F, int N>
inline void quantised_tile(const typename F::Tile* tiles, std::size_t n_in, Q8Panel x, std::size_t column, float* y,
                           std::size_t y_stride, std::size_t n_rows) {
    using Floats = typename V::Floats;
    using Ints = typename V::Ints;
    Floats acc[N];
    for (int t = 0; t < N; ++t) acc[t] = V::zero();
    const std::size_t n_blocks = n_in / F::kBlock;
    const std::byte* block = x.block(0);
    for (std::size_t b = 0; b < n_blocks; ++b) {
        typename F::template Unpack<V> unpack(tiles[b]);
        for (std::size_t sub = 0; sub < F::kBlock / kQuantBlock; ++sub, block += x.width * kQuantBlockBytes) {
            typename V::Bytes w[8];
            unpack.weights(sub, w);
            const Floats scale = unpack.scale(sub);
            const float* d = x.d(block) + column;
            const std::int8_t* q = x.q(block) + column * kQuantBlock;
            // The offset of unsigned quants enters as the start of the integer sum: -offset * sum(q).
            const auto start = [](std::int32_t negative_sum) {
                if constexpr (F::kOffsetBits < 0) return V::broadcast_int(0);
                return V::shift_left_ints(V::broadcast_int(negative_sum), F::kOffsetBits);
            };
#pragma GCC unroll 16
            for (int t = 0; t < N; ++t) {
                Ints sum;
                if constexpr (F::kHalfScales) {
                    const Ints low =
                        V::template dot<F::kMaxQuant, 4>(start(x.ns_low(block)[column + t]), w, q + t * 32);
                    const Ints high =
                        V::template dot<F::kMaxQuant, 4>(start(x.ns_high(block)[column + t]), w + 4, q + t * 32 + 16);
                    sum = V::add_ints(V::mul_ints(low, unpack.half_scale(sub, 0)),
                                      V::mul_ints(high, unpack.half_scale(sub, 1)));
                } else {
                    sum = V::template dot<F::kMaxQuant, 8>(start(x.ns(block)[column + t]), w, q + t * 32);
                }
                acc[t] = V::fma(V::from_ints(sum), V::mul(scale, V::broadcast(d[t])), acc[t]);
                if constexpr (F::kHasMinimum) {
                    acc[t] = V::fma(unpack.minimum(sub), V::broadcast(x.ds(block)[column + t]), acc[t]);
                }
            }
        }
    }
    for (int t = 0; t < N; ++t) store_rows<V>(y + static_cast<std::size_t>(t) * y_stride, n_rows, acc[t]);
}

template <class V, class F, int N>
inline void float_tile(const typename F::Tile* tiles, std::size_t n_in, const float* x, std::size_t width, float* y,
                       std::size_t y_stride, std::size_t n_rows) {
    typename V::Floats acc[N];
    for (int t = 0; t < N; ++t) acc[t] = V::zero();
    for (std::size_t k = 0; k < n_in; ++k) {
        const auto w = F::template load<V>(tiles[k]);
#pragma GCC unroll 16
        for (int t = 0; t < N; ++t)
            acc[t] = V::fma(w, V::broadcast(x[k * width + static_cast<std::size_t>(t)]), acc[t]);
    }
    for (int t = 0; t < N; ++t) store_rows<V>(y + static_cast<std::size_t>(t) * y_stride, n_rows, acc[t]);
}

// Calls f(N, first column) with compile-time N for the columns of a panel: full micro-kernels, then the rest by powers
// of two.
template <int N, class Call>
inline void for_columns(std::size_t column, std::size_t n_columns, Call call) {
    for (; n_columns - column >= N; column += N) call.template operator()<N>(column);
    if constexpr (N > 1) {
        if (column < n_columns) for_columns<N / 2>(column, n_columns, call);
    }
}

template <class V, class F>
void matmul(const MatmulArgs& a) {
    using Tile = typename F::Tile;
    const std::size_t tiles_per_row = a.n_in / F::kBlock;
    const auto* weights = reinterpret_cast<const Tile*>(a.weights);
    const std::byte* panel = a.x;
    for (std::size_t t0 = 0; t0 < a.n_tokens; t0 += kPanelTokens) {
        const std::size_t width = a.n_tokens - t0 < kPanelTokens ? a.n_tokens - t0 : kPanelTokens;
        for (std::size_t i = 0; i < a.n_tiles; ++i) {
            const Tile* tile = weights + i * tiles_per_row;
            float* y = a.y + t0 * a.y_stride + i * kRows;
            const std::size_t n_rows = a.n_rows - i * kRows;
            for_columns<V::kColumns>(0, width, [&]<int N>(std::size_t column) {
                float* out = y + column * a.y_stride;
                if constexpr (F::kBlock == 1) {
                    float_tile<V, F, N>(tile, a.n_in, reinterpret_cast<const float*>(panel) + column, width, out,
                                        a.y_stride, n_rows);
                } else {
                    quantised_tile<V, F, N>(tile, a.n_in, Q8Panel{panel, width}, column, out, a.y_stride, n_rows);
                }
            });
        }
        panel += F::kBlock == 1 ? a.n_in * width * sizeof(float) : a.n_in / kQuantBlock * width * kQuantBlockBytes;
    }
}

// ---- Packing: 16 rows of the file -> one tile, and back for single rows.

template <class V, class F>
void pack(const PackArgs& a) {
    using Block = typename F::Block;
    const std::size_t n_blocks = a.n_in / F::kBlock;
    auto* tiles = reinterpret_cast<typename F::Tile*>(a.tile);
    Rows rows{a.rows, {}};
    for (std::size_t row = 0; row < kRows; ++row) {
        const std::size_t source = row < a.n_rows ? row : a.n_rows - 1;
        rows.offset[row] = static_cast<std::uint32_t>(source * n_blocks * sizeof(Block));
    }
    for (std::size_t b = 0; b < n_blocks; ++b, rows.base += sizeof(Block)) {
        if constexpr (F::kBlock == 1) {
            for (std::size_t row = 0; row < kRows; ++row) {
                std::memcpy(tiles[b].w + row, rows.base + rows.offset[row], sizeof(Block));
            }
        } else {
            F::template pack<V>(rows, tiles[b]);
        }
    }
}

template <class F>
void decode(const std::byte* blocks, std::size_t n_in, float* y) {
    using Block = typename F::Block;
    for (std::size_t b = 0; b < n_in / F::kBlock; ++b) {
        Block block;
        std::memcpy(&block, blocks + b * sizeof(Block), sizeof block);
        if constexpr (F::kBlock == 1) {
            y[b] = F::decode(block);
        } else {
            F::decode(block, y + b * F::kBlock);
        }
    }
}

template <class F>
void read_row(const std::byte* tile, std::size_t row, std::size_t n_in, float* y) {
    const auto* tiles = reinterpret_cast<const typename F::Tile*>(tile);
    for (std::size_t b = 0; b < n_in / F::kBlock; ++b) {
        if constexpr (F::kBlock == 1) {
            y[b] = F::decode(tiles[b].w[row]);
        } else {
            typename F::Block block;
            F::unpack(tiles[b], row, block);
            F::decode(block, y + b * F::kBlock);
        }
    }
}

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
