// SPDX-License-Identifier: MIT
#include "model/forward.hpp"

#include <algorithm>
#include <array>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "model/pass.hpp"
#include "model/rope.hpp"

namespace linnet {

namespace {

using arch::Role;
using kernels::Activations;

constexpr std::uint32_t kDefaultContext = 4096;
constexpr std::uint32_t kDefaultBatch = 512;
// Rows of the output matrix between two looks at the deadline: some 0.5 ms of reading weights.
constexpr std::uint32_t kOutputRows = 8192;

// The divisors of a rope's frequencies that the file holds, for a session of n_ctx positions.
const float* rope_factors(const arch::RopeSpec& rope, const Weights& weights, std::uint32_t n_ctx) {
    if (rope.scaling == arch::RopeScaling::longrope) {
        return weights.vector(n_ctx > rope.n_ctx_orig ? Role::rope_factors_long : Role::rope_factors_short);
    }
    return rope.use_factors ? weights.vector(Role::rope_freqs) : nullptr;
}

// x = embedding of the token, scaled, and those of its type and position; normed, where the file has such a norm. y is
// free until the first half layer.
void embed_token(const Pass& pass, std::size_t t) noexcept {
    const std::size_t n = pass.spec.d_model;
    float* x = pass.s.x + t * n;
    read_row(pass, pass.weights.matrix(Role::token_embd), static_cast<std::size_t>(pass.s.tokens[t]), x);
    if (pass.spec.embedding_scale != 1.0F) pass.kernels.scale.fn(x, pass.spec.embedding_scale, n, x);
    const auto add_row = [&](Role role, std::size_t row) {
        read_row(pass, pass.weights.matrix(role), row, pass.s.y + t * n);
        pass.kernels.add.fn(pass.s.y + t * n, n, x);
    };
    if (pass.spec.n_token_types != 0) add_row(Role::token_types, 0);
    if (pass.spec.n_positions != 0) add_row(Role::position_embd, pass.pos + t);
    const Norm norm = pass.weights.norm(Role::token_embd_norm, Role::token_embd_norm_bias);
    if (norm.weight != nullptr) pass.norm(norm, x, n, x);
}

void prepare_ropes(const Pass& pass) noexcept {
    std::size_t frequency = 0;
    for (const arch::RopeSpec& rope : pass.spec.ropes) {
        const std::size_t half = rope.n_rot / 2;
        for (std::size_t t = 0; t < pass.n_tokens; ++t) {
            const std::size_t offset = frequency * pass.shape.n_batch + t * half;
            rope_row(rope, {pass.s.frequencies + frequency, half}, pass.pos + static_cast<std::uint32_t>(t),
                     pass.s.cosines + offset, pass.s.sines + offset);
        }
        frequency += half;
    }
}

// x += norm(y) * scale; x = norm(x): each norm where the layer has it.
bool add_residual(const Pass& pass, float* half, Role post_norm, const Norm& sum_norm, std::size_t layer) noexcept {
    const Norm norm = {pass.weights.vector(post_norm, layer), nullptr};
    const std::size_t d_model = pass.spec.d_model;
    const float scale = pass.spec.residual_scale;
    const bool done = pass.for_tokens(pass.n_tokens, [&](std::size_t t, WorkerScratch&) {
        float* y = half + t * d_model;
        if (norm.weight != nullptr) pass.norm(norm, y, d_model, y);
        if (scale != 1.0F) pass.kernels.scale.fn(y, scale, d_model, y);
        float* x = pass.s.x + t * d_model;
        pass.kernels.add.fn(y, d_model, x);
        if (sum_norm.weight != nullptr) pass.norm(sum_norm, x, d_model, x);
    });
    pass.lap(Part::norms);
    return done;
}

// The whole layer's result, times a number of its own.
bool scale_output(const Pass& pass, std::size_t layer) noexcept {
    const float* scale = pass.weights.vector(Role::layer_output_scale, layer);
    if (scale == nullptr) return true;
    const std::size_t d_model = pass.spec.d_model;
    return pass.for_tokens(pass.n_tokens, [&](std::size_t t, WorkerScratch&) {
        float* x = pass.s.x + t * d_model;
        pass.kernels.scale.fn(x, *scale, d_model, x);
    });
}

bool mix(const Pass& pass, std::size_t layer) noexcept {
    switch (pass.spec.layers[layer].mixer) {
        case arch::Mixer::short_conv: return short_conv(pass, layer);
        case arch::Mixer::delta_net: return delta_net(pass, layer);
        case arch::Mixer::state_space: return state_space(pass, layer);
        case arch::Mixer::attention: break;
    }
    return attention(pass, layer);
}

// Parallel layers leave x as it is until both halves have read it.
bool half_layer(const Pass& pass, std::size_t layer, bool first) noexcept {
    const bool parallel = pass.spec.layers[layer].parallel;
    const auto add_attention = [&](float* half) {
        const Norm norm = pass.weights.norm(Role::attn_output_norm, Role::attn_output_norm_bias, layer);
        return add_residual(pass, half, Role::post_attention_norm, norm, layer);
    };
    if (first) {
        return predict_streams(pass, layer) && laurel(pass, layer) && mix(pass, layer) &&
               (parallel || add_attention(pass.s.y)) && add_laurel(pass);
    }
    const Norm norm = pass.weights.norm(Role::layer_output_norm, Role::layer_output_norm_bias, layer);
    const bool alternating = pass.spec.n_streams > 1;
    return feed_forward(pass, layer) && (!parallel || add_attention(pass.s.z)) &&
           add_residual(pass, pass.s.y, Role::post_ffw_norm, norm, layer) &&
           (alternating ? correct_streams(pass, layer) : add_per_layer(pass, layer)) && scale_output(pass, layer);
}

// Final states of the last n tokens to h.
bool final_states(const Pass& pass, std::uint32_t n) noexcept {
    const Norm norm = pass.weights.norm(Role::output_norm, Role::output_norm_bias);
    const std::size_t d_model = pass.spec.d_model;
    const bool done = pass.for_tokens(n, [&](std::size_t i, WorkerScratch&) {
        const float* x = pass.s.x + (pass.n_tokens - n + i) * d_model;
        float* h = pass.s.h + i * d_model;
        if (norm.weight != nullptr) {
            pass.norm(norm, x, d_model, h);
        } else {
            std::copy_n(x, d_model, h);
        }
    });
    pass.lap(Part::norms);
    return done;
}

// Logits of the last n_logits tokens, rows [first, first + n) of the output matrix.
bool output_slice(const Pass& pass, std::uint32_t n_logits, std::uint32_t first, std::uint32_t n) noexcept {
    if (first == 0 && !merge_streams(pass, n_logits)) return false;
    const Matrix& own = pass.weights.matrix(Role::output);
    const Matrix& whole = own.data != nullptr ? own : pass.weights.matrix(Role::token_embd);
    const kernels::FormatInfo& format = kernels::info(whole.format);
    Matrix slice = whole;
    slice.data += first * kernels::row_bytes(format, whole.n_in);  // a tile has the bytes of its 16 rows
    slice.n_out = n;
    const float* bias = pass.weights.vector(Role::output_bias);
    const Projection projection[] = {
        {slice, bias != nullptr ? bias + first : nullptr, pass.s.logits + first, pass.spec.n_vocab}};
    const Norm norm = pass.weights.norm(Role::output_norm, Role::output_norm_bias);
    const std::size_t d_model = pass.spec.d_model;
    auto make_normed = [&](std::size_t i) -> const float* {
        const float* x = pass.s.x + (pass.n_tokens - n_logits + i) * d_model;
        float* h = pass.s.h + i * d_model;
        pass.norm(norm, x, d_model, h);
        return h;
    };
    if (!linear(pass, Part::output, projection, d_model, n_logits, make_normed)) return false;
    const float scale = pass.spec.logit_scale;
    const float cap = pass.spec.logit_cap;
    if (scale == 1.0F && cap == 0.0F) return true;
    return pass.for_tokens(n_logits, [&](std::size_t i, WorkerScratch&) {
        float* y = pass.s.logits + i * pass.spec.n_vocab + first;
        if (scale != 1.0F) pass.kernels.scale.fn(y, scale, n, y);
        if (cap != 0.0F) pass.kernels.softcap.fn(y, cap, n, y);
    });
}

// Where positions see those behind them, no token follows from them.
PassShape checked_shape(const arch::ModelSpec& spec, const PassShape& shape) {
    if (spec.bidirectional && !shape.states) {
        throw Error(Status::unsupported, "a '{}' model with attention to both sides makes vectors of texts, no text",
                    spec.architecture);
    }
    return Forward::resolve(spec, shape);
}

std::uint32_t checked_range(const char* name, std::uint32_t value, std::uint64_t max) {
    if (value == 0 || value > max) throw Error(Status::invalid_argument, "{} is {}, not in 1..{}", name, value, max);
    return value;
}

}  // namespace

void read_row(const Pass& pass, const Matrix& w, std::size_t row, float* y) noexcept {
    const kernels::FormatInfo& format = kernels::info(w.format);
    const auto index = static_cast<std::size_t>(w.format);
    if (pass.weights.mapped()) {
        pass.kernels.decode[index].fn(w.data + row * kernels::row_bytes(format, w.n_in), w.n_in, y);
    } else {
        const std::byte* tile = w.data + row / kernels::kTileRows * kernels::tile_bytes(format, w.n_in);
        pass.kernels.read_row[index].fn(tile, row % kernels::kTileRows, w.n_in, y);
    }
    if (w.scale != 1.0F) pass.kernels.scale.fn(y, w.scale, w.n_in, y);
}

const float* input_row(const Pass& pass, const Norm& norm, std::size_t t) noexcept {
    const std::size_t d_model = pass.spec.d_model;
    const float* x = pass.s.x + t * d_model;
    if (norm.weight == nullptr) return x;
    float* h = pass.s.h + t * d_model;
    pass.norm(norm, x, d_model, h);
    return h;
}

PassShape Forward::resolve(const arch::ModelSpec& spec, PassShape shape) {
    constexpr std::uint32_t kMaxContext = 1U << 24;
    if (shape.n_ctx == 0) shape.n_ctx = std::min(spec.n_ctx_train, kDefaultContext);
    // A learned embedding ends somewhere.
    checked_range("n_ctx", shape.n_ctx, spec.n_positions != 0 ? spec.n_positions : kMaxContext);
    if (spec.bidirectional) shape.n_batch = shape.n_ctx;  // states depend on all that follows
    if (shape.n_batch == 0) shape.n_batch = std::min(kDefaultBatch, shape.n_ctx);
    shape.n_batch = std::min(checked_range("n_batch", shape.n_batch, 1U << 16), shape.n_ctx);
    shape.n_logits = std::min(checked_range("n_logits", shape.n_logits, 1U << 16), shape.n_batch);
    if (shape.kv_type < KvType::f16 || shape.kv_type > KvType::q8) {
        throw Error(Status::invalid_argument, "kv_type is {}, not a LINNET_KV_* value",
                    static_cast<std::int32_t>(shape.kv_type));
    }
    return shape;
}

Forward::Sizes Forward::plan(const arch::ModelSpec& spec, const PassShape& shape, std::uint32_t n_threads) {
    Scratch counted{};
    const std::uint64_t kv_bytes = KvCache::bytes(spec, shape.n_ctx, shape.n_batch, shape.kv_type);
    return {checked_add(kv_bytes, RecurrentState::bytes(spec), "KV cache"),
            lay_out(spec, shape, n_threads, nullptr, counted)};
}

Forward::Forward(const Model& model, const PassShape& shape)
    : model_(model),
      shape_(checked_shape(model.spec(), shape)),
      cache_(model.spec(), shape_.n_ctx, shape_.n_batch, shape_.kv_type, model.engine().memory),
      state_(model.spec(), model.engine().memory),
      buffer_(model.engine().memory, plan(model.spec(), shape_, model.engine().workers.size()).scratch_bytes) {
    lay_out(model.spec(), shape_, model.engine().workers.size(), buffer_.data(), scratch_);
    std::size_t offset = 0;
    for (const arch::RopeSpec& rope : model.spec().ropes) {
        const std::size_t half = rope.n_rot / 2;
        inverse_frequencies(rope, rope_factors(rope, model.weights(), shape_.n_ctx),
                            {scratch_.frequencies + offset, half});
        offset += half;
    }
}

void Forward::begin(std::span<const Token> tokens, std::uint32_t pos, std::uint32_t n_logits) noexcept {
    std::copy(tokens.begin(), tokens.end(), scratch_.tokens);
    n_tokens_ = static_cast<std::uint32_t>(tokens.size());
    pos_ = pos;
    n_logits_ = n_logits;
    if (pos == 0) written_ = 0;  // all positions are stored anew
    written_ = std::max(written_, pos + n_tokens_);
    state_.begin(pos, n_tokens_);
    step_ = 0;
}

Pass Forward::make_pass(const Stop& stop, Profile* profile, const InputObserver* observer) noexcept {
    return {model_,
            model_.spec(),
            model_.weights(),
            model_.engine().kernels,
            model_.engine().workers,
            cache_,
            state_,
            shape_,
            scratch_,
            n_tokens_,
            pos_,
            stop.cancel,
            profile,
            observer};
}

Forward::Outcome Forward::run(const Stop& stop, Profile* profile, const InputObserver* observer) noexcept {
    const arch::ModelSpec& spec = model_.spec();
    const FloatEnvironment environment;
    const Pass pass = make_pass(stop, profile, observer);
    const auto n_layers = static_cast<std::uint32_t>(spec.layers.size());
    const std::uint32_t n_rows = shape_.states ? 1 : spec.n_vocab;  // states are one slice
    const std::uint32_t n_slices = n_logits_ == 0 ? 0 : div_up(n_rows, kOutputRows);
    if (profile != nullptr) profile->start();
    if (step_ == 0) {
        cache_.reserve(pos_ + n_tokens_);
        prepare_ropes(pass);
        if (!pass.for_tokens(n_tokens_, [&](std::size_t t, WorkerScratch&) { embed_token(pass, t); }) ||
            !embed_per_layer(pass) || !split_streams(pass)) {
            step_ = kIdle;
            return Outcome::cancelled;
        }
        pass.lap(Part::embedding);
    }
    while (step_ < 2 * n_layers + n_slices) {
        const std::uint32_t layer = step_ / 2;
        bool done = false;
        if (layer >= n_layers && shape_.states) {
            done = final_states(pass, n_logits_);
        } else if (layer >= n_layers) {
            const std::uint32_t first = (step_ - 2 * n_layers) * kOutputRows;
            done = output_slice(pass, n_logits_, first, std::min(kOutputRows, spec.n_vocab - first));
        } else {
            done = half_layer(pass, layer, step_ % 2 == 0);
        }
        if (!done) {
            step_ = kIdle;
            return Outcome::cancelled;
        }
        ++step_;
        if (step_ < 2 * n_layers + n_slices && stop.deadline != Stop::Clock::time_point::max() &&
            Stop::Clock::now() >= stop.deadline) {
            return Outcome::paused;
        }
    }
    state_.commit();
    step_ = kIdle;
    return Outcome::done;
}

std::span<const float> Forward::logits() const noexcept {
    return {scratch_.logits, std::size_t{n_logits_} * model_.spec().n_vocab};
}

std::span<const float> Forward::states() const noexcept {
    return {scratch_.h, std::size_t{n_logits_} * model_.spec().d_model};
}

void Forward::project(arch::Pooling pooling, std::span<const float> pooled, std::span<float> y) noexcept {
    const FloatEnvironment environment;
    project_pooled(make_pass(Stop{}, nullptr, nullptr), pooling, pooled.data(), y.data());
}

std::uint32_t Forward::restart(std::uint32_t pos) const noexcept {
    const std::uint32_t from = state_.restart(pos);
    return cache_.holds_window(from, written_) ? from : 0;
}

}  // namespace linnet
