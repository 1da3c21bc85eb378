// SPDX-License-Identifier: MIT
// What architectures beyond the plain decoder ask of the loader and the pass: tensors that belong together, two
// spellings of one model, metadata that contradicts tensors, contexts that end. Their results: golden_test.cpp.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <string>
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
using linnet::Status;

std::optional<Golden> load(const char* name) {
    if (const auto folder = golden::find(name)) return golden::load(*folder);
    MESSAGE("skipped: no golden " << std::string(name));
    return std::nullopt;
}

std::unique_ptr<linnet::Model> open(const Bytes& bytes) { return runner::open(runner::make_engine(), bytes); }

// `parts`: every one stands in the message.
void check_refused(const Bytes& bytes, const std::vector<std::string>& parts) {
    std::string text;
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

std::vector<float> logits(const linnet::Model& model, const Golden& golden) {
    const auto n = static_cast<std::uint32_t>(golden.tokens.size());
    linnet::Forward forward(model, runner::shape(n, 0, linnet::KvType::f32));
    return runner::logits(forward, golden.tokens);
}

// q, k, v one after the other, as older converters wrote them.
Rewrite::Tensor fuse(const Rewrite& file, const std::string& layer, const std::string& kind) {
    Rewrite::Tensor fused = file.tensor(layer + "attn_q." + kind);
    fused.name = layer + "attn_qkv." + kind;
    for (const char* name : {"attn_k.", "attn_v."}) {
        const Rewrite::Tensor part = file.tensor(layer + name + kind);
        fused.shape.back() += part.shape.back();
        fused.data.insert(fused.data.end(), part.data.begin(), part.data.end());
    }
    return fused;
}

}  // namespace

TEST_CASE("families: q, k, v of phi2 in one tensor or three give the same bits") {
    const auto golden = load("phi2");
    if (!golden) return;
    const Bytes bytes = fixtures::read(golden->model);
    Rewrite rewrite(bytes);
    Rewrite both(bytes);
    for (const std::string layer : {"blk.0.", "blk.1."}) {
        for (const std::string kind : {"weight", "bias"}) {
            rewrite.add_tensor(fuse(rewrite, layer, kind));
            for (const std::string part : {"q.", "k.", "v."}) rewrite.drop_tensor(layer + "attn_" + part + kind);
        }
    }
    const Bytes fused = rewrite.bytes();
    const auto expected = logits(*open(bytes), *golden);
    const auto got = logits(*open(fused), *golden);
    REQUIRE(got.size() == expected.size());
    CHECK(std::memcmp(got.data(), expected.data(), got.size() * sizeof(float)) == 0);

    check_refused(Rewrite(fused).drop_tensor("blk.1.attn_qkv.bias").bytes(),
                  {"'blk.1.attn_qkv.bias'", "missing", "'blk.1.attn_qkv.weight'"});
    check_refused(Rewrite(bytes).drop_tensor("blk.1.attn_k.bias").bytes(), {"'blk.1.attn_k.bias'", "missing"});
    check_refused(both.add_tensor(fuse(both, "blk.0.", "weight")).add_tensor(fuse(both, "blk.0.", "bias")).bytes(),
                  {"'blk.0.attn_", "no place"});
}

TEST_CASE("families: stablelm's parallel residual, by key and by tensor") {
    const auto sequential = load("stablelm");
    const auto parallel = load("stablelm_12b");
    if (!sequential || !parallel) return;
    const Bytes bytes = fixtures::read(sequential->model);
    const Bytes bytes_12b = fixtures::read(parallel->model);
    const auto put = [](bool value) { return [value](auto& writer, auto& key) { writer.add_bool(key, value); }; };
    const std::string key = "stablelm.use_parallel_residual";
    check_refused(Rewrite(bytes).replace_key(key, put(true)).bytes(),
                  {"'" + key + "'", "'blk.0.ffn_norm.weight'", "there"});
    check_refused(Rewrite(bytes_12b).replace_key(key, put(false)).bytes(),
                  {"'" + key + "'", "'blk.0.ffn_norm.weight'", "missing"});
    check_refused(Rewrite(bytes).drop_tensor("blk.1.ffn_norm.bias").bytes(),
                  {"'blk.1.ffn_norm.bias'", "'blk.1.ffn_norm.weight'"});
    check_refused(Rewrite(bytes_12b).drop_tensor("blk.1.attn_k_norm.weight").bytes(),
                  {"'blk.1.attn_k_norm.weight'", "'blk.1.attn_q_norm.weight'"});
    // Without the key the tensors tell.
    const auto expected = logits(*open(bytes_12b), *parallel);
    const auto got = logits(*open(Rewrite(bytes_12b).drop_key(key).bytes()), *parallel);
    CHECK(got == expected);
}

TEST_CASE("families: gpt2's context ends with its position embedding") {
    const auto golden = load("gpt2");
    if (!golden) return;
    const Bytes bytes = fixtures::read(golden->model);
    const auto model = open(bytes);
    CHECK(linnet::Forward::resolve(model->spec(), {}).n_ctx == 128);
    CHECK(linnet::Forward::resolve(model->spec(), {128, 0, 1, linnet::KvType::f32}).n_ctx == 128);
    CHECK_THROWS_AS(linnet::Forward::resolve(model->spec(), {129, 0, 1, linnet::KvType::f32}), linnet::Error);
    check_refused(Rewrite(bytes).u32("gpt2.context_length", 129).bytes(), {"'position_embd.weight'", "129"});
}

TEST_CASE("families: defaults of keys that files may lack") {
    const auto granite = load("granite");
    const auto gemma2 = load("gemma2");
    if (!granite || !gemma2) return;
    const Bytes bytes = fixtures::read(granite->model);
    Rewrite plain(bytes);
    for (const char* key : {"attention.scale", "embedding_scale", "residual_scale", "logit_scale"}) {
        plain.drop_key(std::string("granite.") + key);
    }
    const Bytes without = plain.bytes();
    const auto model = open(without);
    CHECK(model->spec().embedding_scale == 1.0F);
    CHECK(model->spec().residual_scale == 1.0F);
    CHECK(model->spec().logit_scale == 1.0F);
    CHECK(model->spec().layers[0].attention_scale == doctest::Approx(0.288675));  // 1 / sqrt(12)
    const Bytes bytes_gemma2 = fixtures::read(gemma2->model);
    Rewrite uncapped(bytes_gemma2);
    for (const char* key : {"attn_logit_softcapping", "final_logit_softcapping", "attention.sliding_window"}) {
        uncapped.drop_key(std::string("gemma2.") + key);
    }
    const Bytes without_caps = uncapped.bytes();
    const auto other = open(without_caps);
    CHECK(other->spec().logit_cap == 30.0F);
    CHECK(other->spec().layers[1].attention_cap == 50.0F);
    CHECK(other->spec().layers[0].window == 4096);
    CHECK(other->spec().layers[1].window == 0);
}

TEST_CASE("families: numbers that are none are refused by their key") {
    struct Keys {
        const char* golden;
        std::vector<const char*> names;
    };
    constexpr float kInf = std::numeric_limits<float>::infinity();
    for (const Keys& keys : std::vector<Keys>{
             {"granite", {"attention.scale", "embedding_scale", "residual_scale", "logit_scale"}},
             {"gemma2", {"attn_logit_softcapping", "final_logit_softcapping"}},
             {"ministral3", {"attention.temperature_scale", "rope.scaling.yarn_log_multiplier"}},
             {"cohere2", {"attention.layer_norm_epsilon", "logit_scale"}},
         }) {
        const auto golden = load(keys.golden);
        if (!golden) continue;
        const Bytes bytes = fixtures::read(golden->model);
        const std::string start = std::string(*Rewrite(bytes).file().string("general.architecture")) + ".";
        for (const char* name : keys.names) {
            for (const float value : {0.0F, -1.0F, 1e31F, kInf, -kInf, std::nanf("")}) {
                check_refused(Rewrite(bytes).f32(start + name, value).bytes(), {"'" + start + name + "'"});
            }
        }
    }
}

TEST_CASE("families: one flag for each layer") {
    const auto golden = load("olmo3");
    if (!golden) return;
    Bytes bytes = fixtures::read(golden->model);
    const auto model = open(bytes);
    CHECK(model->spec().layers[2].window == 16);
    CHECK(model->spec().layers[3].window == 0);
    CHECK(model->spec().layers.size() == 4);
    // The value behind the key and its type.
    const std::string key = "olmo2.block_count";
    const auto* as_bytes = reinterpret_cast<const std::byte*>(key.data());
    const auto found = std::search(bytes.begin(), bytes.end(), as_bytes, as_bytes + key.size());
    REQUIRE(found != bytes.end());
    std::byte& n_layers = found[static_cast<std::ptrdiff_t>(key.size() + 4)];
    REQUIRE(n_layers == std::byte{4});
    n_layers = std::byte{3};
    check_refused(bytes, {"'olmo2.attention.sliding_window_pattern'", "4", "3"});
}
