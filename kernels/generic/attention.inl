// SPDX-License-Identifier: MIT
// Attention over one span of positions with online softmax. Both products keep lanes apart: q.k has keys as lanes
// (one fma chain over head_dim per key), p.v has dimensions as lanes (one fma chain over ascending positions).
// A tile is 64 keys, aligned to absolute positions. A masked key has score -infinity, hence p = 0, and adds an exact
// zero to every sum; a tile without a visible key multiplies by e^0 = 1. So results do not depend on which queries
// are computed together, where a pass begins, or what a ring's other slots hold (finite: store_kv saturates).
#pragma once

#include "kernels/generic/elementwise.inl"
#include "kernels/generic/matmul_few.inl"

namespace linnet::kernels::LINNET_ISA {
namespace {

inline constexpr float kNoScore = -1e30F;  // running maximum before the first visible key; finite: no inf - inf
alignas(64) inline constexpr float kLanes[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

template <class V>
struct KvF16 {
    using Element = std::uint16_t;
    static typename V::Floats load(const Element* p) { return V::load_f16(p); }
    static void store(Element* p, typename V::Floats a) {
        const auto limit = V::broadcast(65504.0F);
        V::store_f16(p, V::max(V::min(a, limit), V::sub(V::zero(), limit)));
    }
};

template <class V>
struct KvF32 {
    using Element = float;
    static typename V::Floats load(const Element* p) { return V::load(p); }
    static void store(Element* p, typename V::Floats a) { V::store(p, a); }
};

template <class V, template <class> class Kv>
void store_kv(const KvHead& kv, std::int64_t pos, const float* key, const float* value) {
    using Element = typename Kv<V>::Element;
    const std::size_t slot = static_cast<std::size_t>(pos) % kv.ring;
    auto* keys = reinterpret_cast<Element*>(kv.keys) + slot / 16 * 16 * kv.head_dim + slot % 16;
    auto* values = reinterpret_cast<Element*>(kv.values) + slot * kv.head_dim;
    for (std::size_t d = 0; d < kv.head_dim; d += 16) {
        Element chunk[16];
        Kv<V>::store(chunk, V::load(key + d));
        for (std::size_t i = 0; i < 16; ++i) keys[(d + i) * 16] = chunk[i];
        Kv<V>::store(values + d, V::load(value + d));
    }
}

// The part of a tile, [begin, end), that some of a group's columns see.
struct VisibleKeys {
    std::size_t begin = kKeyTile;
    std::size_t end = 0;

    VisibleKeys(const AttentionArgs& a, std::int64_t pos, std::size_t c, std::size_t n) {
        for (std::size_t i = c; i < c + n; ++i) {
            const std::int64_t first = a.first[i] - pos;
            const std::int64_t after = a.last[i] - pos + 1;
            if (first < static_cast<std::int64_t>(begin)) begin = first > 0 ? static_cast<std::size_t>(first) : 0;
            if (after > static_cast<std::int64_t>(end)) {
                end = after < static_cast<std::int64_t>(kKeyTile) ? static_cast<std::size_t>(after) : kKeyTile;
            }
        }
    }
    bool none() const { return begin >= end; }
    bool overlap(std::size_t from, std::size_t to) const { return begin < to && from < end; }
};

// Memory that is needed next, as long as a tile's keys or values; `at` null: nothing is fetched. The hardware does not
// foresee the walk over values, 64 bytes of each position.
template <class Element>
struct NextLines {
    const Element* at;

    // Step i of the 2 head_dim steps of a product with a tile.
    void fetch(std::size_t i) const {
        if (at == nullptr) return;
        constexpr std::size_t kBytes = kKeyTile * sizeof(Element) / 2;  // a step's part
        for (std::size_t line = 0; line < kBytes; line += 64) {
            __builtin_prefetch(reinterpret_cast<const char*>(at) + i * kBytes + line);
        }
    }
};

// scores[c][0..63] = q[c] . k for N columns; keys that no column sees may be left out.
template <class V, template <class> class Kv, int N>
inline void score_tile(const typename Kv<V>::Element* keys, std::size_t head_dim, const float* q, VisibleKeys visible,
                       NextLines<typename Kv<V>::Element> next, float* scores) {
    for (std::size_t part = 0; part < kKeyTile / 32; ++part) {  // 32 keys at a time: 2 N accumulators
        if (!visible.overlap(part * 32, part * 32 + 32)) continue;
        const auto* k = keys + part * 32 * head_dim;
        typename V::Floats acc[N][2];
        for (int c = 0; c < N; ++c) acc[c][0] = acc[c][1] = V::zero();
        for (std::size_t d = 0; d < head_dim; ++d) {
            const auto k0 = Kv<V>::load(k + d * 16);
            const auto k1 = Kv<V>::load(k + (head_dim + d) * 16);
            next.fetch(part * head_dim + d);
#pragma GCC unroll 8
            for (int c = 0; c < N; ++c) {
                const auto x = V::broadcast(q[static_cast<std::size_t>(c) * head_dim + d]);
                acc[c][0] = V::fma(k0, x, acc[c][0]);
                acc[c][1] = V::fma(k1, x, acc[c][1]);
            }
        }
        for (int c = 0; c < N; ++c) {
            V::store(scores + static_cast<std::size_t>(c) * kKeyTile + part * 32, acc[c][0]);
            V::store(scores + static_cast<std::size_t>(c) * kKeyTile + part * 32 + 16, acc[c][1]);
        }
    }
}

// o[c] += sum over the visible positions, ascending, of p[c][pos] * v[pos], N columns. head_dim is a multiple of 32.
template <class V, template <class> class Kv, int N>
inline void value_tile(const typename Kv<V>::Element* values, std::size_t head_dim, const float* p, VisibleKeys visible,
                       NextLines<typename Kv<V>::Element> next, float* o) {
    for (std::size_t d = 0; d < head_dim; d += 32) {
        typename V::Floats acc[N][2];
        for (int c = 0; c < N; ++c) {
            acc[c][0] = V::load(o + static_cast<std::size_t>(c) * head_dim + d);
            acc[c][1] = V::load(o + static_cast<std::size_t>(c) * head_dim + d + 16);
        }
        for (std::size_t i = visible.begin; i < visible.end; ++i) {
            const auto v0 = Kv<V>::load(values + i * head_dim + d);
            const auto v1 = Kv<V>::load(values + i * head_dim + d + 16);
            next.fetch(d * 2 + i);
#pragma GCC unroll 8
            for (int c = 0; c < N; ++c) {
                const auto x = V::broadcast(p[static_cast<std::size_t>(c) * kKeyTile + i]);
                acc[c][0] = V::fma(v0, x, acc[c][0]);
                acc[c][1] = V::fma(v1, x, acc[c][1]);
            }
        }
        for (int c = 0; c < N; ++c) {
            V::store(o + static_cast<std::size_t>(c) * head_dim + d, acc[c][0]);
            V::store(o + static_cast<std::size_t>(c) * head_dim + d + 16, acc[c][1]);
        }
    }
}

// Scores of keys before first or after last become -infinity. A tile's indices are exact as floats.
template <class V>
inline void mask_tile(std::int64_t pos, std::int64_t first, std::int64_t last, float* scores) {
    constexpr auto kLast = static_cast<std::int64_t>(kKeyTile) - 1;
    if (first <= pos && last >= pos + kLast) return;
    const auto limit = [&](std::int64_t p) {
        return V::broadcast(static_cast<float>(p < pos ? -1 : p > pos + kLast + 1 ? kLast + 1 : p - pos));
    };
    const auto hidden = V::broadcast(-__builtin_inff());
    const auto begin = limit(first);
    const auto end = limit(last);
    for (std::size_t i = 0; i < kKeyTile; i += 16) {
        const auto key = V::add(V::load(kLanes), V::broadcast(static_cast<float>(i)));
        const auto score = V::select_less(end, key, hidden, V::load(scores + i));
        V::store(scores + i, V::select_less(key, begin, hidden, score));
    }
}

// No key seen yet.
inline void start_attention(const AttentionArgs& a) {
    for (std::size_t c = 0; c < a.n_columns; ++c) a.m[c] = kNoScore;
    std::memset(a.l, 0, a.n_columns * kRows * sizeof(float));
    std::memset(a.o, 0, a.n_columns * a.kv.head_dim * sizeof(float));
}

// A column's sums and values are brought to a higher maximum.
template <class V>
inline void raise_maximum(float new_max, std::size_t head_dim, float* m, float* l, float* o) {
    const auto rescale = exp<V>(V::broadcast(*m - new_max));
    V::store(l, V::mul(V::load(l), rescale));
    for (std::size_t d = 0; d < head_dim; d += 16) V::store(o + d, V::mul(V::load(o + d), rescale));
    *m = new_max;
}

// Scores of columns [c, c + N) -> p in place; m, l and o are brought to the new maximum. All maxima come first: each
// ends in a chain of dependent steps, which overlap.
template <class V, int N>
inline void softmax_columns(const AttentionArgs& a, std::int64_t pos, std::size_t c) {
    float tile_max[N];
    for (std::size_t i = 0; i < N; ++i) {
        float* scores = a.scores + (c + i) * kKeyTile;
        if (a.cap != 0.0F) softcap<V>(scores, a.cap, kKeyTile, scores);
        mask_tile<V>(pos, a.first[c + i], a.last[c + i], scores);
        auto highest = V::load(scores);
        for (std::size_t k = 16; k < kKeyTile; k += 16) highest = V::max(highest, V::load(scores + k));
        tile_max[i] = V::reduce_max(highest);
    }
    for (std::size_t i = 0; i < N; ++i) {
        float* scores = a.scores + (c + i) * kKeyTile;
        float* m = a.m + c + i;
        float* l = a.l + (c + i) * kRows;
        if (tile_max[i] > *m) raise_maximum<V>(tile_max[i], a.kv.head_dim, m, l, a.o + (c + i) * a.kv.head_dim);
        const auto maximum = V::broadcast(*m);
        auto sums = V::load(l);
        for (std::size_t k = 0; k < kKeyTile; k += 16) {
            const auto p = exp<V>(V::sub(V::load(scores + k), maximum));
            V::store(scores + k, p);
            sums = V::add(sums, p);
        }
        V::store(l, sums);
    }
}

template <class V, template <class> class Kv>
void attention(const AttentionArgs& a) {
    using Element = typename Kv<V>::Element;
    const std::size_t head_dim = a.kv.head_dim;
    start_attention(a);
    for (std::int64_t pos = a.begin; pos < a.end; pos += static_cast<std::int64_t>(kKeyTile)) {
        const std::size_t slot = static_cast<std::size_t>(pos) % a.kv.ring;
        const auto* keys = reinterpret_cast<const Element*>(a.kv.keys) + slot * head_dim;
        const auto* values = reinterpret_cast<const Element*>(a.kv.values) + slot * head_dim;
        for_columns<V::kAttentionColumns>(0, a.n_columns, [&]<int N>(std::size_t c) {
            const VisibleKeys visible(a, pos, c, N);
            if (visible.none()) return;
            // The first group of columns meets a tile that is in no cache, the last one leaves it.
            const NextLines<Element> next_values{c == 0 ? values : nullptr};
            const NextLines<Element> next_keys{c + N == a.n_columns ? keys + kKeyTile * head_dim : nullptr};
            float* scores = a.scores + c * kKeyTile;
            score_tile<V, Kv, N>(keys, head_dim, a.q + c * head_dim, visible, next_values, scores);
            softmax_columns<V, N>(a, pos, c);
            value_tile<V, Kv, N>(values, head_dim, scores, visible, next_keys, a.o + c * head_dim);
        });
    }
}

template <class V>
void merge_attention(const float* m, const float* l, const float* o, std::size_t head_dim, float* total_m,
                     float* total_l, float* total_o) {
    const float new_max = *m > *total_m ? *m : *total_m;
    const auto old_scale = exp<V>(V::broadcast(*total_m - new_max));
    const auto new_scale = exp<V>(V::broadcast(*m - new_max));
    V::store(total_l, V::fma(V::load(l), new_scale, V::mul(V::load(total_l), old_scale)));
    for (std::size_t d = 0; d < head_dim; d += 16) {
        V::store(total_o + d, V::fma(V::load(o + d), new_scale, V::mul(V::load(total_o + d), old_scale)));
    }
    *total_m = new_max;
}

template <class V>
void finish_attention(const float* l, const float* o, std::size_t head_dim, float* y) {
    const auto factor = V::broadcast(1.0F / V::reduce_add(V::load(l)));
    for (std::size_t d = 0; d < head_dim; d += 16) {
        store_some<V>(y + d, head_dim - d, V::fma(V::load(o + d), factor, V::zero()));
    }
}

}  // namespace
}  // namespace linnet::kernels::LINNET_ISA
