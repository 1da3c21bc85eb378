// SPDX-License-Identifier: MIT
// Whole models against results of other implementations: every golden of the list, with each type of KV cache,
// prefilled at once and in chunks, and continued greedily token by token. Tolerances: goldens/README.md beside the
// fixtures.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/golden_list.hpp"
#include "tests/support/runner.hpp"

namespace {

using golden::Golden;
using linnet::KvType;

std::uint32_t context(const Golden& golden) {
    const auto n = static_cast<std::uint32_t>(golden.tokens.size() + golden.greedy.size());
    return std::min(std::max(n, golden.n_ctx_min.value_or(0)), golden.n_ctx_max.value_or(~0U));
}

// 8-bit activations are used by the matrices in blocks only.
bool is_quantised(const linnet::Model& model) {
    const auto tensors = model.file().tensors();
    return std::any_of(tensors.begin(), tensors.end(), [](const linnet::gguf::TensorInfo& tensor) {
        return linnet::gguf::find_type(tensor.type)->block_size > 1;
    });
}

golden::Tolerance tolerance(const std::string& name, const Golden& golden, bool quantised, KvType kv) {
    const double factor = golden::cache_sensitivity(name);
    if (quantised) return golden::kQ8Tolerance;
    if (kv == KvType::f32) return golden::float32_tolerance(golden);
    return golden::scaled(kv == KvType::q8 ? golden::kQ8Tolerance : golden::kKvF16Tolerance, factor);
}

void check_within(const Golden& golden, std::span<const float> logits, const golden::Tolerance& limit) {
    const golden::Difference difference = golden::compare(golden, logits);
    CHECK(difference.max_abs <= limit.max_abs);
    CHECK(difference.mean_abs <= limit.mean_abs);
    CHECK(difference.max_kl <= limit.max_kl);
}

// Where rounded keys and values move two experts' scores past each other, a token goes another way: it may in one row
// of eight, the others being as close as they are without experts.
void check_most_rows(const Golden& golden, std::span<const float> logits, const golden::Tolerance& limit) {
    std::size_t n_off = 0;
    for (std::size_t row = 0; row < golden.n_rows; ++row) {
        const auto ours = logits.subspan(row * golden.n_cols, golden.n_cols);
        if (!golden::within(golden::compare(golden, ours, row), limit)) ++n_off;
    }
    CHECK(n_off <= golden.n_rows / 8);
}

// One token at a time after the prompt, each chosen from our own logits. Every step must choose as the golden did as
// long as its margin is above `safe`; from the first step below on the two may take different ways.
void check_greedy(const Golden& golden, const linnet::Model& model, KvType kv, double safe) {
    linnet::Forward forward(model, runner::shape(context(golden), 0, kv));
    // With a context that has no room for the continuation the model would use other rope factors.
    const std::size_t n = std::min(golden.greedy.size(), context(golden) - golden.tokens.size());
    const auto n_prompt = static_cast<std::uint32_t>(golden.tokens.size());
    forward.begin(golden.tokens, 0, 1);
    std::size_t n_compared = 0;
    for (; n_compared < n && golden.margins[n_compared] > safe; ++n_compared) {
        REQUIRE(forward.run(linnet::Stop{}) == linnet::Forward::Outcome::done);
        const linnet::Token token = runner::best(forward.logits());
        CAPTURE(n_compared);
        REQUIRE(token == golden.greedy[n_compared]);
        forward.begin({&token, 1}, n_prompt + static_cast<std::uint32_t>(n_compared), 1);
    }
    if (safe == 0.0) CHECK(n_compared == n);
}

}  // namespace

TEST_CASE("the repository's own goldens are there") {
    for (const char* name : golden::kLocalNames) {
        CAPTURE(std::string(name));
        const auto folder = fixtures::local() / "goldens" / name;
        REQUIRE(std::filesystem::is_directory(folder));
        const Golden golden = golden::load(folder);
        CHECK(golden.rows.size() == golden.tokens.size() * golden.n_cols);
        CHECK(std::filesystem::exists(golden.model));
        CHECK(golden.model.parent_path() == folder);
    }
}

TEST_CASE("goldens: logits of all positions, with each type of KV cache") {
    golden::for_each([](const std::string& name, const Golden& golden) {
        const auto model = runner::open(runner::make_engine(), golden.model.string());
        const bool quantised = is_quantised(*model);
        for (const KvType kv : {KvType::f32, KvType::f16, KvType::q8}) {
            CAPTURE(static_cast<int>(kv));
            for (const std::uint32_t chunk : {0U, 13U}) {
                CAPTURE(chunk);
                linnet::Forward forward(*model, runner::shape(context(golden), chunk, kv));
                const auto logits = runner::logits(forward, golden.tokens, chunk);
                const golden::Tolerance limit = tolerance(name, golden, quantised, kv);
                const bool may_flip = kv != KvType::f32 && model->spec().layers.back().experts.n_experts != 0;
                (may_flip ? check_most_rows : check_within)(golden, logits, limit);
            }
        }
    });
}

TEST_CASE("goldens: greedy continuation with a cache") {
    golden::for_each([](const std::string&, const Golden& golden) {
        const auto model = runner::open(runner::make_engine(), golden.model.string());
        // No margin is below 0.02 and float32 differs by far less. 8 bits may move two logits by the tolerance's mean
        // towards each other; f16 keys and values by less.
        check_greedy(golden, *model, KvType::f32, is_quantised(*model) ? 2 * golden::kQ8Tolerance.mean_abs : 0.0);
        check_greedy(golden, *model, KvType::f16, 2 * golden::kQ8Tolerance.mean_abs);
    });
}
