// SPDX-License-Identifier: MIT
// The sampler against a plain implementation in double precision of what linnet.h says, and at its edges.
#include "sampling/sampler.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <map>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "base/error.hpp"
#include "sampling/random.hpp"
#include "support/sanitized.hpp"

using linnet::LogitBias;
using linnet::Memory;
using linnet::Sampler;
using linnet::SamplerOptions;
using linnet::Token;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Probability of each token by the definition: sort, cut, normalise; in the order of linnet.h.
std::vector<double> reference(const std::vector<float>& logits, const SamplerOptions& options,
                              const std::vector<Token>& history = {}) {
    const std::size_t n = logits.size();
    std::vector<double> score(logits.begin(), logits.end());
    for (double& s : score) s = std::isnan(s) ? -static_cast<double>(kInfinity) : s;
    for (const LogitBias& bias : options.biases)
        score[static_cast<std::size_t>(bias.token)] += static_cast<double>(bias.bias);
    std::map<Token, int> counts;
    const std::size_t window = options.penalty_window == 0 ? 64 : options.penalty_window;
    for (std::size_t i = history.size() - std::min(window, history.size()); i < history.size(); ++i)
        ++counts[history[i]];
    const double repetition =
        options.repetition_penalty == 0.0F ? 1.0 : static_cast<double>(options.repetition_penalty);
    for (const auto& entry : counts) {
        double& s = score[static_cast<std::size_t>(entry.first)];
        s = s > 0.0 ? s / repetition : s * repetition;
        s -= entry.second * static_cast<double>(options.frequency_penalty) +
             static_cast<double>(options.presence_penalty);
    }
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return score[a] > score[b]; });
    const double best = score[order[0]];
    const auto share = [&](std::size_t i) { return std::exp(score[i] - best); };
    std::size_t n_kept = options.top_k == 0 ? n : std::min<std::size_t>(n, options.top_k);
    if (options.top_p > 0.0F && options.top_p < 1.0F) {
        double total = 0.0;
        for (std::size_t i = 0; i < n_kept; ++i) total += share(order[i]);
        double sum = 0.0;
        std::size_t m = 0;
        while (m < n_kept && sum < static_cast<double>(options.top_p) * total) sum += share(order[m++]);
        n_kept = m;
    }
    while (share(order[n_kept - 1]) < static_cast<double>(options.min_p)) --n_kept;
    std::vector<double> probability(n, 0.0);
    if (options.temperature == 0.0F) {
        probability[order[0]] = 1.0;
        return probability;
    }
    double total = 0.0;
    for (std::size_t i = 0; i < n_kept; ++i) {
        total += probability[order[i]] = std::exp((score[order[i]] - best) / static_cast<double>(options.temperature));
    }
    for (double& p : probability) p /= total;
    return probability;
}

// Logits without pattern, different for every token.
std::vector<float> make_logits(std::size_t n, float scale, std::uint32_t seed) {
    std::vector<float> logits(n);
    std::uint32_t state = seed;
    for (float& logit : logits) {
        float sum = 0.0F;  // of uniform numbers: nearly normal
        for (int i = 0; i < 6; ++i) {
            state = state * 1664525U + 1013904223U;
            sum += static_cast<float>(state >> 8) / 16777216.0F - 0.5F;
        }
        logit = sum * scale;
    }
    return logits;
}

// Draws many times: nothing outside the reference's support, frequencies as expected (chi-square).
void check_distribution(const std::vector<float>& logits, const SamplerOptions& options,
                        const std::vector<Token>& history = {}) {
    const std::vector<double> expected = reference(logits, options, history);
    Memory memory;
    Sampler sampler(static_cast<std::uint32_t>(logits.size()), options, memory);
    for (const Token token : history) sampler.accept(token);
    constexpr int kDraws = 20'000;
    std::vector<int> counts(logits.size(), 0);
    const std::uint64_t n_allocations = memory.n_allocations();
    for (int i = 0; i < kDraws; ++i) ++counts[static_cast<std::size_t>(sampler.sample(logits))];
    CHECK(memory.n_allocations() == n_allocations);
    double chi2 = 0.0;
    double rest_expected = 0.0;  // tokens which are too rare to count alone
    int rest_count = 0;
    int n_classes = 0;
    for (std::size_t i = 0; i < logits.size(); ++i) {
        CAPTURE(i);
        if (expected[i] == 0.0) {
            CHECK(counts[i] == 0);
        } else if (expected[i] * kDraws < 8.0) {
            rest_expected += expected[i] * kDraws;
            rest_count += counts[i];
        } else {
            chi2 += std::pow(counts[i] - expected[i] * kDraws, 2) / (expected[i] * kDraws);
            ++n_classes;
        }
    }
    if (rest_expected > 8.0) {
        chi2 += std::pow(rest_count - rest_expected, 2) / rest_expected;
        ++n_classes;
    }
    const double freedom = std::max(1, n_classes - 1);
    CAPTURE(chi2);
    CAPTURE(freedom);
    CHECK(chi2 < freedom + 5.0 * std::sqrt(2.0 * freedom) + 5.0);
}

// Every token that the reference keeps, and no other, is drawn at a temperature that makes them about equal.
void check_kept(const std::vector<float>& logits, SamplerOptions options) {
    options.temperature = 1000.0F;
    const std::vector<double> expected = reference(logits, options);
    Memory memory;
    Sampler sampler(static_cast<std::uint32_t>(logits.size()), options, memory);
    const auto n_kept = std::count_if(expected.begin(), expected.end(), [](double p) { return p > 0.0; });
    std::vector<bool> seen(logits.size(), false);
    for (std::ptrdiff_t i = 0; i < n_kept * 20; ++i) seen[static_cast<std::size_t>(sampler.sample(logits))] = true;
    for (std::size_t i = 0; i < logits.size(); ++i) {
        CAPTURE(i);
        CHECK(seen[i] == (expected[i] > 0.0));
    }
}

std::string failure(const SamplerOptions& options) {
    Memory memory;
    try {
        const Sampler sampler(100, options, memory);
    } catch (const linnet::Error& error) {
        CHECK(error.status() == linnet::Status::invalid_argument);
        CHECK(memory.used() == 0);
        return error.what();
    }
    return "";
}

Token greedy(const std::vector<float>& logits) {
    Memory memory;
    Sampler sampler(static_cast<std::uint32_t>(logits.size()), {}, memory);
    CHECK(memory.used() == 0);
    CHECK(linnet::arg_max(logits) == sampler.sample(logits));
    return sampler.sample(logits);
}

}  // namespace

TEST_CASE("greedy: the greatest logit, the lowest id of several, NaN never") {
    CHECK(greedy({1, 5, 3, 5}) == 1);
    CHECK(greedy({-3, -1, -2}) == 1);
    CHECK(greedy({kNan, -5, kNan}) == 1);
    CHECK(greedy({kNan, kNan}) == 0);
    CHECK(greedy({-kInfinity, -kInfinity}) == 0);
    CHECK(greedy({0, kInfinity, kInfinity}) == 1);
    std::vector<float> large = make_logits(1000, 3.0F, 7);
    large[997] = 100.0F;
    CHECK(greedy(large) == 997);
    large[31] = 100.0F;
    CHECK(greedy(large) == 31);
}

TEST_CASE("temperature alone: the softmax of the logits") {
    for (const float temperature : {0.3F, 1.0F, 2.5F}) {
        CAPTURE(temperature);
        check_distribution(make_logits(20, 4.0F, 1), {.temperature = temperature});
        check_distribution(make_logits(700, 4.0F, 2), {.temperature = temperature});  // several blocks, a partial one
    }
}

TEST_CASE("filters keep exactly what their definition keeps") {
    for (const std::size_t n : {20U, 256U, 700U}) {
        const std::vector<float> logits = make_logits(n, 5.0F, static_cast<std::uint32_t>(n));
        CAPTURE(n);
        for (const std::uint32_t top_k : {1U, 2U, 7U, 19U}) check_kept(logits, {.top_k = top_k});
        for (const float top_p : {1e-6F, 0.2F, 0.7F, 0.95F, 0.999F}) check_kept(logits, {.top_p = top_p});
        for (const float min_p : {1e-4F, 0.05F, 0.5F, 1.0F}) check_kept(logits, {.min_p = min_p});
        check_kept(logits, {.top_k = 12, .top_p = 0.8F});
        check_kept(logits, {.top_k = 12, .top_p = 0.95F, .min_p = 0.1F});
        check_kept(logits, {.top_p = 0.95F, .min_p = 0.2F});
    }
}

TEST_CASE("flat, steep and shifted logits") {
    std::vector<float> nearly_flat = make_logits(600, 0.01F, 3);
    check_kept(nearly_flat, {.top_p = 0.5F});
    check_kept(nearly_flat, {.top_k = 100, .top_p = 0.5F});
    check_kept(make_logits(600, 60.0F, 4), {.top_p = 0.9F});
    for (float& logit : nearly_flat) logit = logit * 1000.0F + 20'000.0F;
    check_kept(nearly_flat, {.top_p = 0.9F});
    check_kept(nearly_flat, {.min_p = 0.1F});
}

TEST_CASE("distributions after filters") {
    const std::vector<float> logits = make_logits(300, 5.0F, 11);
    check_distribution(logits, {.top_k = 10, .temperature = 0.8F});
    check_distribution(logits, {.temperature = 1.3F, .top_p = 0.9F});
    check_distribution(logits, {.temperature = 0.7F, .min_p = 0.02F});
    check_distribution(logits, {.top_k = 40, .temperature = 0.9F, .top_p = 0.95F, .min_p = 0.05F});
}

TEST_CASE("ties are broken by the lower id, also where a filter ends") {
    const std::vector<float> logits(600, 2.5F);
    check_kept(logits, {.top_k = 3});
    check_kept(logits, {.top_k = 500});
    check_kept(logits, {.min_p = 1.0F});
    std::vector<float> steps(64);
    for (std::size_t i = 0; i < steps.size(); ++i) steps[i] = static_cast<float>((i * 7) % 8);
    check_kept(steps, {.top_k = 11});
    check_kept(steps, {.top_p = 0.5F});  // 8 equal tokens hold 63 %: six of them are enough
}

TEST_CASE("top_p among close scores: what a full sort keeps, in its order") {
    constexpr std::size_t kTokens = 4000;
    const std::vector<float> noise = make_logits(kTokens, 0.01F, 5);
    std::vector<float> flat(kTokens, 0.25F), zeros(kTokens), levels(kTokens), halves(kTokens), shifted(kTokens);
    for (std::size_t i = 0; i < kTokens; ++i) {
        zeros[i] = i % 3 == 0 ? 0.0F : -0.0F;  // equal
        levels[i] = static_cast<float>(i * 7 % 5) * 0.01F;
        halves[i] = i % 2 == 0 ? -0.05F : 0.0F;
        shifted[i] = noise[i] + 300.0F;  // where floats are far apart: many ties
    }
    for (const std::vector<float>& logits : {noise, flat, zeros, levels, halves, shifted}) {
        std::vector<std::size_t> order(kTokens);
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return logits[a] > logits[b]; });
        const auto share = [&](std::size_t i) {
            return std::exp(static_cast<double>(logits[i]) - static_cast<double>(logits[order[0]]));
        };
        std::vector<double> sums;  // [i]: of the first i
        sums.push_back(0.0);
        for (const std::size_t token : order) sums.push_back(sums.back() + share(token));
        for (const float top_p : {0.0001F, 0.1999F, 0.5F, 0.6F, 0.9F, 0.9999F}) {
            const double target = static_cast<double>(top_p) * sums.back();
            const auto n_kept =
                static_cast<std::size_t>(std::lower_bound(sums.begin(), sums.end(), target - 1e-6) - sums.begin());
            Memory memory;
            constexpr std::uint64_t kSeed = 9;
            Sampler sampler(kTokens, {.temperature = 1.0F, .top_p = top_p, .seed = kSeed}, memory);
            linnet::Random random(kSeed);
            std::size_t n_wrong = 0;
            for (int i = 0; i < (fixtures::kSanitized ? 30 : 300); ++i) {
                const auto token = static_cast<std::size_t>(sampler.sample(logits));
                const auto rank =
                    static_cast<std::size_t>(std::find(order.begin(), order.end(), token) - order.begin());
                const double drawn = random.uniform() * sums[n_kept];
                constexpr double kRounding = 0.01;  // in tokens
                n_wrong += !(rank < n_kept && drawn > sums[rank] - kRounding && drawn < sums[rank + 1] + kRounding);
            }
            CHECK_MESSAGE(n_wrong == 0, "top_p " << top_p << ": " << n_kept << " kept");
        }
    }
}

TEST_CASE("biases are added first, and ban") {
    const std::vector<float> logits = {3.0F, 2.0F, 1.0F, 0.0F};
    const LogitBias biases[] = {{0, -kInfinity}, {3, 1.5F}, {3, 1.0F}};
    check_distribution(logits, {.temperature = 1.0F, .biases = biases});
    check_distribution(logits, {.top_k = 2, .temperature = 1.0F, .biases = biases});
    check_distribution(logits, {.temperature = 1.0F, .repetition_penalty = 2.0F, .biases = biases}, {3, 1});
    Memory memory;
    Sampler sampler(4, {.biases = biases}, memory);
    CHECK(sampler.sample(logits) == 3);
    CHECK(logits[0] == 3.0F);
}

TEST_CASE("penalties look back at the last tokens of the window") {
    const std::vector<float> logits = {2.0F, -1.0F, 1.0F, 0.5F, 1.5F};
    const std::vector<Token> history = {4, 4, 0, 1, 0, 2, 0};  // with a window of 5 the 4s are forgotten
    for (const std::uint32_t window : {0U, 1U, 5U, 7U}) {
        CAPTURE(window);
        check_distribution(logits, {.temperature = 1.0F, .repetition_penalty = 1.8F, .penalty_window = window},
                           history);
        check_distribution(logits, {.temperature = 1.0F, .frequency_penalty = 0.6F, .penalty_window = window}, history);
        check_distribution(logits, {.temperature = 1.0F, .presence_penalty = 0.9F, .penalty_window = window}, history);
        check_distribution(logits,
                           {.top_k = 4,
                            .temperature = 1.0F,
                            .repetition_penalty = 0.7F,
                            .frequency_penalty = -0.2F,
                            .presence_penalty = 0.4F,
                            .penalty_window = window},
                           history);
    }
    std::vector<Token> longer(65, 0);  // the default window is 64
    longer[0] = 3;
    longer[1] = 1;
    check_distribution(logits, {.temperature = 1.0F, .presence_penalty = 0.9F}, longer);
}

TEST_CASE("set_history is the same as accepting, and forgets what was before") {
    const std::vector<float> logits = {1.0F, 0.9F, 0.8F, 0.7F};
    const SamplerOptions options = {.frequency_penalty = 0.3F, .penalty_window = 3};
    const std::vector<Token> text = {3, 3, 3, 0, 0, 1};
    Memory memory;
    Sampler accepted(4, options, memory);
    Sampler set(4, options, memory);
    for (const Token token : text) accepted.accept(token);
    for (const Token token : {2, 2}) set.accept(token);
    set.set_history(text);
    for (int i = 0; i < 12; ++i) {
        const Token expected = accepted.sample(logits);
        REQUIRE(set.sample(logits) == expected);
        accepted.accept(expected);
        set.accept(expected);
    }
    const Token all[] = {0, 1, 2};
    set.set_history(all);
    set.accept(-1);  // not tokens: nothing to remember, and nothing is forgotten for them
    set.accept(4);
    CHECK(set.sample(std::vector<float>{1.0F, 0.9F, 0.8F, 0.75F}) == 3);
    set.set_history({});
    CHECK(set.sample(std::vector<float>{0.7F, 0.7F, 0.7F, 0.6F}) == 0);
    const Token window[] = {0, 2, 0, 0};  // the last three
    set.set_history(window);
    CHECK(set.sample(std::vector<float>{1.0F, 0.6F, 1.0F, 0.75F}) == 3);
}

TEST_CASE("the same seed gives the same tokens; reset starts again") {
    const std::vector<float> logits = make_logits(500, 3.0F, 5);
    SamplerOptions options = {.temperature = 1.0F, .top_p = 0.95F, .presence_penalty = 1.0F, .seed = 99};
    SUBCASE("by its own ways") {}
    SUBCASE("by a chain") { options.mirostat_tau = 3.0F; }
    SamplerOptions other = options;
    other.seed = 100;
    Memory memory;
    Sampler a(500, options, memory);
    Sampler b(500, options, memory);
    Sampler c(500, other, memory);
    std::vector<Token> first;
    int n_other = 0;
    for (int i = 0; i < 50; ++i) {
        first.push_back(a.sample(logits));
        a.accept(first.back());
        const Token same = b.sample(logits);
        CHECK(same == first.back());
        b.accept(same);
        n_other += c.sample(logits) != same ? 1 : 0;
    }
    CHECK(n_other > 25);
    a.reset();
    for (const Token expected : first) {
        CHECK(a.sample(logits) == expected);
        a.accept(expected);
    }
}

TEST_CASE("the draw follows the generator: a token is chosen where its share of [0, 1) lies") {
    // u of seed 42 begins with 0xa15c02b7 / 2^32 = 0.63031 (the generator's published numbers).
    const float p[] = {0.25F, 0.375F, 0.0625F, 0.3125F};  // 0.63 lies in the third
    std::vector<float> logits;
    for (const float share : p) logits.push_back(static_cast<float>(std::log(static_cast<double>(share))));
    Memory memory;
    Sampler sampler(4, {.temperature = 1.0F, .seed = 42}, memory);
    CHECK(sampler.sample(logits) == 2);
    Sampler sorted(4, {.top_k = 3, .temperature = 1.0F, .seed = 42}, memory);  // .375 .3125 .25: 0.59 of .9375
    CHECK(sorted.sample(logits) == 3);
}

TEST_CASE("NaN and infinities never crash and are never preferred to numbers") {
    const std::vector<SamplerOptions> all = {
        {.temperature = 1.0F},
        {.top_k = 2, .temperature = 1.0F},
        {.temperature = 1.0F, .top_p = 0.9F},
        {.temperature = 1.0F, .min_p = 0.1F},
        {.temperature = 1e-45F},
        {.temperature = 3e38F, .top_p = 0.99F},
        {.top_k = 3, .temperature = 1.0F, .top_p = 0.5F, .frequency_penalty = 3e38F},
        {.temperature = 1.0F, .typical_p = 0.9F},
        {.temperature = 1.0F, .top_n_sigma = 2.0F},
        {.temperature = 1.0F, .mirostat_tau = 3.0F},
        {.temperature = 1e-45F, .xtc_probability = 1.0F, .xtc_threshold = 1.0F},
        {.temperature = 1.0F, .temperature_range = 0.5F}};
    for (const SamplerOptions& options : all) {
        Memory memory;
        Sampler sampler(5, options, memory);
        const auto draws_only = [&](const std::vector<float>& logits, std::vector<Token> allowed) {
            for (int i = 0; i < 50; ++i) {
                const Token token = sampler.sample(logits);
                CHECK(std::find(allowed.begin(), allowed.end(), token) != allowed.end());
            }
        };
        draws_only({kNan, 1, kNan, 1.5F, -kInfinity}, {1, 3});
        draws_only({kNan, kNan, -kInfinity, kNan, kNan}, {0});
        draws_only({-kInfinity, -kInfinity, -kInfinity, -kInfinity, -kInfinity}, {0});
        draws_only({0, kInfinity, 1, kInfinity, kNan}, {1});
        draws_only({3e38F, -3e38F, -3e38F, -3e38F, kNan}, {0, 1, 2, 3});
        draws_only({-kInfinity, -3e38F, kNan, -2e38F, -3e38F}, {1, 3, 4});
        sampler.accept(1);
        sampler.accept(1);
        draws_only({kNan, 1, kNan, 1.5F, -kInfinity}, {1, 3});
    }
}

TEST_CASE("options out of range are errors that name the option") {
    CHECK(failure({}).empty());
    CHECK(failure({.top_k = 4'000'000'000U, .temperature = 1.0F, .top_p = 5.0F}).empty());
    for (const float bad : {-0.1F, kNan, kInfinity, -kInfinity}) {
        CHECK(failure({.temperature = bad}).find("temperature") == 0);
        CHECK(failure({.repetition_penalty = bad}).find("repetition_penalty") == 0);
        CHECK(failure({.min_p = bad}).find("min_p") == 0);
    }
    CHECK(failure({.top_p = -0.1F}).find("top_p") == 0);
    CHECK(failure({.top_p = kNan}).find("top_p") == 0);
    CHECK(failure({.min_p = 1.01F}).find("min_p") == 0);
    CHECK(failure({.frequency_penalty = kNan}).find("frequency_penalty") == 0);
    CHECK(failure({.presence_penalty = kInfinity}).find("presence_penalty") == 0);
    const LogitBias outside[] = {{5, 1.0F}, {100, 1.0F}};
    CHECK(failure({.biases = outside}).find("biases[1].token") == 0);
    const LogitBias negative[] = {{-1, 1.0F}};
    CHECK(failure({.biases = negative}).find("biases[0].token") == 0);
    for (const float bad : {kNan, kInfinity}) {
        const LogitBias bias[] = {{5, bad}};
        CHECK(failure({.biases = bias}).find("biases[0].bias") == 0);
    }
}

TEST_CASE("a window that does not fit into memory is out_of_memory, and nothing is left") {
    Memory memory({}, 1 << 20);
    linnet::Status status = linnet::Status::ok;
    try {
        const Sampler sampler(100, {.presence_penalty = 1.0F, .penalty_window = 4'000'000'000U}, memory);
    } catch (const linnet::Error& error) {
        status = error.status();
    }
    CHECK(status == linnet::Status::out_of_memory);
    CHECK(memory.used() == 0);
}
