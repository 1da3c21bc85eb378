// SPDX-License-Identifier: MIT
// Parts of feed-forward layers, for those with experts. Internal to model/.
#pragma once

#include "model/linear.hpp"

namespace linnet {

// down(activation(gate(h)) * up(h)), or down(activation(up(h))) where gate has no data.
struct Dense {
    const Matrix& gate;
    const Matrix& up;
    const Matrix& down;
    const float* gate_bias;  // null: none
    const float* up_bias;
    const float* down_bias;
    arch::Activation activation;
    float* y;  // [n_tokens][d_model]
    float sparsity = arch::kDense;
};

// make_row(t) returns h of token t, called once for each. False when cancelled.
bool dense(const Pass& pass, const Dense& layer, FunctionRef<const float*(std::size_t t)> make_row) noexcept;

// The norm of the feed-forward's input: its own, or attention's in layers that share one.
Norm feed_forward_norm(const Pass& pass, std::size_t layer) noexcept;

// y = activation(gate) * up of n values.
void activate(const Pass& pass, arch::Activation activation, const float* gate, const float* up, std::size_t n,
              float* y) noexcept;

// A feed-forward layer with experts: y = what those that each token's router chooses give, weighted, and the shared
// one.
bool experts(const Pass& pass, std::size_t layer) noexcept;

}  // namespace linnet
