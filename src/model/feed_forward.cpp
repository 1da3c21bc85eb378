// SPDX-License-Identifier: MIT
// y = down(activation(gate(h)) * up(h)), h = norm(x). A task computes a few rows of gate and up for all tokens and
// packs their product as the input of down at once, so that the wide hidden layer never exists as a whole.
#include "model/linear.hpp"

namespace linnet {

namespace {

using arch::Role;
using kernels::kTileRows;

void add_bias(const Pass& pass, const float* bias, std::size_t first, std::size_t n, float* rows) noexcept {
    if (bias == nullptr) return;
    for (std::size_t t = 0; t < pass.n_tokens; ++t) pass.kernels.add.fn(bias + first, n, rows + t * kFeedForwardRows);
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
    if (!packed) return false;

    const std::size_t n_tasks = (spec.d_ff + kFeedForwardRows - 1) / kFeedForwardRows;
    const bool activated = pass.parallel(n_tasks, [&](std::size_t task, WorkerScratch& w) {
        const std::size_t first = task * kFeedForwardRows;
        const std::size_t rows = std::min<std::size_t>(kFeedForwardRows, spec.d_ff - first);
        const std::size_t tile = first / kTileRows;
        const std::size_t n_tiles = (rows + kTileRows - 1) / kTileRows;
        multiply_tiles(pass, gate, tile, n_tiles, pass.s.input, n, w.gate, kFeedForwardRows, w);
        multiply_tiles(pass, up, tile, n_tiles, pass.s.input, n, w.up, kFeedForwardRows, w);
        add_bias(pass, weights.vector(Role::ffn_gate_bias, layer), first, rows, w.gate);
        add_bias(pass, weights.vector(Role::ffn_up_bias, layer), first, rows, w.up);
        for (std::size_t t = 0; t < n; ++t) {
            float* hidden = w.gate + t * kFeedForwardRows;
            activate.fn(hidden, w.up + t * kFeedForwardRows, rows, hidden);
            pack_row(pass, activations_of(down), hidden, first, rows, spec.d_ff, t, n, pass.s.hidden);
        }
    });
    if (!activated) return false;

    const Projection projection = {down, weights.vector(Role::ffn_down_bias, layer), pass.s.y, d_model};
    return multiply(pass, {&projection, 1}, pass.s.hidden, n);
}

}  // namespace linnet
