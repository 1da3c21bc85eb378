// SPDX-License-Identifier: MIT
#include "tests/reference/experts.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <numeric>
#include <set>
#include <stdexcept>

namespace reference {

namespace {

using Eigen::Index;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

RowVector softmax(const RowVector& scores) {
    RowVector result = (scores.array() - scores.maxCoeff()).exp();
    return result / result.sum();
}

RowVector with_bias(RowVector y, const RowVector& bias) {
    if (bias.size() != 0) y += bias;
    return y;
}

// Indices by falling value.
std::vector<std::size_t> best_first(const RowVector& values) {
    std::vector<std::size_t> order(static_cast<std::size_t>(values.size()));
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return values[static_cast<Index>(a)] > values[static_cast<Index>(b)];
    });
    return order;
}

RowVector row_or_none(const Matrix& matrix, Index row) {
    return matrix.size() == 0 ? RowVector() : RowVector(matrix.row(row));
}

}  // namespace

Experts::Experts(const ExpertsSource& source, const std::string& layer)
    : architecture_(source.architecture), layer_(layer), squares_(source.squares) {
    router_ = source.matrix(layer + "ffn_gate_inp.weight");
    if (router_.size() == 0) return;
    router_bias_ = row_or_none(source.matrix(layer + "ffn_gate_inp.bias"), 0);
    router_scale_ = row_or_none(source.matrix(layer + "ffn_gate_inp.scale"), 0);
    expert_scales_ = row_or_none(source.matrix(layer + "ffn_down_exps.scale"), 0);
    norm_eps_ = source.number("attention.layer_norm_rms_epsilon").value_or(0);
    n_used_ = static_cast<std::size_t>(source.number("expert_used_count").value());
    scale_ = source.number("expert_weights_scale").value_or(1);
    choice_bias_ = row_or_none(source.matrix(layer + "exp_probs_b.bias"), 0);
    is_sigmoid_ = source.number("expert_gating_func").value_or(1) == 2;
    n_groups_ = static_cast<Index>(source.number("expert_group_count").value_or(1));
    n_groups_used_ = static_cast<Index>(source.number("expert_group_used_count").value_or(1));
    // The other models' weights sum to one.
    is_renormalised_ = std::set<std::string>{"qwen2moe", "olmoe", "deepseek2"}.count(architecture_) == 0;
    if (source.number("expert_weights_norm").value_or(0) != 0) is_renormalised_ = true;

    const Index n = router_.rows();
    experts_.resize(static_cast<std::size_t>(n));
    const auto load = [&](const std::string& part, Matrix Expert::*member) {
        const Matrix all = source.matrix(layer + "ffn_" + part + "_exps.weight");
        for (Index i = 0; i < n; ++i) {
            Matrix& matrix = experts_[static_cast<std::size_t>(i)].*member;
            if (all.size() == 0) {  // a tensor each
                matrix = source.matrix(layer + "ffn_" + part + "." + std::to_string(i) + ".weight");
            } else {
                matrix = all.middleRows(i * (all.rows() / n), all.rows() / n);
            }
            if (matrix.size() == 0) throw std::runtime_error("reference: missing expert in " + layer);
        }
    };
    const Matrix gate_up = source.matrix(layer + "ffn_gate_up_exps.weight");
    if (gate_up.size() == 0) {
        load("gate", &Expert::gate);
        load("up", &Expert::up);
    }
    load("down", &Expert::down);
    for (Index i = 0; gate_up.size() != 0 && i < n; ++i) {
        const Index d_ff = gate_up.rows() / n / 2;
        experts_[static_cast<std::size_t>(i)].gate = gate_up.middleRows(2 * i * d_ff, d_ff);
        experts_[static_cast<std::size_t>(i)].up = gate_up.middleRows((2 * i + 1) * d_ff, d_ff);
    }
    const Matrix gate_bias = source.matrix(layer + "ffn_gate_exps.bias");
    const Matrix up_bias = source.matrix(layer + "ffn_up_exps.bias");
    const Matrix down_bias = source.matrix(layer + "ffn_down_exps.bias");
    for (Index i = 0; i < n; ++i) {
        Expert& expert = experts_[static_cast<std::size_t>(i)];
        expert.gate_bias = row_or_none(gate_bias, i);
        expert.up_bias = row_or_none(up_bias, i);
        expert.down_bias = row_or_none(down_bias, i);
    }
    shared_.gate = source.matrix(layer + "ffn_gate_shexp.weight");
    if (shared_.gate.size() == 0) return;
    shared_.up = source.matrix(layer + "ffn_up_shexp.weight");
    shared_.down = source.matrix(layer + "ffn_down_shexp.weight");
    shared_gate_ = row_or_none(source.matrix(layer + "ffn_gate_inp_shexp.weight"), 0);
}

RowVector Experts::run(const Expert& expert, const RowVector& x, const std::string& kind, Index index) const {
    const RowVector gate = with_bias(x * expert.gate.transpose(), expert.gate_bias);
    const RowVector up = with_bias(x * expert.up.transpose(), expert.up_bias);
    RowVector hidden(gate.size());
    for (Index i = 0; i < hidden.size(); ++i) {
        if (architecture_ == "gpt-oss") {
            const double g = std::min(gate[i], 7.0);
            hidden[i] = g * sigmoid(1.702 * g) * (std::clamp(up[i], -7.0, 7.0) + 1);
        } else if (architecture_ == "gemma4") {
            const double inner = std::sqrt(2 / std::numbers::pi) * (gate[i] + 0.044715 * std::pow(gate[i], 3));
            hidden[i] = 0.5 * gate[i] * (1 + std::tanh(inner)) * up[i];
        } else {
            hidden[i] = gate[i] * sigmoid(gate[i]) * up[i];
        }
    }
    for (const char* part : {"ffn_gate_", "ffn_up_", "ffn_gate_up_"}) {
        squares_->add(layer_ + part + kind + ".weight", x, index);
    }
    squares_->add(layer_ + "ffn_down_" + kind + ".weight", hidden, index);
    return with_bias(hidden * expert.down.transpose(), expert.down_bias);
}

// Twice: the best expert, with the softmax over the scores that are close to its own; the first is then out.
Experts::Choice Experts::sparse_mixer(const RowVector& scores) const {
    constexpr double kJitter = 0.01;
    RowVector left = scores;
    Choice choice;
    for (std::size_t i = 0; i < n_used_; ++i) {
        Index best = 0;
        const double top = left.maxCoeff(&best);
        double sum = 0;
        for (Index j = 0; j < left.size(); ++j) {
            const bool is_close = (top - scores[j]) / std::max(std::abs(scores[j]), top) <= 2 * kJitter;
            if (is_close) sum += std::exp(left[j] - top);
        }
        choice.emplace_back(static_cast<std::size_t>(best), 1 / sum);
        left[best] = -HUGE_VAL;
    }
    return choice;
}

Experts::Choice Experts::choose(const RowVector& scores) const {
    if (architecture_ == "phimoe") return sparse_mixer(scores);
    const RowVector weights = is_sigmoid_ ? RowVector(scores.unaryExpr(&sigmoid)) : softmax(scores);
    RowVector by = with_bias(weights, choice_bias_);
    if (n_groups_ > 1) {
        // V2: a group is as good as its best expert; V3: as the sum of its two best.
        const Index size = by.size() / n_groups_;
        RowVector values(n_groups_);
        for (Index i = 0; i < n_groups_; ++i) {
            RowVector group = by.segment(i * size, size);
            std::sort(group.data(), group.data() + size, std::greater<>());
            values[i] = is_sigmoid_ ? group[0] + group[1] : group[0];
        }
        const std::vector<std::size_t> groups = best_first(values);
        for (Index i = n_groups_used_; i < n_groups_; ++i) {
            by.segment(static_cast<Index>(groups[static_cast<std::size_t>(i)]) * size, size).setConstant(-HUGE_VAL);
        }
    }
    const std::vector<std::size_t> order = best_first(by);
    double sum = 0;
    for (std::size_t i = 0; i < n_used_; ++i) sum += weights[static_cast<Index>(order[i])];
    Choice choice;
    for (std::size_t i = 0; i < n_used_; ++i) {
        const double weight = weights[static_cast<Index>(order[i])] / (is_renormalised_ ? sum : 1);
        const double own = expert_scales_.size() == 0 ? 1 : expert_scales_[static_cast<Index>(order[i])];
        choice.emplace_back(order[i], weight * scale_ * own);
    }
    return choice;
}

Matrix Experts::operator()(const Matrix& x, const Matrix& router_x) const {
    Matrix y = Matrix::Zero(x.rows(), x.cols());
    for (Index t = 0; t < x.rows(); ++t) {
        const RowVector token = x.row(t);
        RowVector routed = router_x.row(t);
        if (router_scale_.size() != 0) {
            const auto n = static_cast<double>(routed.size());
            routed /= std::sqrt(routed.squaredNorm() / n + norm_eps_) * std::sqrt(n);
            routed = routed.cwiseProduct(router_scale_).eval();
        }
        const RowVector scores = with_bias(routed * router_.transpose(), router_bias_);
        for (const auto& [expert, weight] : choose(scores)) {
            y.row(t) += weight * run(experts_[expert], token, "exps", static_cast<Index>(expert));
        }
        if (shared_.gate.size() == 0) continue;
        const double gate = shared_gate_.size() == 0 ? 1 : sigmoid(token.dot(shared_gate_));
        y.row(t) += gate * run(shared_, token, "shexp", 0);
    }
    return y;
}

}  // namespace reference
