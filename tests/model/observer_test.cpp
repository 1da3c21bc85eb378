// SPDX-License-Identifier: MIT
// What an observer of a pass sees: the inputs of matrices, as the reference model computes them, each token once and in
// their order; and that it changes nothing.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/reference/model.hpp"
#include "tests/support/golden_list.hpp"
#include "tests/support/random_shapes.hpp"
#include "tests/support/runner.hpp"
#include "tests/support/temporary.hpp"

namespace {

using linnet::Forward;
using linnet::Matrix;

// By tensor, for each of its matrices.
struct Seen {
    struct Sum {
        std::vector<double> squares;
        std::vector<int> counts;            // of each value
        std::vector<std::uint64_t> orders;  // a hash of it as it came
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
    sum.orders.resize(w.n_in);
    for (std::size_t i = 0; i < n; ++i) {
        sum.squares[first + i] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
        ++sum.counts[first + i];
        sum.orders[first + i] = sum.orders[first + i] * 1099511628211U + std::bit_cast<std::uint32_t>(x[i]);
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

std::vector<float> observed_logits(const linnet::Model& model, const std::vector<linnet::Token>& tokens, Seen& seen) {
    const auto n = static_cast<std::uint32_t>(tokens.size());
    Forward forward(model, runner::shape(n, 0, linnet::KvType::f32));
    const linnet::InputObserver observer = {&seen, see};
    forward.begin(tokens, 0, n);
    REQUIRE(forward.run(linnet::Stop{}, nullptr, &observer) == Forward::Outcome::done);
    return {forward.logits().begin(), forward.logits().end()};
}

// tensors: that must be among those compared.
void check_observed(const std::string& path, const std::vector<linnet::Token>& tokens,
                    const std::vector<std::string>& tensors) {
    const auto model = runner::open(runner::make_engine(2), path);
    const auto n = static_cast<std::uint32_t>(tokens.size());
    Forward forward(*model, runner::shape(n, 0, linnet::KvType::f32));
    const auto expected = runner::logits(forward, tokens);
    Seen seen, seen_alone;
    CHECK(observed_logits(*model, tokens, seen) == expected);
    const auto alone = runner::open(runner::make_engine(1), path);
    CHECK(observed_logits(*alone, tokens, seen_alone) == expected);

    const auto squares = reference::Model(path).input_squares(tokens);
    for (const std::string& tensor : tensors) CHECK_MESSAGE(seen.sums.count(tensor) == 1, tensor);
    for (const auto& entry : squares.sums) {  // which has each tensor under all of its names
        const std::string& tensor = entry.first;
        if (model->file().find_tensor(tensor) != nullptr) CHECK_MESSAGE(seen.sums.count(tensor) == 1, tensor);
    }
    for (const auto& entry : seen.sums) {
        const std::string& tensor = entry.first;
        CAPTURE(tensor);
        for (const auto& [index, sum] : entry.second) CHECK(sum.orders == seen_alone.sums[tensor][index].orders);
        const auto found = squares.sums.find(tensor);
        if (found == squares.sums.end()) {
            CHECK(std::find(tensors.begin(), tensors.end(), tensor) == tensors.end());
            continue;
        }
        CHECK(entry.second.size() == found->second.size());
        for (const auto& of_matrix : entry.second) {
            const std::size_t index = of_matrix.first;
            CAPTURE(index);
            check_sum(of_matrix.second, found->second.at(static_cast<Eigen::Index>(index)));
        }
    }
}

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
        check_observed(golden.model.string(), golden.tokens, c.tensors);
    }
}

TEST_CASE("an observer sees each token once where an expert's rows are divided between tasks") {
    gguf_test::RandomModel model = gguf_test::latent(0);
    gguf_test::add_experts(model, 8, 3);
    const Temporary folder;
    folder.write(folder.path("model.gguf"), model.u32("expert_feed_forward_length", 160).bytes());
    std::vector<linnet::Token> tokens;
    for (std::int32_t i = 0; i < 40; ++i) tokens.push_back(i * i * 7 % 251);
    check_observed(folder.path("model.gguf"), tokens,
                   {"blk.1.ffn_gate_exps.weight", "blk.1.ffn_up_exps.weight", "blk.1.ffn_down_exps.weight"});
}
