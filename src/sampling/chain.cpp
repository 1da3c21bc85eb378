// SPDX-License-Identifier: MIT
// Stages on a list of candidates. Sums run over the list from its front in double precision, so that their order is
// that of the candidates and nothing else.
#include "sampling/chain.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/exp.hpp"
#include "base/math.hpp"

namespace linnet {

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr Stage kDefaultOrder[] = {Stage::penalties, Stage::dry,     Stage::top_n_sigma,
                                   Stage::top_k,     Stage::typical, Stage::top_p,
                                   Stage::min_p,     Stage::xtc,     Stage::temperature};

double weight(float score, float best) noexcept { return static_cast<double>(exp_negative(score - best)); }

// Smaller keys for greater scores.
std::uint32_t key_of(float score) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(score + 0.0F);  // -0 becomes 0
    return bits >> 31 != 0 ? bits : ~(bits | 1U << 31);
}

bool has(std::span<const Stage> stages, Stage stage) noexcept {
    return std::ranges::find(stages, stage) != stages.end();
}

}  // namespace

Chain::Chain(std::uint32_t n_vocab, const SamplerOptions& options, Memory& memory)
    : options_(options),
      stages_(&memory),
      min_p_cut_(options.min_p > 0.0F ? log_threshold(options.min_p) : -kInfinity),
      list_(n_vocab, &memory),
      scratch_(n_vocab, &memory),
      matches_(&memory),
      longest_(&memory) {
    if (options.stages.empty()) {
        stages_.assign(std::begin(kDefaultOrder), std::end(kDefaultOrder));
    } else {
        stages_.assign(options.stages.begin(), options.stages.end());
    }
    options_.stages = stages_;
    options_.biases = {};
    options_.dry_breakers = {};
    options_.banned = {};
    if (options_.dry_multiplier > 0.0F && has(stages_, Stage::dry)) {
        matches_.resize(options_.dry_window);
        longest_.resize(n_vocab);
    }
    reset();
}

Token Chain::sample(std::span<const float> scores, const Past& past, Random& random) noexcept {
    n_ = 0;
    float most = -kInfinity;
    for (std::size_t i = 0; i < scores.size(); ++i) {
        if (!(scores[i] > -kInfinity)) continue;
        list_[n_++] = {scores[i], static_cast<Token>(i)};
        if (scores[i] > most) most = scores[i];
    }
    if (n_ == 0) return 0;
    sorted_ = false;
    by_id_ = true;
    if (most == kInfinity) {  // infinitely probable: the first of them
        return std::ranges::find(candidates(), kInfinity, &Candidate::score)->token;
    }
    for (const Stage stage : stages_) apply(stage, past, random);
    return choose(random);
}

void Chain::apply(Stage stage, const Past& past, Random& random) noexcept {
    switch (stage) {
        case Stage::penalties: return penalise(past);
        case Stage::dry: return penalise_repeats(past);
        case Stage::top_n_sigma: return keep_sigmas();
        case Stage::top_k: return keep_top_k();
        case Stage::typical: return keep_typical();
        case Stage::top_p: return keep_top_p();
        case Stage::min_p: {
            if (options_.min_p == 0.0F) return;
            const float most = best();
            return filter([&](const Candidate& c) { return c.score - most >= min_p_cut_; });
        }
        case Stage::xtc: return exclude_top(random);
        case Stage::temperature: return temper();
    }
}

// A long list by radix: three passes over the key, least significant digit first, each keeping what came before.
void Chain::sort() noexcept {
    if (sorted_) return;
    sorted_ = true;
    constexpr std::size_t kFew = 1024;
    if (n_ <= kFew || !by_id_) {
        std::sort(list_.begin(), list_.begin() + static_cast<std::ptrdiff_t>(n_), precedes);
        by_id_ = false;
        return;
    }
    by_id_ = false;
    constexpr int kBits = 11;
    constexpr std::uint32_t kDigits = 1U << kBits;
    Candidate* from = list_.data();
    Candidate* to = scratch_.data();
    for (int shift = 0; shift < 32; shift += kBits) {
        std::uint32_t starts[kDigits + 1] = {};
        for (std::size_t i = 0; i < n_; ++i) ++starts[(key_of(from[i].score) >> shift & (kDigits - 1)) + 1];
        for (std::uint32_t i = 0; i < kDigits; ++i) starts[i + 1] += starts[i];
        for (std::size_t i = 0; i < n_; ++i) to[starts[key_of(from[i].score) >> shift & (kDigits - 1)]++] = from[i];
        std::swap(from, to);
    }
    list_.swap(scratch_);  // after an odd number of passes
}

float Chain::best() const noexcept {
    if (sorted_) return list_[0].score;
    float most = -kInfinity;
    for (const Candidate& c : candidates()) most = c.score > most ? c.score : most;
    return most;
}

Chain::Sums Chain::sums() const noexcept {
    const float most = best();
    Sums result{0.0, 0.0};
    for (const Candidate& c : candidates()) {
        const double w = weight(c.score, most);
        result.total += w;
        result.mean += w * static_cast<double>(c.score - most);
    }
    result.mean /= result.total;
    return result;
}

template <class Keep>
void Chain::filter(Keep keep) noexcept {
    std::size_t n = 0;
    for (std::size_t i = 0; i < n_; ++i) {
        if (keep(list_[i])) list_[n++] = list_[i];
    }
    n_ = n;
}

void Chain::penalise(const Past& past) noexcept {
    if (past.counts.empty()) return;
    for (Candidate& c : candidates()) {
        const std::uint32_t count = past.counts[static_cast<std::size_t>(c.token)];
        if (count == 0) continue;
        c.score = c.score > 0.0F ? c.score / options_.repetition_penalty : c.score * options_.repetition_penalty;
        c.score -= static_cast<float>(count) * options_.frequency_penalty + options_.presence_penalty;
    }
    sorted_ = false;
}

// DRY: for each earlier place at which the text's last tokens stand as well, the token that came then. How many tokens
// agree is the Z-function of the text read backwards.
void Chain::penalise_repeats(const Past& past) noexcept {
    if (longest_.empty() || past.text.size() < 2) return;
    const std::span<const Token> text = past.text;
    const std::size_t n = text.size();
    const auto at = [&](std::size_t i) { return text[n - 1 - i]; };
    std::size_t limit = 0;  // tokens since the last breaker
    const auto breaks = [&](Token token) {
        return !past.breakers.empty() && past.breakers[static_cast<std::size_t>(token)];
    };
    while (limit < n && !breaks(at(limit))) ++limit;
    if (limit < options_.dry_allowed_length) return;
    matches_[0] = static_cast<std::uint32_t>(n);
    for (std::size_t i = 1, left = 0, right = 0; i < n; ++i) {
        std::size_t z = i < right ? std::min<std::size_t>(right - i, matches_[i - left]) : 0;
        while (i + z < n && at(z) == at(i + z)) ++z;
        if (i + z > right) {
            left = i;
            right = i + z;
        }
        matches_[i] = static_cast<std::uint32_t>(z);
        std::uint32_t& longest = longest_[static_cast<std::size_t>(at(i - 1))];
        longest = std::max(longest, static_cast<std::uint32_t>(std::min(z, limit)));
    }
    constexpr double kMost = 1e30;
    for (Candidate& c : candidates()) {
        const std::uint32_t length = longest_[static_cast<std::size_t>(c.token)];
        if (length < options_.dry_allowed_length) continue;
        double penalty = static_cast<double>(options_.dry_multiplier);
        for (std::uint32_t i = options_.dry_allowed_length; i < length && penalty < kMost; ++i) {
            penalty *= static_cast<double>(options_.dry_base);
        }
        c.score -= static_cast<float>(std::min(penalty, kMost));
        sorted_ = false;
    }
    for (const Token token : text) longest_[static_cast<std::size_t>(token)] = 0;
}

void Chain::keep_top_k() noexcept {
    if (options_.top_k == 0 || options_.top_k >= n_) return;
    const auto cut = list_.begin() + options_.top_k;
    if (!sorted_) {
        std::nth_element(list_.begin(), cut, list_.begin() + static_cast<std::ptrdiff_t>(n_), precedes);
        by_id_ = false;
    }
    n_ = options_.top_k;
    sort();
}

void Chain::keep_top_p() noexcept {
    if (options_.top_p == 0.0F) return;
    sort();
    double missing = sums().total * static_cast<double>(options_.top_p);
    std::size_t kept = 0;
    for (; kept < n_ && missing > 0.0; ++kept) missing -= weight(list_[kept].score, list_[0].score);
    n_ = kept;
}

// Locally typical: those first whose -log p is next to the entropy, which means: whose score is next to the mean score.
// In a sorted list they surround it.
void Chain::keep_typical() noexcept {
    if (options_.typical_p == 0.0F) return;
    sort();
    const Sums all = sums();
    const float most = list_[0].score;
    const auto distance = [&](std::size_t i) { return static_cast<double>(list_[i].score - most) - all.mean; };
    std::size_t end = 0;  // of those above the mean
    while (end < n_ && distance(end) >= 0.0) ++end;
    std::size_t begin = end;
    double missing = all.total * static_cast<double>(options_.typical_p);
    while (missing > 0.0 && (begin > 0 || end < n_)) {
        const bool up = end == n_ || (begin > 0 && distance(begin - 1) <= -distance(end));
        const std::size_t next = up ? --begin : end++;
        missing -= weight(list_[next].score, most);
    }
    std::copy(list_.begin() + static_cast<std::ptrdiff_t>(begin), list_.begin() + static_cast<std::ptrdiff_t>(end),
              list_.begin());
    n_ = end - begin;
}

void Chain::keep_sigmas() noexcept {
    if (options_.top_n_sigma == 0.0F) return;
    const float most = best();
    double sum = 0.0, squares = 0.0;
    for (const Candidate& c : candidates()) sum += static_cast<double>(c.score - most);
    const double mean = sum / static_cast<double>(n_);
    for (const Candidate& c : candidates()) {
        const double d = static_cast<double>(c.score - most) - mean;
        squares += d * d;
    }
    const double n_sigma = static_cast<double>(options_.top_n_sigma);
    const double bound = n_sigma * n_sigma * squares / static_cast<double>(n_);  // of the squared distance
    filter([&](const Candidate& c) {
        const double d = static_cast<double>(most - c.score);
        return d * d <= bound;
    });
}

// XTC: of the tokens that reach the threshold, only the least probable stays.
void Chain::exclude_top(Random& random) noexcept {
    if (options_.xtc_probability == 0.0F) return;
    if (random.uniform() >= static_cast<double>(options_.xtc_probability)) return;
    sort();
    const double least = sums().total * static_cast<double>(options_.xtc_threshold);
    std::size_t n_reach = 0;
    while (n_reach < n_ && weight(list_[n_reach].score, list_[0].score) >= least) ++n_reach;
    if (n_reach < 2) return;
    std::copy(list_.begin() + static_cast<std::ptrdiff_t>(n_reach - 1), list_.begin() + static_cast<std::ptrdiff_t>(n_),
              list_.begin());
    n_ -= n_reach - 1;
}

void Chain::temper() noexcept {
    float temperature = options_.temperature;
    if (options_.temperature_range > 0.0F && temperature > 0.0F) {
        const double low =
            std::max(0.0, static_cast<double>(temperature) - static_cast<double>(options_.temperature_range));
        const double high = static_cast<double>(temperature) + static_cast<double>(options_.temperature_range);
        double share = 0.0;  // of the greatest entropy that this many candidates can have
        if (n_ > 1) {
            const Sums all = sums();
            share = (math::log(all.total) - all.mean) / math::log(static_cast<double>(n_));
        }
        const double power =
            share > 0.0 ? math::exp(static_cast<double>(options_.temperature_exponent) * math::log(share)) : 0.0;
        temperature = static_cast<float>(low + (high - low) * power);
    }
    // The most probable one is all that is left at 0, and where its score leaves the range of numbers.
    if (temperature == 0.0F || !std::isfinite(best() / temperature)) {
        sort();
        n_ = 1;
        return;
    }
    for (Candidate& c : candidates()) c.score /= temperature;
}

Token Chain::choose(Random& random) noexcept {
    if (options_.temperature == 0.0F) {
        sort();
        n_ = 1;
    }
    const bool mirostat = options_.mirostat_tau > 0.0F;
    if (mirostat) {
        // The fewest bits of surprise first; at least one stays.
        sort();
        const double log_total = math::log(sums().total);
        std::size_t kept = 0;
        while (kept < n_ &&
               log_total - static_cast<double>(list_[kept].score - list_[0].score) <= surprise_limit_ * math::kLn2) {
            ++kept;
        }
        n_ = std::max<std::size_t>(kept, 1);
    }
    const float most = best();
    double total = 0.0;
    for (Candidate& c : candidates()) {
        c.score = exp_negative(c.score - most);
        total += static_cast<double>(c.score);
    }
    double rest = n_ > 1 ? random.uniform() * total : 0.0;
    const Candidate* chosen = list_.data();
    for (const Candidate& c : candidates()) {
        if (c.score == 0.0F) continue;
        chosen = &c;  // the last one that has weight when rounding leaves some rest
        rest -= static_cast<double>(c.score);
        if (rest < 0.0) break;
    }
    if (mirostat && chosen->score > 0.0F) {
        const double surprise = math::log(total / static_cast<double>(chosen->score)) / math::kLn2;
        surprise_limit_ -=
            static_cast<double>(options_.mirostat_eta) * (surprise - static_cast<double>(options_.mirostat_tau));
    }
    return chosen->token;
}

}  // namespace linnet
