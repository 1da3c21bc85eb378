// SPDX-License-Identifier: MIT
// What the steps of one forward pass share: the model's parts, the sequence's cache, working memory, and a parallel
// loop. Internal to model/.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <span>

#include "base/checked.hpp"
#include "cache/kv_cache.hpp"
#include "cache/recurrent_state.hpp"
#include "model/forward.hpp"
#include "model/profile.hpp"

namespace linnet {

struct Pass {
    const Model& model;
    const arch::ModelSpec& spec;
    const Weights& weights;
    const kernels::Table& kernels;
    Workers& workers;
    KvCache& cache;
    const RecurrentState& state;
    const PassShape& shape;
    const Scratch& s;
    std::uint32_t n_tokens;
    std::uint32_t pos;  // of the first token
    const std::atomic<bool>* cancel;
    Profile* profile;               // null: nobody looks, and no clock is read
    const InputObserver* observer;  // likewise

    // Where a part of the work ends.
    void lap(Part part) const noexcept {
        if (profile != nullptr) profile->lap(part);
    }

    void observe(const Matrix& w, std::size_t first, std::size_t n, const float* x) const noexcept {
        if (observer != nullptr) observer->see(observer->user, w, first, n, x);
    }

    bool cancelled() const noexcept { return cancel != nullptr && cancel->load(std::memory_order_relaxed); }

    // Calls f(begin, end, scratch of the worker) for ranges that cover [0, n), taken in order by whoever is free: of
    // max while much is left, then ever shorter ones, so that all workers end together. False when cancelled meanwhile
    // (some ranges have then not run). Results never depend on who runs what.
    template <class F>
    bool parallel_ranges(std::size_t n, std::size_t max, F f) const noexcept {
        std::atomic<std::size_t> next{0};
        const std::size_t share = 2 * std::size_t{workers.size()};
        auto work = [&](std::uint32_t worker) {
            std::size_t begin = next.load(std::memory_order_relaxed);
            while (begin < n && !cancelled()) {
                const std::size_t end = begin + std::clamp<std::size_t>((n - begin) / share, 1, max);
                if (!next.compare_exchange_weak(begin, end, std::memory_order_relaxed)) continue;
                f(begin, end, s.workers[worker]);
                begin = next.load(std::memory_order_relaxed);
            }
        };
        workers.run(static_cast<std::uint32_t>(std::min<std::size_t>(n, workers.size())), work);
        return !cancelled();
    }

    // Calls f(task, scratch of the worker) for all tasks, likewise.
    template <class F>
    bool parallel(std::size_t n_tasks, F f) const noexcept {
        return parallel_ranges(n_tasks, 1,
                               [&](std::size_t task, std::size_t, WorkerScratch& worker) { f(task, worker); });
    }

    // y = norm of a row of n; y may be x.
    void norm(const Norm& norm, const float* x, std::size_t n, float* y) const noexcept {
        if (spec.norm == arch::NormKind::rms) {
            kernels.rms_norm.fn(x, norm.weight, n, spec.norm_eps, y);
        } else {
            kernels.layer_norm.fn(x, norm.weight, norm.bias, n, spec.norm_eps, y);
        }
    }

    // Calls f(t, scratch of the worker) for n tokens. Neighbours, which share cache lines of panels and of key tiles,
    // have the same worker; a few are not worth waking threads for.
    template <class F>
    bool for_tokens(std::size_t n, F f) const noexcept {
        constexpr std::size_t kPanel = kernels::panel_tokens(kernels::Activations::q8);
        constexpr std::size_t kMost = 4;  // panels
        const auto panels = [&](std::size_t begin, std::size_t end, WorkerScratch& worker) {
            for (std::size_t t = begin * kPanel; t < std::min(end * kPanel, n); ++t) f(t, worker);
        };
        if (n >= 8) return parallel_ranges(div_up(n, kPanel), kMost, panels);
        panels(0, div_up(n, kPanel), s.workers[0]);
        return !cancelled();
    }

    // The same where f makes what an observer sees, token by token.
    template <class F>
    bool for_inputs(std::size_t n, F f) const noexcept {
        if (observer == nullptr) return for_tokens(n, f);
        for (std::size_t t = 0; t < n && !cancelled(); ++t) f(t, s.workers[0]);
        return !cancelled();
    }
};

// y[t, r] = x[t] * W[r] + bias[r]; y is [n_tokens][y_stride].
struct Projection {
    const Matrix& w;
    const float* bias;  // null: none
    float* y;
    std::size_t y_stride;
};

// Linear layers of one input x, a row of n_in per token. make_row(t) returns the row of token t, called once for each.
// False when cancelled. part: what the matrices' time counts as.
bool linear(const Pass& pass, Part part, std::span<const Projection> projections, std::size_t n_in,
            std::size_t n_tokens, FunctionRef<const float*(std::size_t t)> make_row) noexcept;

// The row of x of token t as a half layer takes it: normed into h, where there is a norm.
const float* input_row(const Pass& pass, const Norm& norm, std::size_t t) noexcept;

// What a file has behind the pooling: see Forward::project.
void project_pooled(const Pass& pass, arch::Pooling pooling, const float* pooled, float* y) noexcept;

// Half layers: what they add to the residual stream x goes to y, or to z by attention of a parallel layer.
bool attention(const Pass& pass, std::size_t layer) noexcept;
bool short_conv(const Pass& pass, std::size_t layer) noexcept;
bool delta_net(const Pass& pass, std::size_t layer) noexcept;
bool state_space(const Pass& pass, std::size_t layer) noexcept;
bool feed_forward(const Pass& pass, std::size_t layer) noexcept;

// One row of a matrix, packed or not, as floats.
void read_row(const Pass& pass, const Matrix& w, std::size_t row, float* y) noexcept;

// The blocks below do nothing in models that lack them; false when cancelled.
// Embeddings that each layer has for itself: all layers' of all tokens, from their x; what a layer adds by its own,
// from its result x, to y; and adding that to x.
bool embed_per_layer(const Pass& pass) noexcept;
bool per_layer_addition(const Pass& pass, std::size_t layer) noexcept;
bool add_per_layer(const Pass& pass, std::size_t layer) noexcept;
// Streams of alternating updates: made from the embeddings x; predicted before a layer, which takes x; corrected by the
// x that it gives, with its own embedding added; and merged into x for the last n_last tokens.
bool split_streams(const Pass& pass) noexcept;
bool predict_streams(const Pass& pass, std::size_t layer) noexcept;
bool correct_streams(const Pass& pass, std::size_t layer) noexcept;
bool merge_streams(const Pass& pass, std::size_t n_last) noexcept;
// The low-rank residual: from the x that attention takes to z; averaged with what attention has made of x.
bool laurel(const Pass& pass, std::size_t layer) noexcept;
bool add_laurel(const Pass& pass) noexcept;

}  // namespace linnet
