// SPDX-License-Identifier: MIT
// Layers of the reference model that are not attention: gated short convolutions (LFM2), gated delta nets
// (arXiv:2412.06464, as Qwen 3.5 and Qwen3-Next use them) and state spaces (Mamba 2, arXiv:2405.21060, as the code of
// Granite 4 has them), token by token from their formulas.
#pragma once

#include <functional>
#include <string>

#include "tests/reference/weights.hpp"

namespace reference {

// A layer's tensor of that name; without rows when the file has none.
using TakePart = std::function<Matrix(const std::string& name)>;

class ShortConv {
  public:
    explicit ShortConv(const TakePart& take);
    Matrix operator()(const Matrix& x) const;

  private:
    Matrix in_, taps_, out_;
};

class DeltaNet {
  public:
    DeltaNet(const TakePart& take, Eigen::Index n_key_heads, double epsilon);
    Matrix operator()(const Matrix& x) const;

  private:
    Eigen::Index n_key_heads_;
    double epsilon_;
    Matrix qkv_, z_, taps_, rates_, bias_, alpha_, beta_, both_, norm_, out_;
};

class StateSpace {
  public:
    StateSpace(const TakePart& take, Eigen::Index n_groups, Eigen::Index d_state, double epsilon);
    Matrix operator()(const Matrix& x) const;

  private:
    Eigen::Index n_groups_, d_state_;
    double epsilon_;
    Matrix in_, taps_, conv_bias_, step_bias_, rates_, skips_, norm_, out_;
};

}  // namespace reference
