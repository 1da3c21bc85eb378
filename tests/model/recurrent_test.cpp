// SPDX-License-Identifier: MIT
// Layers whose state exists as of a position only: going back, other tokens after going back, passes that are given up.
// Whatever the way, the bits are those of the whole sequence in one pass.
#include <atomic>
#include <cstring>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "cache/recurrent_state.hpp"
#include "tests/support/golden_list.hpp"
#include "tests/support/runner.hpp"

namespace {

using linnet::Forward;
using linnet::KvType;
using linnet::Stop;
using linnet::Token;

constexpr const char* kNames[] = {"lfm2", "qwen35", "qwen3next"};

// Calls f(model) for every model with recurrent layers.
template <class F>
void for_each_model(F f) {
    for (const char* name : kNames) {
        CAPTURE(std::string(name));
        if (const auto folder = golden::find(name)) {
            f(*runner::open(runner::make_engine(2), golden::load(*folder).model.string()));
        } else {
            MESSAGE("skipped: no golden " << std::string(name));
        }
    }
}

std::vector<Token> some_tokens(std::size_t n, std::uint32_t n_vocab, std::uint32_t seed) {
    std::vector<Token> tokens;
    for (std::size_t i = 0; i < n; ++i) {
        seed = seed * 1664525U + 1013904223U;
        tokens.push_back(static_cast<Token>((seed >> 8) % n_vocab));
    }
    return tokens;
}

bool same(std::span<const float> a, std::span<const float> b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

std::vector<float> whole(const linnet::Model& model, std::span<const Token> tokens) {
    const auto n = static_cast<std::uint32_t>(tokens.size());
    Forward forward(model, runner::shape(n, 0, KvType::f16));
    return runner::logits(forward, tokens);
}

}  // namespace

TEST_CASE("recurrent: chunks, and going back to anywhere") {
    for_each_model([](const linnet::Model& model) {
        const auto tokens = some_tokens(150, model.spec().n_vocab, 1);
        const auto expected = whole(model, tokens);
        for (const std::uint32_t chunk : {1U, 2U, 3U, 7U, 33U, 64U}) {
            CAPTURE(chunk);
            Forward forward(model, runner::shape(150, chunk, KvType::f16));
            CHECK(same(runner::logits(forward, tokens, chunk), expected));
            for (const std::uint32_t back : {150U, 149U, 148U, 132U, 100U, 64U, 2U, 1U, 0U}) {
                CAPTURE(back);
                const std::uint32_t from = forward.restart(back);
                REQUIRE(from <= back);
                const auto again = runner::logits(forward, std::span(tokens).subspan(from), chunk, from);
                CHECK(same(again, std::span(expected).last(again.size())));
            }
        }
    });
}

TEST_CASE("recurrent: what positions are held, and other tokens from there") {
    for_each_model([](const linnet::Model& model) {
        auto tokens = some_tokens(91, model.spec().n_vocab, 2);
        Forward forward(model, runner::shape(128, 64, KvType::f16));
        CHECK(forward.restart(0) == 0);
        (void)runner::logits(forward, std::span(tokens).first(50), 50);
        (void)runner::logits(forward, std::span(tokens).subspan(50, 30), 30, 50);
        (void)runner::logits(forward, std::span(tokens).subspan(80, 10), 1, 80);
        CHECK(forward.restart(90) == 90);
        CHECK(forward.restart(89) == 89);  // where the last pass began
        CHECK(forward.restart(88) == 50);  // where the last pass of several tokens began
        CHECK(forward.restart(50) == 50);
        CHECK(forward.restart(49) == 0);

        const auto other = some_tokens(41, model.spec().n_vocab, 3);
        std::copy(other.begin(), other.end(), tokens.begin() + 50);
        const auto expected = std::vector<float>(whole(model, tokens));
        for (const std::uint32_t chunk : {1U, 5U, 41U}) {
            CAPTURE(chunk);
            // Passes of 5 tokens have moved the checkpoint.
            const std::uint32_t from = forward.restart(60);
            REQUIRE(from == (chunk == 41 ? 0 : 50));
            const auto got = runner::logits(forward, std::span(tokens).subspan(from), chunk, from);
            CHECK(same(got, std::span(expected).last(got.size())));
            CHECK(forward.restart(91) == 91);
        }
        // Nothing of the old sequence counts once its beginning is computed anew.
        (void)runner::logits(forward, std::span(other).first(3), 3);
        CHECK(forward.restart(91) == 3);
        // The same from the middle.
        (void)runner::logits(forward, std::span(tokens).first(40), 40);
        (void)runner::logits(forward, std::span(tokens).subspan(40, 20), 20, 40);
        (void)runner::logits(forward, std::span(tokens).subspan(60, 2), 1, 60);
        for (const std::uint32_t n : {5U, 3U}) {
            CHECK(forward.restart(50) <= 45);
            const std::uint32_t from = forward.restart(40);
            REQUIRE(from == 40);
            (void)runner::logits(forward, std::span(other).first(n), n, from);
            CHECK(forward.restart(91) == 40 + n);
        }
    });
}

TEST_CASE("recurrent: passes given up anywhere leave no trace") {
    for_each_model([](const linnet::Model& model) {
        const auto tokens = some_tokens(40, model.spec().n_vocab, 4);
        const auto expected = whole(model, tokens);
        Forward forward(model, runner::shape(64, 40, KvType::f16));
        std::atomic<bool> cancel{false};
        Stop stop;
        stop.cancel = &cancel;
        stop.deadline = Stop::Clock::now() - std::chrono::seconds(1);
        for (const std::uint32_t first : {0U, 17U}) {
            CAPTURE(first);
            const auto head = std::span(tokens).first(first);
            if (first != 0) (void)runner::logits(forward, head);
            const auto rest = std::span(tokens).subspan(first);
            for (std::size_t at = 0; at < 2 * model.spec().layers.size() + 1; ++at) {
                CAPTURE(at);
                const auto other = some_tokens(at % 3 == 0 ? 1 : 20, model.spec().n_vocab, 5);
                forward.begin(other, first, 1);
                for (std::size_t i = 0; i < at; ++i) REQUIRE(forward.run(stop) == Forward::Outcome::paused);
                if (at % 2 == 0) {
                    cancel.store(true);
                    CHECK(forward.run(stop) == Forward::Outcome::cancelled);
                    cancel.store(false);
                }
                REQUIRE(forward.restart(first) == first);
                const auto got = runner::logits(forward, rest, 0, first);
                CHECK(same(got, std::span(expected).last(got.size())));
            }
        }
    });
}

TEST_CASE("recurrent: memory is what the plan says, three states") {
    for_each_model([](const linnet::Model& model) {
        const linnet::arch::ModelSpec& spec = model.spec();
        const auto before = model.engine().memory.used();
        const linnet::RecurrentState state(spec, model.engine().memory);
        CHECK(model.engine().memory.used() - before == linnet::RecurrentState::bytes(spec));
        // lfm2: two layers keep two inputs of 48. qwen35: three keep three of 2 * 2 * 16 + 4 * 16, and 4 memories of 16
        // x 16.
        const bool is_lfm = spec.architecture == "lfm2";
        const std::uint64_t floats = is_lfm ? 2 * 2 * 48 : 3 * (3 * 128 + 4 * 16 * 16);
        CHECK(linnet::RecurrentState::bytes(spec) == 3 * 4 * floats + 8 * spec.layers.size());
        const auto shape = Forward::resolve(spec, runner::shape(64, 16, KvType::f16));
        const auto plan = Forward::plan(spec, shape, 2);
        CHECK(plan.kv_bytes > 3 * 4 * floats);
        const auto at = model.engine().memory.used();
        const Forward forward(model, shape);
        CHECK(model.engine().memory.used() - at == plan.kv_bytes + plan.scratch_bytes);
    });
}
