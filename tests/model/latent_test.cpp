// SPDX-License-Identifier: MIT
// Attention over latents: files of early converters, which keep a head's matrices together and name lengths otherwise,
// and files that contradict themselves. Its golden: golden_test.cpp and same_bits_test.cpp.
#include <cstddef>
#include <cstdint>
#include <cstring>
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

// Of the golden.
constexpr std::size_t kLayers = 26;
constexpr std::size_t kHeads = 2;
constexpr std::size_t kRank = 16;
constexpr std::size_t kPlain = 16;
constexpr std::size_t kValue = 12;

std::optional<Golden> load() {
    if (const auto folder = golden::find("deepseek2_lite")) return golden::load(*folder);
    MESSAGE("skipped: no golden deepseek2_lite");
    return std::nullopt;
}

std::unique_ptr<linnet::Model> open(const Bytes& bytes, bool mapped = false) {
    return runner::open(runner::make_engine(2), bytes, mapped);
}

void check_refused(const Bytes& bytes, Status status, const std::vector<std::string>& parts) {
    std::string text = "accepted";
    try {
        (void)open(bytes);
    } catch (const linnet::Error& error) {
        CHECK(error.status() == status);
        text = error.what();
    }
    for (const std::string& part : parts) {
        CHECK_MESSAGE(text.find(part) != std::string::npos, "'" << text << "' lacks '" << part << "'");
    }
}

std::vector<float> logits(const linnet::Model& model, const Golden& golden) {
    linnet::Forward forward(model,
                            runner::shape(static_cast<std::uint32_t>(golden.tokens.size()), 0, linnet::KvType::f32));
    return runner::logits(forward, golden.tokens);
}

// Of each head the rows that make its keys [plain][rank], then those that make its values [value][rank].
Rewrite::Tensor fuse(const Rewrite& file, const std::string& layer) {
    const Rewrite::Tensor keys = file.tensor(layer + "attn_k_b.weight");  // [heads][rank][plain]
    const Rewrite::Tensor values = file.tensor(layer + "attn_v_b.weight");
    Rewrite::Tensor fused{layer + "attn_kv_b.weight", keys.type, {kRank, kHeads * (kPlain + kValue)}, {}};
    fused.data.resize(kRank * kHeads * (kPlain + kValue) * sizeof(float));
    const auto* k = reinterpret_cast<const float*>(keys.data.data());
    const auto* v = reinterpret_cast<const float*>(values.data.data());
    auto* out = reinterpret_cast<float*>(fused.data.data());
    for (std::size_t head = 0; head < kHeads; ++head) {
        for (std::size_t i = 0; i < kPlain; ++i) {
            for (std::size_t r = 0; r < kRank; ++r) *out++ = k[(head * kRank + r) * kPlain + i];
        }
        for (std::size_t i = 0; i < kValue * kRank; ++i) *out++ = v[head * kValue * kRank + i];
    }
    return fused;
}

Bytes early(const Bytes& bytes) {
    Rewrite rewrite(bytes);
    for (std::size_t i = 0; i < kLayers; ++i) {
        const std::string layer = "blk." + std::to_string(i) + ".";
        rewrite.add_tensor(fuse(rewrite, layer));
        rewrite.drop_tensor(layer + "attn_k_b.weight").drop_tensor(layer + "attn_v_b.weight");
    }
    return rewrite.drop_key("deepseek2.attention.key_length_mla")
        .drop_key("deepseek2.attention.value_length_mla")
        .u32("deepseek2.attention.head_count_kv", kHeads)
        .u32("deepseek2.attention.key_length", 24)
        .u32("deepseek2.attention.value_length", kValue)
        .bytes();
}

}  // namespace

TEST_CASE("latents: files of early converters give the same bits") {
    const auto golden = load();
    if (!golden) return;
    const Bytes bytes = fixtures::read(golden->model);
    const Bytes early_bytes = early(bytes);
    const auto expected = logits(*open(bytes), *golden);
    for (const bool mapped : {false, true}) {
        CAPTURE(mapped);
        const auto got = logits(*open(early_bytes, mapped), *golden);
        REQUIRE(got.size() == expected.size());
        CHECK(std::memcmp(got.data(), expected.data(), got.size() * sizeof(float)) == 0);
    }
    check_refused(Rewrite(early_bytes).drop_tensor("blk.3.attn_kv_b.weight").bytes(), Status::bad_file,
                  {"'blk.3.attn_k_b.weight'", "missing"});
    Rewrite both(bytes);
    both.add_tensor(fuse(both, "blk.0."));
    check_refused(both.bytes(), Status::bad_file, {"'blk.0.attn_k_b.weight'", "no place"});
}

TEST_CASE("latents: metadata that contradicts tensors or itself") {
    const auto golden = load();
    if (!golden) return;
    const Bytes bytes = fixtures::read(golden->model);
    const auto with = [&](const char* key, std::uint32_t value) {
        return Rewrite(bytes).u32(std::string("deepseek2.") + key, value).bytes();
    };
    check_refused(with("attention.head_count_kv", 2), Status::bad_file, {"'deepseek2.attention.head_count_kv' (2)"});
    check_refused(with("attention.kv_lora_rank", 12), Status::bad_file, {"'deepseek2.attention.kv_lora_rank'"});
    check_refused(with("attention.value_length_mla", 8), Status::bad_file, {"'blk.0.attn_v_b.weight'", "[16, 8, 2]"});
    check_refused(with("attention.key_length_mla", 8), Status::bad_file, {"'deepseek2.attention.key_length_mla' (8)"});
    check_refused(with("leading_dense_block_count", 0), Status::bad_file, {"'blk.0.ffn_gate_inp.weight'", "missing"});
    check_refused(with("attention.q_lora_rank", 2), Status::bad_file, {"'blk.0.attn_q_a.weight'", "missing"});
    check_refused(with("expert_gating_func", 3), Status::unsupported, {"'deepseek2.expert_gating_func'", "3"});
}
