// SPDX-License-Identifier: MIT
// Feed-forward layers with experts of the reference model: token by token, expert by expert. Sources: Mixtral
// arXiv:2401.04088; OLMoE arXiv:2409.02060; Qwen2 arXiv:2407.10671; SparseMixer arXiv:2409.12136; DeepSeek-V2
// arXiv:2405.04434 (2.1.2, 2.2.2), V3 arXiv:2412.19437 (2.1.2); gpt-oss, granite, LFM2 and ERNIE 4.5 as the models' own
// code describes them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/reference/weights.hpp"

namespace reference {

// What a file says, without the architecture's name in front of keys. matrix: empty when there is no such tensor.
struct ExpertsSource {
    std::string architecture;
    std::function<Matrix(const std::string& name)> matrix;
    std::function<std::optional<double>(const std::string& key)> number;
    SharedSquares squares;
};

class Experts {
  public:
    Experts() = default;  // none
    // layer: "blk.<i>.". None when the file has no router for it.
    Experts(const ExpertsSource& source, const std::string& layer);

    bool empty() const { return experts_.empty(); }
    Matrix operator()(const Matrix& x) const { return (*this)(x, x); }
    // The router's input is another one: what the experts take before their norm.
    Matrix operator()(const Matrix& x, const Matrix& router_x) const;

  private:
    struct Expert {
        Matrix gate, up, down;
        RowVector gate_bias, up_bias, down_bias;  // may be empty
    };
    // An expert and what its result is multiplied by.
    using Choice = std::vector<std::pair<std::size_t, double>>;

    // kind: as tensors are named, "exps" or "shexp"; index: of the expert.
    RowVector run(const Expert& expert, const RowVector& x, const std::string& kind, Eigen::Index index) const;
    Choice choose(const RowVector& scores) const;
    Choice sparse_mixer(const RowVector& scores) const;

    std::string architecture_;
    std::string layer_;
    SharedSquares squares_;
    std::size_t n_used_ = 0;
    bool is_sigmoid_ = false;  // else a softmax
    Eigen::Index n_groups_ = 1;
    Eigen::Index n_groups_used_ = 1;
    bool is_renormalised_ = false;
    double scale_ = 1;
    Matrix router_;
    RowVector router_bias_;
    RowVector choice_bias_;    // of weights, for the choice only; may be empty
    RowVector router_scale_;   // empty: the router's input is not normed
    RowVector expert_scales_;  // of weights; may be empty
    double norm_eps_ = 0;
    std::vector<Expert> experts_;
    Expert shared_;          // of all tokens; gate empty: none
    RowVector shared_gate_;  // may be empty
};

}  // namespace reference
