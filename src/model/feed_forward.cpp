// SPDX-License-Identifier: MIT
// y = down(activation(gate(h)) * up(h)), or down(activation(up(h))) where there is no gate; h = norm(x). A task
// computes a few rows of gate and up, some tokens at a time, and packs their product as the input of down at once, so
// that the wide hidden layer never exists as a whole.
#include "model/feed_forward.hpp"

#include "base/checked.hpp"

namespace linnet {

namespace {

using arch::Role;
using kernels::kQuantBlock;
using kernels::kTileRows;

void add_bias(const Pass& pass, const float* bias, std::size_t first, std::size_t rows, std::size_t n_tokens,
              float* y) noexcept {
    if (bias == nullptr) return;
    for (std::size_t t = 0; t < n_tokens; ++t) pass.kernels.add.fn(bias + first, rows, y + t * kFeedForwardRows);
}

// All of a layer's gate at once, as it depends on all of its values where it begins to count.
bool sparse_gate(const Pass& pass, const Matrix& gate, const float* bias, float sparsity) noexcept {
    const std::size_t d_ff = gate.n_out;
    const Projection projection = {gate, bias, pass.s.gate, d_ff};
    return multiply(pass, Part::gate_up, {&projection, 1}, pass.s.input, pass.n_tokens) &&
           pass.for_tokens(pass.n_tokens, [&](std::size_t t, WorkerScratch&) {
               float* row = pass.s.gate + t * d_ff;
               pass.kernels.sparsify.fn(row, sparsity, d_ff, row);
           });
}

}  // namespace

void activate(const Pass& pass, arch::Activation activation, const float* gate, const float* up, std::size_t n,
              float* y) noexcept {
    switch (activation) {
        case arch::Activation::silu: return pass.kernels.silu_mul.fn(gate, up, n, y);
        case arch::Activation::gelu_tanh: return pass.kernels.gelu_tanh_mul.fn(gate, up, n, y);
        case arch::Activation::gelu: return pass.kernels.gelu_mul.fn(gate, up, n, y);
        case arch::Activation::swiglu_clamped: return pass.kernels.swiglu_clamped.fn(gate, up, n, y);
    }
}

bool dense(const Pass& pass, const Dense& layer, FunctionRef<const float*(std::size_t t)> make_row) noexcept {
    const bool gated = layer.gate.data != nullptr;
    // Without a gate: activation(up(h)) * 1.
    const Matrix& gate = gated ? layer.gate : layer.up;
    const float* gate_bias = gated ? layer.gate_bias : layer.up_bias;
    const std::size_t n = pass.n_tokens;
    const std::size_t d_model = pass.spec.d_model;
    const std::size_t d_ff = layer.up.n_out;

    const bool packed = pass.for_inputs(n, [&](std::size_t t, WorkerScratch&) {
        const float* h = make_row(t);
        pack_row(pass, activations_of(gate), h, 0, d_model, d_model, t, n, pass.s.input);
        if (activations_of(layer.up) != activations_of(gate)) {
            pack_row(pass, activations_of(layer.up), h, 0, d_model, d_model, t, n, pass.s.input);
        }
        pass.observe(gate, 0, d_model, h);
        if (gated) pass.observe(layer.up, 0, d_model, h);
    });
    pass.lap(Part::norms);
    if (!packed) return false;

    const bool sparse = layer.sparsity != arch::kDense;
    if (sparse && !sparse_gate(pass, gate, gate_bias, layer.sparsity)) return false;

    const std::size_t n_blocks = div_up<std::size_t>(d_ff, kQuantBlock);
    const std::size_t most = kFeedForwardRows / kQuantBlock;
    const bool activated =
        pass.parallel_ranges(n_blocks, most, [&](std::size_t begin, std::size_t end, WorkerScratch& w) {
            const std::size_t first = begin * kQuantBlock;
            const std::size_t rows = std::min<std::size_t>(end * kQuantBlock, d_ff) - first;
            const std::size_t tile = first / kTileRows;
            const std::size_t n_tiles = div_up<std::size_t>(rows, kTileRows);
            for (std::size_t t0 = 0; t0 < n; t0 += kFeedForwardTokens) {
                const TokenRange tokens = {t0, std::min<std::size_t>(kFeedForwardTokens, n - t0)};
                if (sparse) {
                    for (std::size_t i = 0; i < tokens.n; ++i) {
                        std::copy_n(pass.s.gate + (t0 + i) * d_ff + first, rows, w.gate + i * kFeedForwardRows);
                    }
                } else {
                    multiply_tiles(pass, gate, tile, n_tiles, pass.s.input, tokens, w.gate, kFeedForwardRows, w);
                    add_bias(pass, gate_bias, first, rows, tokens.n, w.gate);
                }
                if (gated) {
                    multiply_tiles(pass, layer.up, tile, n_tiles, pass.s.input, tokens, w.up, kFeedForwardRows, w);
                    add_bias(pass, layer.up_bias, first, rows, tokens.n, w.up);
                } else {
                    std::fill_n(w.up, tokens.n * kFeedForwardRows, 1.0F);
                }
                for (std::size_t i = 0; i < tokens.n; ++i) {
                    float* hidden = w.gate + i * kFeedForwardRows;
                    activate(pass, layer.activation, hidden, w.up + i * kFeedForwardRows, rows, hidden);
                    pass.observe(layer.down, first, rows, hidden);
                    pack_row(pass, activations_of(layer.down), hidden, first, rows, d_ff, t0 + i, n, pass.s.hidden);
                }
            }
        });
    pass.lap(Part::gate_up);
    if (!activated) return false;

    const Projection projection = {layer.down, layer.down_bias, layer.y, d_model};
    return multiply(pass, Part::down, {&projection, 1}, pass.s.hidden, n);
}

Norm feed_forward_norm(const Pass& pass, std::size_t layer) noexcept {
    const bool own = !pass.spec.layers[layer].parallel || pass.weights.vector(Role::ffn_norm, layer) != nullptr;
    return own ? pass.weights.norm(Role::ffn_norm, Role::ffn_norm_bias, layer)
               : pass.weights.norm(Role::attn_norm, Role::attn_norm_bias, layer);
}

// What a dense feed-forward (in z) and the experts beside it (in y) give, each normed, together.
bool add_dense(const Pass& pass, std::size_t layer) noexcept {
    const Norm dense_norm = {pass.weights.vector(Role::post_ffw_norm_1, layer), nullptr};
    const Norm experts_norm = {pass.weights.vector(Role::post_ffw_norm_2, layer), nullptr};
    const std::size_t d_model = pass.spec.d_model;
    const bool done = pass.for_tokens(pass.n_tokens, [&](std::size_t t, WorkerScratch&) {
        float* z = pass.s.z + t * d_model;
        float* y = pass.s.y + t * d_model;
        if (dense_norm.weight != nullptr) pass.norm(dense_norm, z, d_model, z);
        if (experts_norm.weight != nullptr) pass.norm(experts_norm, y, d_model, y);
        pass.kernels.add.fn(z, d_model, y);
    });
    pass.lap(Part::norms);
    return done;
}

bool feed_forward(const Pass& pass, std::size_t layer) noexcept {
    const arch::LayerSpec& spec = pass.spec.layers[layer];
    const bool beside = spec.experts.n_experts != 0;
    if (beside && !experts(pass, layer)) return false;
    if (spec.d_ff == 0) return true;
    const Weights& weights = pass.weights;
    const Norm norm = feed_forward_norm(pass, layer);
    auto make_normed = [&](std::size_t t) -> const float* { return input_row(pass, norm, t); };
    const Dense whole = {weights.matrix(Role::ffn_gate, layer),
                         weights.matrix(Role::ffn_up, layer),
                         weights.matrix(Role::ffn_down, layer),
                         weights.vector(Role::ffn_gate_bias, layer),
                         weights.vector(Role::ffn_up_bias, layer),
                         weights.vector(Role::ffn_down_bias, layer),
                         spec.activation,
                         beside ? pass.s.z : pass.s.y,
                         spec.sparsity};
    return dense(pass, whole, make_normed) && (!beside || add_dense(pass, layer));
}

}  // namespace linnet
