// SPDX-License-Identifier: MIT
// Matmul of many tokens, blocked as in BLIS: along k in chunks, a chunk of some tiles unpacked once into the
// first-level cache and multiplied with all columns of a block of tokens, whose activations of that chunk stay in the
// second-level cache while the tiles pass. Outputs keep their chains of additions in y between chunks.
#pragma once

#include "kernels/generic/matmul_few.inl"

namespace linnet::kernels::LINNET_ISA {
namespace {

// One block of 32 weights of a tile, unpacked.
template <class V, class F>
struct alignas(64) UnpackedBlock {
    // Where the vectors that the format has are.
    static constexpr std::size_t kMinimum = 1;
    static constexpr std::size_t kHalfScale = kMinimum + (F::kHasMinimum ? 1 : 0);
    static constexpr std::size_t kHalfMinimum = kHalfScale + (F::kHalfScales ? 2 : 0);
    static constexpr std::size_t kFirstScale = kHalfMinimum + (F::kHasMinimum && F::kHalfScales ? 2 : 0);
    static constexpr std::size_t kVectors = kFirstScale + (kFloatHalves<V, F> ? 1 : 0);

    std::uint8_t q[8][64];
    float vectors[kVectors][16];

    void fill(const typename F::template Unpack<V>& unpack) {
        fill_groups<0>(unpack);
        V::store(vectors[0], unpack.scale());
        if constexpr (F::kHasMinimum) V::store(vectors[kMinimum], unpack.minimum());
        for (std::size_t half = 0; half < 2; ++half) {
            if constexpr (F::kHalfScales) V::store(vectors[kHalfScale + half], unpack.half_scale(half));
            if constexpr (F::kHasMinimum && F::kHalfScales) {
                V::store(vectors[kHalfMinimum + half], unpack.half_minimum(half));
            }
        }
        if constexpr (kFloatHalves<V, F>) V::store(vectors[kFirstScale], unpack.first_scale());
    }
    template <int g>
    void fill_groups(const typename F::template Unpack<V>& unpack) {
        V::store_bytes(q[g], unpack.template group<g>());
        if constexpr (g < 7) fill_groups<g + 1>(unpack);
    }
};

// The same interface as a format's Unpack.
template <class V, class F>
struct UnpackedWeights {
    using Block = UnpackedBlock<V, F>;
    const Block* block;

    template <int g>
    typename V::Bytes group() const {
        return V::load_bytes(block->q[g]);
    }
    typename V::Floats scale() const { return V::load(block->vectors[0]); }
    typename V::Floats minimum() const { return V::load(block->vectors[Block::kMinimum]); }
    typename V::Floats half_scale(std::size_t half) const { return V::load(block->vectors[Block::kHalfScale + half]); }
    typename V::Floats half_minimum(std::size_t half) const {
        return V::load(block->vectors[Block::kHalfMinimum + half]);
    }
    typename V::Floats first_scale() const { return V::load(block->vectors[Block::kFirstScale]); }
};

// A chunk of T rows of tiles: quantised weights.
template <class V, class F, int T, bool is_float = F::kBlock == 1>
struct Chunk {
    static constexpr std::size_t kBlocks = 32;
    static constexpr std::size_t kWeights = kBlocks * kQuantBlock;  // along k
    using Block = UnpackedBlock<V, F>;
    Block blocks[kBlocks][T];

    void fill(const typename F::Tile* tiles, std::size_t n_in, std::size_t row) {
        constexpr std::size_t kSubBlocks = F::kBlock / kQuantBlock;
        for (std::size_t b = 0; b < n_in / kQuantBlock; b += kSubBlocks, ++tiles) {
            typename F::template Unpack<V> unpack;
            unpack.open(*tiles);
            for (std::size_t sub = 0; sub < kSubBlocks; ++sub) {
                unpack.select(sub);
                blocks[b + sub][row].fill(unpack);
            }
        }
    }

    // acc += the chunk's n_in weights times N columns of a panel, from weight `k` on.
    template <int N>
    void multiply(std::size_t n_in, const std::byte* panel, std::size_t width, std::size_t k, std::size_t column,
                  typename V::Floats (&acc)[T][N]) const {
        const Q8Panel x{panel, width};
        const std::byte* block = x.block(k / kQuantBlock);
        for (std::size_t b = 0; b < n_in / kQuantBlock; ++b, block += width * kQuantBlockBytes) {
            UnpackedWeights<V, F> w[T];
            for (int i = 0; i < T; ++i) w[i].block = &blocks[b][i];
            add_block<V, F>(w, x, block, column, acc);
        }
    }
};

// Float weights.
template <class V, class F, int T>
struct Chunk<V, F, T, true> {
    static constexpr std::size_t kWeights = 256;
    alignas(64) float w[kWeights][T][kRows];

    void fill(const typename F::Tile* tiles, std::size_t n_in, std::size_t row) {
        for (std::size_t k = 0; k < n_in; ++k) V::store(w[k][row], F::template load<V>(tiles[k]));
    }

    template <int N>
    void multiply(std::size_t n_in, const std::byte* panel, std::size_t width, std::size_t k, std::size_t column,
                  typename V::Floats (&acc)[T][N]) const {
        const float* x = reinterpret_cast<const float*>(panel) + k * width + column;
        for (std::size_t i = 0; i < n_in; ++i, x += width) {
            typename V::Floats row[T];
            for (int j = 0; j < T; ++j) row[j] = V::load(w[i][j]);
#pragma GCC unroll 16
            for (int t = 0; t < N; ++t) {
                const auto xs = V::broadcast(x[t]);
#pragma GCC unroll 4
                for (int j = 0; j < T; ++j) acc[j][t] = V::fma(row[j], xs, acc[j][t]);
            }
        }
    }
};

// The tiles that come after T others, fetched a part at a time while those are computed with.
template <class F, int T>
struct NextTiles {
    const char* at[T];
    std::size_t n_lines;
    std::size_t step;

    // The same n weights of the next T rows of tiles; fetched in n_steps.
    NextTiles(const MatmulArgs& a, const typename F::Tile* const (&tiles)[T], std::size_t row, std::size_t k,
              std::size_t n, std::size_t n_steps) {
        const bool exist = row / kRows + 2 * T <= a.n_tiles;
        const std::size_t distance = exist ? T * (a.n_in / F::kBlock) : 0;
        for (std::size_t i = 0; i < T; ++i) at[i] = reinterpret_cast<const char*>(tiles[i] + distance + k / F::kBlock);
        n_lines = exist ? n / F::kBlock * sizeof(typename F::Tile) / 64 : 0;
        step = n_lines / n_steps + 1;
    }
    void fetch() {
        for (std::size_t i = 0; i < step && n_lines > 0; ++i, --n_lines) {
            for (auto& line : at) {
                __builtin_prefetch(line);
                line += 64;
            }
        }
    }
};

// Rows first .. first + 15 of a column of n_rows.
template <class V>
inline typename V::Floats load_rows(const float* y, std::size_t n_rows, std::size_t first) {
    if (first + kRows <= n_rows) return V::load(y + first);
    float rows[kRows] = {};
    if (first < n_rows) std::memcpy(rows, y + first, (n_rows - first) * sizeof(float));
    return V::load(rows);
}

template <class V, class Floats, int T, int N>
inline void load_tiles(Floats (&acc)[T][N], const float* y, std::size_t y_stride, std::size_t n_rows) {
    for (std::size_t i = 0; i < T; ++i) {
        for (std::size_t t = 0; t < N; ++t) acc[i][t] = load_rows<V>(y + t * y_stride, n_rows, i * kRows);
    }
}

// Lines of outputs that are needed next: a model's other work has driven them from the caches.
template <int T>
inline void fetch_outputs(const MatmulArgs& a, std::size_t t, std::size_t n, std::size_t row) {
    for (std::size_t i = t; i < t + n && i < a.n_tokens; ++i) {
        for (std::size_t j = 0; j < T; ++j) __builtin_prefetch(a.y + i * a.y_stride + row + j * kRows, 1);
    }
}

// Tokens that share an unpacked chunk: their activations of it (500 kB) stay in the second-level cache.
inline constexpr std::size_t kBlockTokens = 300;

template <class V, class F, int T>
void matmul_many(const MatmulArgs& a) {
    static_assert(sizeof(Chunk<V, F, T>) <= kMatmulScratch && Chunk<V, F, T>::kWeights % F::kBlock == 0 &&
                  kBlockTokens % panel_tokens(kActivations<F>) == 0);
    constexpr std::size_t kWeights = Chunk<V, F, T>::kWeights;
    auto& chunk = *reinterpret_cast<Chunk<V, F, T>*>(a.scratch);
    for (std::size_t t0 = 0; t0 < a.n_tokens; t0 += kBlockTokens) {
        const std::size_t t1 = t0 + kBlockTokens < a.n_tokens ? t0 + kBlockTokens : a.n_tokens;
        for (std::size_t k = 0; k < a.n_in; k += kWeights) {
            const std::size_t n = a.n_in - k < kWeights ? a.n_in - k : kWeights;
            for_tiles<F, T>(a, [&](const typename F::Tile* const(&tiles)[T], std::size_t row) {
                for (std::size_t i = 0; i < T; ++i) chunk.fill(tiles[i] + k / F::kBlock, n, i);
                NextTiles<F, T> next(a, tiles, row, k, n, (t1 - t0) / panel_tokens(kActivations<F>) + 1);
                for_panels<F>(a, t0, t1, [&](std::size_t t, std::size_t width, const std::byte* panel) {
                    next.fetch();
                    fetch_outputs<T>(a, t + width, width, row);
                    for_columns<max_columns<V, F>()>(0, width, [&]<int N>(std::size_t column) {
                        float* y = a.y + (t + column) * a.y_stride + row;
                        typename V::Floats acc[T][N];
                        if (k == 0) {
                            start_tiles<V>(acc);
                        } else {
                            load_tiles<V>(acc, y, a.y_stride, a.n_rows - row);
                        }
                        chunk.template multiply<N>(n, panel, width, k, column, acc);
                        store_tiles<V>(acc, y, a.y_stride, a.n_rows - row);
                    });
                });
            });
        }
    }
}

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
