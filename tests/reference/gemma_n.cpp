// SPDX-License-Identifier: MIT
#include "tests/reference/gemma_n.hpp"

#include <cmath>
#include <numbers>

namespace reference {

namespace {

using Eigen::Index;

std::string of_layer(std::size_t layer, const char* name) {
    return "blk." + std::to_string(layer) + "." + name + ".weight";
}

// Each row of x as large as that of `target`, by root mean square.
void match_magnitude(Matrix& x, const Matrix& target) {
    const auto n = static_cast<double>(x.cols());
    for (Index i = 0; i < x.rows(); ++i) {
        const double wanted = std::sqrt(target.row(i).squaredNorm() / n);
        x.row(i) *= wanted / std::sqrt(std::max(x.row(i).squaredNorm() / n, 1e-5));
    }
}

}  // namespace

Matrix rms_norm(Matrix x, const Matrix& weight, double epsilon) {
    for (Index i = 0; i < x.rows(); ++i) {
        x.row(i) /= std::sqrt(x.row(i).squaredNorm() / static_cast<double>(x.cols()) + epsilon);
        if (weight.size() != 0) x.row(i) = x.row(i).cwiseProduct(weight.row(0)).eval();
    }
    return x;
}

Matrix gelu(const Matrix& x) {
    return x.unaryExpr(
        [](double v) { return v / 2 * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (v + 0.044715 * v * v * v))); });
}

Matrix sparsify(Matrix x, double n_deviations) {
    for (Index i = 0; i < x.rows(); ++i) {
        const double mean = x.row(i).mean();
        const double variance = (x.row(i).array() - mean).square().mean();
        x.row(i) = (x.row(i).array() - (mean + n_deviations * std::sqrt(variance))).cwiseMax(0.0);
    }
    return x;
}

PerLayer::PerLayer(const Take& take, std::size_t n_layers, double epsilon, SharedSquares squares)
    : epsilon_(epsilon),
      squares_(std::move(squares)),
      embedding_(take("per_layer_token_embd.weight")),
      projection_(take("per_layer_model_proj.weight")),
      norm_(take("per_layer_proj_norm.weight")) {
    for (std::size_t i = 0; exists() && i < n_layers; ++i) {
        layers_.push_back({take(of_layer(i, "inp_gate")), take(of_layer(i, "proj")), take(of_layer(i, "post_norm"))});
    }
}

std::vector<Matrix> PerLayer::inputs(const std::vector<std::size_t>& tokens, const Matrix& x) const {
    const Index width = norm_.cols();
    const Matrix projected = x * projection_.transpose() / std::sqrt(static_cast<double>(x.cols()));
    std::vector<Matrix> result;
    for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
        const Index first = static_cast<Index>(layer) * width;
        Matrix input = rms_norm(projected.middleCols(first, width), norm_, epsilon_);
        for (Index i = 0; i < input.rows(); ++i) {
            const auto token = static_cast<Index>(tokens[static_cast<std::size_t>(i)]);
            const auto row = embedding_.row(token < embedding_.rows() ? token : 0).segment(first, width);
            input.row(i) += row * std::sqrt(static_cast<double>(width));
        }
        result.push_back(input / std::numbers::sqrt2);
    }
    return result;
}

Matrix PerLayer::addition(std::size_t layer, const Matrix& x, const Matrix& input) const {
    const Layer& l = layers_[layer];
    const Matrix gated = gelu(x * l.gate.transpose()).cwiseProduct(input);
    squares_->add(of_layer(layer, "inp_gate"), x);
    squares_->add(of_layer(layer, "proj"), gated);
    return rms_norm(gated * l.projection.transpose(), l.norm, epsilon_);
}

AltUp::AltUp(const Take& take, std::size_t n_layers, std::size_t active, double epsilon)
    : active_(active),
      epsilon_(epsilon),
      projection_(take("altup_proj.weight")),
      back_(take("altup_unembd_proj.weight")) {
    for (std::size_t i = 0; projection_.size() != 0 && i < n_layers; ++i) {
        layers_.push_back({take(of_layer(i, "altup_router")), take(of_layer(i, "altup_router_norm")),
                           take(of_layer(i, "altup_predict_coef")), take(of_layer(i, "altup_correct_coef")),
                           take(of_layer(i, "altup_correct_scale")), take(of_layer(i, "laurel_l")),
                           take(of_layer(i, "laurel_r")), take(of_layer(i, "laurel_post_norm"))});
    }
}

std::vector<Matrix> AltUp::streams(const Matrix& x) const {
    std::vector<Matrix> result = {x};
    for (Index first = 0; first < projection_.rows(); first += x.cols()) {
        Matrix stream = x * projection_.middleRows(first, x.cols()).transpose();
        match_magnitude(stream, x);
        result.push_back(stream);
    }
    return result;
}

Matrix AltUp::mean(const std::vector<Matrix>& streams) const {
    Matrix sum = streams[0];
    const Index n = sum.cols();
    for (std::size_t i = 1; i < streams.size(); ++i) {
        Matrix stream = streams[i] * back_.middleRows(static_cast<Index>(i - 1) * n, n).transpose();
        match_magnitude(stream, streams[0]);
        sum += stream;
    }
    return sum / static_cast<double>(streams.size());
}

Matrix AltUp::modalities(const Layer& layer, const Matrix& x) const {
    const Matrix normed = rms_norm(x, layer.router_norm, epsilon_) / static_cast<double>(x.cols());
    return (normed * layer.router.transpose()).array().tanh();
}

// Stream i becomes itself plus the sum over j of c(i, j) times stream j.
std::vector<Matrix> AltUp::predict(std::size_t layer, const std::vector<Matrix>& streams) const {
    const Matrix coefficients = modalities(layers_[layer], streams[active_]) * layers_[layer].predict.transpose();
    std::vector<Matrix> result = streams;
    const std::size_t n = streams.size();
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
            result[i] += coefficients.col(static_cast<Index>(i * n + j)).asDiagonal() * streams[j];
        }
    }
    return result;
}

std::vector<Matrix> AltUp::correct(std::size_t layer, const std::vector<Matrix>& predicted,
                                   const Matrix& computed) const {
    const Matrix coefficients = modalities(layers_[layer], computed) * layers_[layer].correct.transpose();
    const Matrix innovation = computed - predicted[active_];
    std::vector<Matrix> result = predicted;
    for (std::size_t i = 0; i < result.size(); ++i) {
        const Eigen::VectorXd factor = coefficients.col(static_cast<Index>(i)).array() + 1;
        result[i] += factor.asDiagonal() * innovation;
    }
    return result;
}

Matrix AltUp::scaled(std::size_t layer, const Matrix& x) const { return x * layers_[layer].scale.row(0).asDiagonal(); }

Matrix AltUp::laurel(std::size_t layer, const Matrix& normed) const {
    const Layer& l = layers_[layer];
    return normed + rms_norm(normed * l.left.transpose() * l.right.transpose(), l.laurel_norm, epsilon_);
}

}  // namespace reference
