// SPDX-License-Identifier: MIT
// Shapes of models that no golden has, with random weights: the runtime against the reference model, which computes
// them in double from the formulas of the papers and of the models' own code.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/error.hpp"
#include "tests/reference/model.hpp"
#include "tests/support/random_shapes.hpp"
#include "tests/support/runner.hpp"
#include "tests/support/temporary.hpp"

namespace {

using gguf_test::add_experts;
using gguf_test::Bytes;
using gguf_test::decoder;
using gguf_test::delta_nets;
using gguf_test::latent;
using gguf_test::RandomModel;
using linnet::KvType;
using linnet::Token;

std::unique_ptr<linnet::Model> open(const Bytes& bytes, bool mapped = false) {
    return runner::open(runner::make_engine(2), bytes, mapped);
}

std::vector<Token> tokens() {
    std::vector<Token> result;
    for (std::int32_t i = 0; i < 40; ++i) result.push_back(i * i * 7 % 251);
    return result;
}

std::vector<float> logits(const linnet::Model& model, std::uint32_t chunk) {
    linnet::Forward forward(model, runner::shape(40, chunk, KvType::f32));
    return runner::logits(forward, tokens(), chunk);
}

void check(const Bytes& bytes) {
    const auto model = open(bytes);
    const auto got = logits(*model, 0);
    const Temporary folder;
    folder.write(folder.path("model.gguf"), bytes);
    const auto expected = reference::Model(folder.path("model.gguf")).logits(tokens());
    REQUIRE(got.size() == expected.size());
    double worst = 0.0;
    double widest = 0.0;
    for (std::size_t i = 0; i < got.size(); ++i) {
        const double difference = std::abs(static_cast<double>(got[i]) - static_cast<double>(expected[i]));
        worst = std::max(worst, std::isnan(difference) ? HUGE_VAL : difference);
        widest = std::max(widest, std::abs(static_cast<double>(expected[i])));
    }
    CHECK(worst <= 1e-3);
    CHECK(widest >= 3.0);  // there is something to agree about
    const auto chunked = logits(*model, 7);
    CHECK(std::memcmp(got.data(), chunked.data(), got.size() * sizeof(float)) == 0);
}

}  // namespace

TEST_CASE("formulas: compressed queries") {
    RandomModel model = latent(40);
    add_experts(model, 8, 3);
    check(model.bytes());
}

TEST_CASE("formulas: latents without experts") {
    RandomModel model = latent(40);
    model.u32("leading_dense_block_count", 4).u32("expert_feed_forward_length", 96).u32("expert_shared_count", 0);
    check(model.bytes());
}

TEST_CASE("formulas: experts weighed by sigmoids and chosen by biases") {
    for (const bool normed : {false, true}) {
        CAPTURE(normed);
        RandomModel model = latent(0);
        add_experts(model, 8, 3);
        model.u32("expert_gating_func", 2).flag("expert_weights_norm", normed).f32("expert_weights_scale", 1.75F);
        check(model.with("exp_probs_b.bias").bytes());
    }
}

TEST_CASE("formulas: experts of the best groups, by their best or their two best") {
    for (const std::uint32_t function : {1U, 2U}) {
        CAPTURE(function);
        RandomModel model = latent(40);
        add_experts(model, 12, 3);
        model.u32("expert_gating_func", function).u32("expert_group_count", 4).u32("expert_group_used_count", 2);
        if (function == 2) model.flag("expert_weights_norm", true).with("exp_probs_b.bias");
        check(model.bytes());
    }
}

TEST_CASE("formulas: a file with biases of experts and no word on how they are weighed means sigmoids") {
    RandomModel with(latent(0));
    add_experts(with, 8, 3);
    const Bytes named = with.u32("expert_gating_func", 2).with("exp_probs_b.bias").bytes();
    const Bytes unnamed = gguf_test::Rewrite(named).drop_key("deepseek2.expert_gating_func").bytes();
    CHECK(logits(*open(named), 0) == logits(*open(unnamed), 0));
}

TEST_CASE("formulas: Qwen 3.5 with experts") {
    RandomModel model = delta_nets("qwen35moe");
    add_experts(model, 8, 2);
    check(model.u32("expert_shared_feed_forward_length", 48).bytes());
}

TEST_CASE("formulas: ERNIE 4.5 with experts in every other layer") {
    RandomModel model = decoder("ernie4_5-moe");
    add_experts(model, 8, 3);
    model.u32("attention.head_count_kv", 2).u32("leading_dense_block_count", 1).u32("interleave_moe_layer_step", 2);
    model.u32("expert_shared_count", 2).u32("expert_shared_feed_forward_length", 64);
    const Bytes bytes = model.with("exp_probs_b.bias").bytes();
    const auto opened = open(bytes);
    for (std::size_t i = 0; i < 4; ++i) {  // those whose number, from 1, the step divides: the file was made likewise
        CHECK(opened->spec().layers[i].experts.n_experts == (i % 2 == 1 ? 8 : 0));
    }
    check(bytes);
}

TEST_CASE("formulas: LFM2 with experts") { check(gguf_test::short_convs().bytes()); }

TEST_CASE("formulas: layers that guess tokens ahead are left out") {
    RandomModel model = delta_nets("qwen35");
    const Bytes bytes = model.bytes();
    gguf_test::Rewrite longer(bytes);
    longer.u32("qwen35.block_count", 5).u32("qwen35.nextn_predict_layers", 1);
    longer.add_tensor({"blk.4.nextn.eh_proj.weight", linnet::gguf::find_type("F32")->type, {128, 64}, {}});
    longer.add_tensor({"blk.4.attn_norm.weight", linnet::gguf::find_type("F32")->type, {64}, {}});
    const Bytes with_draft = longer.bytes();
    CHECK(logits(*open(with_draft), 0) == logits(*open(bytes), 0));
    check(with_draft);
    longer.add_tensor({"blk.5.attn_norm.weight", linnet::gguf::find_type("F32")->type, {64}, {}});
    CHECK_THROWS_AS(open(longer.bytes()), linnet::Error);
}

TEST_CASE("formulas: groups of experts that contradict themselves are refused") {
    const auto refusal = [](std::uint32_t n_groups, std::uint32_t n_groups_used, std::uint32_t n_used) {
        RandomModel model = latent(0);
        add_experts(model, 12, n_used);
        model.u32("expert_group_count", n_groups).u32("expert_group_used_count", n_groups_used);
        try {
            model.bytes();
        } catch (const linnet::Error& error) {
            return std::string(error.what());
        }
        return std::string("accepted");
    };
    CHECK(refusal(4, 2, 3) == "accepted");
    CHECK(refusal(5, 2, 3) ==
          "key 'deepseek2.expert_group_count' (5) does not split 'deepseek2.expert_count' (12) into groups");
    CHECK(refusal(4, 2, 7) ==
          "key 'deepseek2.expert_used_count' (7) is more than 'deepseek2.expert_group_used_count' (2) of "
          "'deepseek2.expert_group_count' (4) hold");
    CHECK(refusal(4, 5, 3) == "key 'deepseek2.expert_group_used_count' is 5, not in 0..4");
}

// A tensor halved, or divided by other powers of two, with the factor beside it: nothing is rounded, so that all bits
// stay. The factor of activations of 4 bits stands there too, and does nothing.
TEST_CASE("formulas: factors beside tensors, as NVFP4 has them") {
    RandomModel model = delta_nets("qwen35moe");
    add_experts(model, 8, 2);
    const Bytes bytes = model.u32("expert_shared_feed_forward_length", 48).with("output.weight").bytes();
    const auto f32 = linnet::gguf::find_type("F32")->type;
    gguf_test::Rewrite scaled(bytes);
    std::size_t n_scaled = 0;
    for (const auto& info : scaled.file().tensors()) {
        if (info.n_dims < 2 || info.name.find("conv") != std::string::npos) continue;
        gguf_test::Rewrite::Tensor tensor = scaled.tensor(std::string(info.name));
        const std::string stem = tensor.name.substr(0, tensor.name.size() - std::string("weight").size());
        std::vector<float> factors(info.shape[2]);
        for (std::size_t i = 0; i < factors.size(); ++i) factors[i] = static_cast<float>(2U << (n_scaled + i) % 3);
        auto* values = reinterpret_cast<float*>(tensor.data.data());
        const std::size_t size = info.n_elements / factors.size();
        for (std::size_t i = 0; i < info.n_elements; ++i) values[i] /= factors[i / size];
        const std::vector<float> inputs(factors.size(), 3.0F);
        const auto add = [&](const std::string& name, const std::vector<float>& of) {
            const auto data = std::as_bytes(std::span(of));
            scaled.add_tensor({stem + name, f32, {of.size()}, Bytes(data.begin(), data.end())});
        };
        add("scale", factors);
        add("input_scale", inputs);
        scaled.replace_tensor(std::move(tensor));
        ++n_scaled;
    }
    CHECK(n_scaled > 40);
    const Bytes scaled_bytes = scaled.bytes();
    const auto expected = logits(*open(bytes), 0);
    for (const bool mapped : {false, true}) {
        CAPTURE(mapped);
        CHECK(logits(*open(scaled_bytes, mapped), 0) == expected);
    }
    gguf_test::Rewrite wrong(bytes);
    wrong.add_tensor({"blk.3.attn_q.scale", f32, {2}, {}});
    CHECK_THROWS_WITH_AS(open(wrong.bytes()),
                         "tensor 'blk.3.attn_q.scale' holds 2 x F32, but tensor 'blk.3.attn_q.weight' 1 matrices",
                         linnet::Error);
}

TEST_CASE("formulas: Granite 4 hybrids, with groups of heads, dense and with experts") {
    for (const bool has_experts : {false, true}) {
        CAPTURE(has_experts);
        RandomModel model = gguf_test::state_spaces();
        if (has_experts) {
            add_experts(model, 8, 2);
            model.u32("expert_shared_feed_forward_length", 48);
        }
        check(model.bytes());
    }
}

TEST_CASE("formulas: Granite without positions") {
    RandomModel model = decoder("granite");
    check(model.u32("attention.head_count_kv", 2).flag("rope.scaling.finetuned", false).bytes());
}
