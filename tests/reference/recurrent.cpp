// SPDX-License-Identifier: MIT
#include "tests/reference/recurrent.hpp"

#include <cmath>

#include "tests/reference/gemma_n.hpp"

namespace reference {

namespace {

using Eigen::Index;

// Each column for itself: row t is the sum of the last taps.cols() rows of x up to t, each times its tap, the last tap
// for row t.
Matrix convolve(const Matrix& x, const Matrix& taps) {
    Matrix y = Matrix::Zero(x.rows(), x.cols());
    for (Index t = 0; t < x.rows(); ++t) {
        for (Index back = 0; back < taps.cols() && back <= t; ++back) {
            y.row(t) += x.row(t - back).cwiseProduct(taps.col(taps.cols() - 1 - back).transpose());
        }
    }
    return y;
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
Matrix silu(const Matrix& x) {
    return x.unaryExpr([](double v) { return v * sigmoid(v); });
}

}  // namespace

ShortConv::ShortConv(const TakePart& take)
    : in_(take("shortconv.in_proj.weight")),
      taps_(take("shortconv.conv.weight")),
      out_(take("shortconv.out_proj.weight")) {}

Matrix ShortConv::operator()(const Matrix& x) const {
    const Matrix bcx = x * in_.transpose();
    const Index n = x.cols();
    const Matrix convolved = convolve(bcx.leftCols(n).cwiseProduct(bcx.rightCols(n)), taps_);
    return bcx.middleCols(n, n).cwiseProduct(convolved) * out_.transpose();
}

DeltaNet::DeltaNet(const TakePart& take, Index n_key_heads, double epsilon)
    : n_key_heads_(n_key_heads),
      epsilon_(epsilon),
      qkv_(take("attn_qkv.weight")),
      z_(take("attn_gate.weight")),
      taps_(take("ssm_conv1d.weight")),
      rates_(take("ssm_a")),
      bias_(take("ssm_dt.bias")),
      alpha_(take("ssm_alpha.weight")),
      beta_(take("ssm_beta.weight")),
      both_(take("ssm_ba.weight")),
      norm_(take("ssm_norm.weight")),
      out_(take("ssm_out.weight")) {}

Matrix DeltaNet::operator()(const Matrix& x) const {
    const Index n_heads = rates_.cols();
    const Index per_key = n_heads / n_key_heads_;
    const Index d_value = norm_.cols();
    const Index d_key = (qkv_.rows() - n_heads * d_value) / (2 * n_key_heads_);
    const bool is_grouped = both_.size() != 0;
    const Matrix mixed = silu(convolve(x * qkv_.transpose(), taps_));
    const Matrix z = silu(x * z_.transpose());
    Matrix heads(x.rows(), n_heads * d_value);
    for (Index head = 0; head < n_heads; ++head) {
        // With one tensor for both gates, each key head has its beta rows and then its alpha rows.
        const Index group = head / per_key;
        const Index row = group * 2 * per_key + head % per_key;
        const Eigen::VectorXd a = x * (is_grouped ? both_.row(row + per_key) : alpha_.row(head)).transpose();
        const Eigen::VectorXd b = x * (is_grouped ? both_.row(row) : beta_.row(head)).transpose();
        const Index key_head = is_grouped ? group : head % n_key_heads_;
        Matrix memory = Matrix::Zero(d_key, d_value);
        for (Index t = 0; t < x.rows(); ++t) {
            const auto unit = [&](Index first) -> Eigen::VectorXd {
                const Eigen::VectorXd v = mixed.row(t).segment(first, d_key).transpose();
                return v / std::sqrt(v.squaredNorm() + 1e-6);
            };
            const Eigen::VectorXd q = unit(key_head * d_key) / std::sqrt(static_cast<double>(d_key));
            const Eigen::VectorXd k = unit((n_key_heads_ + key_head) * d_key);
            const RowVector v = mixed.row(t).segment(2 * n_key_heads_ * d_key + head * d_value, d_value);
            memory *= std::exp(rates_(0, head) * std::log1p(std::exp(a[t] + bias_(0, head))));
            memory += k * (sigmoid(b[t]) * (v - k.transpose() * memory));
            heads.row(t).segment(head * d_value, d_value) = q.transpose() * memory;
        }
        heads.middleCols(head * d_value, d_value) =
            rms_norm(heads.middleCols(head * d_value, d_value), norm_, epsilon_);
    }
    return heads.cwiseProduct(z) * out_.transpose();
}

StateSpace::StateSpace(const TakePart& take, Index n_groups, Index d_state, double epsilon)
    : n_groups_(n_groups),
      d_state_(d_state),
      epsilon_(epsilon),
      in_(take("ssm_in.weight")),
      taps_(take("ssm_conv1d.weight")),
      conv_bias_(take("ssm_conv1d.bias")),
      step_bias_(take("ssm_dt.bias")),
      rates_(take("ssm_a")),
      skips_(take("ssm_d")),
      norm_(take("ssm_norm.weight")),
      out_(take("ssm_out.weight")) {}

// Projected are z, (x, B, C) and dt; of each head h' = e^(A dt) h + dt B x^T, y = C h' + D x.
Matrix StateSpace::operator()(const Matrix& x) const {
    const Index n_heads = rates_.rows();
    const Index width = out_.cols();
    const Index d_head = width / n_heads;
    const Matrix projected = x * in_.transpose();
    const Index n_channels = taps_.rows();
    Matrix mixed = convolve(projected.middleCols(width, n_channels), taps_);
    mixed.rowwise() += conv_bias_.row(0);
    mixed = silu(mixed);
    Matrix heads(x.rows(), width);
    for (Index head = 0; head < n_heads; ++head) {
        const Index group = head / (n_heads / n_groups_);
        Matrix state = Matrix::Zero(d_state_, d_head);
        for (Index t = 0; t < x.rows(); ++t) {
            const double step = std::log1p(std::exp(projected(t, width + n_channels + head) + step_bias_(0, head)));
            const RowVector value = mixed.row(t).segment(head * d_head, d_head);
            const RowVector b = mixed.row(t).segment(width + group * d_state_, d_state_);
            const RowVector c = mixed.row(t).segment(width + (n_groups_ + group) * d_state_, d_state_);
            state = std::exp(rates_(head, 0) * step) * state + step * b.transpose() * value;
            heads.row(t).segment(head * d_head, d_head) = c * state + skips_(head, 0) * value;
        }
    }
    heads = heads.cwiseProduct(silu(projected.leftCols(width))).eval();
    const Index size = width / n_groups_;
    for (Index group = 0; group < n_groups_; ++group) {
        heads.middleCols(group * size, size) =
            rms_norm(heads.middleCols(group * size, size), norm_.row(group), epsilon_);
    }
    return heads * out_.transpose();
}

}  // namespace reference
