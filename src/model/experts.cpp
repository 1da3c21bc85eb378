// SPDX-License-Identifier: MIT
// Feed-forward layers with experts. The tokens of a pass are grouped by expert, so that an expert's weights are read
// and unpacked once for all of them. A token's result is the sum over its experts in ascending order of their numbers,
// each term fma(what the expert gives, weight, sum so far) from zero, then the shared expert's: the same whatever
// tokens are computed beside it, for a task of the last product owns some rows of y and walks all experts in order.
#include <algorithm>
#include <array>
#include <limits>
#include <span>

#include "base/checked.hpp"
#include "base/exp.hpp"
#include "base/math.hpp"
#include "model/feed_forward.hpp"

namespace linnet {

namespace {

using arch::Role;
using kernels::kQuantBlock;
using kernels::kTileRows;

constexpr float kOut = -std::numeric_limits<float>::infinity();  // of an expert that is not to be chosen

// Tasks for each worker when an expert's rows are divided; more balance better, but each packs its tokens anew.
constexpr std::size_t kTasksPerWorker = 12;
// The same for the rows of down's result.
constexpr std::size_t kDownTasksPerWorker = 4;

// One layer's experts, with what they work on.
struct Experts {
    const Pass& pass;
    const arch::ExpertSpec& spec;
    const ExpertScratch& s;
    std::size_t layer;
    std::size_t d_model;
    const float* h;       // [n_tokens][d_model], their input
    const float* scales;  // of each expert's weight; null: none
    const float* bias;    // of each expert's weight as they are chosen by; null: none

    std::size_t n_rows(std::size_t expert) const { return s.first[expert + 1] - s.first[expert]; }
    const Matrix& matrix(Role role, std::size_t expert) const { return pass.weights.stacked(role, layer, expert); }
    // An expert's hidden rows begin a panel, of whatever kind its matrix takes.
    Panels hidden(std::size_t expert) const {
        std::byte* panels = s.hidden + std::size_t{s.first[expert]} * spec.d_ff * sizeof(float);
        return {{panels, panels}};
    }
};

float sigmoid(float x) noexcept {
    const float e = exp_negative(x < 0.0F ? x : -x);
    return (x < 0.0F ? e : 1.0F) / (1.0F + e);
}

bool is_sigmoid(arch::Routing routing) noexcept {
    return routing == arch::Routing::sigmoid_all || routing == arch::Routing::sigmoid_chosen;
}

// What experts are chosen by.
struct Choice {
    std::span<const float> scores;
    const float* bias;  // null: none

    float operator[](std::size_t i) const { return bias != nullptr ? scores[i] + bias[i] : scores[i]; }
    std::size_t size() const { return scores.size(); }
};

// The best of a token's experts that are not in chosen[0, n).
std::uint32_t best_left(const Choice& by, std::span<const std::uint32_t> chosen) noexcept {
    std::size_t best = by.size();
    for (std::size_t i = 0; i < by.size(); ++i) {
        const bool better = best == by.size() || by[i] > by[best];
        if (better && std::find(chosen.begin(), chosen.end(), i) == chosen.end()) best = i;
    }
    return static_cast<std::uint32_t>(best);
}

void make_probabilities(arch::Routing routing, std::span<float> scores) noexcept {
    if (is_sigmoid(routing)) {
        for (float& score : scores) score = sigmoid(score);
        return;
    }
    const float highest = *std::max_element(scores.begin(), scores.end());
    double sum = 0.0;
    for (float& score : scores) {
        score = exp_negative(score - highest);
        sum += static_cast<double>(score);
    }
    for (float& score : scores) score = static_cast<float>(static_cast<double>(score) / sum);
}

// Probabilities of experts outside the best groups become -infinity. DeepSeek-V2 (arXiv 2405.04434) compares groups by
// their best expert, V3 (arXiv 2412.19437), with sigmoids, by the sum of their two best.
void keep_best_groups(const arch::ExpertSpec& spec, std::span<float> scores, const float* bias) noexcept {
    const std::size_t size = scores.size() / spec.n_groups;
    std::array<float, arch::kMaxExpertGroups> values;
    for (std::size_t group = 0; group < spec.n_groups; ++group) {
        const Choice of = {scores.subspan(group * size, size), bias != nullptr ? bias + group * size : nullptr};
        const std::uint32_t first[] = {best_left(of, {})};
        values[group] = of[first[0]] + (is_sigmoid(spec.routing) ? of[best_left(of, first)] : 0.0F);
    }
    std::array<std::uint32_t, arch::kMaxExpertGroups> kept;
    const Choice groups = {{values.data(), spec.n_groups}, nullptr};
    for (std::size_t n = 0; n < spec.n_groups_used; ++n) kept[n] = best_left(groups, {kept.data(), n});
    const std::span<const std::uint32_t> all_kept(kept.data(), spec.n_groups_used);
    for (std::size_t i = 0; i < scores.size(); ++i) {
        if (std::find(all_kept.begin(), all_kept.end(), i / size) == all_kept.end()) scores[i] = kOut;
    }
}

// SparseMixer (arXiv 2409.12136) as Phi-3.5-MoE evaluates it: the weight of the expert `best` in a softmax over those
// left whose distance from it is at most 0.02 of the larger score.
float mixer_weight(std::span<const float> scores, std::span<const std::uint32_t> chosen, std::uint32_t best) noexcept {
    const float top = scores[best];
    double sum = 0.0;
    for (std::size_t i = 0; i < scores.size(); ++i) {
        const float larger = std::max(scores[i] < 0.0F ? -scores[i] : scores[i], top);
        if ((top - scores[i]) / larger > 0.02F) continue;
        if (std::find(chosen.begin(), chosen.end(), i) != chosen.end()) continue;
        sum += static_cast<double>(exp_negative(scores[i] - top));
    }
    return static_cast<float>(1.0 / sum);
}

// The n_used experts of a token, those with the highest scores, the first of equal ones; in ascending order.
void choose(const Experts& e, std::size_t t) noexcept {
    const std::size_t n_used = e.spec.n_used;
    const std::span<float> scores(e.s.scores + t * e.spec.n_experts, e.spec.n_experts);
    std::uint32_t* chosen = e.s.chosen + t * n_used;
    float* weights = e.s.weights + t * n_used;
    // A softmax keeps the order of the scores; what is added to it, or summed over groups, does not.
    const bool by_probability = is_sigmoid(e.spec.routing) || e.bias != nullptr || e.spec.n_groups > 1;
    if (by_probability) make_probabilities(e.spec.routing, scores);
    if (e.spec.n_groups > 1) keep_best_groups(e.spec, scores, e.bias);
    const Choice by = {scores, e.bias};
    for (std::size_t n = 0; n < n_used; ++n) {
        const std::uint32_t best = best_left(by, {chosen, n});
        const bool mix = e.spec.routing == arch::Routing::sparse_mixer;
        const float weight = mix ? mixer_weight(scores, {chosen, n}, best) : 0.0F;
        std::size_t i = n;
        for (; i > 0 && chosen[i - 1] > best; --i) {
            chosen[i] = chosen[i - 1];
            weights[i] = weights[i - 1];
        }
        chosen[i] = best;
        weights[i] = weight;
    }
    if (e.spec.routing == arch::Routing::sparse_mixer) return;
    const bool over_all = e.spec.routing == arch::Routing::softmax_all || e.spec.routing == arch::Routing::sigmoid_all;
    const float highest = by_probability ? 0.0F : scores[best_left(by, {})];
    const auto weight = [&](float score) { return by_probability ? score : exp_negative(score - highest); };
    double sum = 0.0;
    for (std::size_t i = 0; i < n_used; ++i) {
        weights[i] = weight(scores[chosen[i]]);
        sum += static_cast<double>(weights[i]);
    }
    if (over_all && by_probability) {
        sum = 1.0;
    } else if (over_all) {
        sum = 0.0;
        for (const float score : scores) sum += static_cast<double>(weight(score));
    }
    if (sum == 0.0) sum = 1.0;  // sigmoids of scores far below zero
    const double factor = static_cast<double>(e.spec.scale) / sum;
    for (std::size_t i = 0; i < n_used; ++i) {
        const float scale = e.scales != nullptr ? e.scales[chosen[i]] : 1.0F;
        weights[i] = static_cast<float>(static_cast<double>(weights[i]) * factor * static_cast<double>(scale));
    }
}

// (token, expert) pairs as rows, by expert, then token. Returns the number of experts that have any, which `active`
// lists, those with the most first.
std::size_t group(const Experts& e) noexcept {
    const ExpertScratch& s = e.s;
    const std::size_t n_experts = e.spec.n_experts;
    const std::size_t n_pairs = std::size_t{e.pass.n_tokens} * e.spec.n_used;
    std::fill_n(s.first, n_experts + 1, 0U);
    for (std::size_t i = 0; i < n_pairs; ++i) ++s.first[s.chosen[i] + 1];
    for (std::size_t i = 0; i < n_experts; ++i) s.first[i + 1] += s.first[i];
    for (std::size_t i = 0; i < n_pairs; ++i) {
        const std::uint32_t row = s.first[s.chosen[i]]++;
        s.tokens[row] = static_cast<std::uint32_t>(i / e.spec.n_used);
        s.row_weights[row] = s.weights[i];
    }
    // Every entry has moved to where the next one began.
    std::copy_backward(s.first, s.first + n_experts, s.first + n_experts + 1);
    s.first[0] = 0;
    std::size_t n_active = 0;
    for (std::uint32_t i = 0; i < n_experts; ++i) {
        if (e.n_rows(i) != 0) s.active[n_active++] = i;
    }
    std::sort(s.active, s.active + n_active, [&](std::uint32_t a, std::uint32_t b) {
        return e.n_rows(a) != e.n_rows(b) ? e.n_rows(a) > e.n_rows(b) : a < b;
    });
    return n_active;
}

void add_bias(const Experts& e, Role role, std::size_t expert, std::size_t first, std::size_t rows,
              std::size_t n_tokens, float* y) noexcept {
    const float* bias = e.pass.weights.vector(role, e.layer);
    if (bias == nullptr) return;
    bias += expert * (role == Role::ffn_down_exps_bias ? e.d_model : e.spec.d_ff) + first;
    for (std::size_t t = 0; t < n_tokens; ++t) e.pass.kernels.add.fn(bias, rows, y + t * kFeedForwardRows);
}

// Rows [begin, end) of an expert's hidden layer, for all its tokens.
void gate_up(const Experts& e, std::size_t expert, std::size_t begin, std::size_t end, WorkerScratch& w) noexcept {
    const Pass& pass = e.pass;
    const Matrix& gate = e.matrix(Role::ffn_gate_exps, expert);
    const Matrix& up = e.matrix(Role::ffn_up_exps, expert);
    const Matrix& down = e.matrix(Role::ffn_down_exps, expert);
    const std::size_t n = e.n_rows(expert);
    const Panels hidden = e.hidden(expert);
    for (std::size_t t0 = 0; t0 < n; t0 += kFeedForwardTokens) {
        const std::size_t n_tokens = std::min<std::size_t>(kFeedForwardTokens, n - t0);
        const std::uint32_t* tokens = e.s.tokens + e.s.first[expert] + t0;
        for (std::size_t i = 0; i < n_tokens; ++i) {
            const float* h = e.h + tokens[i] * e.d_model;
            pack_row(pass, activations_of(gate), h, 0, e.d_model, e.d_model, i, n_tokens, w.gathered);
            if (activations_of(up) != activations_of(gate)) {
                pack_row(pass, activations_of(up), h, 0, e.d_model, e.d_model, i, n_tokens, w.gathered);
            }
            if (begin != 0) continue;  // seen by the task of the first rows
            pass.observe(gate, 0, e.d_model, h);
            pass.observe(up, 0, e.d_model, h);
        }
        for (std::size_t first = begin; first < end && !pass.cancelled(); first += kFeedForwardRows) {
            const std::size_t rows = std::min<std::size_t>(kFeedForwardRows, end - first);
            const std::size_t tile = first / kTileRows;
            const std::size_t n_tiles = div_up(rows, kTileRows);
            multiply_tiles(pass, gate, tile, n_tiles, w.gathered, {0, n_tokens}, w.gate, kFeedForwardRows, w);
            multiply_tiles(pass, up, tile, n_tiles, w.gathered, {0, n_tokens}, w.up, kFeedForwardRows, w);
            add_bias(e, Role::ffn_gate_exps_bias, expert, first, rows, n_tokens, w.gate);
            add_bias(e, Role::ffn_up_exps_bias, expert, first, rows, n_tokens, w.up);
            for (std::size_t i = 0; i < n_tokens; ++i) {
                float* row = w.gate + i * kFeedForwardRows;
                activate(pass, pass.spec.layers[e.layer].activation, row, w.up + i * kFeedForwardRows, rows, row);
                pass.observe(down, first, rows, row);
                pack_row(pass, activations_of(down), row, first, rows, e.spec.d_ff, t0 + i, n, hidden);
            }
        }
    }
}

// Rows [first, first + rows) of y, of all tokens.
void down(const Experts& e, std::size_t first, std::size_t rows, WorkerScratch& w) noexcept {
    const Pass& pass = e.pass;
    for (std::size_t t = 0; t < pass.n_tokens; ++t) std::fill_n(pass.s.y + t * e.d_model + first, rows, 0.0F);
    for (std::size_t expert = 0; expert < e.spec.n_experts && !pass.cancelled(); ++expert) {
        const std::size_t n = e.n_rows(expert);
        for (std::size_t t0 = 0; t0 < n; t0 += kFeedForwardTokens) {
            const TokenRange tokens = {t0, std::min<std::size_t>(kFeedForwardTokens, n - t0)};
            multiply_tiles(pass, e.matrix(Role::ffn_down_exps, expert), first / kTileRows, div_up(rows, kTileRows),
                           e.hidden(expert), tokens, w.gate, kFeedForwardRows, w);
            add_bias(e, Role::ffn_down_exps_bias, expert, first, rows, tokens.n, w.gate);
            for (std::size_t i = 0; i < tokens.n; ++i) {
                const std::size_t row = e.s.first[expert] + t0 + i;
                pass.kernels.add_scaled.fn(w.gate + i * kFeedForwardRows, e.s.row_weights[row], rows,
                                           pass.s.y + e.s.tokens[row] * e.d_model + first);
            }
        }
    }
}

bool add_shared(const Experts& e) noexcept {
    const Pass& pass = e.pass;
    const Weights& weights = pass.weights;
    auto row = [&](std::size_t t) -> const float* { return e.h + t * e.d_model; };
    const Dense shared = {weights.matrix(Role::ffn_gate_shexp, e.layer),
                          weights.matrix(Role::ffn_up_shexp, e.layer),
                          weights.matrix(Role::ffn_down_shexp, e.layer),
                          nullptr,
                          nullptr,
                          nullptr,
                          pass.spec.layers[e.layer].activation,
                          pass.s.z};
    if (!dense(pass, shared, row)) return false;
    const bool gated = weights.matrix(Role::ffn_gate_inp_shexp, e.layer).data != nullptr;
    const bool done = pass.for_tokens(pass.n_tokens, [&](std::size_t t, WorkerScratch&) {
        const float weight = gated ? sigmoid(e.s.shared_scores[t]) : 1.0F;
        pass.kernels.add_scaled.fn(pass.s.z + t * e.d_model, weight, e.d_model, pass.s.y + t * e.d_model);
    });
    pass.lap(Part::down);
    return done;
}

}  // namespace

bool experts(const Pass& pass, std::size_t layer) noexcept {
    const arch::ExpertSpec& spec = pass.spec.layers[layer].experts;
    const Weights& weights = pass.weights;
    // Beside a dense feed-forward the experts have a norm of their own, and their router another one.
    const float* router_scale = weights.vector(Role::ffn_gate_inp_scale, layer);
    const float* own_norm = weights.vector(Role::pre_ffw_norm_2, layer);
    const Norm norm = own_norm != nullptr ? Norm{own_norm, nullptr} : feed_forward_norm(pass, layer);
    const Experts e = {pass,
                       spec,
                       pass.s.experts,
                       layer,
                       pass.spec.d_model,
                       norm.weight != nullptr ? pass.s.h : pass.s.x,
                       weights.vector(Role::ffn_down_exps_scale, layer),
                       weights.vector(Role::exp_probs_b, layer)};

    const Projection scores[] = {
        {weights.matrix(Role::ffn_gate_inp, layer), weights.vector(Role::ffn_gate_inp_bias, layer), e.s.scores,
         spec.n_experts},
        {weights.matrix(Role::ffn_gate_inp_shexp, layer), nullptr, e.s.shared_scores, 1},
    };
    const std::size_t n_scores = scores[1].w.data != nullptr ? 2 : 1;
    const auto root = static_cast<float>(1.0 / math::sqrt(static_cast<double>(e.d_model)));
    auto make_normed = [&](std::size_t t) -> const float* {
        if (router_scale == nullptr) return input_row(pass, norm, t);
        const float* row = input_row(pass, {router_scale, nullptr}, t);
        pass.kernels.scale.fn(row, root, e.d_model, pass.s.h + t * e.d_model);
        return row;
    };
    if (!linear(pass, Part::router, {scores, n_scores}, e.d_model, pass.n_tokens, make_normed)) return false;
    if (!pass.for_tokens(pass.n_tokens, [&](std::size_t t, WorkerScratch&) {
            choose(e, t);
            if (router_scale != nullptr) input_row(pass, norm, t);
        })) {
        return false;
    }
    const std::size_t n_active = group(e);
    pass.lap(Part::router);

    const std::size_t n_parts = div_up(kTasksPerWorker * pass.workers.size(), n_active);
    const std::size_t rows = round_up(div_up<std::size_t>(spec.d_ff, n_parts), kQuantBlock);
    const std::size_t tasks_each = div_up<std::size_t>(spec.d_ff, rows);
    const bool activated = pass.parallel(n_active * tasks_each, [&](std::size_t task, WorkerScratch& w) {
        const std::size_t begin = task % tasks_each * rows;
        gate_up(e, e.s.active[task / tasks_each], begin, std::min<std::size_t>(begin + rows, spec.d_ff), w);
    });
    pass.lap(Part::gate_up);
    if (!activated) return false;

    // A task walks all experts, and between two of them the weights jump: few tokens take as many rows as leave tasks
    // enough to balance.
    const std::size_t balanced = round_up(div_up(e.d_model, kDownTasksPerWorker * pass.workers.size()), kQuantBlock);
    const std::size_t step = pass.n_tokens < kFeedForwardTokens / 2
                                 ? std::clamp<std::size_t>(balanced, kFeedForwardRows / 4, kFeedForwardRows)
                                 : kFeedForwardRows;
    const bool done = pass.parallel(div_up(e.d_model, step), [&](std::size_t task, WorkerScratch& w) {
        down(e, task * step, std::min(step, e.d_model - task * step), w);
    });
    pass.lap(Part::down);
    const bool shared = weights.matrix(Role::ffn_up_shexp, layer).data != nullptr;
    return done && (!shared || add_shared(e));
}

}  // namespace linnet
