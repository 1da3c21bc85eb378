// SPDX-License-Identifier: MIT
// The same bits on every processor: logits have one hash, which x86-64 and AArch64 (in qemu: scripts/test_aarch64.sh)
// both have to give. Of some goldens it stands here; a change of the arithmetic changes it, and the failing test prints
// the new one. Of all others it is printed, and the script compares. That says nothing about being right, which
// golden_test.cpp looks after.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>

#include <doctest/doctest.h>

#include "kernels/api/table.hpp"
#include "tests/support/golden_list.hpp"
#include "tests/support/random_shapes.hpp"
#include "tests/support/runner.hpp"

namespace {

using linnet::KvType;

// FNV-1a over the bytes of the floats, low byte first.
std::uint64_t hash(std::span<const float> values) {
    std::uint64_t h = 0xcbf29ce484222325U;
    for (const float value : values) {
        std::uint32_t bits;
        std::memcpy(&bits, &value, sizeof bits);
        for (int i = 0; i < 4; ++i) h = (h ^ (bits >> (8 * i) & 0xff)) * 0x100000001b3U;
    }
    return h;
}

std::uint64_t hash_of(const golden::Golden& golden, KvType kv, const char* isa) {
    const auto n_ctx = std::max(static_cast<std::uint32_t>(golden.tokens.size()), golden.n_ctx_min.value_or(0));
    const auto model = runner::open(runner::make_engine(1, isa), golden.model.string());
    linnet::Forward forward(*model, runner::shape(n_ctx, 0, kv));
    return hash(runner::logits(forward, golden.tokens));
}

struct Case {
    const char* name;
    KvType kv;
    std::uint64_t expected;
};
constexpr Case kCases[] = {
    {"llama3", KvType::f32, 14191710523248819368U},
    {"llama3", KvType::f16, 6987226091266412610U},
    {"llama3", KvType::q8, 924494494182278158U},
    {"gemma3", KvType::f16, 4274380471550355203U},
    {"phi4mini_long", KvType::f16, 9522119795892876421U},
    {"quant_llama_q4_k_m", KvType::f16, 10334998199359030226U},
    {"quant_llama_q4_k_m", KvType::q8, 3240618281809287039U},
};

// Blocks of which the repository has no golden: models with random weights, made of IEEE operations only.
struct RandomCase {
    const char* name;
    gguf_test::RandomModel (*make)();
    std::uint64_t expected;
};

gguf_test::RandomModel latents() {
    gguf_test::RandomModel model = gguf_test::latent(40);
    gguf_test::add_experts(model, 12, 3);
    model.u32("expert_gating_func", 2).u32("expert_group_count", 4).u32("expert_group_used_count", 2);
    model.flag("expert_weights_norm", true).with("exp_probs_b.bias");
    return model;
}

gguf_test::RandomModel delta_nets() {
    gguf_test::RandomModel model = gguf_test::delta_nets("qwen35moe");
    gguf_test::add_experts(model, 8, 2);
    model.u32("expert_shared_feed_forward_length", 48);
    return model;
}

constexpr RandomCase kRandomCases[] = {
    {"latents, experts by groups", latents, 4057719962914806962U},
    {"delta nets, shared experts", delta_nets, 9241524965210443906U},
    {"short convolutions", gguf_test::short_convs, 15352786105204889207U},
    {"state spaces", gguf_test::state_spaces, 18404812059107209498U},
};

}  // namespace

TEST_CASE("same bits: logits have the hash that they have on other processors") {
    const linnet::kernels::IsaList isas = linnet::kernels::available_isas();
    for (const Case& c : kCases) {
        CAPTURE(std::string(c.name));
        CAPTURE(static_cast<int>(c.kv));
        const golden::Golden golden = golden::load(fixtures::local() / "goldens" / c.name);
        for (std::size_t i = 0; i < isas.n; ++i) {
            CAPTURE(std::string(isas.names[i]));
            CHECK(hash_of(golden, c.kv, isas.names[i]) == c.expected);
        }
    }
}

TEST_CASE("same bits: logits of random models have the hash that they have on other processors") {
    const linnet::kernels::IsaList isas = linnet::kernels::available_isas();
    std::vector<linnet::Token> tokens;
    for (std::int32_t i = 0; i < 40; ++i) tokens.push_back(i * i * 7 % 251);
    for (const RandomCase& c : kRandomCases) {
        CAPTURE(std::string(c.name));
        const auto bytes = c.make().bytes();
        for (std::size_t i = 0; i < isas.n; ++i) {
            CAPTURE(std::string(isas.names[i]));
            auto engine = runner::make_engine(1, isas.names[i]);
            auto file = gguf_test::open(linnet::Source::from_memory(bytes), engine->memory);
            const linnet::Model model(std::move(engine), std::move(file), linnet::LoadOptions{});
            linnet::Forward forward(model, runner::shape(40, 0, KvType::f16));
            CHECK(hash(runner::logits(forward, tokens)) == c.expected);
        }
    }
}

// scripts/test_aarch64.sh asks two platforms for it.
TEST_CASE("hashes: of the logits of all goldens, a line each" * doctest::skip()) {
    golden::for_each([](const std::string& name, const golden::Golden& golden) {
        std::printf("hash %s %016llx\n", name.c_str(),
                    static_cast<unsigned long long>(hash_of(golden, KvType::f16, "")));
    });
}
