// SPDX-License-Identifier: MIT
// What an observer of a pass sees: the inputs of matrices, as the reference model computes them, each token once; and
// that it changes nothing.
#include <cstddef>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/reference/model.hpp"
#include "tests/support/golden_list.hpp"
#include "tests/support/runner.hpp"

namespace {

using linnet::Forward;
using linnet::Matrix;

// By tensor, for each of its matrices.
struct Seen {
    struct Sum {
        std::vector<double> squares;
        std::vector<int> counts;  // of each value
    };
    std::mutex mutex;
    std::map<std::string, std::map<std::size_t, Sum>> sums;
};

void see(void* user, const Matrix& w, std::size_t first, std::size_t n, const float* x) {
    auto& seen = *static_cast<Seen*>(user);
    if (w.tensor == nullptr || w.first_row % w.tensor->shape[1] != 0) return;
    const std::lock_guard lock(seen.mutex);
    auto& sum = seen.sums[std::string(w.tensor->name)][w.first_row / w.tensor->shape[1]];
    sum.squares.resize(w.n_in);
    sum.counts.resize(w.n_in);
    for (std::size_t i = 0; i < n; ++i) {
        sum.squares[first + i] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
        ++sum.counts[first + i];
    }
}

void check_sum(const Seen::Sum& sum, const reference::RowVector& expected) {
    REQUIRE(sum.squares.size() == static_cast<std::size_t>(expected.size()));
    CHECK(std::count(sum.counts.begin(), sum.counts.end(), sum.counts[0]) == expected.size());
    for (std::size_t i = 0; i < sum.squares.size(); ++i) {
        CHECK(sum.squares[i] == doctest::Approx(expected[static_cast<Eigen::Index>(i)]).epsilon(1e-3));
    }
}

struct Case {
    const char* name;
    std::vector<std::string> tensors;  // that must be among those compared
};
const Case kCases[] = {
    {"phi3", {"blk.1.attn_qkv.weight", "blk.1.ffn_up.weight", "blk.1.ffn_down.weight"}},
    {"qwen35", {"blk.3.attn_q.weight", "blk.3.attn_output.weight"}},
    {"gemma4", {"blk.0.inp_gate.weight", "blk.0.proj.weight"}},
    {"gemma3n", {"blk.1.inp_gate.weight", "blk.1.proj.weight"}},
    {"gemma4_moe", {"blk.0.ffn_gate_up_exps.weight", "blk.0.ffn_down_exps.weight", "blk.0.ffn_down.weight"}},
    {"qwen2moe", {"blk.1.ffn_up_exps.weight", "blk.1.ffn_down_exps.weight", "blk.1.ffn_down_shexp.weight"}},
    {"deepseek2_lite", {"blk.2.attn_k_b.weight", "blk.2.attn_v_b.weight", "blk.2.attn_output.weight"}},
};

}  // namespace

TEST_CASE("an observer sees what the reference model computes, and changes nothing") {
    for (const Case& c : kCases) {
        CAPTURE(std::string(c.name));
        const auto folder = golden::find(c.name);
        if (!folder) {
            MESSAGE("skipped: no golden " << std::string(c.name));
            continue;
        }
        const golden::Golden golden = golden::load(*folder);
        const auto model = runner::open(runner::make_engine(2), golden.model.string());
        const auto n = static_cast<std::uint32_t>(golden.tokens.size());
        Forward forward(*model, runner::shape(n, 0, linnet::KvType::f32));
        const auto expected = runner::logits(forward, golden.tokens);

        Seen seen;
        const linnet::InputObserver observer = {&seen, see};
        forward.begin(golden.tokens, 0, n);
        REQUIRE(forward.run(linnet::Stop{}, nullptr, &observer) == Forward::Outcome::done);
        const auto logits = forward.logits();
        REQUIRE(logits.size() == expected.size());
        CHECK(std::memcmp(logits.data(), expected.data(), expected.size() * sizeof(float)) == 0);

        const auto squares = reference::Model(golden.model.string()).input_squares(golden.tokens);
        for (const std::string& tensor : c.tensors) CHECK_MESSAGE(seen.sums.count(tensor) == 1, tensor);
        for (const auto& [tensor, matrices] : seen.sums) {
            CAPTURE(tensor);
            const auto found = squares.sums.find(tensor);
            if (found == squares.sums.end()) {
                CHECK(std::find(c.tensors.begin(), c.tensors.end(), tensor) == c.tensors.end());
                continue;
            }
            CHECK(matrices.size() == found->second.size());
            for (const auto& [index, sum] : matrices) {
                CAPTURE(index);
                check_sum(sum, found->second.at(static_cast<Eigen::Index>(index)));
            }
        }
    }
}
