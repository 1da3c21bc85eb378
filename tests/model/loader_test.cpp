// SPDX-License-Identifier: MIT
// Model files that are wrong in one thing: a tensor missing, left over, of another shape or type; a hyperparameter at
// every value that loaders have stumbled over; names that nobody knows. Each gives a status that names the thing, takes
// little memory on the way and leaves none behind. What does load is run, so that a strange model is found out here.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
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
using linnet::Status;

std::string quoted(const std::string& name) { return fmt::format("'{}'", name); }

struct Outcome {
    Status status = Status::ok;
    std::string text;
    std::uint64_t peak = 0;
};

// Loads a file and, when that works, computes three tokens, and gives everything back.
Outcome load(const Bytes& bytes) {
    Outcome outcome;
    const auto engine = runner::make_engine();
    const std::uint64_t before = engine->memory.used();
    try {
        auto file = gguf_test::open(linnet::Source::from_memory(bytes), engine->memory);
        const linnet::Model model(engine, std::move(file), {});
        outcome.peak = engine->memory.peak();
        linnet::Forward forward(model, {16, 4, 4, linnet::KvType::f16});
        const std::vector<linnet::Token> tokens = {1, 2, 3};
        (void)runner::logits(forward, tokens);
    } catch (const linnet::Error& error) {
        outcome.status = error.status();
        outcome.text = error.what();
        outcome.peak = std::max(outcome.peak, engine->memory.peak());
    }
    CHECK(engine->memory.used() == before);
    // The packed weights beside the header's tables, and something for what is read on the way.
    CHECK(outcome.peak <= 2 * bytes.size() + (1U << 20));
    return outcome;
}

// `parts`: every one stands in the message.
void check_refused(const Bytes& bytes, Status status, const std::vector<std::string>& parts) {
    const Outcome outcome = load(bytes);
    CHECK(static_cast<int>(outcome.status) == static_cast<int>(status));
    for (const std::string& part : parts) {
        CHECK_MESSAGE(outcome.text.find(part) != std::string::npos, "'" << outcome.text << "' lacks '" << part << "'");
    }
}

// The small set's architectures, which the repository has itself: every way of naming tensors is among them.
constexpr const char* kModels[] = {"llama3", "gemma3", "qwen3", "phi4mini_long", "quant_llama_q4_k_m"};

Bytes model_bytes(const std::string& name) { return fixtures::read(golden::load(*golden::find(name)).model); }

std::vector<std::string> tensor_names(const Bytes& bytes) {
    const Rewrite rewrite(bytes);
    std::vector<std::string> names;
    for (const auto& tensor : rewrite.file().tensors()) names.emplace_back(tensor.name);
    return names;
}

std::string prefix(const Bytes& bytes) {
    return std::string(*Rewrite(bytes).file().string("general.architecture")) + ".";
}

constexpr auto type(std::uint32_t id) { return static_cast<linnet::gguf::TensorType>(id); }

bool is_optional(const std::string& name) {
    // output: tied to token_embd then. Factors of frequencies: none then.
    return name == "output.weight" || name.rfind("rope_", 0) == 0;
}

}  // namespace

TEST_CASE("loader: a file written again without changes loads") {
    for (const char* name : kModels) {
        CAPTURE(std::string(name));
        CHECK(load(Rewrite(model_bytes(name)).bytes()).text == "");
    }
}

TEST_CASE("loader: each tensor missing is named") {
    for (const char* model : kModels) {
        const Bytes bytes = model_bytes(model);
        for (const std::string& name : tensor_names(bytes)) {
            CAPTURE(name);
            const Bytes without = Rewrite(bytes).drop_tensor(name).bytes();
            if (!is_optional(name)) {
                check_refused(without, Status::bad_file, {quoted(name), "missing"});
            } else {
                CHECK(load(without).text == "");
            }
        }
    }
}

TEST_CASE("loader: a tensor that nothing would use is refused by name") {
    for (const char* model : kModels) {
        const Bytes bytes = model_bytes(model);
        // Unknown names, a layer that is not there, one of another architecture, a bias that this one lacks.
        for (const char* name : {"blk.0.ffn_gate_inp.weight", "blk.7.attn_norm.weight", "blk.0.attn_sinks", "x",
                                 "token_embd.bias", "blk.0.ssm_a", "blk.00.attn_norm.weight", "output_norm.weigh"}) {
            CAPTURE(std::string(name));
            check_refused(Rewrite(bytes).add_tensor({name, type(0), {4}, {}}).bytes(), Status::bad_file,
                          {quoted(name), "no place"});
        }
    }
}

TEST_CASE("loader: each tensor of another shape is named") {
    for (const char* model : kModels) {
        const Bytes bytes = model_bytes(model);
        for (const std::string& name : tensor_names(bytes)) {
            if (name == "token_embd.weight") continue;  // its rows are n_vocab: the next test
            CAPTURE(name);
            const auto original = Rewrite(bytes).tensor(name);
            const std::uint64_t block = linnet::gguf::find_type(original.type)->block_size;
            std::vector<std::vector<std::uint64_t>> shapes;
            auto shape = original.shape;
            shape[0] += block;
            shapes.push_back(shape);
            shape = original.shape;
            if (shape.size() == 2) {
                shapes.push_back({shape[0], shape[1] + 1});
                shapes.push_back({shape[0], shape[1], 2});
                shapes.push_back({shape[0], 1});
                if (shape[0] != shape[1] && shape[1] % block == 0) shapes.push_back({shape[1], shape[0]});
            } else {
                shapes.push_back({shape[0], 2});
                shapes.push_back({shape[0], 1, 1, 2});
            }
            for (const auto& other : shapes) {
                CAPTURE(other.size());
                check_refused(Rewrite(bytes).replace_tensor({name, original.type, other, {}}).bytes(), Status::bad_file,
                              {quoted(name)});
            }
        }
    }
}

TEST_CASE("loader: an embedding of another shape is refused") {
    const Bytes bytes = model_bytes("llama3");
    const auto embedding = Rewrite(bytes).tensor("token_embd.weight");
    const std::uint64_t n_in = embedding.shape[0];
    const std::uint64_t n_vocab = embedding.shape[1];
    for (const auto& shape : std::vector<std::vector<std::uint64_t>>{{n_in + 1, n_vocab},
                                                                     {n_in, n_vocab - 1},
                                                                     {n_in, n_vocab + 1},
                                                                     {n_in, 1},
                                                                     {n_in},
                                                                     {n_in, n_vocab, 2},
                                                                     {1, n_vocab}}) {
        check_refused(Rewrite(bytes).replace_tensor({"token_embd.weight", embedding.type, shape, {}}).bytes(),
                      Status::bad_file, {"token_embd.weight"});
    }
}

TEST_CASE("loader: each tensor of a type without a kernel is named") {
    for (const char* model : kModels) {
        const Bytes bytes = model_bytes(model);
        for (const std::string& name : tensor_names(bytes)) {
            CAPTURE(name);
            const auto original = Rewrite(bytes).tensor(name);
            for (const std::uint32_t id : {24U, 26U, 28U}) {  // I8, I32, F64: known to files, none is a weight format
                check_refused(Rewrite(bytes).replace_tensor({name, type(id), original.shape, {}}).bytes(),
                              Status::unsupported, {quoted(name), "format"});
            }
            if (original.shape.size() == 1 && original.shape[0] % 32 == 0) {
                check_refused(Rewrite(bytes).replace_tensor({name, type(8), original.shape, {}}).bytes(),
                              Status::unsupported, {quoted(name), "Q8_0"});
            }
        }
    }
}

TEST_CASE("loader: each hyperparameter at each value that has broken a loader") {
    // What arch/hparams.cpp and the files of arch/ read.
    constexpr const char* kKeys[] = {"block_count",
                                     "context_length",
                                     "embedding_length",
                                     "feed_forward_length",
                                     "vocab_size",
                                     "attention.head_count",
                                     "attention.head_count_kv",
                                     "attention.key_length",
                                     "attention.value_length",
                                     "attention.layer_norm_rms_epsilon",
                                     "attention.sliding_window",
                                     "attention.sliding_window_pattern",
                                     "rope.dimension_count",
                                     "rope.freq_base",
                                     "rope.freq_base_swa",
                                     "rope.scaling.type",
                                     "rope.scaling.factor",
                                     "rope.scaling.original_context_length",
                                     "rope.scaling.attn_factor",
                                     "rope.scaling.yarn_beta_fast",
                                     "rope.scaling.yarn_beta_slow",
                                     "rope.scale_linear"};
    constexpr std::uint32_t kCounts[] = {0,        1,        2,        3,        513,        1024,      1U << 16,
                                         1U << 20, 1U << 24, 1U << 28, 1U << 31, 0x7fffffff, 0xffffffff};
    constexpr float kInf = std::numeric_limits<float>::infinity();
    const float numbers[] = {0.0F, -0.0F, 1.0F, -1.0F, 1e-45F, 1e30F, 3e38F, -3e38F, kInf, -kInf, std::nanf("")};
    std::size_t n_loaded = 0;
    std::size_t n_refused = 0;
    for (const char* model : {"llama3", "gemma3", "phi4mini_long"}) {
        const Bytes bytes = model_bytes(model);
        const std::string start = prefix(bytes);
        const auto run = [&](const Bytes& changed) {
            const Outcome outcome = load(changed);
            ++(outcome.status == Status::ok ? n_loaded : n_refused);
            if (outcome.status == Status::ok) return;
            CAPTURE(outcome.text);
            const bool expected = outcome.status == Status::bad_file || outcome.status == Status::unsupported;
            CHECK(expected);
            // The key itself, one that does not go with it, or the tensor whose extent no longer fits.
            const bool named = outcome.text.find("key '" + start) != std::string::npos ||
                               outcome.text.find("tensor '") != std::string::npos;
            CHECK(named);
        };
        for (const char* name : kKeys) {
            const std::string key = start + name;
            CAPTURE(key);
            run(Rewrite(bytes).drop_key(key).bytes());
            for (const std::uint32_t value : kCounts) {
                CAPTURE(value);
                run(Rewrite(bytes).u32(key, value).bytes());
            }
            for (const float value : numbers) {
                CAPTURE(value);
                run(Rewrite(bytes).f32(key, value).bytes());
            }
            run(Rewrite(bytes).text(key, "").bytes());
            run(Rewrite(bytes).text(key, "yarn").bytes());
            const auto put = [](auto f) { return Rewrite::Put(f); };
            const std::vector<Rewrite::Put> others = {
                put([](auto& w, auto& k) { w.add_i32(k, -1); }),
                put([](auto& w, auto& k) { w.add_i32(k, std::numeric_limits<std::int32_t>::min()); }),
                put([](auto& w, auto& k) { w.add_u64(k, ~std::uint64_t{0}); }),
                put([](auto& w, auto& k) { w.add_u64(k, (std::uint64_t{1} << 32) + 2); }),
                put([](auto& w, auto& k) { w.add_bool(k, true); }),
                put([](auto& w, auto& k) { w.add_strings(k, std::vector<std::string>{"a"}); }),
                put([](auto& w, auto& k) {
                    w.add_f32s(k, std::vector<float>{1.0F, 2.0F});
                }),
                put([](auto& w, auto& k) { w.add_i32s(k, std::vector<std::int32_t>{}); }),
                put([](auto& w, auto& k) { w.add_i32s(k, std::vector<std::int32_t>(2, -1)); }),
                put([](auto& w, auto& k) { w.add_i32s(k, std::vector<std::int32_t>(7, 0)); }),
                put([](auto& w, auto& k) { w.add_i32s(k, std::vector<std::int32_t>(513, 1)); }),
            };
            for (std::size_t i = 0; i < others.size(); ++i) {
                CAPTURE(i);
                run(Rewrite(bytes).replace_key(key, others[i]).bytes());
            }
        }
    }
    CHECK(n_loaded > 100);
    CHECK(n_refused > 600);
}

TEST_CASE("loader: numbers of layers and heads that the tensors do not bear out") {
    const Bytes bytes = model_bytes("llama3");
    const std::string start = prefix(bytes);
    check_refused(Rewrite(bytes).u32(start + "block_count", 0).bytes(), Status::bad_file, {start + "block_count"});
    check_refused(Rewrite(bytes).u32(start + "block_count", 1).bytes(), Status::bad_file, {"'blk.1."});
    check_refused(Rewrite(bytes).u32(start + "block_count", 3).bytes(), Status::bad_file, {"'blk.2.", "missing"});
    check_refused(Rewrite(bytes).u32(start + "block_count", 513).bytes(), Status::bad_file, {"'blk.2.", "missing"});
    check_refused(Rewrite(bytes).u32(start + "block_count", 1U << 31).bytes(), Status::bad_file,
                  {start + "block_count"});
    check_refused(Rewrite(bytes).u32(start + "attention.head_count", 5).bytes(), Status::bad_file,
                  {start + "attention.head_count"});
    check_refused(Rewrite(bytes).u32(start + "attention.value_length", 16).bytes(), Status::unsupported,
                  {start + "attention.value_length"});
    check_refused(Rewrite(bytes).u32(start + "vocab_size", 287).bytes(), Status::bad_file, {start + "vocab_size"});
}

TEST_CASE("loader: what nobody knows is refused by name") {
    const Bytes bytes = model_bytes("llama3");
    for (const char* name : {"mamba", "Llama", "llama4", "", "gpt-2"}) {
        check_refused(Rewrite(bytes).architecture(name).bytes(), Status::unsupported,
                      {"general.architecture", quoted(name)});
    }
    const std::string start = prefix(bytes);
    for (const char* name : {"dynamic", "YARN", "su", "llama3"}) {
        check_refused(Rewrite(bytes).text(start + "rope.scaling.type", name).bytes(), Status::unsupported,
                      {start + "rope.scaling.type", quoted(name)});
    }
    check_refused(Rewrite(bytes).text(start + "rope.scaling.type", "yarn").bytes(), Status::bad_file,
                  {start + "rope.scaling.factor"});
}

TEST_CASE("loader: mapped weights need bytes with addresses; a failing source is an error") {
    const Bytes bytes = model_bytes("llama3");
    const auto engine = runner::make_engine();
    const std::uint64_t before = engine->memory.used();
    linnet::LoadOptions mapped;
    mapped.mapped = true;
    CHECK_THROWS_AS(linnet::Model(engine, gguf_test::open(gguf_test::readable(bytes), engine->memory), mapped),
                    linnet::Error);
    CHECK_NOTHROW(linnet::Model(engine, gguf_test::open(gguf_test::readable(bytes), engine->memory), {}));
    // Reads that fail from some offset on: the data of one tensor after the other.
    struct Limited {
        const Bytes* bytes;
        std::uint64_t limit;
    };
    const auto read = [](void* user, std::uint64_t offset, void* target, std::size_t size) {
        const auto& from = *static_cast<const Limited*>(user);
        if (offset + size > from.limit) return false;
        std::memcpy(target, from.bytes->data() + offset, size);
        return true;
    };
    const Rewrite original(bytes);
    for (const auto& tensor : original.file().tensors()) {
        Limited limited{&bytes, bytes.size()};
        auto source = linnet::Source::from_callbacks(bytes.size(), read, &limited, nullptr);
        auto file = gguf_test::open(std::move(source), engine->memory);
        limited.limit = tensor.offset + tensor.size - 1;
        bool refused = false;
        try {
            const linnet::Model model(engine, std::move(file), {});
        } catch (const linnet::Error& error) {
            refused = error.status() == Status::io;
        }
        CHECK(refused);
    }
    CHECK(engine->memory.used() == before);
}
