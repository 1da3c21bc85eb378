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

// Groups [first, first + n) of a sub-block, unpacked.
template <class V, int first, int n, class Unpack>
inline void load_groups(const Unpack& unpack, typename V::Bytes* w) {
    w[0] = unpack.template group<first>();
    if constexpr (n > 1) load_groups<V, first + 1, n - 1>(unpack, w + 1);
}

// Adds the exact dot products of groups [first, first + n) of T tiles and N columns, the groups unpacked once for all
// columns, each broadcast of activations used for all tiles.
template <class V, int max, int first, int n, class Unpack, int T, int N>
inline void add_groups_at_once(const Unpack (&unpack)[T], const std::int8_t* q, typename V::Ints (&sum)[T][N]) {
    typename V::Bytes w[T][n];
    for (int i = 0; i < T; ++i) load_groups<V, first, n>(unpack[i], w[i]);
#pragma GCC unroll 16
    for (int t = 0; t < N; ++t) {
#pragma GCC unroll 4
        for (int i = 0; i < T; ++i) sum[i][t] = V::template dot<max, n>(sum[i][t], w[i], q + t * 32 + 4 * first);
    }
}

// The same in the portions that suit V: all groups at once, or one by one, those first that share bytes (g, g + n / 2).
template <class V, int max, int first, int n, int done = 0, class Unpack, int T, int N>
inline void add_groups(const Unpack (&unpack)[T], const std::int8_t* q, typename V::Ints (&sum)[T][N]) {
    if constexpr (!V::kOneGroup) {
        add_groups_at_once<V, max, first, n>(unpack, q, sum);
    } else if constexpr (done < n) {
        add_groups_at_once<V, max, first + done % 2 * (n / 2) + done / 2, 1>(unpack, q, sum);
        add_groups<V, max, first, n, done + 1>(unpack, q, sum);
    }
}

// The offset of unsigned quants enters as the start of the integer sums: -offset * sum(q).
template <class V, int offset_bits, int T, int N>
inline void start_sums(const std::int32_t* negative_sums, typename V::Ints (&sum)[T][N]) {
    for (int t = 0; t < N; ++t) {
        const auto start =
            offset_bits < 0 ? V::broadcast_int(0) : V::shift_left_ints(V::broadcast_int(negative_sums[t]), offset_bits);
        for (int i = 0; i < T; ++i) sum[i][t] = start;
    }
}

// The part of a tile that one sub-block of 32 weights takes.
template <class F>
inline constexpr std::size_t kSubBlockBytes = sizeof(typename F::Tile) / (F::kBlock / kQuantBlock);

// Formats with a float scale per 16 weights: first_scale() is that of the first half, scale() that of the second.
template <class V, class F>
inline constexpr bool kFloatHalves = requires(const typename F::template Unpack<V>& unpack) {
    unpack.first_scale();
};

// N columns from `column` on of one panel, T tiles. ahead: distance in bytes at which weights are prefetched, 0: not.
template <class V, class F, int N, int T>
inline void quantised_tiles(const typename F::Tile* tiles, std::size_t n_in, Q8Panel x, std::size_t column, float* y,
                            std::size_t y_stride, std::size_t n_rows, std::size_t ahead) {
    using Ints = typename V::Ints;
    const std::size_t n_blocks = n_in / F::kBlock;
    typename V::Floats acc[T][N];
    for (int i = 0; i < T; ++i) {
        for (int t = 0; t < N; ++t) acc[i][t] = V::zero();
    }
    const std::byte* block = x.block(0);
    for (std::size_t b = 0; b < n_blocks; ++b) {
        typename F::template Unpack<V> unpack[T];
        for (int i = 0; i < T; ++i) unpack[i].open(tiles[static_cast<std::size_t>(i) * n_blocks + b]);
        for (std::size_t sub = 0; sub < F::kBlock / kQuantBlock; ++sub, block += x.width * kQuantBlockBytes) {
            for (int i = 0; i < T; ++i) unpack[i].select(sub);
            if (ahead != 0) {
                for (int i = 0; i < T; ++i) {
                    const auto* next =
                        reinterpret_cast<const char*>(tiles + static_cast<std::size_t>(i) * n_blocks + b) +
                        sub * kSubBlockBytes<F> + ahead;
                    for (std::size_t line = 0; line < kSubBlockBytes<F>; line += 64) __builtin_prefetch(next + line);
                }
            }
            const std::int8_t* q = x.q(block) + column * kQuantBlock;
            Ints sum[T][N];
            if constexpr (kFloatHalves<V, F>) {
                start_sums<V, F::kOffsetBits>(x.ns_low(block) + column, sum);
                add_groups<V, F::kMaxQuant, 0, 4>(unpack, q, sum);
                for (int i = 0; i < T; ++i) {
                    const auto scale = unpack[i].first_scale();
                    for (int t = 0; t < N; ++t) {
                        const auto factor =
                            V::mul(scale, V::broadcast(x.d(block)[column + static_cast<std::size_t>(t)]));
                        acc[i][t] = V::fma(V::from_ints(sum[i][t]), factor, acc[i][t]);
                    }
                }
                start_sums<V, F::kOffsetBits>(x.ns_high(block) + column, sum);
                add_groups<V, F::kMaxQuant, 4, 4>(unpack, q, sum);
            } else if constexpr (F::kHalfScales) {
                Ints half[T][N];
                start_sums<V, F::kOffsetBits>(x.ns_low(block) + column, half);
                add_groups<V, F::kMaxQuant, 0, 4>(unpack, q, half);
                for (int i = 0; i < T; ++i) {
                    const Ints scale = unpack[i].half_scale(0);
                    for (int t = 0; t < N; ++t) sum[i][t] = V::mul_ints(half[i][t], scale);
                }
                start_sums<V, F::kOffsetBits>(x.ns_high(block) + column, half);
                add_groups<V, F::kMaxQuant, 4, 4>(unpack, q, half);
                for (int i = 0; i < T; ++i) {
                    const Ints scale = unpack[i].half_scale(1);
                    for (int t = 0; t < N; ++t) sum[i][t] = V::add_ints(sum[i][t], V::mul_ints(half[i][t], scale));
                }
            } else {
                start_sums<V, F::kOffsetBits>(x.ns(block) + column, sum);
                add_groups<V, F::kMaxQuant, 0, 8>(unpack, q, sum);
            }
            const float* d = x.d(block) + column;
            const float* ds = x.ds(block) + column;
            for (int i = 0; i < T; ++i) {
                const auto scale = unpack[i].scale();
                for (int t = 0; t < N; ++t) {
                    acc[i][t] = V::fma(V::from_ints(sum[i][t]), V::mul(scale, V::broadcast(d[t])), acc[i][t]);
                }
                if constexpr (F::kHasMinimum && F::kHalfScales) {
                    const std::int32_t* low_sums = x.ns_low(block) + column;
                    const std::int32_t* high_sums = x.ns_high(block) + column;
                    const Ints low = unpack[i].half_minimum(0);
                    const Ints high = unpack[i].half_minimum(1);
                    const auto minimum = unpack[i].minimum();
                    for (int t = 0; t < N; ++t) {
                        const Ints sums = V::add_ints(V::mul_ints(low, V::broadcast_int(low_sums[t])),
                                                      V::mul_ints(high, V::broadcast_int(high_sums[t])));
                        acc[i][t] = V::fma(V::from_ints(sums), V::mul(minimum, V::broadcast(d[t])), acc[i][t]);
                    }
                } else if constexpr (F::kHasMinimum) {
                    const auto minimum = unpack[i].minimum();
                    for (int t = 0; t < N; ++t) acc[i][t] = V::fma(minimum, V::broadcast(ds[t]), acc[i][t]);
                }
            }
        }
    }
    for (int i = 0; i < T; ++i) {
        const std::size_t row = static_cast<std::size_t>(i) * kRows;
        for (int t = 0; t < N; ++t) {
            store_rows<V>(y + static_cast<std::size_t>(t) * y_stride + row, n_rows - row, acc[i][t]);
        }
    }
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

// Calls f<N>(first column) for the columns of a panel: N at a time, then the rest by 4, 2, 1.
template <int N, class Call>
inline void for_columns(std::size_t column, std::size_t n_columns, Call call) {
    for (; n_columns - column >= N; column += N) call.template operator()<N>(column);
    if constexpr (N > 1) {
        if (column < n_columns) for_columns<(N > 4 ? 4 : N > 2 ? 2 : 1)>(column, n_columns, call);
    }
}

// T tiles and all columns of one panel.
template <class V, class F, int T>
inline void panel_tiles(const MatmulArgs& a, const typename F::Tile* tiles, const std::byte* panel, std::size_t width,
                        float* y, std::size_t n_rows) {
    if constexpr (F::kBlock == 1) {
        for_columns<V::kFloatColumns>(0, width, [&]<int N>(std::size_t column) {
            float_tile<V, F, N>(tiles, a.n_in, reinterpret_cast<const float*>(panel) + column, width,
                                y + column * a.y_stride, a.y_stride, n_rows);
        });
    } else {
        // With few tokens the weights come from memory, at a rate that the hardware's prefetching does not reach for
        // formats of few bytes (measured: 26 GB/s of 40; 34 with it). One tile: some 8 kB ahead in the stream; several:
        // as far as those that come next.
        constexpr std::size_t kOneTileAhead = 8192;
        const std::size_t next = T == 1 ? kOneTileAhead : T * a.n_in / F::kBlock * sizeof(typename F::Tile);
        const bool streaming = a.n_tokens <= kPanelTokens && (T > 1 || kSubBlockBytes<F> < 512);
        for_columns<(F::kHalfScales ? V::kHalfColumns : V::kColumns)>(0, width, [&]<int N>(std::size_t column) {
            quantised_tiles<V, F, N, T>(tiles, a.n_in, Q8Panel{panel, width}, column, y + column * a.y_stride,
                                        a.y_stride, n_rows, streaming && column == 0 ? next : 0);
        });
    }
}

template <class V, class F>
void matmul(const MatmulArgs& a) {
    // One token: tile by tile, one sequential stream of weights. More: tiles share the loads of activations.
    constexpr std::size_t kTiles = F::kBlock == 1 ? 1 : V::kTiles;
    const std::size_t tiles_per_row = a.n_in / F::kBlock;
    const auto* weights = reinterpret_cast<const typename F::Tile*>(a.weights);
    const std::byte* panel = a.x;
    for (std::size_t t0 = 0; t0 < a.n_tokens; t0 += kPanelTokens) {
        const std::size_t width = a.n_tokens - t0 < kPanelTokens ? a.n_tokens - t0 : kPanelTokens;
        float* y = a.y + t0 * a.y_stride;
        std::size_t i = 0;
        if (width > 1) {
            for (; i + kTiles <= a.n_tiles; i += kTiles) {
                panel_tiles<V, F, kTiles>(a, weights + i * tiles_per_row, panel, width, y + i * kRows,
                                          a.n_rows - i * kRows);
            }
        }
        for (; i < a.n_tiles; ++i) {
            panel_tiles<V, F, 1>(a, weights + i * tiles_per_row, panel, width, y + i * kRows, a.n_rows - i * kRows);
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
