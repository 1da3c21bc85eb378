// SPDX-License-Identifier: MIT
// y = down(activation(gate(h)) * up(h)), h = norm(x). A task computes a few rows of gate and up, some tokens at a
// time, and packs their product as the input of down at once, so that the wide hidden layer never exists as a whole.
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

}  // namespace

bool feed_forward(const Pass& pass, std::size_t layer) noexcept {
    const arch::LayerSpec& spec = pass.spec.layers[layer];
    const Weights& weights = pass.weights;
    const Matrix& gate = weights.matrix(Role::ffn_gate, layer);
    const Matrix& up = weights.matrix(Role::ffn_up, layer);
    const Matrix& down = weights.matrix(Role::ffn_down, layer);
    const float* norm = weights.vector(Role::ffn_norm, layer);
    const std::size_t n = pass.n_tokens;
    const std::size_t d_model = pass.spec.d_model;
    const auto& activate =
        spec.activation == arch::Activation::silu ? pass.kernels.silu_mul : pass.kernels.gelu_tanh_mul;

    const bool packed = pass.for_tokens(n, [&](std::size_t t, WorkerScratch&) {
        float* h = pass.s.h + t * d_model;
        pass.kernels.rms_norm.fn(pass.s.x + t * d_model, norm, d_model, pass.spec.norm_eps, h);
        pack_row(pass, activations_of(gate), h, 0, d_model, d_model, t, n, pass.s.input);
        if (activations_of(up) != activations_of(gate)) {
            pack_row(pass, activations_of(up), h, 0, d_model, d_model, t, n, pass.s.input);
        }
    });
    pass.lap(Part::norms);
    if (!packed) return false;

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
            multiply_tiles(pass, gate, tile, n_tiles, pass.s.input, tokens, w.gate, kFeedForwardRows, w);
            multiply_tiles(pass, up, tile, n_tiles, pass.s.input, tokens, w.up, kFeedForwardRows, w);
            add_bias(pass, weights.vector(Role::ffn_gate_bias, layer), first, rows, tokens.n, w.gate);
            add_bias(pass, weights.vector(Role::ffn_up_bias, layer), first, rows, tokens.n, w.up);
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
