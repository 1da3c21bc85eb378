// SPDX-License-Identifier: MIT
// Blocks that few architectures have: fields of theirs flipped, against the reference model; files whose metadata
// contradict their tensors. Their results as published: golden_test.cpp.
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/error.hpp"
#include "tests/reference/model.hpp"
#include "tests/support/gguf_rewrite.hpp"
#include "tests/support/golden_list.hpp"
#include "tests/support/runner.hpp"
#include "tests/support/temporary.hpp"

namespace {

using gguf_test::Bytes;
using gguf_test::Rewrite;
using golden::Golden;

std::optional<Golden> load(const char* name) {
    if (const auto folder = golden::find(name)) return golden::load(*folder);
    MESSAGE("skipped: no golden " << std::string(name));
    return std::nullopt;
}

std::unique_ptr<linnet::Model> open(const Bytes& bytes) { return runner::open(runner::make_engine(), bytes); }

std::vector<float> logits(const linnet::Model& model, const Golden& golden) {
    const auto n = static_cast<std::uint32_t>(golden.tokens.size());
    linnet::Forward forward(model, runner::shape(n, 0, linnet::KvType::f32));
    return runner::logits(forward, golden.tokens);
}

// The changed file gives what the reference model says, and not what the golden says.
void check_flipped(const Golden& golden, const Bytes& bytes) {
    const Temporary folder;
    const std::string path = folder.path("flipped.gguf");
    folder.write(path, bytes);
    const auto got = logits(*open(bytes), golden);
    CHECK(golden::compare(golden, got).max_abs > 0.01);
    Golden flipped = golden;
    flipped.rows = reference::Model(path).logits(golden.tokens);
    const auto difference = golden::compare(flipped, got);
    CHECK(difference.max_abs <= golden::float32_tolerance(golden).max_abs);
    CHECK(difference.max_kl <= golden::float32_tolerance(golden).max_kl);
}

// `part` stands in the message.
void check_refused(const Bytes& bytes, const std::string& part) {
    std::string text;
    try {
        (void)open(bytes);
    } catch (const linnet::Error& error) {
        CHECK(error.status() == linnet::Status::bad_file);
        text = error.what();
    }
    CHECK_MESSAGE(text.find(part) != std::string::npos, "'" << text << "' lacks '" << part << "'");
}

}  // namespace

TEST_CASE("blocks: another active stream, sparsity on other layers") {
    const auto golden = load("gemma3n");
    if (!golden) return;
    const Bytes bytes = fixtures::read(golden->model);
    check_flipped(*golden, Rewrite(bytes).u32("gemma3n.altup.active_idx", 2).bytes());
    std::vector<float> sparsity(25, -std::numeric_limits<float>::infinity());
    sparsity[0] = 0.0F;
    sparsity[24] = -0.5F;
    const auto put = [&](auto& writer, auto& key) { writer.add_f32s(key, sparsity); };
    const std::string key = "gemma3n.activation_sparsity_scale";
    check_flipped(*golden, Rewrite(bytes).replace_key(key, put).bytes());

    sparsity[3] = std::numeric_limits<float>::quiet_NaN();
    check_refused(Rewrite(bytes).replace_key(key, put).bytes(), "'" + key + "'");
    sparsity.resize(24);
    check_refused(Rewrite(bytes).replace_key(key, put).bytes(), "'" + key + "' has 24 elements for 25 layers");
    check_refused(Rewrite(bytes).drop_key(key).bytes(), "'" + key + "'");
    check_refused(Rewrite(bytes).u32("gemma3n.altup.active_idx", 4).bytes(), "'gemma3n.altup.active_idx' is 4");
    check_refused(Rewrite(bytes).u32("gemma3n.altup.num_inputs", 3).bytes(), "'altup_proj.weight'");
    check_refused(Rewrite(bytes).u32("gemma3n.altup.num_inputs", 0).bytes(), "'gemma3n.altup.num_inputs' is 0");
    for (const char* name : {"altup_unembd_proj.weight", "blk.7.altup_router.weight", "blk.24.laurel_r.weight"}) {
        check_refused(Rewrite(bytes).drop_tensor(name).bytes(), "'" + std::string(name) + "' is missing");
    }
}

TEST_CASE("blocks: layers' scales and shared keys of gemma4") {
    const auto golden = load("gemma4");
    if (!golden) return;
    const Bytes bytes = fixtures::read(golden->model);
    check_flipped(*golden, Rewrite(bytes).drop_tensor("blk.3.layer_output_scale.weight").bytes());
    // A global layer without values of its own takes its keys.
    check_flipped(*golden, Rewrite(bytes).drop_tensor("blk.1.attn_v.weight").bytes());
    check_refused(Rewrite(bytes).drop_tensor("blk.0.attn_v.weight").bytes(), "'blk.0.attn_v.weight' is missing");
    check_refused(Rewrite(bytes).u32("gemma4.attention.key_length_swa", 11).bytes(),
                  "'gemma4.attention.key_length_swa'");
}

TEST_CASE("blocks: short convolutions that the metadata do not bear out") {
    const auto golden = load("lfm2");
    if (!golden) return;
    const Bytes bytes = fixtures::read(golden->model);
    check_refused(Rewrite(bytes).u32("lfm2.shortconv.l_cache", 4).bytes(), "'blk.0.shortconv.conv.weight'");
    check_refused(Rewrite(bytes).u32("lfm2.shortconv.l_cache", 0).bytes(), "'lfm2.shortconv.l_cache' is 0");
    check_refused(Rewrite(bytes).drop_key("lfm2.shortconv.l_cache").bytes(), "'lfm2.shortconv.l_cache' is missing");
    check_refused(Rewrite(bytes).drop_tensor("blk.2.shortconv.in_proj.weight").bytes(),
                  "'blk.2.shortconv.in_proj.weight' is missing");
    check_refused(Rewrite(bytes).u32("lfm2.attention.head_count_kv", 2).bytes(), "'blk.0.attn_q.weight' is missing");
}

TEST_CASE("blocks: delta nets by flags or by interval, and what contradicts their tensors") {
    for (const std::string name : {"qwen35", "qwen3next"}) {
        CAPTURE(name);
        const auto golden = load(name.c_str());
        if (!golden) continue;
        const Bytes bytes = fixtures::read(golden->model);
        const auto expected = logits(*open(bytes), *golden);
        Rewrite by_interval(bytes);
        CHECK(logits(*open(by_interval.drop_key(name + ".attention.recurrent_layers").bytes()), *golden) == expected);
        by_interval.u32(name + ".full_attention_interval", 2);
        check_refused(by_interval.bytes(), "'blk.1.attn_q.weight' is missing");
        check_refused(Rewrite(bytes).u32(name + ".ssm.group_count", 3).bytes(), "'" + name + ".ssm.group_count' (3)");
        check_refused(Rewrite(bytes).u32(name + ".ssm.inner_size", 65).bytes(), "'" + name + ".ssm.inner_size' (65)");
        check_refused(Rewrite(bytes).u32(name + ".ssm.state_size", 8).bytes(), "'blk.0.attn_qkv.weight'");
        check_refused(Rewrite(bytes).u32(name + ".ssm.conv_kernel", 3).bytes(), "'blk.0.ssm_conv1d.weight'");
        for (const char* part : {"ssm_a", "ssm_dt.bias", "ssm_norm.weight", "attn_gate.weight"}) {
            const std::string tensor = std::string("blk.2.") + part;
            check_refused(Rewrite(bytes).drop_tensor(tensor).bytes(), "'" + tensor + "' is missing");
        }
    }
}
