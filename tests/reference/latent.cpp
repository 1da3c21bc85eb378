// SPDX-License-Identifier: MIT
#include "tests/reference/latent.hpp"

#include <cmath>

namespace reference {

namespace {

using Eigen::Index;

// Pairs (2i, 2i + 1) of each row, by its index times the pair's frequency.
Matrix rotated(const Matrix& x, const RowVector& frequencies) {
    Matrix y = x;
    for (Index pos = 0; pos < x.rows(); ++pos) {
        for (Index i = 0; i < frequencies.size(); ++i) {
            const double angle = static_cast<double>(pos) * frequencies[i];
            y(pos, 2 * i) = x(pos, 2 * i) * std::cos(angle) - x(pos, 2 * i + 1) * std::sin(angle);
            y(pos, 2 * i + 1) = x(pos, 2 * i) * std::sin(angle) + x(pos, 2 * i + 1) * std::cos(angle);
        }
    }
    return y;
}

// Each row over its root mean square, times the weight.
void norm_rows(Matrix& x, const RowVector& weight, double epsilon) {
    for (Index i = 0; i < x.rows(); ++i) {
        const double mean_square = x.row(i).squaredNorm() / static_cast<double>(x.cols());
        x.row(i) = (x.row(i) / std::sqrt(mean_square + epsilon)).cwiseProduct(weight).eval();
    }
}

}  // namespace

LatentAttention::LatentAttention(const ExpertsSource& source, const std::string& layer) {
    squares_ = source.squares;
    layer_ = layer;
    k_up_ = source.matrix(layer + "attn_k_b.weight");
    if (k_up_.size() == 0) return;
    v_up_ = source.matrix(layer + "attn_v_b.weight");
    q_down_ = source.matrix(layer + "attn_q_a.weight");
    q_ = source.matrix(layer + (q_down_.size() == 0 ? "attn_q.weight" : "attn_q_b.weight"));
    if (q_down_.size() != 0) q_norm_ = source.matrix(layer + "attn_q_a_norm.weight").row(0);
    kv_down_ = source.matrix(layer + "attn_kv_a_mqa.weight");
    norm_ = source.matrix(layer + "attn_kv_a_norm.weight").row(0);
    output_ = source.matrix(layer + "attn_output.weight");
    n_heads_ = static_cast<Index>(source.number("attention.head_count").value());
    rank_ = norm_.size();
    norm_eps_ = source.number("attention.layer_norm_rms_epsilon").value();
    // The file has 0.1 mscale_all_dim; the model's own code multiplies the softmax's scale by the square.
    const double factor = source.number("rope.scaling.factor").value_or(1);
    const double m = source.number("rope.scaling.yarn_log_multiplier").value_or(0) * std::log(factor) + 1;
    scale_ = m * m / std::sqrt(static_cast<double>(q_.rows() / n_heads_));
}

Matrix LatentAttention::operator()(const Matrix& x, const RowVector& frequencies) const {
    const Index n_tokens = x.rows();
    const Index query = q_.rows() / n_heads_;
    const Index n_rot = 2 * frequencies.size();
    const Index plain = query - n_rot;
    const Index value = v_up_.rows() / n_heads_;
    Matrix q_latent = q_down_.size() == 0 ? x : x * q_down_.transpose();
    if (q_down_.size() != 0) norm_rows(q_latent, q_norm_, norm_eps_);
    const Matrix q = q_latent * q_.transpose();
    const Matrix kv = x * kv_down_.transpose();
    Matrix latent = kv.leftCols(rank_);
    norm_rows(latent, norm_, norm_eps_);
    const Matrix shared_key = rotated(kv.rightCols(n_rot), frequencies);

    Matrix heads(n_tokens, n_heads_ * value);
    for (Index head = 0; head < n_heads_; ++head) {
        // The file has the matrix of a head's keys transposed.
        const Matrix k = latent * k_up_.middleRows(head * rank_, rank_);
        const Matrix v = latent * v_up_.middleRows(head * value, value).transpose();
        const Matrix q_plain = q.middleCols(head * query, plain);
        const Matrix q_rotated = rotated(q.middleCols(head * query + plain, n_rot), frequencies);
        const Matrix scores = (q_plain * k.transpose() + q_rotated * shared_key.transpose()) * scale_;
        for (Index i = 0; i < n_tokens; ++i) {
            RowVector p = scores.row(i).head(i + 1);
            p = (p.array() - p.maxCoeff()).exp();
            heads.row(i).segment(head * value, value) = p / p.sum() * v.topRows(i + 1);
            squares_->add(layer_ + "attn_v_b.weight", p / p.sum() * latent.topRows(i + 1), head);
        }
        squares_->add(layer_ + "attn_k_b.weight", q_plain, head);
    }
    squares_->add(layer_ + "attn_output.weight", heads);
    return heads * output_.transpose();
}

}  // namespace reference
