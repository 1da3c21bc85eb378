// SPDX-License-Identifier: MIT
// Layers that attend to the keys and values of earlier ones take no cache and need no matrices for them; files whose
// metadata do not bear that out are refused.
#include <string>

#include <doctest/doctest.h>

#include "base/error.hpp"
#include "cache/kv_cache.hpp"
#include "tests/support/gguf_rewrite.hpp"
#include "tests/support/golden_list.hpp"
#include "tests/support/runner.hpp"

namespace {

using gguf_test::Bytes;
using gguf_test::Rewrite;
using linnet::KvType;

std::string refusal(const Bytes& bytes) {
    linnet::Memory memory;
    const auto file = gguf_test::open(linnet::Source::from_memory(bytes), memory);
    try {
        linnet::Memory counting;
        (void)linnet::Model::plan(file, counting, false);
    } catch (const linnet::Error& error) {
        CHECK(error.status() == linnet::Status::bad_file);
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("shared cache: only layers of their own take memory, which is what a session takes") {
    const auto folder = golden::find("gemma4");
    if (!folder) {
        MESSAGE("skipped: no golden gemma4");
        return;
    }
    const auto golden = golden::load(*folder);
    const auto engine = runner::make_engine();
    const auto model = runner::open(engine, golden.model.string());
    const linnet::arch::ModelSpec& spec = model->spec();
    REQUIRE(spec.layers.size() == 6);
    CHECK(spec.layers[4].kv_layer == 2);
    CHECK(spec.layers[5].kv_layer == 3);
    // f32, 512 positions: two windowed layers with a ring of 16 + 32 positions, which tiles of 64 round up, and heads
    // of 12 dimensions padded to 32; two global ones of 24 dimensions, padded likewise; keys and values of one head.
    const std::uint64_t expected = 2 * 2 * 64 * 32 * 4 + 2 * 2 * 512 * 32 * 4;
    const auto bytes = linnet::KvCache::bytes(spec, 512, 32, KvType::f32);
    CHECK(bytes > expected);
    CHECK(bytes < expected + 512);  // the table of the layers
    const auto before = engine->memory.used();
    const linnet::KvCache cache(spec, 512, 32, KvType::f32, engine->memory);
    CHECK(engine->memory.used() - before == bytes);
    CHECK(cache.head(4, 0).keys == cache.head(2, 0).keys);
    CHECK(cache.head(5, 0).values == cache.head(3, 0).values);
    CHECK(cache.head(2, 0).keys != cache.head(0, 0).keys);
}

TEST_CASE("shared cache: matrices that sharing layers would not use may be there, others must be") {
    const auto folder = golden::find("gemma4");
    if (!folder) {
        MESSAGE("skipped: no golden gemma4");
        return;
    }
    const Bytes bytes = fixtures::read(golden::load(*folder).model);
    CHECK(refusal(bytes).empty());
    Rewrite more(bytes);
    for (const std::string part : {"attn_k.weight", "attn_v.weight", "attn_k_norm.weight"}) {
        auto tensor = more.tensor("blk.2." + part);
        tensor.name = "blk.4." + part;
        more.add_tensor(tensor);
        CHECK(refusal(Rewrite(bytes).drop_tensor("blk.2." + part).bytes()).find("'blk.2." + part + "'") !=
              std::string::npos);
    }
    CHECK(refusal(more.bytes()).empty());

    const std::string key = "gemma4.attention.shared_kv_layers";
    CHECK(refusal(Rewrite(bytes).u32(key, 6).bytes()).find("'" + key + "' is 6") != std::string::npos);
    CHECK(refusal(Rewrite(bytes).u32(key, 5).bytes()).find("'" + key + "'") != std::string::npos);
    CHECK(refusal(Rewrite(bytes).u32(key, 1).bytes()).find("'blk.4.attn_v.weight' is missing") != std::string::npos);
    CHECK(refusal(Rewrite(bytes).drop_tensor("per_layer_token_embd.weight").bytes()).find("per_layer_token_embd") !=
          std::string::npos);
    const std::string width = "gemma4.embedding_length_per_layer_input";
    CHECK(refusal(Rewrite(bytes).u32(width, 0).bytes()).find("no place") != std::string::npos);
    CHECK(refusal(Rewrite(bytes).u32(width, 4).bytes()).find("per_layer_token_embd") != std::string::npos);
}
