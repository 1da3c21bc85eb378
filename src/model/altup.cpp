// SPDX-License-Identifier: MIT
// Alternating updates (AltUp, arXiv 2301.13310): a token has several streams, of which a layer computes one, predicted
// from all; what it made of the prediction corrects all. Beside it the low-rank residual (LAuReL, arXiv 2411.07501).
// Streams are [n_batch][n_streams][d_model]; the one that is computed is worked on in x.
#include "base/math.hpp"
#include "model/linear.hpp"

namespace linnet {

namespace {

using arch::Role;

double mean_square(const float* x, std::size_t n) noexcept {
    double sum = 0.0;
    for (std::size_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * x[i];
    return sum / static_cast<double>(n);
}

// x as large as `target`, by root mean square.
void match_magnitude(const Pass& pass, const float* target, float* x) noexcept {
    constexpr double kLeast = 1e-5;
    const std::size_t n = pass.spec.d_model;
    const double factor = math::sqrt(mean_square(target, n) / std::max(mean_square(x, n), kLeast));
    pass.kernels.scale.fn(x, static_cast<float>(factor), n, x);
}

float* stream(const Pass& pass, std::size_t t, std::size_t i) noexcept {
    return pass.s.streams + (t * pass.spec.n_streams + i) * pass.spec.d_model;
}

// modalities[t] = tanh(router(norm(x[t]) / d_model))
bool route(const Pass& pass, std::size_t layer) noexcept {
    const std::size_t d_model = pass.spec.d_model;
    const std::size_t n = pass.spec.n_streams;
    const Norm norm = {pass.weights.vector(Role::altup_router_norm, layer), nullptr};
    const float scale = 1.0F / static_cast<float>(d_model);
    const Projection router[] = {{pass.weights.matrix(Role::altup_router, layer), nullptr, pass.s.modalities, n}};
    const auto row = [&](std::size_t t) -> const float* {
        float* h = pass.s.h + t * d_model;
        pass.norm(norm, pass.s.x + t * d_model, d_model, h);
        pass.kernels.scale.fn(h, scale, d_model, h);
        return h;
    };
    if (!linear(pass, Part::norms, router, d_model, pass.n_tokens, row)) return false;
    pass.kernels.softcap.fn(pass.s.modalities, 1.0F, pass.n_tokens * n, pass.s.modalities);
    return true;
}

// Of row `row` of a matrix of coefficients [rows][n_streams].
float coefficient(const Pass& pass, const float* matrix, std::size_t row, std::size_t t) noexcept {
    const std::size_t n = pass.spec.n_streams;
    float sum = 0.0F;
    for (std::size_t i = 0; i < n; ++i) sum += matrix[row * n + i] * pass.s.modalities[t * n + i];
    return sum;
}

}  // namespace

bool split_streams(const Pass& pass) noexcept {
    const std::size_t n = pass.spec.n_streams;
    if (n == 1) return true;
    const std::size_t d_model = pass.spec.d_model;
    const Projection others[] = {
        {pass.weights.matrix(Role::altup_proj), nullptr, pass.s.streams + d_model, n * d_model}};
    const auto row = [&](std::size_t t) -> const float* { return pass.s.x + t * d_model; };
    if (!linear(pass, Part::embedding, others, d_model, pass.n_tokens, row)) return false;
    return pass.for_tokens(pass.n_tokens, [&](std::size_t t, WorkerScratch&) {
        const float* x = pass.s.x + t * d_model;
        std::copy_n(x, d_model, stream(pass, t, 0));
        for (std::size_t i = 1; i < n; ++i) match_magnitude(pass, x, stream(pass, t, i));
    });
}

// Stream i becomes itself plus the sum over j of a coefficient times stream j.
bool predict_streams(const Pass& pass, std::size_t layer) noexcept {
    const std::size_t n = pass.spec.n_streams;
    if (n == 1) return true;
    const std::size_t d_model = pass.spec.d_model;
    const std::size_t active = pass.spec.active_stream;
    const bool copied = pass.for_tokens(pass.n_tokens, [&](std::size_t t, WorkerScratch&) {
        std::copy_n(stream(pass, t, active), d_model, pass.s.x + t * d_model);
    });
    if (!copied || !route(pass, layer)) return false;
    const float* coefficients = pass.weights.vector(Role::altup_predict_coef, layer);
    const bool done = pass.for_tokens(pass.n_tokens, [&](std::size_t t, WorkerScratch& w) {
        std::copy_n(stream(pass, t, 0), n * d_model, w.streams);
        for (std::size_t i = 0; i < n; ++i) {
            for (std::size_t j = 0; j < n; ++j) {
                const float c = coefficient(pass, coefficients, i * n + j, t);
                pass.kernels.add_scaled.fn(w.streams + j * d_model, c, d_model, stream(pass, t, i));
            }
        }
        std::copy_n(stream(pass, t, active), d_model, pass.s.x + t * d_model);
    });
    pass.lap(Part::norms);
    return done;
}

bool correct_streams(const Pass& pass, std::size_t layer) noexcept {
    const std::size_t n = pass.spec.n_streams;
    const std::size_t d_model = pass.spec.d_model;
    const std::size_t active = pass.spec.active_stream;
    if (!route(pass, layer)) return false;
    const float* coefficients = pass.weights.vector(Role::altup_correct_coef, layer);
    const float* scale = pass.weights.vector(Role::altup_correct_scale, layer);
    const bool done = pass.for_tokens(pass.n_tokens, [&](std::size_t t, WorkerScratch&) {
        float* x = pass.s.x + t * d_model;
        pass.kernels.add_scaled.fn(stream(pass, t, active), -1.0F, d_model, x);
        for (std::size_t i = 0; i < n; ++i) {
            const float c = coefficient(pass, coefficients, i, t) + 1.0F;
            pass.kernels.add_scaled.fn(x, c, d_model, stream(pass, t, i));
        }
        // What the layer's own embedding is gated by.
        std::fill_n(x, d_model, 0.0F);
        pass.kernels.mul_add.fn(stream(pass, t, active), scale, d_model, x);
    });
    if (!done || pass.spec.d_per_layer == 0) return done;
    if (!per_layer_addition(pass, layer)) return false;
    return pass.for_tokens(pass.n_tokens, [&](std::size_t t, WorkerScratch&) {
        for (std::size_t i = 1; i < n; ++i) pass.kernels.add.fn(pass.s.y + t * d_model, d_model, stream(pass, t, i));
    });
}

// x of the last n tokens = the mean of their streams, all but the first turned back.
bool merge_streams(const Pass& pass, std::size_t n_last) noexcept {
    const std::size_t n = pass.spec.n_streams;
    if (n == 1) return true;
    const std::size_t d_model = pass.spec.d_model;
    const std::size_t first = pass.n_tokens - n_last;
    for (std::size_t k = first; k < pass.n_tokens; ++k)
        std::copy_n(stream(pass, k, 0), d_model, pass.s.x + k * d_model);
    for (std::size_t i = 1; i < n; ++i) {
        const Projection back[] = {{pass.weights.matrix(Role::altup_unembd_proj, i - 1), nullptr, pass.s.y, d_model}};
        const auto row = [&](std::size_t k) -> const float* { return stream(pass, first + k, i); };
        if (!linear(pass, Part::output, back, d_model, n_last, row)) return false;
        for (std::size_t k = 0; k < n_last; ++k) {
            float* y = pass.s.y + k * d_model;
            match_magnitude(pass, stream(pass, first + k, 0), y);
            pass.kernels.add.fn(y, d_model, pass.s.x + (first + k) * d_model);
        }
    }
    const float share = 1.0F / static_cast<float>(n);
    pass.kernels.scale.fn(pass.s.x + first * d_model, share, n_last * d_model, pass.s.x + first * d_model);
    return true;
}

// z = h + norm(right(left(h))), h = norm(x): what attention adds to x is averaged with.
bool laurel(const Pass& pass, std::size_t layer) noexcept {
    const std::size_t rank = pass.spec.d_laurel;
    if (rank == 0) return true;
    const std::size_t d_model = pass.spec.d_model;
    const Norm norm = pass.weights.norm(Role::attn_norm, Role::attn_norm_bias, layer);
    const Projection left[] = {{pass.weights.matrix(Role::laurel_l, layer), nullptr, pass.s.laurel, rank}};
    const auto normed = [&](std::size_t t) -> const float* { return input_row(pass, norm, t); };
    if (!linear(pass, Part::norms, left, d_model, pass.n_tokens, normed)) return false;
    const Projection right[] = {{pass.weights.matrix(Role::laurel_r, layer), nullptr, pass.s.z, d_model}};
    const auto row = [&](std::size_t t) -> const float* { return pass.s.laurel + t * rank; };
    if (!linear(pass, Part::norms, right, rank, pass.n_tokens, row)) return false;
    const Norm post_norm = {pass.weights.vector(Role::laurel_post_norm, layer), nullptr};
    return pass.for_tokens(pass.n_tokens, [&](std::size_t t, WorkerScratch&) {
        float* z = pass.s.z + t * d_model;
        pass.norm(post_norm, z, d_model, z);
        pass.kernels.add.fn(pass.s.h + t * d_model, d_model, z);
    });
}

// x = (x + z) / sqrt(2)
bool add_laurel(const Pass& pass) noexcept {
    if (pass.spec.d_laurel == 0) return true;
    const std::size_t d_model = pass.spec.d_model;
    const auto share = static_cast<float>(1.0 / math::sqrt(2.0));
    return pass.for_tokens(pass.n_tokens, [&](std::size_t t, WorkerScratch&) {
        float* x = pass.s.x + t * d_model;
        pass.kernels.add.fn(pass.s.z + t * d_model, d_model, x);
        pass.kernels.scale.fn(x, share, d_model, x);
    });
}

}  // namespace linnet
