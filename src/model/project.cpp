// SPDX-License-Identifier: MIT
// What follows the pooling of a text's states: two dense layers without activation (sentence-transformers' Dense
// modules), or a classifier, scores = output(tanh(cls(x))), whose first layer some files do not have.
#include "base/math.hpp"
#include "model/linear.hpp"

namespace linnet {

namespace {

using arch::Role;

// y = W x + b; x may be y.
void multiply_row(const Pass& pass, Role weight, const float* bias, const float* x, float* y) noexcept {
    const Matrix& w = pass.weights.matrix(weight);
    const Projection projection[] = {{w, bias, y, w.n_out}};
    auto row = [&](std::size_t) -> const float* { return x; };
    (void)linear(pass, Part::output, projection, w.n_in, 1, row);  // nobody cancels it
}

// In double, rounded once: a file has a few classes.
void softmax(float* x, std::size_t n) noexcept {
    const float top = *std::max_element(x, x + n);
    double sum = 0.0;
    const auto weight = [&](float v) { return math::exp(static_cast<double>(v) - top); };
    for (std::size_t i = 0; i < n; ++i) sum += weight(x[i]);
    for (std::size_t i = 0; i < n; ++i) x[i] = static_cast<float>(weight(x[i]) / sum);
}

}  // namespace

void project_pooled(const Pass& pass, arch::Pooling pooling, const float* pooled, float* y) noexcept {
    const arch::ModelSpec& spec = pass.spec;
    const Weights& weights = pass.weights;
    if (pooling != arch::Pooling::rank) {
        if (spec.d_dense == 0) {
            std::copy_n(pooled, spec.d_model, y);
            return;
        }
        multiply_row(pass, Role::dense_2, nullptr, pooled, pass.s.head[0]);
        multiply_row(pass, Role::dense_3, nullptr, pass.s.head[0], pass.s.head[1]);
        std::copy_n(pass.s.head[1], spec.d_model, y);
        return;
    }
    const float* x = pooled;
    if (weights.matrix(Role::cls).data != nullptr) {
        multiply_row(pass, Role::cls, weights.vector(Role::cls_bias), pooled, pass.s.head[0]);
        pass.kernels.softcap.fn(pass.s.head[0], 1.0F, spec.d_model, pass.s.head[0]);  // tanh
        x = pass.s.head[0];
    }
    multiply_row(pass, Role::cls_output, weights.vector(Role::cls_output_bias), x, pass.s.head[1]);
    if (spec.softmax_classes) softmax(pass.s.head[1], spec.n_classes);
    std::copy_n(pass.s.head[1], spec.n_classes, y);
}

}  // namespace linnet
