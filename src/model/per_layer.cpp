// SPDX-License-Identifier: MIT
// Embeddings that each layer has for itself (Gemma 3n and 4). For token t and layer l, once per pass:
//     e[t, l] = (norm(P_l x[t] / sqrt(d_model)) + E_l[token] * sqrt(d_per_layer)) / sqrt(2)
// and at the end of layer l, to whatever stream of it takes part: x += norm(proj(gelu(gate(x)) * e[t, l])).
#include "base/math.hpp"
#include "model/linear.hpp"

namespace linnet {

using arch::Role;

bool embed_per_layer(const Pass& pass) noexcept {
    const arch::ModelSpec& spec = pass.spec;
    const std::size_t n = spec.d_per_layer;
    if (n == 0) return true;
    const std::size_t d_model = spec.d_model;
    const std::size_t width = spec.layers.size() * n;
    const Projection projection[] = {
        {pass.weights.matrix(Role::per_layer_model_proj), nullptr, pass.s.per_layer, width}};
    const auto row = [&](std::size_t t) -> const float* { return pass.s.x + t * d_model; };
    if (!linear(pass, Part::embedding, projection, d_model, pass.n_tokens, row)) return false;

    const Matrix& embedding = pass.weights.matrix(Role::per_layer_token_embd);
    const Norm norm = {pass.weights.vector(Role::per_layer_proj_norm), nullptr};
    const auto scale = static_cast<float>(1.0 / math::sqrt(static_cast<double>(d_model)));
    const auto embedding_scale = static_cast<float>(math::sqrt(static_cast<double>(n)));
    const auto share = static_cast<float>(1.0 / math::sqrt(2.0));
    return pass.for_tokens(pass.n_tokens, [&](std::size_t t, WorkerScratch& w) {
        float* e = pass.s.per_layer + t * width;
        const auto token = static_cast<std::uint32_t>(pass.s.tokens[t]);
        read_row(pass, embedding, token < spec.n_vocab_per_layer ? token : 0, w.per_layer);
        pass.kernels.scale.fn(w.per_layer, embedding_scale, width, w.per_layer);
        pass.kernels.scale.fn(e, scale, width, e);
        for (std::size_t i = 0; i < width; i += n) pass.norm(norm, e + i, n, e + i);
        pass.kernels.add.fn(w.per_layer, width, e);
        pass.kernels.scale.fn(e, share, width, e);
    });
}

bool per_layer_addition(const Pass& pass, std::size_t layer) noexcept {
    const std::size_t n = pass.spec.d_per_layer;
    if (n == 0) return true;
    const std::size_t d_model = pass.spec.d_model;
    const std::size_t width = pass.spec.layers.size() * n;
    const Projection gate[] = {{pass.weights.matrix(Role::per_layer_gate, layer), nullptr, pass.s.h, n}};
    const auto row = [&](std::size_t t) -> const float* { return pass.s.x + t * d_model; };
    if (!linear(pass, Part::gate_up, gate, d_model, pass.n_tokens, row)) return false;

    const Projection projection[] = {{pass.weights.matrix(Role::per_layer_proj, layer), nullptr, pass.s.y, d_model}};
    const auto gated = [&](std::size_t t) -> const float* {
        float* h = pass.s.h + t * n;
        pass.kernels.gelu_tanh_mul.fn(h, pass.s.per_layer + t * width + layer * n, n, h);
        return h;
    };
    if (!linear(pass, Part::down, projection, n, pass.n_tokens, gated)) return false;

    const Norm norm = {pass.weights.vector(Role::per_layer_post_norm, layer), nullptr};
    const bool done = pass.for_tokens(pass.n_tokens, [&](std::size_t t, WorkerScratch&) {
        float* y = pass.s.y + t * d_model;
        pass.norm(norm, y, d_model, y);
    });
    pass.lap(Part::norms);
    return done;
}

bool add_per_layer(const Pass& pass, std::size_t layer) noexcept {
    if (pass.spec.d_per_layer == 0) return true;
    const std::size_t n = pass.spec.d_model;
    return per_layer_addition(pass, layer) && pass.for_tokens(pass.n_tokens, [&](std::size_t t, WorkerScratch&) {
        pass.kernels.add.fn(pass.s.y + t * n, n, pass.s.x + t * n);
    });
}

}  // namespace linnet
