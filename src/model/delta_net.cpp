// SPDX-License-Identifier: MIT
// Gated delta net (arXiv 2412.06464) as in Qwen 3.5 and Qwen3-Next: q, k, v go through a short convolution and SiLU;
// each head of values has a memory that forgets by a gate, is corrected by the delta rule and read by q; what comes out
// is normed, gated by z and projected. Tokens are scanned one after the other, heads side by side, so that prefill and
// decode do the same arithmetic.
#include "base/math.hpp"
#include "model/convolution.hpp"
#include "model/linear.hpp"

namespace linnet {

namespace {

using arch::Role;

constexpr double kNormEps = 1e-6;  // of the lengths of q and k

float sigmoid(float x) noexcept { return static_cast<float>(1.0 / (1.0 + math::exp(-static_cast<double>(x)))); }

// e^(rate * ln(1 + e^x)), rate < 0
float decay(float rate, double x) noexcept { return static_cast<float>(math::exp(rate * math::softplus(x))); }

// A row of what is projected, and of what comes out of the convolution: q, k, v.
struct Layout {
    std::size_t key_width;
    std::size_t value_width;
    std::size_t conv_width;
    std::size_t z;
    std::size_t gates;  // then a and b, or both by head of keys
    std::size_t width;

    explicit Layout(const arch::DeltaSpec& d)
        : key_width(std::size_t{d.n_key_heads} * d.d_key),
          value_width(std::size_t{d.n_value_heads} * d.d_value),
          conv_width(2 * key_width + value_width),
          z(conv_width),
          gates(z + value_width),
          width(gates + 2 * std::size_t{d.n_value_heads}) {}
};

struct Gates {
    float decay;
    float beta;
};

// The values for `head` of token t.
Gates gates(const Pass& pass, std::size_t layer, const Layout& at, std::size_t head, std::size_t t) noexcept {
    const arch::DeltaSpec& d = pass.spec.layers[layer].delta;
    const float* row = pass.s.qkv + t * at.width + at.gates;
    std::size_t a = head;
    std::size_t b = d.n_value_heads + head;
    if (d.grouped) {  // each head of keys has the b of its heads of values, then the a
        const std::size_t group = d.n_value_heads / d.n_key_heads;
        b = head / group * 2 * group + head % group;
        a = b + group;
    }
    const float* rates = pass.weights.vector(Role::ssm_a, layer);
    const float* bias = pass.weights.vector(Role::ssm_dt_bias, layer);
    return {decay(rates[head], static_cast<double>(row[a]) + bias[head]), sigmoid(row[b])};
}

// Convolution, SiLU, and q and k of length 1, q over sqrt(d_key).
void prepare_token(const Pass& pass, const arch::DeltaSpec& d, const Layout& at, const ConvolutionInput& input,
                   const float* taps, std::size_t t) noexcept {
    float* y = pass.s.mixed + t * at.conv_width;
    convolve(pass, input, taps, t, y);
    pass.kernels.sigmoid_mul.fn(y, y, at.conv_width, y);
    const auto n = static_cast<double>(d.d_key);
    const auto eps = static_cast<float>(kNormEps / n);
    const auto k_scale = static_cast<float>(1.0 / math::sqrt(n));
    const auto q_scale = static_cast<float>(1.0 / n);
    for (std::size_t i = 0; i < 2 * std::size_t{d.n_key_heads}; ++i) {
        float* head = y + i * d.d_key;
        pass.kernels.rms_norm.fn(head, nullptr, d.d_key, eps, head);  // sqrt(d_key) long
        pass.kernels.scale.fn(head, i < d.n_key_heads ? q_scale : k_scale, d.d_key, head);
    }
}

// All tokens of one head of values.
void scan_head(const Pass& pass, std::size_t layer, const Layout& at, std::size_t head, float* memory) noexcept {
    const arch::DeltaSpec& d = pass.spec.layers[layer].delta;
    const std::size_t key = d.grouped ? head / (d.n_value_heads / d.n_key_heads) : head % d.n_key_heads;
    const Norm norm = {pass.weights.vector(Role::ssm_norm, layer), nullptr};
    for (std::size_t t = 0; t < pass.n_tokens && !pass.cancelled(); ++t) {
        const float* q = pass.s.mixed + t * at.conv_width + key * d.d_key;
        const float* k = q + at.key_width;
        const float* v = pass.s.mixed + t * at.conv_width + 2 * at.key_width + head * d.d_value;
        const float* z = pass.s.qkv + t * at.width + at.z + head * d.d_value;
        float* y = pass.s.h + t * at.value_width + head * d.d_value;
        const Gates g = gates(pass, layer, at, head, t);
        pass.kernels.delta_rule.fn({memory, d.d_key, d.d_value, q, k, v, g.decay, g.beta, y});
        pass.norm(norm, y, d.d_value, y);
        pass.kernels.silu_mul.fn(z, y, d.d_value, y);
    }
}

}  // namespace

bool delta_net(const Pass& pass, std::size_t layer) noexcept {
    const arch::DeltaSpec& d = pass.spec.layers[layer].delta;
    const Weights& weights = pass.weights;
    const Layout at(d);
    const std::size_t d_model = pass.spec.d_model;
    const Norm norm = weights.norm(Role::attn_norm, Role::attn_norm_bias, layer);
    float* row = pass.s.qkv;
    const Matrix& qkv = weights.matrix(Role::delta_qkv, layer);
    const Matrix& z = weights.matrix(Role::delta_gate, layer);
    const Projection apart[] = {
        {qkv, nullptr, row, at.width},
        {z, nullptr, row + at.z, at.width},
        {weights.matrix(Role::ssm_alpha, layer), nullptr, row + at.gates, at.width},
        {weights.matrix(Role::ssm_beta, layer), nullptr, row + at.gates + d.n_value_heads, at.width},
    };
    const Projection together[] = {
        {qkv, nullptr, row, at.width},
        {z, nullptr, row + at.z, at.width},
        {weights.matrix(Role::ssm_ba, layer), nullptr, row + at.gates, at.width},
    };
    const auto in = d.grouped ? std::span<const Projection>(together) : std::span<const Projection>(apart);
    const auto normed = [&](std::size_t t) -> const float* { return input_row(pass, norm, t); };
    if (!linear(pass, Part::qkv, in, d_model, pass.n_tokens, normed)) return false;

    const RecurrentState::Layer state = pass.state.layer(layer);
    const ConvolutionInput input = {row, at.width, at.conv_width, pass.spec.layers[layer].n_taps, state.from};
    const float* taps = weights.vector(Role::conv_taps, layer);
    const bool prepared = pass.for_tokens(
        pass.n_tokens, [&](std::size_t t, WorkerScratch&) { prepare_token(pass, d, at, input, taps, t); });
    if (!prepared) return false;
    remember(pass, input, state.to);
    pass.lap(Part::store);

    if (!scan_heads(pass, layer, [&](std::size_t head, float* memory) { scan_head(pass, layer, at, head, memory); })) {
        return false;
    }

    const Projection out[] = {{weights.matrix(Role::ssm_out, layer), nullptr, pass.s.y, d_model}};
    const auto read = [&](std::size_t t) -> const float* { return pass.s.h + t * at.value_width; };
    return linear(pass, Part::attention_output, out, at.value_width, pass.n_tokens, read);
}

}  // namespace linnet
