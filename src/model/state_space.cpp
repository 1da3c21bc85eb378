// SPDX-License-Identifier: MIT
// Mamba 2 (arXiv 2405.21060) as Granite 4 uses it: x, B, C go through a short convolution and SiLU; each head has a
// memory which decays by e^(a dt), takes in dt B x and is read by C; D x is added, and what comes out is gated by z,
// normed by groups of heads and projected. Tokens are scanned one after the other, heads side by side, so that prefill
// and decode do the same arithmetic.
#include "base/math.hpp"
#include "model/convolution.hpp"
#include "model/linear.hpp"

namespace linnet {

namespace {

using arch::Role;

// A row of what is projected: z, then what the convolution takes and gives, then time steps.
struct Layout {
    std::size_t value_width;
    std::size_t key_width;
    std::size_t conv_width;
    std::size_t steps;
    std::size_t width;

    explicit Layout(const arch::DeltaSpec& d)
        : value_width(std::size_t{d.n_value_heads} * d.d_value),
          key_width(std::size_t{d.n_key_heads} * d.d_key),
          conv_width(value_width + 2 * key_width),
          steps(value_width + conv_width),
          width(steps + d.n_value_heads) {}
};

// All tokens of one head.
void scan_head(const Pass& pass, std::size_t layer, const Layout& at, std::size_t head, float* memory) noexcept {
    const arch::DeltaSpec& d = pass.spec.layers[layer].delta;
    const std::size_t group = head / (d.n_value_heads / d.n_key_heads);
    const double rate = pass.weights.vector(Role::ssm_a, layer)[head];
    const double bias = pass.weights.vector(Role::ssm_dt_bias, layer)[head];
    const float skip = pass.weights.vector(Role::ssm_d, layer)[head];
    for (std::size_t t = 0; t < pass.n_tokens && !pass.cancelled(); ++t) {
        const float* row = pass.s.mixed + t * at.conv_width;
        const float* x = row + head * d.d_value;
        const float* b = row + at.value_width + group * d.d_key;
        float* y = pass.s.h + t * at.value_width + head * d.d_value;
        const double step = math::softplus(static_cast<double>(pass.s.qkv[t * at.width + at.steps + head]) + bias);
        pass.kernels.delta_rule.fn({memory, d.d_key, d.d_value, b + at.key_width, b, x,
                                    static_cast<float>(math::exp(rate * step)), static_cast<float>(step), y, false});
        pass.kernels.add_scaled.fn(x, skip, d.d_value, y);
    }
}

}  // namespace

bool state_space(const Pass& pass, std::size_t layer) noexcept {
    const arch::DeltaSpec& d = pass.spec.layers[layer].delta;
    const Weights& weights = pass.weights;
    const Layout at(d);
    const std::size_t d_model = pass.spec.d_model;
    const Norm norm = weights.norm(Role::attn_norm, Role::attn_norm_bias, layer);
    const Projection in[] = {{weights.matrix(Role::ssm_in, layer), nullptr, pass.s.qkv, at.width}};
    const auto normed = [&](std::size_t t) -> const float* { return input_row(pass, norm, t); };
    if (!linear(pass, Part::qkv, in, d_model, pass.n_tokens, normed)) return false;

    const RecurrentState::Layer state = pass.state.layer(layer);
    const std::size_t n_taps = pass.spec.layers[layer].n_taps;
    const ConvolutionInput input = {pass.s.qkv + at.value_width, at.width, at.conv_width, n_taps, state.from};
    const float* taps = weights.vector(Role::conv_taps, layer);
    const float* bias = weights.vector(Role::conv_bias, layer);
    const bool convolved = pass.for_tokens(pass.n_tokens, [&](std::size_t t, WorkerScratch&) {
        float* y = pass.s.mixed + t * at.conv_width;
        convolve(pass, input, taps, t, y);
        if (bias != nullptr) pass.kernels.add.fn(bias, at.conv_width, y);
        pass.kernels.sigmoid_mul.fn(y, y, at.conv_width, y);
    });
    if (!convolved) return false;
    remember(pass, input, state.to);
    pass.lap(Part::store);

    if (!scan_heads(pass, layer, [&](std::size_t head, float* memory) { scan_head(pass, layer, at, head, memory); })) {
        return false;
    }

    const std::size_t group = at.value_width / d.n_key_heads;
    const float* out_norm = weights.vector(Role::ssm_norm, layer);
    const auto gated = [&](std::size_t t) -> const float* {
        float* y = pass.s.h + t * at.value_width;
        pass.kernels.silu_mul.fn(pass.s.qkv + t * at.width, y, at.value_width, y);
        for (std::size_t i = 0; i < at.value_width; i += group) pass.norm({out_norm + i, nullptr}, y + i, group, y + i);
        return y;
    };
    const Projection out[] = {{weights.matrix(Role::ssm_out, layer), nullptr, pass.s.y, d_model}};
    return linear(pass, Part::attention_output, out, at.value_width, pass.n_tokens, gated);
}

}  // namespace linnet
