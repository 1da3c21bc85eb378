// SPDX-License-Identifier: MIT
// Layers with experts: both spellings of their tensors, files that contradict themselves, and results that do not
// depend on which tokens share an expert. Their goldens: golden_test.cpp and same_bits_test.cpp.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/error.hpp"
#include "tests/support/gguf_rewrite.hpp"
#include "tests/support/golden_list.hpp"
#include "tests/support/runner.hpp"

namespace {

using gguf_test::Bytes;
using gguf_test::Rewrite;
using golden::Golden;
using linnet::Forward;
using linnet::KvType;
using linnet::Status;
using linnet::Token;

std::optional<Golden> load(const char* name) {
    if (const auto folder = golden::find(name)) return golden::load(*folder);
    MESSAGE("skipped: no golden " << std::string(name));
    return std::nullopt;
}

std::unique_ptr<linnet::Model> open(const Bytes& bytes, bool mapped = false) {
    return runner::open(runner::make_engine(2), bytes, mapped);
}

// `parts`: every one stands in the message.
void check_refused(const Bytes& bytes, const std::vector<std::string>& parts) {
    std::string text = "accepted";
    try {
        (void)open(bytes);
    } catch (const linnet::Error& error) {
        CHECK(error.status() == Status::bad_file);
        text = error.what();
    }
    for (const std::string& part : parts) {
        CHECK_MESSAGE(text.find(part) != std::string::npos, "'" << text << "' lacks '" << part << "'");
    }
}

std::vector<float> logits(const linnet::Model& model, std::span<const Token> tokens, std::uint32_t chunk = 0) {
    Forward forward(model, runner::shape(static_cast<std::uint32_t>(tokens.size()), chunk, KvType::f32));
    return runner::logits(forward, tokens, chunk);
}

bool same(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// Experts of one tensor as a tensor each, as converters wrote them until 2024.
Bytes split_experts(const Bytes& bytes, std::size_t n_experts) {
    Rewrite rewrite(bytes);
    for (const std::string layer : {"blk.0.", "blk.1."}) {
        for (const std::string part : {"ffn_gate", "ffn_up", "ffn_down"}) {
            const Rewrite::Tensor all = rewrite.tensor(layer + part + "_exps.weight");
            const std::size_t size = all.data.size() / n_experts;
            for (std::size_t i = 0; i < n_experts; ++i) {
                const auto begin = all.data.begin() + static_cast<std::ptrdiff_t>(i * size);
                rewrite.add_tensor({layer + part + "." + std::to_string(i) + ".weight",
                                    all.type,
                                    {all.shape[0], all.shape[1]},
                                    Bytes(begin, begin + static_cast<std::ptrdiff_t>(size))});
            }
            rewrite.drop_tensor(all.name);
        }
    }
    return rewrite.bytes();
}

// Gates and ups as one tensor (of each expert the gate's rows first), as converters write them if asked to, or as two.
// part: "weight" or "bias".
Bytes fuse_experts(const Bytes& bytes, const std::string& part) {
    Rewrite rewrite(bytes);
    for (const auto& info : rewrite.file().tensors()) {
        const std::string name(info.name);
        const std::size_t at = name.find("_gate_exps." + part);
        if (at == std::string::npos) continue;
        const std::string stem = name.substr(0, at);
        Rewrite::Tensor gate = rewrite.tensor(name);
        const Rewrite::Tensor up = rewrite.tensor(stem + "_up_exps." + part);
        const std::size_t n_experts = gate.shape.back();
        const std::size_t size = gate.data.size() / n_experts;
        Bytes both;
        for (std::size_t i = 0; i < n_experts; ++i) {
            for (const Rewrite::Tensor& half : {std::cref(std::as_const(gate)), std::cref(up)}) {
                const auto begin = half.data.begin() + static_cast<std::ptrdiff_t>(i * size);
                both.insert(both.end(), begin, begin + static_cast<std::ptrdiff_t>(size));
            }
        }
        rewrite.drop_tensor(name).drop_tensor(up.name);
        gate.name = stem + "_gate_up_exps." + part;
        gate.shape[gate.shape.size() - 2] *= 2;
        gate.data = std::move(both);
        rewrite.add_tensor(std::move(gate));
    }
    return rewrite.bytes();
}

Bytes unfuse_experts(const Bytes& bytes) {
    Rewrite rewrite(bytes);
    for (const auto& info : rewrite.file().tensors()) {
        const std::string name(info.name);
        const std::size_t at = name.find("_gate_up_exps.weight");
        if (at == std::string::npos) continue;
        const Rewrite::Tensor both = rewrite.tensor(name);
        const std::size_t size = both.data.size() / both.shape[2] / 2;
        for (const std::size_t half : {0U, 1U}) {
            Bytes data;
            for (std::size_t i = half; i < 2 * both.shape[2]; i += 2) {
                const auto begin = both.data.begin() + static_cast<std::ptrdiff_t>(i * size);
                data.insert(data.end(), begin, begin + static_cast<std::ptrdiff_t>(size));
            }
            rewrite.add_tensor({name.substr(0, at) + (half == 0 ? "_gate_exps.weight" : "_up_exps.weight"),
                                both.type,
                                {both.shape[0], both.shape[1] / 2, both.shape[2]},
                                std::move(data)});
        }
        rewrite.drop_tensor(name);
    }
    return rewrite.bytes();
}

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

}  // namespace

TEST_CASE("experts: one tensor for all or one for each give the same bits") {
    const auto golden = load("mixtral");
    if (!golden) return;
    const Bytes bytes = fixtures::read(golden->model);
    const Bytes split = split_experts(bytes, 4);
    const auto expected = logits(*open(bytes), golden->tokens);
    CHECK(same(logits(*open(split), golden->tokens), expected));
    CHECK(same(logits(*open(split, true), golden->tokens), expected));

    check_refused(Rewrite(split).drop_tensor("blk.1.ffn_up.2.weight").bytes(), {"'blk.1.ffn_up.2.weight'", "missing"});
    Rewrite both(split);
    both.add_tensor(Rewrite(bytes).tensor("blk.0.ffn_gate_exps.weight"));
    check_refused(both.bytes(), {"'blk.0.ffn_gate.0.weight'", "no place"});
    check_refused(Rewrite(bytes).drop_tensor("blk.1.ffn_up_exps.weight").bytes(),
                  {"'blk.1.ffn_up_exps.weight'", "missing"});
}

TEST_CASE("experts: gates and ups in one tensor or in two give the same bits") {
    for (const char* name : {"qwen3moe", "qwen2moe", "gpt_oss", "deepseek2_lite", "gemma4_moe", "quant_qwen3moe_q4_0",
                             "quant_gpt_oss_mxfp4_moe"}) {
        CAPTURE(std::string(name));
        const auto golden = load(name);
        if (!golden) continue;
        const Bytes bytes = fixtures::read(golden->model);
        const auto expected = logits(*open(bytes), golden->tokens);
        const bool is_fused = std::string(name) == "gemma4_moe";
        const Bytes other = is_fused ? unfuse_experts(bytes) : fuse_experts(bytes, "weight");
        REQUIRE(other != bytes);
        for (const bool mapped : {false, true}) CHECK(same(logits(*open(other, mapped), golden->tokens), expected));
        if (is_fused) CHECK(fuse_experts(other, "weight").size() == bytes.size());
        const Bytes with_biases = fuse_experts(other, "bias");
        CHECK((with_biases != other) == (std::string(name).find("gpt_oss") != std::string::npos));
        CHECK(same(logits(*open(with_biases), golden->tokens), expected));
    }
}

// A power of two for each expert, so that nothing is rounded; what NVFP4 files have for activations does nothing.
TEST_CASE("experts: factors beside gates and ups in one tensor") {
    const auto golden = load("qwen3moe");
    if (!golden) return;
    const Bytes bytes = fixtures::read(golden->model);
    const Bytes fused = fuse_experts(bytes, "weight");
    Rewrite scaled(fused);
    Rewrite::Tensor both = scaled.tensor("blk.1.ffn_gate_up_exps.weight");
    std::vector<float> factors(both.shape[2]);
    for (std::size_t i = 0; i < factors.size(); ++i) factors[i] = static_cast<float>(1U << i);
    auto* values = reinterpret_cast<float*>(both.data.data());
    const std::size_t size = both.data.size() / sizeof(float) / factors.size();
    for (std::size_t i = 0; i < size * factors.size(); ++i) values[i] /= factors[i / size];
    const auto data = std::as_bytes(std::span(factors));
    for (const std::string ending : {"scale", "input_scale"}) {
        scaled.add_tensor({"blk.1.ffn_gate_up_exps." + ending,
                           linnet::gguf::find_type("F32")->type,
                           {factors.size()},
                           Bytes(data.begin(), data.end())});
    }
    const Bytes scaled_bytes = scaled.replace_tensor(std::move(both)).bytes();
    CHECK(same(logits(*open(scaled_bytes), golden->tokens), logits(*open(bytes), golden->tokens)));
}

TEST_CASE("experts: gates and ups in one tensor and in two, in neither, or of another width") {
    const auto golden = load("quant_gpt_oss_mxfp4_moe");
    if (!golden) return;
    const Bytes bytes = fixtures::read(golden->model);
    const Bytes weights = fuse_experts(bytes, "weight");
    const Bytes all = fuse_experts(weights, "bias");
    const auto with = [&](const Bytes& of, const std::string& name) {
        return Rewrite(of).add_tensor(Rewrite(bytes).tensor(name)).bytes();
    };
    for (const std::string half : {"gate", "up"}) {
        CAPTURE(half);
        const std::string weight = "blk.1.ffn_" + half + "_exps.weight";
        const std::string bias = "blk.1.ffn_" + half + "_exps.bias";
        check_refused(with(weights, weight), {"'" + weight + "' stands beside 'blk.1.ffn_gate_up_exps.weight'"});
        check_refused(with(all, bias), {"'" + bias + "' stands beside 'blk.1.ffn_gate_up_exps.bias'"});
        check_refused(Rewrite(bytes).drop_tensor(weight).bytes(),
                      {"'" + weight + "'", "'blk.1.ffn_gate_up_exps.weight'", "missing"});
        check_refused(Rewrite(bytes).drop_tensor(bias).bytes(),
                      {"'" + bias + "'", "'blk.1.ffn_gate_up_exps.bias'", "missing"});
    }
    check_refused(Rewrite(all).drop_tensor("blk.1.ffn_gate_up_exps.weight").bytes(),
                  {"'blk.1.ffn_gate_exps.weight'", "'blk.1.ffn_gate_up_exps.weight'", "missing"});
    check_refused(Rewrite(all).u32("gpt-oss.expert_feed_forward_length", 16).bytes(),
                  {"'blk.0.ffn_gate_up_exps.weight'", ", 64, 4", ", 32, 4]"});
}

TEST_CASE("experts: metadata that contradicts tensors or itself") {
    const auto golden = load("qwen3moe");
    if (!golden) return;
    const Bytes bytes = fixtures::read(golden->model);
    const auto with = [&](const char* key, std::uint32_t value) {
        return Rewrite(bytes).u32(std::string("qwen3moe.") + key, value).bytes();
    };
    check_refused(with("expert_used_count", 5), {"'qwen3moe.expert_used_count' (5)", "'qwen3moe.expert_count' (4)"});
    check_refused(with("expert_used_count", 0), {"'qwen3moe.expert_used_count'"});
    check_refused(with("expert_count", 0), {"'qwen3moe.expert_count'"});
    check_refused(with("expert_count", 5), {"'blk.0.ffn_gate_inp.weight'", "[48, 4", "[48, 5"});
    check_refused(with("expert_feed_forward_length", 16),
                  {"'blk.0.ffn_gate_exps.weight'", "[48, 32, 4", "[48, 16, 4]"});
    check_refused(Rewrite(bytes).drop_tensor("blk.1.ffn_gate_inp.weight").bytes(),
                  {"'blk.1.ffn_gate_inp.weight'", "missing"});
    // A width of what this architecture does not have.
    const Bytes shared = with("expert_shared_feed_forward_length", 64);
    CHECK(same(logits(*open(shared), golden->tokens), logits(*open(bytes), golden->tokens)));
    // Experts without a count are no experts.
    const auto mixtral = load("mixtral");
    const Bytes dense = fixtures::read(mixtral->model);
    check_refused(Rewrite(dense).drop_key("llama.expert_count").bytes(), {"'blk.0.ffn_gate.weight'", "missing"});
}

// More tokens than an expert takes at a time, and passes in which experts have one token or none; positions beyond one
// span, so that decoding merges several and, in gpt-oss, a sink.
TEST_CASE("experts: the same bits however tokens are grouped") {
    for (const char* name : {"mixtral", "qwen2moe", "gpt_oss", "deepseek2_lite", "gemma4_moe", "quant_qwen3moe_q4_0",
                             "quant_gpt_oss_mxfp4_moe"}) {
        CAPTURE(std::string(name));
        const auto golden = load(name);
        if (!golden) continue;
        const auto model = runner::open(runner::make_engine(3), golden->model.string());
        const auto tokens = random_tokens(std::string(name) == "deepseek2_lite" ? 530 : 600, model->spec().n_vocab);
        const auto expected = logits(*model, tokens);
        for (const std::uint32_t chunk : {1U, 3U, 119U, 250U}) {
            CAPTURE(chunk);
            CHECK(same(logits(*model, tokens, chunk), expected));
        }
    }
}

// A router without weights: all scores are equal, and the first experts are taken by all tokens.
TEST_CASE("experts: the first of equal scores, whose weights are equal") {
    const auto golden = load("mixtral");
    if (!golden) return;
    const Bytes bytes = fixtures::read(golden->model);
    Rewrite equal(bytes);
    Rewrite one(bytes);
    for (const std::string layer : {"blk.0.", "blk.1."}) {
        Rewrite::Tensor router = equal.tensor(layer + "ffn_gate_inp.weight");
        std::fill(router.data.begin(), router.data.end(), std::byte{0});
        equal.replace_tensor(router);
        one.replace_tensor(router);
        // Two times half of expert 0 is expert 0.
        for (const std::string part : {"ffn_gate", "ffn_up", "ffn_down"}) {
            Rewrite::Tensor all = equal.tensor(layer + part + "_exps.weight");
            const auto size = static_cast<std::ptrdiff_t>(all.data.size() / 4);
            std::copy_n(all.data.begin(), size, all.data.begin() + size);
            equal.replace_tensor(all);
        }
    }
    one.u32("llama.expert_used_count", 1);
    const Bytes equal_bytes = equal.bytes();
    const Bytes one_bytes = one.bytes();
    const auto expected = logits(*open(one_bytes), golden->tokens);
    const auto got = logits(*open(equal_bytes), golden->tokens);
    REQUIRE(got.size() == expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i] == doctest::Approx(expected[i]).epsilon(1e-4).scale(1));
}

TEST_CASE("experts: widths that early files of qwen2moe do not give") {
    const auto golden = load("qwen2moe");
    if (!golden) return;
    const Bytes bytes = fixtures::read(golden->model);
    Rewrite early(bytes);
    early.drop_key("qwen2moe.expert_feed_forward_length").drop_key("qwen2moe.expert_shared_feed_forward_length");
    const Bytes without = early.bytes();
    CHECK(same(logits(*open(without), golden->tokens), logits(*open(bytes), golden->tokens)));
}

TEST_CASE("experts: the plan is what is then taken, to the byte") {
    for (const char* name : {"mixtral", "qwen2moe", "gpt_oss", "deepseek2_lite", "gemma4_moe"}) {
        CAPTURE(std::string(name));
        const auto golden = load(name);
        if (!golden) continue;
        for (const bool mapped : {false, true}) {
            CAPTURE(mapped);
            const auto engine = runner::make_engine(3);
            linnet::Memory counting;
            const auto file = linnet::gguf::File::open(golden->model.string(), true, counting);
            const auto plan = linnet::Model::plan(file, counting, mapped);
            const linnet::PassShape shape{100, 40, 3, KvType::f16};
            const Forward::Sizes sizes = Forward::plan(plan.spec, shape, 3);
            const std::uint64_t before = engine->memory.used();
            const auto model = runner::open(engine, golden->model.string(), mapped);
            const std::uint64_t loaded = engine->memory.used();
            CHECK(loaded - before == plan.weights_bytes + plan.metadata_bytes);
            const Forward forward(*model, shape);
            CHECK(engine->memory.used() - loaded == sizes.kv_bytes + sizes.scratch_bytes);
        }
    }
}
