// SPDX-License-Identifier: MIT
// The reference model against results of other implementations. It has to agree with them as closely as two float32
// computations can, on quantised files too, or it could not judge the runtime.
#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/reference/model.hpp"
#include "tests/support/golden_list.hpp"

namespace {

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
    golden::for_each([](const std::string&, const golden::Golden& golden) { check_logits(golden); });
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
