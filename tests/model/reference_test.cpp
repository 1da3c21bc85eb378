// SPDX-License-Identifier: MIT
// The reference model against results of other implementations. It has to agree with them as closely as two float32
// computations can, on quantised files too, or it could not judge the runtime.
#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/reference/model.hpp"
#include "tests/support/golden.hpp"

namespace {

constexpr const char* kNames[] = {
    "llama",
    "llama3",
    "llama_bias",
    "llama_linear",
    "llama_yarn",
    "smollm2",
    "mistral",
    "mistral_swa",
    "qwen2",
    "qwen3",
    "qwen3_yarn",
    "gemma3",
    "gemma3_1b",
    "phi3",
    "phi3_swa",
    "phi35_long",
    "phi4mini_short",
    "phi4mini_long",
    "quant_llama_q4_0",
    "quant_llama_q4_1",
    "quant_llama_q5_0",
    "quant_llama_q5_1",
    "quant_llama_q8_0",
    "quant_llama_q4_k_m",
    "quant_llama_q5_k_m",
    "quant_llama_q6_k",
    "quant_llama_small_bf16",
    "quant_llama_small_f16",
    "quant_qwen3_q4_0",
    "quant_qwen3_q4_k_m",
    "quant_qwen3_q6_k",
    "quant_gemma3_q4_0",
    "quant_gemma3_q4_k_m",
    "quant_gemma3_q5_k_m",
};

void check_logits(const golden::Golden& golden) {
    REQUIRE(golden.kind == golden::Kind::logits);
    const reference::Model model(golden.model.string());
    const golden::Difference difference = golden::compare(golden, model.logits(golden.tokens));
    const golden::Tolerance tolerance = golden::float32_tolerance(golden);
    CHECK(difference.max_abs <= tolerance.max_abs);
    CHECK(difference.max_kl <= tolerance.max_kl);
}

}  // namespace

TEST_CASE("comparison with a golden measures differences and divergence") {
    golden::Golden golden;
    golden.n_rows = 2;
    golden.n_cols = 2;
    golden.rows = {0.0F, 0.0F, 1.0F, 2.0F};
    SUBCASE("equal") {
        const auto difference = golden::compare(golden, golden.rows);
        CHECK(difference.max_abs == 0.0);
        CHECK(difference.max_kl == doctest::Approx(0.0));
    }
    SUBCASE("one row: (1/2, 1/2) against (1/4, 3/4)") {
        const std::vector<float> ours = {std::log(0.25F), std::log(0.75F)};
        const auto difference = golden::compare(golden, ours, 0);
        CHECK(difference.max_abs == doctest::Approx(1.386294));
        CHECK(difference.mean_abs == doctest::Approx(0.836988));
        CHECK(difference.max_kl == doctest::Approx(0.143841));
    }
    SUBCASE("a NaN is infinitely far") {
        const std::vector<float> ours = {0.0F, 0.0F, 1.0F, std::nanf("")};
        const auto difference = golden::compare(golden, ours);
        CHECK(std::isinf(difference.max_abs));
        CHECK_FALSE(golden::within(difference, golden::kQ8Tolerance));
    }
    SUBCASE("rows beyond the golden's are refused") {
        CHECK_THROWS(golden::compare(golden, golden.rows, 1));
        CHECK_THROWS(golden::compare(golden, std::vector<float>(3)));
    }
}

TEST_CASE("reference model agrees with the goldens") {
    for (const char* name : kNames) {
        CAPTURE(name);
        if (const auto folder = golden::find(name)) {
            check_logits(golden::load(*folder));
        } else {
            MESSAGE("skipped: no golden " << std::string(name));
        }
    }
}

TEST_CASE("reference model agrees with the default model's goldens") {
    const auto shared = fixtures::shared();
    if (!shared) {
        MESSAGE("skipped: no shared fixtures");
        return;
    }
    for (const char* type : {"bf16", "Q8_0", "Q4_K_M", "Q4_0"}) {
        CAPTURE(type);
        check_logits(golden::load(*shared / "default-model" / "goldens" / type));
    }
}

// Decoding grows the sequence over windows and original contexts that the prompt alone may not reach.
TEST_CASE("reference model continues greedily as the goldens do") {
    for (const char* name : {"llama_yarn", "qwen2", "gemma3_1b", "phi3_swa"}) {
        CAPTURE(name);
        if (const auto folder = golden::find(name)) {
            const golden::Golden golden = golden::load(*folder);
            const reference::Model model(golden.model.string());
            CHECK(model.greedy(golden.tokens, golden.greedy.size()) == golden.greedy);
        } else {
            MESSAGE("skipped: no golden " << std::string(name));
        }
    }
}
