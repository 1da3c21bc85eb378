// SPDX-License-Identifier: MIT
// The chain of stages against the definitions of linnet.h written out in double precision, in many orders; the
// functions it is made of against libm; banned texts against the texts.
#include "sampling/chain.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/error.hpp"
#include "base/math.hpp"
#include "sampling/sampler.hpp"

using linnet::Chain;
using linnet::Memory;
using linnet::Random;
using linnet::Sampler;
using linnet::SamplerOptions;
using linnet::Stage;
using linnet::Token;
using linnet::constrain::TokenTrie;

namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

// A text's candidates by the definitions: score of each token, kNever when it was dropped.
struct Reference {
    std::vector<double> score;
    const SamplerOptions& o;
    std::vector<Token> history;
    std::vector<bool> breakers;

    std::vector<std::size_t> order() const {  // of what is left, best first
        std::vector<std::size_t> ids;
        for (std::size_t i = 0; i < score.size(); ++i) {
            if (score[i] > kNever) ids.push_back(i);
        }
        std::stable_sort(ids.begin(), ids.end(), [&](std::size_t a, std::size_t b) { return score[a] > score[b]; });
        return ids;
    }
    std::vector<double> probabilities() const {
        const double best = *std::max_element(score.begin(), score.end());
        std::vector<double> p(score.size());
        double total = 0;
        for (std::size_t i = 0; i < p.size(); ++i) total += p[i] = std::exp(score[i] - best);
        for (double& value : p) value /= total;
        return p;
    }
    void keep(const std::vector<std::size_t>& ids) {
        std::vector<double> kept(score.size(), kNever);
        for (const std::size_t i : ids) kept[i] = score[i];
        score = kept;
    }
    // The first ones of `ids` whose probabilities reach `share`.
    void keep_share(const std::vector<std::size_t>& ids, double share) {
        const std::vector<double> p = probabilities();
        double sum = 0;
        std::size_t n = 0;
        while (n < ids.size() && sum < share) sum += p[ids[n++]];
        keep({ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(n)});
    }
    double entropy() const {
        double h = 0;
        for (const double p : probabilities()) h -= p > 0 ? p * std::log(p) : 0;
        return h;
    }

    void apply(Stage stage) {
        const std::vector<std::size_t> ids = order();
        const std::vector<double> p = probabilities();
        switch (stage) {
            case Stage::penalties:
                for (const std::size_t i : ids) {
                    const auto n = std::count(history.end() - std::min<std::ptrdiff_t>(64, std::ssize(history)),
                                              history.end(), static_cast<Token>(i));
                    if (n == 0) continue;
                    const double r = o.repetition_penalty == 0 ? 1 : double{o.repetition_penalty};
                    score[i] = score[i] > 0 ? score[i] / r : score[i] * r;
                    score[i] -= static_cast<double>(n) * double{o.frequency_penalty} + double{o.presence_penalty};
                }
                return;
            case Stage::dry: return apply_dry();
            case Stage::top_n_sigma: {
                if (o.top_n_sigma == 0) return;
                double mean = 0, variance = 0;
                for (const std::size_t i : ids) mean += score[i] / static_cast<double>(ids.size());
                for (const std::size_t i : ids) {
                    variance += (score[i] - mean) * (score[i] - mean) / static_cast<double>(ids.size());
                }
                std::vector<std::size_t> kept;
                for (const std::size_t i : ids) {
                    if (score[i] >= score[ids[0]] - double{o.top_n_sigma} * std::sqrt(variance)) kept.push_back(i);
                }
                return keep(kept);
            }
            case Stage::top_k:
                if (o.top_k != 0) keep({ids.begin(), ids.begin() + std::min<std::ptrdiff_t>(o.top_k, std::ssize(ids))});
                return;
            case Stage::typical: {
                if (o.typical_p == 0) return;
                const double h = entropy();
                std::vector<std::size_t> sorted = ids;
                std::stable_sort(sorted.begin(), sorted.end(), [&](std::size_t a, std::size_t b) {
                    return std::abs(-std::log(p[a]) - h) < std::abs(-std::log(p[b]) - h);
                });
                return keep_share(sorted, double{o.typical_p});
            }
            case Stage::top_p:
                if (o.top_p != 0) keep_share(ids, double{o.top_p});
                return;
            case Stage::min_p: {
                std::vector<std::size_t> kept;
                for (const std::size_t i : ids) {
                    if (p[i] >= double{o.min_p} * p[ids[0]]) kept.push_back(i);
                }
                return keep(kept);
            }
            case Stage::xtc: {
                if (o.xtc_probability == 0) return;  // 1 in these tests
                const double threshold = o.xtc_threshold == 0 ? 0.1 : double{o.xtc_threshold};
                std::size_t n = 0;
                while (n < ids.size() && p[ids[n]] >= threshold) ++n;
                if (n >= 2) keep({ids.begin() + static_cast<std::ptrdiff_t>(n) - 1, ids.end()});
                return;
            }
            case Stage::temperature: {
                double t = double{o.temperature};
                if (o.temperature_range > 0) {
                    const double low = std::max(0.0, t - double{o.temperature_range});
                    const double high = t + double{o.temperature_range};
                    const double most = std::log(static_cast<double>(ids.size()));
                    const double exponent = o.temperature_exponent == 0 ? 1 : double{o.temperature_exponent};
                    t = low + (high - low) * std::pow(ids.size() > 1 ? entropy() / most : 0.0, exponent);
                }
                for (double& s : score) s = s > kNever ? s / t : s;
                return;
            }
        }
    }
    // For every token, the longest end of the text that came before it earlier, compared token by token.
    void apply_dry() {
        if (o.dry_multiplier == 0) return;
        std::map<Token, std::size_t> longest;
        const std::size_t n = history.size();
        for (std::size_t i = 0; i + 1 < n; ++i) {
            std::size_t length = 0;
            while (length <= i && history[i - length] == history[n - 1 - length] &&
                   !breakers[static_cast<std::size_t>(history[i - length])]) {
                ++length;
            }
            longest[history[i + 1]] = std::max(longest[history[i + 1]], length);
        }
        const std::size_t allowed = o.dry_allowed_length == 0 ? 2 : o.dry_allowed_length;
        const double base = o.dry_base == 0 ? 1.75 : double{o.dry_base};
        for (const auto& [token, length] : longest) {
            if (length < allowed) continue;
            score[static_cast<std::size_t>(token)] -=
                double{o.dry_multiplier} * std::pow(base, static_cast<double>(length - allowed));
        }
    }
};

constexpr Stage kAll[] = {Stage::penalties, Stage::dry,   Stage::top_n_sigma, Stage::top_k,      Stage::typical,
                          Stage::top_p,     Stage::min_p, Stage::xtc,         Stage::temperature};

std::vector<float> random_logits(std::mt19937& random, std::size_t n, float scale) {
    std::vector<float> logits(n);
    for (float& logit : logits) {
        logit = 0;
        for (int i = 0; i < 6; ++i) logit += scale * (static_cast<float>(random() % 100'003) / 100'003.0F - 0.5F);
    }
    return logits;
}

// The chain's candidates are the reference's, with its probabilities.
void check_chain(const std::vector<float>& logits, const SamplerOptions& given, const std::vector<Token>& history,
                 const std::pmr::vector<bool>& breakers) {
    Memory memory;
    const SamplerOptions options = linnet::validated(static_cast<std::uint32_t>(logits.size()), given);
    Chain chain(static_cast<std::uint32_t>(logits.size()), options, memory);
    std::vector<std::uint32_t> counts(logits.size());
    for (std::size_t i = history.size() - std::min<std::size_t>(64, history.size()); i < history.size(); ++i) {
        ++counts[static_cast<std::size_t>(history[i])];
    }
    Random random(3);
    const std::uint64_t n_allocations = memory.n_allocations();
    const Token token = chain.sample(logits, {counts, history, breakers}, random);
    CHECK(memory.n_allocations() == n_allocations);

    Reference reference{{logits.begin(), logits.end()}, given, history, {breakers.begin(), breakers.end()}};
    if (given.stages.empty()) {
        for (const Stage stage : kAll) reference.apply(stage);
    } else {
        for (const Stage stage : given.stages) reference.apply(stage);
    }
    const std::vector<double> expected = reference.probabilities();
    std::vector<double> actual(logits.size());
    double total = 0;
    for (const auto& c : chain.last()) total += static_cast<double>(c.score);
    for (const auto& c : chain.last()) actual[static_cast<std::size_t>(c.token)] = static_cast<double>(c.score) / total;
    for (std::size_t i = 0; i < logits.size(); ++i) {
        CAPTURE(i);
        REQUIRE((actual[i] > 0) == (expected[i] > 1e-37));
        REQUIRE(std::abs(actual[i] - expected[i]) <= 1e-5 * expected[i] + 1e-12);
    }
    CHECK(expected[static_cast<std::size_t>(token)] > 0);
}

}  // namespace

TEST_CASE("logarithm and exponential are libm's") {
    for (double x = 1e-30; x < 1e30; x *= 1.37) {
        CHECK(std::abs(linnet::math::log(x) - std::log(x)) <= 1e-15 * (1 + std::abs(std::log(x))));
    }
    for (double x = -699; x < 700; x += 0.37) CHECK(std::abs(linnet::math::exp(x) / std::exp(x) - 1) < 1e-13);
    CHECK(linnet::math::exp(-1e9) == 0.0);
    CHECK(linnet::math::log(1.0) == 0.0);
}

TEST_CASE("each stage, and all of them in any order, give the reference's distribution") {
    std::mt19937 random(5);
    for (int run = 0; run < 300; ++run) {
        CAPTURE(run);
        const std::size_t n = run % 10 == 0 ? 5000 : run % 10 < 4 ? 6 + random() % 4 : 20 + random() % 300;
        const std::vector<float> logits = random_logits(random, n, run % 3 == 0 ? 1.0F : 4.0F);
        std::vector<Token> history;
        for (std::size_t i = 0; i < 120; ++i) history.push_back(static_cast<Token>(random() % 6));
        for (std::size_t i = 40; i < 60; ++i) history[i + 60] = history[i];  // a long repetition
        std::pmr::vector<bool> breakers(n);
        breakers[5] = run % 2 == 0;
        std::vector<Stage> stages(std::begin(kAll), std::end(kAll));
        std::shuffle(stages.begin(), stages.end(), random);
        stages.resize(1 + random() % 9);
        SamplerOptions options;
        options.temperature = 0.3F + static_cast<float>(random() % 20) / 10.0F;
        if (run % 4 != 0) options.stages = stages;
        const auto maybe = [&] { return random() % 2 == 0; };
        if (maybe()) options.top_k = 1 + static_cast<std::uint32_t>(random() % 50);
        if (maybe()) options.top_p = 0.3F + static_cast<float>(random() % 60) / 100.0F;
        if (maybe()) options.min_p = static_cast<float>(random() % 30) / 100.0F;
        if (maybe()) options.typical_p = 0.2F + static_cast<float>(random() % 70) / 100.0F;
        if (maybe()) options.top_n_sigma = 0.5F + static_cast<float>(random() % 20) / 10.0F;
        if (maybe()) options.xtc_probability = 1.0F;
        if (maybe()) options.xtc_threshold = 0.02F + static_cast<float>(random() % 10) / 100.0F;
        if (maybe()) options.temperature_range = 0.2F;
        if (maybe()) options.temperature_exponent = 1.7F;
        if (maybe()) options.dry_multiplier = 0.8F;
        if (maybe()) options.repetition_penalty = 1.3F;
        if (maybe()) options.presence_penalty = 0.4F;
        check_chain(logits, options, history, breakers);
    }
}

TEST_CASE("XTC strikes as often as it should, and temperature 0 takes the best of what is left") {
    const std::vector<float> logits = {-3.0F, 1.8F, 1.9F, 2.0F};  // the best one is not the first
    SamplerOptions options;
    options.xtc_probability = 0.3F;
    options.temperature = 0.0F;
    Memory memory;
    Sampler sampler(4, options, memory);
    int n_struck = 0;
    for (int i = 0; i < 10'000; ++i) {
        const Token token = sampler.sample(logits);
        CHECK((token == 3 || token == 1));
        n_struck += token == 1 ? 1 : 0;
    }
    CHECK(std::abs(n_struck - 3000) < 200);
    // 0 is greedy, also where the host's stages have no temperature.
    static const Stage stages[] = {Stage::min_p};
    options.stages = stages;
    Sampler without(4, options, memory);
    for (int i = 0; i < 20; ++i) CHECK(without.sample(logits) == 3);
}

TEST_CASE("mirostat: the candidates are those of the definition, and the surprise is kept to") {
    std::mt19937 random(9);
    for (const float tau : {2.0F, 4.0F}) {
        SamplerOptions options;
        options.temperature = 1.0F;
        options.mirostat_tau = tau;
        Memory memory;
        Chain chain(2000, linnet::validated(2000, options), memory);
        Random draws(3);
        double bits = 0;
        double limit = 2 * double{tau};
        for (int i = 0; i < 3000; ++i) {
            const std::vector<float> logits = random_logits(random, 2000, 3.0F);
            const std::pmr::vector<bool> no_breakers;
            const auto token = static_cast<std::size_t>(chain.sample(logits, {{}, {}, no_breakers}, draws));
            // The definition: candidates of at most `limit` bits, surprise among them, and the limit follows.
            SamplerOptions none;
            Reference all{{logits.begin(), logits.end()}, none, {}, {}};
            const std::vector<double> p = all.probabilities();
            std::vector<bool> kept(p.size());
            for (const auto& c : chain.last()) kept[static_cast<std::size_t>(c.token)] = true;
            const auto best = static_cast<std::size_t>(std::max_element(p.begin(), p.end()) - p.begin());
            double total = 0;
            for (std::size_t j = 0; j < p.size(); ++j) {
                const bool expected = -std::log2(p[j]) <= limit || j == best;
                if (kept[j] != expected) REQUIRE(std::abs(-std::log2(p[j]) - limit) < 1e-4);
                if (kept[j]) total += p[j];
            }
            REQUIRE(kept[token]);
            const double surprise = -std::log2(p[token] / total);
            limit -= 0.1 * (surprise - double{tau});
            if (i >= 500) bits += surprise / 2500;
        }
        CHECK(bits == doctest::Approx(double{tau}).epsilon(0.05));
    }
}

TEST_CASE("DRY looks at the last tokens of the window, however they came, up to tokens that hold a breaker") {
    Memory memory;
    const std::vector<std::string_view> pieces = {"a", "b", "c", "\n", "x:y", ":", "", "d"};
    const Token end = 6;
    const auto trie = std::make_shared<TokenTrie>(pieces, std::span(&end, 1), memory);
    const std::vector<std::string_view> breakers = {"\n", ":"};
    SamplerOptions options;
    options.dry_multiplier = 0.5F;
    options.dry_window = 16;
    options.dry_breakers = breakers;
    options.trie = trie;
    Sampler sampler(8, options, memory);
    std::mt19937 random(11);
    std::vector<Token> text;
    int n_changed = 0;
    for (int i = 0; i < 3000; ++i) {
        if (i % 500 == 499) text.clear();
        if (i % 500 == 499) sampler.reset();
        if (i % 100 == 37) sampler.set_history(text);
        const std::vector<float> logits = random_logits(random, 8, 1.0F);
        const std::vector<Token> seen(text.end() - std::min<std::ptrdiff_t>(16, std::ssize(text)), text.end());
        Reference reference{{logits.begin(), logits.end()}, options, seen, {0, 0, 0, 1, 1, 1, 0, 0}};
        reference.apply(Stage::dry);
        const auto expected = static_cast<Token>(reference.order().front());
        REQUIRE(sampler.sample(logits) == expected);
        n_changed += expected != linnet::arg_max(logits) ? 1 : 0;
        const Token next = static_cast<Token>(random() % 6 == 0    ? 4
                                              : random() % 12 == 0 ? 3 + random() % 4
                                                                   : random() % 2);
        text.push_back(next);
        sampler.accept(next);
    }
    CHECK(n_changed > 150);
}

TEST_CASE("banned texts never come, whatever tokens they are made of") {
    Memory memory;
    const std::vector<std::string_view> pieces = {"a", "b", "ab", "c", "abc", "ca", "bc", "", "ba"};
    const Token end = 7;
    const auto trie = std::make_shared<TokenTrie>(pieces, std::span(&end, 1), memory);
    const std::vector<std::string_view> banned = {"abc", "bb", "caca"};
    SamplerOptions options;
    options.temperature = 1.0F;
    options.banned = banned;
    options.trie = trie;
    Sampler sampler(9, options, memory);
    options.temperature = 0.0F;
    static const Stage stages[] = {Stage::min_p};
    options.stages = stages;
    Sampler greedy(9, options, memory);  // by a chain
    const std::vector<float> logits(9, 0.0F);
    const auto is_allowed = [&](Token token) {
        std::vector<float> only = logits;
        only[static_cast<std::size_t>(end)] = 1.0F;
        only[static_cast<std::size_t>(token)] = 2.0F;
        return greedy.sample(only) == token;
    };
    const auto completes = [&](const std::string& with) {
        return std::ranges::any_of(banned, [&](auto text) { return with.find(text) != std::string::npos; });
    };
    std::string text;
    std::vector<Token> tokens;
    std::vector<int> counts(9);
    for (int i = 0; i < 20'000; ++i) {
        if (i % 100 == 0) sampler.set_history(tokens);
        const Token token = sampler.sample(logits);
        for (Token t = 0; i < 3000 && t < 9; ++t) {
            CAPTURE(t);
            CHECK(is_allowed(t) == !completes(text + std::string(pieces[static_cast<std::size_t>(t)])));
        }
        text += pieces[static_cast<std::size_t>(token)];
        if (token == end) text += '\n';
        tokens.push_back(token);
        sampler.accept(token);
        greedy.accept(token);
        ++counts[static_cast<std::size_t>(token)];
    }
    for (const std::string_view text_banned : banned) CHECK(text.find(text_banned) == std::string::npos);
    for (const Token token : {0, 1, 2, 3, 5, 6, 7, 8}) CHECK(counts[static_cast<std::size_t>(token)] > 100);
    CHECK(counts[4] == 0);
    greedy.set_history(std::vector<Token>{2});
    CHECK(!is_allowed(3));
    greedy.set_history({});  // nothing of it is left
    CHECK(is_allowed(3));
}

TEST_CASE("options out of range are named") {
    Memory memory;
    const auto refused = [&](auto set) {
        SamplerOptions options;
        set(options);
        try {
            Sampler sampler(10, options, memory);
        } catch (const linnet::Error& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    CHECK(refused([](auto& o) { o.typical_p = -1; }).find("typical_p") == 0);
    CHECK(refused([](auto& o) { o.top_n_sigma = -1; }).find("top_n_sigma") == 0);
    CHECK(refused([](auto& o) { o.xtc_probability = 1.5F; }).find("xtc_probability") == 0);
    CHECK(refused([](auto& o) { o.xtc_threshold = 1.5F; }).find("xtc_threshold") == 0);
    CHECK(refused([](auto& o) { o.temperature_range = -1; }).find("temperature_range") == 0);
    CHECK(refused([](auto& o) { o.temperature_exponent = NAN; }).find("temperature_exponent") == 0);
    CHECK(refused([](auto& o) { o.mirostat_eta = -1; }).find("mirostat_eta") == 0);
    CHECK(refused([](auto& o) { o.dry_multiplier = INFINITY; }).find("dry_multiplier") == 0);
    CHECK(refused([](auto& o) { o.dry_base = 0.5F; }).find("dry_base") == 0);
    CHECK(refused([](auto& o) { o.mirostat_tau = NAN; }).find("mirostat_tau") == 0);
    CHECK(refused([](auto& o) { o.dry_window = 1U << 30; }).find("dry_window") == 0);
    static const Stage twice[] = {Stage::top_k, Stage::top_k};
    CHECK(refused([](auto& o) { o.stages = twice; }).find("stages[1]") == 0);
    static const Stage unknown[] = {static_cast<Stage>(10)};
    CHECK(refused([](auto& o) { o.stages = unknown; }).find("stages[0] is 10") == 0);
    static const std::string_view empty[] = {""};
    CHECK(refused([](auto& o) { o.banned = empty; }) == "banned[0] is empty");
    static const std::string_view no_text[] = {"a", "\xff"};
    CHECK(refused([](auto& o) { o.banned = no_text; }) == "banned[1] is no UTF-8");
    static const std::string half(2049, 'x');
    static const std::string_view large[] = {half, half};
    CHECK(refused([](auto& o) { o.banned = large; }) == "banned: more than 4096 bytes in all");
}
