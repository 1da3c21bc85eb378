// SPDX-License-Identifier: MIT
// LFM2's gated short convolution: b, c, u = in(norm(x)); y = out(c * convolution(b * u)). And convolutions in general.
#include "model/convolution.hpp"
#include "model/linear.hpp"

namespace linnet {

using arch::Role;

const float* ConvolutionInput::row(std::ptrdiff_t t) const noexcept {
    if (t >= 0) return rows + static_cast<std::size_t>(t) * row_stride;
    if (before == nullptr) return nullptr;
    return before + static_cast<std::size_t>(t + static_cast<std::ptrdiff_t>(n_taps) - 1) * width;
}

void convolve(const Pass& pass, const ConvolutionInput& input, const float* taps, std::size_t t, float* y) noexcept {
    std::fill_n(y, input.width, 0.0F);
    for (std::size_t j = 0; j < input.n_taps; ++j) {
        const float* row =
            input.row(static_cast<std::ptrdiff_t>(t + j + 1) - static_cast<std::ptrdiff_t>(input.n_taps));
        if (row != nullptr) pass.kernels.mul_add.fn(row, taps + j * input.width, input.width, y);
    }
}

void remember(const Pass& pass, const ConvolutionInput& input, float* to) noexcept {
    for (std::size_t j = 0; j + 1 < input.n_taps; ++j, to += input.width) {
        const float* row =
            input.row(static_cast<std::ptrdiff_t>(pass.n_tokens + j + 1) - static_cast<std::ptrdiff_t>(input.n_taps));
        if (row != nullptr) {
            std::copy_n(row, input.width, to);
        } else {
            std::fill_n(to, input.width, 0.0F);
        }
    }
}

bool short_conv(const Pass& pass, std::size_t layer) noexcept {
    const std::size_t n = pass.spec.d_model;
    const Norm norm = pass.weights.norm(Role::attn_norm, Role::attn_norm_bias, layer);
    const Projection in[] = {{pass.weights.matrix(Role::shortconv_in, layer), nullptr, pass.s.qkv, 3 * n}};
    const auto normed = [&](std::size_t t) -> const float* { return input_row(pass, norm, t); };
    if (!linear(pass, Part::qkv, in, n, pass.n_tokens, normed)) return false;

    // b * u takes the place of b.
    const bool multiplied = pass.for_tokens(pass.n_tokens, [&](std::size_t t, WorkerScratch&) {
        float* b = pass.s.qkv + t * 3 * n;
        float* h = pass.s.h + t * n;
        std::fill_n(h, n, 0.0F);
        pass.kernels.mul_add.fn(b, b + 2 * n, n, h);
        std::copy_n(h, n, b);
    });
    if (!multiplied) return false;
    const RecurrentState::Layer state = pass.state.layer(layer);
    const ConvolutionInput input = {pass.s.qkv, 3 * n, n, pass.spec.layers[layer].n_taps, state.from};
    const float* taps = pass.weights.vector(Role::conv_taps, layer);
    const auto convolved = [&](std::size_t t) -> const float* {
        float* c = pass.s.qkv + t * 3 * n + n;
        float* u = c + n;  // no longer needed
        float* h = pass.s.h + t * n;
        convolve(pass, input, taps, t, u);
        std::fill_n(h, n, 0.0F);
        pass.kernels.mul_add.fn(u, c, n, h);
        return h;
    };
    const Projection out[] = {{pass.weights.matrix(Role::shortconv_out, layer), nullptr, pass.s.y, n}};
    if (!linear(pass, Part::attention_output, out, n, pass.n_tokens, convolved)) return false;
    remember(pass, input, state.to);
    return true;
}

}  // namespace linnet
