// SPDX-License-Identifier: MIT
// Attention over latents: with a head's keys k = K c and values v = V c of a latent c, q . k = (K^T q) . c and
// sum p v = V (sum p c). So K^T is applied to the query and V to the sum, and the cache holds c (and a rotated part
// that all heads share) once instead of keys and values of every head. Each head has matrices of its own: a task is one
// head with some tokens.
#include "model/latent.hpp"

#include "base/checked.hpp"

namespace linnet {

namespace {

using arch::Role;
using kernels::kTileRows;

// Of one head: x and y of token 0, and how far those of other tokens are apart.
struct HeadRows {
    const float* x;
    std::size_t x_stride;
    float* y;
    std::size_t y_stride;
};

// y of all tokens = the matrix of a head * its x. False when cancelled.
template <class Rows>
bool by_head(const Pass& pass, std::size_t layer, Role role, Part part, Rows rows) noexcept {
    const std::size_t n_heads = pass.spec.layers[layer].n_heads;
    for (std::size_t head = 0; pass.observer != nullptr && head < n_heads; ++head) {
        const Matrix& matrix = pass.weights.stacked(role, layer, head);
        const HeadRows of = rows(head);
        for (std::size_t t = 0; t < pass.n_tokens; ++t) pass.observe(matrix, 0, matrix.n_in, of.x + t * of.x_stride);
    }
    const std::size_t n_blocks = div_up<std::size_t>(pass.n_tokens, kFeedForwardTokens);
    const bool done = pass.parallel(n_heads * n_blocks, [&](std::size_t task, WorkerScratch& w) {
        const Matrix& matrix = pass.weights.stacked(role, layer, task % n_heads);
        const std::size_t first = task / n_heads * kFeedForwardTokens;
        const std::size_t n = std::min<std::size_t>(kFeedForwardTokens, pass.n_tokens - first);
        const auto [x, x_stride, y, y_stride] = rows(task % n_heads);
        for (std::size_t i = 0; i < n; ++i) {
            pack_row(pass, activations_of(matrix), x + (first + i) * x_stride, 0, matrix.n_in, matrix.n_in, i, n,
                     w.gathered);
        }
        multiply_tiles(pass, matrix, 0, div_up<std::size_t>(matrix.n_out, kTileRows), w.gathered, {0, n},
                       y + first * y_stride, y_stride, w);
    });
    pass.lap(part);
    return done;
}

}  // namespace

bool prepare_latent(const Pass& pass, std::size_t layer) noexcept {
    const arch::LayerSpec& spec = pass.spec.layers[layer];
    const Weights& weights = pass.weights;
    const std::size_t n_heads = spec.n_heads;
    const std::size_t rank = spec.latent.rank;
    const std::size_t query = spec.latent.query;
    const std::size_t n_rot = pass.spec.ropes[spec.rope].n_rot;
    const std::size_t q_width = n_heads * query;
    const std::size_t width = q_width + spec.head_dim;
    const std::size_t padded = padded_head_dim(spec);

    const Norm norm = weights.norm(Role::attn_norm, Role::attn_norm_bias, layer);
    // A latent of queries goes where the normed input was, which is packed by then.
    const std::size_t query_rank = spec.latent.query_rank;
    const Projection whole = {weights.matrix(Role::attn_q, layer), nullptr, pass.s.qkv, width};
    const Projection down = {weights.matrix(Role::attn_q_a, layer), nullptr, pass.s.h, query_rank};
    const Projection inputs[] = {
        query_rank == 0 ? whole : down,
        {weights.matrix(Role::attn_kv_a_mqa, layer), nullptr, pass.s.qkv + q_width, width},
    };
    auto make_normed = [&](std::size_t t) -> const float* { return input_row(pass, norm, t); };
    if (!linear(pass, Part::qkv, inputs, pass.spec.d_model, pass.n_tokens, make_normed)) return false;
    if (query_rank != 0) {
        const Projection up[] = {{weights.matrix(Role::attn_q_b, layer), nullptr, pass.s.qkv, width}};
        const Norm query_norm = {weights.vector(Role::attn_q_a_norm, layer), nullptr};
        auto make_query = [&](std::size_t t) -> const float* {
            float* row = pass.s.h + t * query_rank;
            pass.norm(query_norm, row, query_rank, row);
            return row;
        };
        if (!linear(pass, Part::qkv, up, query_rank, pass.n_tokens, make_query)) return false;
    }
    if (!by_head(pass, layer, Role::attn_k_b, Part::qkv, [&](std::size_t head) {
            return HeadRows{pass.s.qkv + head * query, width, pass.s.q + head * padded, n_heads * padded};
        })) {
        return false;
    }
    const Norm latent_norm = {weights.vector(Role::attn_kv_a_norm, layer), nullptr};
    const auto& store = pass.kernels.store_kv[static_cast<std::size_t>(pass.cache.format())];
    return pass.for_tokens(pass.n_tokens, [&](std::size_t t, WorkerScratch& w) {
        // The rotated part of x goes behind the latent's dimensions.
        const auto add_rotated = [&](const float* x, float* y) {
            std::copy_n(x, n_rot, y + rank);
            rotate(pass, spec, t, y + rank);
            std::fill(y + rank + n_rot, y + padded, 0.0F);
        };
        const float* q = pass.s.qkv + t * width;
        const float scale = query_scale(pass, spec, t);
        for (std::size_t head = 0; head < n_heads; ++head) {
            float* y = pass.s.q + (t * n_heads + head) * padded;
            add_rotated(q + head * query + query - n_rot, y);
            pass.kernels.scale.fn(y, scale, padded, y);
        }
        const float* latent = q + q_width;
        pass.norm(latent_norm, latent, rank, w.key);
        std::copy_n(w.key, rank, w.value);
        std::fill(w.value + rank, w.value + padded, 0.0F);
        add_rotated(latent + rank, w.key);
        store.fn(pass.cache.head(layer, 0), static_cast<std::int64_t>(pass.pos + t), w.key, w.value);
    });
}

bool latent_values(const Pass& pass, std::size_t layer) noexcept {
    const arch::LayerSpec& spec = pass.spec.layers[layer];
    const std::size_t value = spec.latent.value;
    return by_head(pass, layer, Role::attn_v_b, Part::attention_output, [&](std::size_t head) {
        return HeadRows{pass.s.h + head * spec.head_dim, std::size_t{spec.n_heads} * spec.head_dim,
                        pass.s.qkv + head * value, spec.n_heads * value};
    });
}

}  // namespace linnet
