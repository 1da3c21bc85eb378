// SPDX-License-Identifier: MIT
// Layers of the reference model that are not attention: gated short convolutions (LFM2) and gated delta nets
// (arXiv:2412.06464, as Qwen 3.5 and Qwen3-Next use them), token by token from their formulas.
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

}  // namespace reference
