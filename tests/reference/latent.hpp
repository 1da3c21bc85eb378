// SPDX-License-Identifier: MIT
// Attention over latents of the reference model (MLA, DeepSeek-V2, arXiv:2405.04434, section 2.1): keys and values of
// every head are made from the latents, as the paper writes it.
#pragma once

#include "tests/reference/experts.hpp"

namespace reference {

class LatentAttention {
  public:
    LatentAttention() = default;  // none
    // layer: "blk.<i>.". None when the file's attention is an ordinary one.
    LatentAttention(const ExpertsSource& source, const std::string& layer);

    bool empty() const { return k_up_.size() == 0; }
    // x: what the layer's first norm gives; frequencies: of the rotated pairs.
    Matrix operator()(const Matrix& x, const RowVector& frequencies) const;

  private:
    std::string layer_;
    SharedSquares squares_;
    Eigen::Index n_heads_ = 0;
    Eigen::Index rank_ = 0;
    double norm_eps_ = 0;
    double scale_ = 1;
    Matrix q_down_;  // empty: q_ takes x
    Matrix q_, kv_down_, k_up_, v_up_, output_;
    RowVector q_norm_, norm_;
};

}  // namespace reference
