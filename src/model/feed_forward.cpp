// SPDX-License-Identifier: MIT
// y = down(activation(gate(h)) * up(h)), or down(activation(up(h))) where there is no gate; h = norm(x). A task
// computes a few rows of gate and up, some tokens at a time, and packs their product as the input of down at once, so
// that the wide hidden layer never exists as a whole.
#include "base/checked.hpp"
#include "model/linear.hpp"

namespace linnet {

namespace {

using arch::Role;
using kernels::kTileRows;

void add_bias(const Pass& pass, const float* bias, std::size_t first, std::size_t rows, std::size_t n_tokens,
              float* y) noexcept {
    if (bias == nullptr) return;
    for (std::size_t t = 0; t < n_tokens; ++t) pass.kernels.add.fn(bias + first, rows, y + t * kFeedForwardRows);
}

// All of a layer's gate at once, as it depends on all of its values where it begins to count.
bool sparse_gate(const Pass& pass, const Matrix& gate, const float* bias, const arch::LayerSpec& spec) noexcept {
    const Projection projection = {gate, bias, pass.s.gate, spec.d_ff};
    return multiply(pass, Part::gate_up, {&projection, 1}, pass.s.input, pass.n_tokens) &&
           pass.for_tokens(pass.n_tokens, [&](std::size_t t, WorkerScratch&) {
               float* row = pass.s.gate + t * spec.d_ff;
               pass.kernels.sparsify.fn(row, spec.sparsity, spec.d_ff, row);
           });
}

}  // namespace

bool feed_forward(const Pass& pass, std::size_t layer) noexcept {
    const arch::LayerSpec& spec = pass.spec.layers[layer];
    const Weights& weights = pass.weights;
    const Matrix& up = weights.matrix(Role::ffn_up, layer);
    const bool gated = weights.matrix(Role::ffn_gate, layer).data != nullptr;
    // Without a gate: activation(up(h)) * 1.
    const Matrix& gate = gated ? weights.matrix(Role::ffn_gate, layer) : up;
    const float* gate_bias = weights.vector(gated ? Role::ffn_gate_bias : Role::ffn_up_bias, layer);
    const Matrix& down = weights.matrix(Role::ffn_down, layer);
    const bool own_norm = !spec.parallel || weights.vector(Role::ffn_norm, layer) != nullptr;
    const Norm norm = own_norm ? weights.norm(Role::ffn_norm, Role::ffn_norm_bias, layer)
                               : weights.norm(Role::attn_norm, Role::attn_norm_bias, layer);
    const std::size_t n = pass.n_tokens;
    const std::size_t d_model = pass.spec.d_model;
    const auto& activate =
        spec.activation == arch::Activation::silu ? pass.kernels.silu_mul : pass.kernels.gelu_tanh_mul;

    const bool packed = pass.for_tokens(n, [&](std::size_t t, WorkerScratch&) {
        const float* h = input_row(pass, norm, t);
        pack_row(pass, activations_of(gate), h, 0, d_model, d_model, t, n, pass.s.input);
        if (activations_of(up) != activations_of(gate)) {
            pack_row(pass, activations_of(up), h, 0, d_model, d_model, t, n, pass.s.input);
        }
    });
    pass.lap(Part::norms);
    if (!packed) return false;

    const bool sparse = spec.sparsity != arch::kDense;
    if (sparse && !sparse_gate(pass, gate, gate_bias, spec)) return false;

    // Many tokens re-use what a core has fetched; few leave it at reading weights, in tasks that spread well.
    const std::uint32_t rows_per_task = n < kFeedForwardTokens / 2 ? kFeedForwardRows / 4 : kFeedForwardRows;
    const std::size_t n_tasks = div_up<std::size_t>(spec.d_ff, rows_per_task);
    const bool activated = pass.parallel(n_tasks, [&](std::size_t task, WorkerScratch& w) {
        const std::size_t first = task * rows_per_task;
        const std::size_t rows = std::min<std::size_t>(rows_per_task, spec.d_ff - first);
        const std::size_t tile = first / kTileRows;
        const std::size_t n_tiles = div_up<std::size_t>(rows, kTileRows);
        for (std::size_t t0 = 0; t0 < n; t0 += kFeedForwardTokens) {
            const TokenRange tokens = {t0, std::min<std::size_t>(kFeedForwardTokens, n - t0)};
            if (sparse) {
                for (std::size_t i = 0; i < tokens.n; ++i) {
                    std::copy_n(pass.s.gate + (t0 + i) * spec.d_ff + first, rows, w.gate + i * kFeedForwardRows);
                }
            } else {
                multiply_tiles(pass, gate, tile, n_tiles, pass.s.input, tokens, w.gate, kFeedForwardRows, w);
                add_bias(pass, gate_bias, first, rows, tokens.n, w.gate);
            }
            if (gated) {
                multiply_tiles(pass, up, tile, n_tiles, pass.s.input, tokens, w.up, kFeedForwardRows, w);
                add_bias(pass, weights.vector(Role::ffn_up_bias, layer), first, rows, tokens.n, w.up);
            } else {
                std::fill_n(w.up, tokens.n * kFeedForwardRows, 1.0F);
            }
            for (std::size_t i = 0; i < tokens.n; ++i) {
                float* hidden = w.gate + i * kFeedForwardRows;
                activate.fn(hidden, w.up + i * kFeedForwardRows, rows, hidden);
                pack_row(pass, activations_of(down), hidden, first, rows, spec.d_ff, t0 + i, n, pass.s.hidden);
            }
        }
    });
    pass.lap(Part::gate_up);
    if (!activated) return false;

    const Projection projection = {down, weights.vector(Role::ffn_down_bias, layer), pass.s.y, d_model};
    return multiply(pass, Part::down, {&projection, 1}, pass.s.hidden, n);
}

}  // namespace linnet
