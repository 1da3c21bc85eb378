// SPDX-License-Identifier: MIT
// The innermost part of all quantised products: one block of 32 weights of some tiles times some columns of 8-bit
// activations. Integer sums are exact; then one fused multiply-add per output, and one more for formats with minimums.
// All of it is inlined by force, as a call would send the accumulators through memory.
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

// Where the integer sums start: the offset of unsigned quants, -offset * sum(q).
template <class V, class F>
[[gnu::always_inline]] inline typename V::Ints start_sum(std::int32_t negative_sum) {
    constexpr bool kTaken = V::kTakesOffset && F::kMaxQuant > 127;
    static_assert(!kTaken || F::kOffsetBits == 7);
    if constexpr (F::kOffsetBits < 0 || kTaken) {
        return V::broadcast_int(0);
    } else {
        return V::shift_left_ints(V::broadcast_int(negative_sum), F::kOffsetBits);
    }
}

template <class V, class F, int T, int N>
[[gnu::always_inline]] inline void start_sums(const std::int32_t* negative_sums, typename V::Ints (&sum)[T][N]) {
    for (int t = 0; t < N; ++t) {
        const auto start = start_sum<V, F>(negative_sums[t]);
        for (int i = 0; i < T; ++i) sum[i][t] = start;
    }
}

// Groups [first, first + n) of a sub-block, unpacked.
template <class V, int first, int n, class Unpack>
[[gnu::always_inline]] inline void load_groups(const Unpack& unpack, typename V::Bytes* w) {
    w[0] = unpack.template group<first>();
    if constexpr (n > 1) load_groups<V, first + 1, n - 1>(unpack, w + 1);
}

// Adds the exact dot products of groups [first, first + n) of T tiles and N columns, the groups unpacked once for all
// columns, each broadcast of activations used for all tiles.
template <class V, int max, int first, int n, class Unpack, int T, int N>
[[gnu::always_inline]] inline void add_groups_at_once(const Unpack (&unpack)[T], const std::int8_t* q,
                                                      typename V::Ints (&sum)[T][N]) {
    typename V::Bytes w[T][n];
    for (int i = 0; i < T; ++i) load_groups<V, first, n>(unpack[i], w[i]);
#pragma GCC unroll 16
    for (int t = 0; t < N; ++t) {
#pragma GCC unroll 4
        for (int i = 0; i < T; ++i) sum[i][t] = V::template dot<max, n>(sum[i][t], w[i], q + t * 32 + 4 * first);
    }
}

// The same into sums of 16 bits, group by group.
template <class V, int first, int n, bool start, class Unpack, int T, int N>
[[gnu::always_inline]] inline void add_words(const Unpack (&unpack)[T], const std::int8_t* q,
                                             typename V::Words (&words)[T][N]) {
    typename V::Bytes w[T];
    for (int i = 0; i < T; ++i) w[i] = unpack[i].template group<first>();
#pragma GCC unroll 16
    for (int t = 0; t < N; ++t) {
#pragma GCC unroll 4
        for (int i = 0; i < T; ++i) V::template add_words<start>(words[i][t], w[i], q + t * 32 + 4 * first);
    }
    if constexpr (n > 1) add_words<V, first + 1, n - 1, false>(unpack, q, words);
}

// The exact dot products of groups [first, first + n) with the start of the sums, in the portions that suit V: sums of
// 16 bits over as many groups as they hold, or that many groups at once; if these come one by one, those in turn that
// share bytes (g, g + n / 2).
template <class V, class F, int first, int n, int done = 0, class Unpack, int T, int N>
[[gnu::always_inline]] inline void sum_groups(const Unpack (&unpack)[T], const std::int8_t* q,
                                              const std::int32_t* negative_sums, typename V::Ints (&sum)[T][N]) {
    constexpr int kMax = F::kMaxQuant;
    constexpr int kPortion = V::template kGroupsAtOnce<kMax> < n ? V::template kGroupsAtOnce<kMax> : n;
    if constexpr (kPortion > 1 && requires { typename V::Words; }) {
        typename V::Words words[T][N];
        add_words<V, first + done, kPortion, true>(unpack, q, words);
#pragma GCC unroll 16
        for (int t = 0; t < N; ++t) {
#pragma GCC unroll 4
            for (int i = 0; i < T; ++i) {
                // The start is computed here, not before the products, as it would wait in memory.
                const auto before = done == 0 ? start_sum<V, F>(negative_sums[t]) : sum[i][t];
                sum[i][t] = V::widen_words(before, words[i][t]);
            }
        }
    } else {
        constexpr int kNext = kPortion == 1 ? done % 2 * (n / 2) + done / 2 : done;
        if constexpr (done == 0) start_sums<V, F>(negative_sums, sum);
        add_groups_at_once<V, kMax, first + kNext, kPortion>(unpack, q, sum);
    }
    if constexpr (done + kPortion < n) sum_groups<V, F, first, n, done + kPortion>(unpack, q, negative_sums, sum);
}

// Formats with a float scale per 16 weights: first_scale() is that of the first half, scale() that of the second.
template <class V, class F>
inline constexpr bool kFloatHalves = requires(const typename F::template Unpack<V>& unpack) {
    unpack.first_scale();
};

// Exact dot products of one half (0 | 1) of a block.
template <class V, class F, int half, class Weights, int T, int N>
[[gnu::always_inline]] inline void sum_half(const Weights (&w)[T], const Q8Panel& x, const std::byte* block,
                                            std::size_t column, typename V::Ints (&sum)[T][N]) {
    const std::int32_t* negative_sums = half == 0 ? x.ns_low(block) : x.ns_high(block);
    sum_groups<V, F, 4 * half, 4>(w, x.q(block) + column * kQuantBlock, negative_sums + column, sum);
}

// acc[i][t] += one block of 32 weights of T tiles times N columns of activations; `column` is the first, of the block.
template <class V, class F, int T, int N, class Weights>
[[gnu::always_inline]] inline void add_block(const Weights (&w)[T], const Q8Panel& x, const std::byte* block,
                                             std::size_t column, typename V::Floats (&acc)[T][N]) {
    const float* d = x.d(block) + column;
    typename V::Ints sum[T][N];
    typename V::Floats dot[T][N];
    if constexpr (F::kHalfScales) {
        sum_half<V, F, 0>(w, x, block, column, sum);
        for (int i = 0; i < T; ++i) {
            const auto scale = w[i].half_scale(0);
            for (int t = 0; t < N; ++t) dot[i][t] = V::mul(V::from_ints(sum[i][t]), scale);
        }
        sum_half<V, F, 1>(w, x, block, column, sum);
        for (int i = 0; i < T; ++i) {
            const auto scale = w[i].half_scale(1);
            for (int t = 0; t < N; ++t) dot[i][t] = V::fma(V::from_ints(sum[i][t]), scale, dot[i][t]);
        }
    } else {
        if constexpr (kFloatHalves<V, F>) {
            sum_half<V, F, 0>(w, x, block, column, sum);
            for (int i = 0; i < T; ++i) {
                const auto scale = w[i].first_scale();
                for (int t = 0; t < N; ++t) {
                    acc[i][t] = V::fma(V::from_ints(sum[i][t]), V::mul(scale, V::broadcast(d[t])), acc[i][t]);
                }
            }
            sum_half<V, F, 1>(w, x, block, column, sum);
        } else {
            sum_groups<V, F, 0, 8>(w, x.q(block) + column * kQuantBlock, x.ns(block) + column, sum);
        }
        for (int i = 0; i < T; ++i) {
            for (int t = 0; t < N; ++t) dot[i][t] = V::from_ints(sum[i][t]);
        }
    }
    for (int i = 0; i < T; ++i) {
        const auto scale = w[i].scale();
        for (int t = 0; t < N; ++t) {
            acc[i][t] = V::fma(dot[i][t], V::mul(scale, V::broadcast(d[t])), acc[i][t]);
        }
        if constexpr (F::kHasMinimum && F::kHalfScales) {
            const auto low = w[i].half_minimum(0);
            const auto high = w[i].half_minimum(1);
            const auto minimum = w[i].minimum();
            for (int t = 0; t < N; ++t) {
                const auto low_sum =
                    V::broadcast(static_cast<float>(x.ns_low(block)[column + static_cast<std::size_t>(t)]));
                const auto high_sum =
                    V::broadcast(static_cast<float>(x.ns_high(block)[column + static_cast<std::size_t>(t)]));
                const auto sums = V::fma(high, high_sum, V::mul(low, low_sum));
                acc[i][t] = V::fma(sums, V::mul(minimum, V::broadcast(d[t])), acc[i][t]);
            }
        } else if constexpr (F::kHasMinimum) {
            const float* ds = x.ds(block) + column;
            const auto minimum = w[i].minimum();
            for (int t = 0; t < N; ++t) acc[i][t] = V::fma(minimum, V::broadcast(ds[t]), acc[i][t]);
        }
    }
}

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
