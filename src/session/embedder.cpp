// SPDX-License-Identifier: MIT
#include "session/embedder.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/math.hpp"

namespace linnet {

namespace {

using arch::Pooling;
using arch::RopeScaling;

// Which states of a text its vector needs.
bool takes_last(const arch::ModelSpec& spec, Pooling pooling) {
    return pooling == Pooling::last || (pooling == Pooling::rank && !spec.bidirectional);
}

}  // namespace

std::uint32_t Embedder::context(const arch::ModelSpec& spec, std::uint32_t n_ctx) {
    PassShape shape;
    shape.n_ctx = n_ctx != 0 ? n_ctx : spec.n_ctx_train;
    return Forward::resolve(spec, shape).n_ctx;
}

std::uint32_t Embedder::vector_size(const arch::ModelSpec& spec, Pooling pooling) {
    if (pooling != Pooling::rank) return spec.d_model;
    if (spec.n_classes == 0) {
        throw Error(Status::unsupported, "the model does not rank: it has no tensor 'cls.output.weight'");
    }
    return spec.n_classes;
}

PassShape Embedder::shape(const arch::ModelSpec& spec, std::uint32_t context, std::uint32_t n_max) {
    // Where rotations depend on the context, the longest text must not choose them.
    const bool by_context = std::any_of(spec.ropes.begin(), spec.ropes.end(),
                                        [](const auto& rope) { return rope.scaling == RopeScaling::longrope; });
    PassShape shape;
    shape.n_ctx = by_context ? context : n_max;
    shape.kv_type = KvType::f32;
    shape.states = true;
    return Forward::resolve(spec, shape);
}

Forward::Sizes Embedder::plan(const arch::ModelSpec& spec, std::uint32_t context, std::uint32_t n_max,
                              std::uint32_t n_threads) {
    Forward::Sizes sizes = Forward::plan(spec, shape(spec, context, n_max), n_threads);
    sizes.scratch_bytes += spec.d_model * (sizeof(double) + sizeof(float));
    return sizes;
}

Embedder::Embedder(const Model& model, std::uint32_t context, std::uint32_t n_max, Pooling pooling)
    : model_(model),
      pooling_(pooling),
      forward_(model, shape(model.spec(), context, n_max)),
      sums_(model.spec().d_model, &model.engine().memory),
      pooled_(model.spec().d_model, &model.engine().memory) {}

bool Embedder::embed(std::span<const Token> tokens, float* y, const std::atomic<bool>* cancel) {
    const FloatEnvironment environment;
    const arch::ModelSpec& spec = model_.spec();
    const std::size_t d_model = spec.d_model;
    const bool last_only = takes_last(spec, pooling_);
    const auto stop = Stop{cancel, Stop::Clock::time_point::max()};
    std::fill(sums_.begin(), sums_.end(), 0.0);
    const std::size_t n_batch = forward_.shape().n_batch;
    for (std::size_t begin = 0; begin < tokens.size(); begin += n_batch) {
        const auto part = tokens.subspan(begin, std::min(n_batch, tokens.size() - begin));
        const bool is_end = begin + part.size() == tokens.size();
        const std::size_t n_states = last_only ? (is_end ? 1 : 0) : part.size();
        forward_.begin(part, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(n_states));
        if (forward_.run(stop) != Forward::Outcome::done) return false;
        const std::span<const float> states = forward_.states();
        switch (pooling_) {
            case Pooling::none: std::copy(states.begin(), states.end(), y + begin * d_model); break;
            case Pooling::mean:  // ascending positions, whatever the passes
                for (std::size_t i = 0; i < states.size(); ++i) sums_[i % d_model] += states[i];
                break;
            default:
                // The first state of the first pass, or the only one of the last.
                if (last_only ? is_end : begin == 0) std::copy_n(states.begin(), d_model, pooled_.begin());
        }
    }
    if (pooling_ == Pooling::none) return true;
    if (pooling_ == Pooling::mean) {
        const auto n = static_cast<double>(tokens.size());
        std::transform(sums_.begin(), sums_.end(), pooled_.begin(),
                       [n](double s) { return static_cast<float>(s / n); });
    }
    forward_.project(pooling_, pooled_, {y, vector_size(spec, pooling_)});
    return true;
}

void normalise(std::span<float> x) noexcept {
    double squares = 0.0;
    for (const float v : x) squares += static_cast<double>(v) * v;
    if (!(squares > 0.0)) return;
    const double length = math::sqrt(squares);
    for (float& v : x) v = static_cast<float>(v / length);
}

}  // namespace linnet
