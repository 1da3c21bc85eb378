// SPDX-License-Identifier: MIT
// Matmul of few tokens: weights are used as they come from memory, unpacked in registers.
#pragma once

#include "kernels/generic/block.inl"

namespace linnet::kernels::LINNET_ISA {
namespace {

// Rows first .. first + 15 of a column of n_rows.
template <class V>
inline void store_rows(float* y, std::size_t n_rows, std::size_t first, typename V::Floats a) {
    if (first + kRows <= n_rows) return V::store(y + first, a);
    float rows[kRows];
    V::store(rows, a);
    if (first < n_rows) std::memcpy(y + first, rows, (n_rows - first) * sizeof(float));
}

template <class V, class Floats, int T, int N>
inline void start_tiles(Floats (&acc)[T][N]) {
    for (auto& row : acc) {
        for (auto& sum : row) sum = V::zero();
    }
}

template <class V, class Floats, int T, int N>
inline void store_tiles(const Floats (&acc)[T][N], float* y, std::size_t y_stride, std::size_t n_rows) {
    for (std::size_t i = 0; i < T; ++i) {
        for (std::size_t t = 0; t < N; ++t) store_rows<V>(y + t * y_stride, n_rows, i * kRows, acc[i][t]);
    }
}

// Calls f<N>(first column) for the columns of a panel: N at a time, then the rest by 8, 4, 3, 2, 1. Each call unpacks
// the weights, so a rest of 3 must not be 2 and 1.
template <int N, class Call>
inline void for_columns(std::size_t column, std::size_t n_columns, Call call) {
    for (; n_columns - column >= N; column += N) call.template operator()<N>(column);
    if constexpr (N > 1) {
        if (column < n_columns) for_columns<(N > 8 ? 8 : N > 5 ? 4 : N - 1)>(column, n_columns, call);
    }
}

// Columns of the widest micro-kernel.
template <class V, class F>
constexpr int max_columns() {
    if constexpr (F::kBlock == 1) {
        return V::kFloatColumns;
    } else {
        return F::kHalfScales ? V::kHalfColumns : V::kColumns;
    }
}

template <class F>
inline constexpr Activations kActivations = F::kBlock == 1 ? Activations::f32 : Activations::q8;

// Calls f(first token, tokens, bytes) for the panels of tokens [t0, t1); t0 begins one.
template <class F, class Call>
inline void for_panels(const MatmulArgs& a, std::size_t t0, std::size_t t1, Call call) {
    constexpr std::size_t kTokens = panel_tokens(kActivations<F>);
    for (std::size_t t = t0; t < t1; t += kTokens) {
        call(t, t1 - t < kTokens ? t1 - t : kTokens, a.x + activation_bytes(kActivations<F>, a.n_in, t));
    }
}

// The part of a tile that one sub-block of 32 weights takes.
template <class F>
inline constexpr std::size_t kSubBlockBytes = sizeof(typename F::Tile) / (F::kBlock / kQuantBlock);

// Few columns: T tiles are unpacked in registers, as they come from memory. ahead: distance in bytes at which weights
// are prefetched, 0: not. One row of tiles is used once per pass, so that what is prefetched bypasses the caches behind
// the first.
template <class V, class F, int N, int T>
inline void stream_tiles(const typename F::Tile* const (&tiles)[T], std::size_t n_in, Q8Panel x, std::size_t column,
                         float* y, std::size_t y_stride, std::size_t n_rows, std::size_t ahead) {
    constexpr int kLocality = T == 1 ? 0 : 3;
    const std::size_t n_blocks = n_in / F::kBlock;
    typename V::Floats acc[T][N];
    start_tiles<V>(acc);
    const std::byte* block = x.block(0);
    for (std::size_t b = 0; b < n_blocks; ++b) {
        typename F::template Unpack<V> unpack[T];
        for (int i = 0; i < T; ++i) unpack[i].open(tiles[i][b]);
        for (std::size_t sub = 0; sub < F::kBlock / kQuantBlock; ++sub, block += x.width * kQuantBlockBytes) {
            for (int i = 0; i < T; ++i) unpack[i].select(sub);
            if (ahead != 0) {
                for (int i = 0; i < T; ++i) {
                    const auto* next = reinterpret_cast<const char*>(tiles[i] + b) + sub * kSubBlockBytes<F> + ahead;
                    for (std::size_t line = 0; line < kSubBlockBytes<F>; line += 64) {
                        __builtin_prefetch(next + line, 0, kLocality);
                    }
                }
            }
            add_block<V, F>(unpack, x, block, column, acc);
        }
    }
    store_tiles<V>(acc, y, y_stride, n_rows);
}

template <class V, class F, int N, int T>
inline void stream_float_tiles(const typename F::Tile* const (&tiles)[T], std::size_t n_in, const float* x,
                               std::size_t width, float* y, std::size_t y_stride, std::size_t n_rows) {
    typename V::Floats acc[T][N];
    start_tiles<V>(acc);
    for (std::size_t k = 0; k < n_in; ++k, x += width) {
        for (int i = 0; i < T; ++i) {
            const auto w = F::template load<V>(tiles[i][k]);
#pragma GCC unroll 16
            for (int t = 0; t < N; ++t) acc[i][t] = V::fma(w, V::broadcast(x[t]), acc[i][t]);
        }
    }
    store_tiles<V>(acc, y, y_stride, n_rows);
}

// T rows of tiles at a time; of an odd last one the others are copies whose results have no row to go to.
template <class F, int T, class Call>
inline void for_tiles(const MatmulArgs& a, Call call) {
    const std::size_t row = a.n_in / F::kBlock;
    const auto* weights = reinterpret_cast<const typename F::Tile*>(a.weights);
    for (std::size_t i = 0; i < a.n_tiles; i += T) {
        const typename F::Tile* tiles[T];
        for (std::size_t j = 0; j < T; ++j) tiles[j] = weights + (i + j < a.n_tiles ? i + j : i) * row;
        call(tiles, i * kRows);
    }
}

// T rows of tiles and up to N columns at a time.
template <class V, class F, int T, int N>
void matmul_few(const MatmulArgs& a) {
    // Weights come from memory at a rate that the hardware's prefetching does not reach for formats of few bytes
    // (measured: 26 GB/s of 40; 34 with it). One tile: some 8 kB ahead in the stream; several: as far as those that
    // come next.
    constexpr std::size_t kOneTileAhead = 8192;
    for_tiles<F, T>(a, [&](const typename F::Tile* const(&tiles)[T], std::size_t row) {
        for_panels<F>(a, 0, a.n_tokens, [&](std::size_t t, std::size_t width, const std::byte* panel) {
            for_columns<N>(0, width, [&]<int n>(std::size_t column) {
                float* y = a.y + (t + column) * a.y_stride + row;
                if constexpr (F::kBlock == 1) {
                    stream_float_tiles<V, F, n, T>(tiles, a.n_in, reinterpret_cast<const float*>(panel) + column, width,
                                                   y, a.y_stride, a.n_rows - row);
                } else {
                    const std::size_t next = T == 1 ? (kSubBlockBytes<F> < 512 ? kOneTileAhead : 0)
                                                    : T * a.n_in / F::kBlock * sizeof(typename F::Tile);
                    stream_tiles<V, F, n, T>(tiles, a.n_in, Q8Panel{panel, width}, column, y, a.y_stride,
                                             a.n_rows - row, t + column == 0 ? next : 0);
                }
            });
        });
    });
}

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
