// SPDX-License-Identifier: MIT
// The promise of the same bits: a model file, a type of KV cache and a sequence of tokens determine the logits,
// whatever the instruction set, the number of threads, the way the tokens are split into passes, where the weights lie,
// and how often a pass was interrupted, dropped or repeated. Compared with memcmp against one run: scalar, one thread,
// packed, all tokens in one pass.
#include <atomic>
#include <chrono>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "kernels/api/table.hpp"
#include "tests/reference/model.hpp"
#include "tests/support/golden_list.hpp"
#include "tests/support/runner.hpp"
#include "tests/support/sanitized.hpp"

namespace {

using golden::Golden;
using linnet::Forward;
using linnet::KvType;
using linnet::Stop;
using linnet::Token;
using Outcome = Forward::Outcome;

constexpr std::uint32_t kThreads[] = {1, 2, 3, 7};
constexpr std::uint32_t kChunks[] = {0, 1, 7, 64};  // 0: all

std::vector<std::string> isas() {
    const linnet::kernels::IsaList list = linnet::kernels::available_isas();
    return {std::reverse_iterator(list.names + list.n), std::reverse_iterator(list.names)};
}

// Engines are kept: starting threads is not what is under test.
std::shared_ptr<linnet::Engine> engine(const std::string& isa, std::uint32_t n_threads) {
    static std::map<std::pair<std::string, std::uint32_t>, std::shared_ptr<linnet::Engine>> engines;
    auto& found = engines[{isa, n_threads}];
    if (!found) found = runner::make_engine(n_threads, isa);
    return found;
}

std::uint32_t context(const Golden& golden) {
    return std::max(static_cast<std::uint32_t>(golden.tokens.size()), golden.n_ctx_min.value_or(0));
}

bool same(std::span<const float> a, std::span<const float> b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}

// One way to compute.
struct Way {
    std::string isa;
    std::uint32_t n_threads;
    std::uint32_t chunk;
    bool mapped;
};

void check_way(const Golden& golden, const linnet::Model& model, const Way& way, KvType kv,
               std::span<const float> expected) {
    CAPTURE(way.isa);
    CAPTURE(way.n_threads);
    CAPTURE(way.chunk);
    CAPTURE(way.mapped);
    Forward forward(model, runner::shape(context(golden), way.chunk, kv));
    CHECK(same(runner::logits(forward, golden.tokens, way.chunk), expected));
}

std::vector<float> plain_way(const Golden& golden, KvType kv) {
    const auto model = runner::open(engine("scalar", 1), golden.model.string());
    Forward forward(*model, runner::shape(context(golden), 0, kv));
    return runner::logits(forward, golden.tokens);
}

// Every combination.
void check_all_ways(const Golden& golden, KvType kv) {
    const auto expected = plain_way(golden, kv);
    for (const std::string& isa : isas()) {
        for (const std::uint32_t n_threads : kThreads) {
            for (const bool mapped : {false, true}) {
                const auto model = runner::open(engine(isa, n_threads), golden.model.string(), mapped);
                for (const std::uint32_t chunk : kChunks) {
                    check_way(golden, *model, {isa, n_threads, chunk, mapped}, kv, expected);
                }
            }
        }
    }
}

// Combinations that hold every pair of an instruction set, a number of threads, a chunk and a place of weights: 12
// pairs of the first two, each with one place (both in turn) and two of the four chunks; `turn` moves on which.
void check_some_ways(const Golden& golden, KvType kv, std::size_t turn) {
    const auto expected = plain_way(golden, kv);
    const auto names = isas();
    for (std::size_t i = 0; i < names.size(); ++i) {
        for (std::size_t j = 0; j < std::size(kThreads); ++j) {
            const bool mapped = (i + j + turn) % 2 == 0;
            const auto model = runner::open(engine(names[i], kThreads[j]), golden.model.string(), mapped);
            for (std::size_t k = 0; k < 2; ++k) {
                const std::uint32_t chunk = kChunks[(i + j / 2 + 2 * k + turn) % std::size(kChunks)];
                check_way(golden, *model, {names[i], kThreads[j], chunk, mapped}, kv, expected);
            }
        }
    }
}

// Seeded tokens below n_vocab.
std::vector<Token> random_tokens(std::size_t n, std::uint32_t n_vocab) {
    std::vector<Token> tokens;
    std::uint64_t state = 88172645463325252U;
    for (std::size_t i = 0; i < n; ++i) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        tokens.push_back(static_cast<Token>(state % n_vocab));
    }
    return tokens;
}

Golden local(const std::string& name) { return golden::load(*golden::find(name)); }

}  // namespace

TEST_CASE("same bits: instruction sets x threads x prefill chunks x packed or mapped, all goldens") {
    REQUIRE(isas().front() == "scalar");
    const std::vector<std::string> full = {"llama3", "gemma3", "quant_llama_q4_k_m"};
    std::size_t turn = 0;
    golden::for_each([&](const std::string& name, Golden golden) {
        if (fixtures::kSanitized && turn == 6) return;
        // Enough for a chunk of 64 and a rest: the default model costs as much as all others together.
        if (name.rfind("default-model", 0) == 0) golden.tokens.resize(68);
        if (!fixtures::kSanitized && std::find(full.begin(), full.end(), name) != full.end()) {
            check_all_ways(golden, KvType::f16);
        } else {
            check_some_ways(golden, KvType::f16, turn++);
        }
    });
    for (const char* name : {"phi4mini_long", "gemma3", "quant_llama_q4_k_m"}) {
        CAPTURE(std::string(name));
        check_some_ways(local(name), KvType::f32, turn++);
        check_some_ways(local(name), KvType::q8, turn++);
    }
}

TEST_CASE("same bits: a pass that is paused wherever it can be") {
    golden::for_each([](const std::string& name, const Golden& golden) {
        if (name == "default-model/bf16") return;  // like the other three, and four times slower
        const auto model = runner::open(engine(isas().back(), 2), golden.model.string());
        Forward forward(*model, runner::shape(context(golden), 0, KvType::f16));
        const auto n = static_cast<std::uint32_t>(golden.tokens.size());
        const auto expected = runner::logits(forward, golden.tokens);
        Stop past;
        past.deadline = Stop::Clock::now() - std::chrono::seconds(1);
        forward.begin(golden.tokens, 0, n);
        std::size_t n_paused = 0;
        for (Outcome outcome = Outcome::paused; outcome == Outcome::paused; ++n_paused) {
            CHECK(forward.active());
            REQUIRE(n_paused < 10000);  // every call does a piece of the pass
            outcome = forward.run(past);
            REQUIRE(outcome != Outcome::cancelled);
        }
        CHECK_FALSE(forward.active());
        CHECK(n_paused >= 2 * model->spec().layers.size());
        CHECK(same(forward.logits(), expected));
    });
}

TEST_CASE("same bits: a pass that is cancelled or dropped anywhere and then done again") {
    for (const char* name : {"llama3", "gemma3", "quant_llama_q4_k_m"}) {
        CAPTURE(std::string(name));
        const Golden golden = local(name);
        const auto model = runner::open(engine(isas().back(), 3), golden.model.string());
        const auto n_prompt = static_cast<std::uint32_t>(golden.tokens.size());
        const std::uint32_t first = n_prompt / 2;
        const auto tokens = std::span(golden.tokens);
        Forward forward(*model, runner::shape(context(golden), 0, KvType::f16));
        const auto expected = runner::logits(forward, golden.tokens);
        const auto half = runner::logits(forward, tokens.first(first));

        std::atomic<bool> cancel{false};
        Stop stop;
        stop.cancel = &cancel;
        stop.deadline = Stop::Clock::now() - std::chrono::seconds(1);
        const std::size_t n_steps = 2 * model->spec().layers.size() + 1;
        for (std::size_t at = 0; at < n_steps; ++at) {
            CAPTURE(at);
            // Other tokens at the same positions, given up after `at` steps: by the flag, or by beginning another.
            const auto other = random_tokens(n_prompt - first, model->spec().n_vocab);
            forward.begin(other, first, 1);
            for (std::size_t i = 0; i < at; ++i) REQUIRE(forward.run(stop) == Outcome::paused);
            if (at % 2 == 0) {
                cancel.store(true);
                CHECK(forward.run(stop) == Outcome::cancelled);
                CHECK_FALSE(forward.active());
                cancel.store(false);
            }
            const auto rest = runner::logits(forward, tokens.subspan(first), 0, first);
            CHECK(same(rest, std::span(expected).subspan(half.size())));
        }
        CHECK(same(half, std::span(expected).first(half.size())));
    }
}

TEST_CASE("same bits: only the last rows of logits are asked for") {
    const Golden golden = local("quant_llama_q4_k_m");
    const auto model = runner::open(engine(isas().back(), 1), golden.model.string());
    Forward forward(*model, runner::shape(context(golden), 0, KvType::f16));
    const auto expected = runner::logits(forward, golden.tokens);
    for (std::uint32_t n = 0; n <= golden.tokens.size(); ++n) {
        forward.begin(golden.tokens, 0, n);
        REQUIRE(forward.run(Stop{}) == Outcome::done);
        CHECK(forward.logits().size() == n * golden.n_cols);
        CHECK(same(forward.logits(), std::span(expected).last(n * golden.n_cols)));
    }
}

TEST_CASE("same bits: long contexts over several spans of positions") {
    // Three spans of 512 keys; one-token passes on several threads compute the spans apart from each other.
    for (const char* name : {"llama3", "gemma3", "phi4mini_long"}) {
        CAPTURE(std::string(name));
        const Golden golden = local(name);
        const auto packed = runner::open(engine(isas().back(), 1), golden.model.string());
        const std::uint32_t n_vocab = packed->spec().n_vocab;
        const auto tokens = random_tokens(1100, n_vocab);
        for (const KvType kv : {KvType::f16, KvType::f32, KvType::q8}) {
            CAPTURE(static_cast<int>(kv));
            Forward whole(*packed, runner::shape(2048, 0, kv));
            const auto expected = runner::logits(whole, tokens);
            if (kv == KvType::f32) {
                // The second opinion on the whole length; it computes in double what we do in float.
                const reference::Model reference(golden.model.string());
                Golden long_golden = golden;
                long_golden.rows = reference.logits(tokens, 2048);
                long_golden.n_rows = tokens.size();
                const auto difference = golden::compare(long_golden, expected);
                CHECK(difference.max_abs <= 4 * golden::float32_tolerance(golden).max_abs);
                CHECK(difference.max_kl <= golden::float32_tolerance(golden).max_kl);
            }
            struct Case {
                std::string isa;
                std::uint32_t n_threads;
                std::uint32_t chunk;
            };
            const std::string best = isas().back();
            for (const Case& c : std::vector<Case>{{best, 1, 1},
                                                   {best, 3, 1},
                                                   {best, 2, 7},
                                                   {best, 7, 64},
                                                   {best, 3, 500},
                                                   {"scalar", 2, 500},
                                                   {isas()[isas().size() / 2], 2, 100}}) {
                CAPTURE(c.isa);
                CAPTURE(c.n_threads);
                CAPTURE(c.chunk);
                if (kv != KvType::f16 && c.isa != best) continue;
                const auto model = runner::open(engine(c.isa, c.n_threads), golden.model.string());
                // One token at a time from 900 on: decoding what was prefilled.
                const std::size_t n_first = c.chunk == 1 ? 900 : tokens.size();
                Forward forward(*model, runner::shape(2048, 500, kv));
                const auto begin = runner::logits(forward, std::span(tokens).first(n_first), std::max(c.chunk, 50U));
                CHECK(same(begin, std::span(expected).first(begin.size())));
                const auto rest = runner::logits(forward, std::span(tokens).subspan(n_first), c.chunk,
                                                 static_cast<std::uint32_t>(n_first));
                CHECK(same(rest, std::span(expected).subspan(begin.size())));
            }
        }
    }
}

TEST_CASE("same bits: sliding windows in rings that wrap many times") {
    for (const char* name : {"gemma3", "gemma3_1b", "mistral_swa", "phi3_swa", "gemma2", "cohere2", "olmo3", "gemma4",
                             "gemma3n", "gpt_oss"}) {
        CAPTURE(std::string(name));
        const auto folder = golden::find(name);
        if (!folder) {
            MESSAGE("skipped: no golden " << std::string(name));
            continue;
        }
        const Golden golden = golden::load(*folder);
        const auto model = runner::open(engine(isas().back(), 2), golden.model.string());
        const auto tokens = random_tokens(400, model->spec().n_vocab);
        for (const KvType kv : {KvType::f16, KvType::q8}) {
            CAPTURE(static_cast<int>(kv));
            Forward whole(*model, runner::shape(400, 0, kv));
            const auto expected = runner::logits(whole, tokens);
            for (const std::uint32_t chunk : {1U, 2U, 7U, 33U, 48U, 64U, 100U}) {
                CAPTURE(chunk);
                Forward forward(*model, runner::shape(400, chunk, kv));
                CHECK(same(runner::logits(forward, tokens, chunk), expected));
                // Going back: where the windows are still held, from there; else from the beginning.
                for (const std::uint32_t back : {399U, 395U, 370U, 300U, 1U}) {
                    const std::uint32_t from = forward.restart(back);
                    CHECK((from == back || from == 0));
                    const auto again = runner::logits(forward, std::span(tokens).subspan(from), chunk, from);
                    CHECK(same(again, std::span(expected).last(again.size())));
                }
            }
        }
    }
}
