// SPDX-License-Identifier: MIT
// linnet synth: a GGUF file of a real model's shape with random weights. Speed and memory do not depend on the values,
// so that models can be timed which are not at hand. Keys and tensor names are those which llama.cpp's converter
// writes, so that other programs load the file as well. Written as a stream, in little memory.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/memory.hpp"
#include "gguf/file.hpp"
#include "gguf/values.hpp"
#include "gguf/writer.hpp"
#include "tools/command_line.hpp"
#include "tools/commands.hpp"
#include "tools/random_weights.hpp"
#include "tools/shapes.hpp"

namespace tools {

namespace {

namespace gguf = linnet::gguf;
using gguf::ValueType;

struct Options {
    std::string shape;
    std::string format;
    std::string out;
    std::string vocabulary;
    std::uint64_t seed = 7;
};

template <class T>
const T& by_name(std::span<const T> table, const std::string& name) {
    return *std::find_if(table.begin(), table.end(), [&](const T& entry) { return entry.name == name; });
}

template <class T>
std::vector<std::string> names(std::span<const T> table) {
    std::vector<std::string> list;
    for (const T& entry : table) list.emplace_back(entry.name);
    return list;
}

// ---- Metadata

void add_hyperparameters(gguf::Writer& writer, const Shape& shape, const Mix& mix) {
    const auto key = [&](std::string_view name) { return fmt::format("{}.{}", shape.arch, name); };
    writer.add_string("general.type", "model");
    writer.add_string("general.name", fmt::format("{} with random weights", shape.name));
    writer.add_u32("general.file_type", mix.file_type);
    writer.add_u32("general.quantization_version", 2);
    writer.add_u32(key("block_count"), shape.n_layers);
    writer.add_u32(key("context_length"), shape.n_ctx);
    writer.add_u32(key("embedding_length"), shape.d_model);
    writer.add_u32(key("feed_forward_length"), shape.d_ff);
    writer.add_u32(key("vocab_size"), shape.n_vocab);
    writer.add_u32(key("attention.head_count"), shape.n_heads);
    writer.add_u32(key("attention.head_count_kv"), shape.n_kv_heads);
    writer.add_u32(key("attention.key_length"), shape.head_dim);
    writer.add_u32(key("attention.value_length"), shape.head_dim);
    writer.add_f32(key("attention.layer_norm_rms_epsilon"), shape.eps);
    if (shape.n_experts != 0) {
        writer.add_u32(key("expert_count"), shape.n_experts);
        writer.add_u32(key("expert_used_count"), shape.n_used);
        writer.add_u32(key("expert_feed_forward_length"), shape.d_ff);
    }
    if (shape.window != 0) writer.add_u32(key("attention.sliding_window"), shape.window);
    writer.add_f32(key("rope.freq_base"), shape.theta);
    writer.add_u32(key("rope.dimension_count"), shape.n_rot != 0 ? shape.n_rot : shape.head_dim);
}

// An array of one entry per token, cut or padded to n_vocab.
template <class T, class Pad>
std::vector<T> fitted(std::vector<T> entries, bool per_token, std::size_t n_vocab, Pad pad) {
    if (!per_token) return entries;
    if (entries.size() > n_vocab) entries.resize(n_vocab);
    while (entries.size() < n_vocab) entries.push_back(pad(entries.size()));
    return entries;
}

void copy_array(gguf::Writer& writer, const gguf::Value& value, std::size_t n_vocab) {
    auto& memory = *std::pmr::new_delete_resource();
    const auto is = [&](std::string_view name) { return value.key == fmt::format("tokenizer.ggml.{}", name); };
    switch (value.element_type) {
        case ValueType::string: {
            const auto texts = gguf::get_array<std::string_view>(value, memory);
            writer.add_strings(value.key, fitted(std::vector<std::string>(texts.begin(), texts.end()), is("tokens"),
                                                 n_vocab, [](std::size_t i) { return fmt::format("[PAD{}]", i); }));
            break;
        }
        case ValueType::i32: {
            constexpr std::int32_t kUnused = 5;
            const auto numbers = gguf::get_array<std::int32_t>(value, memory);
            writer.add_i32s(value.key, fitted(std::vector<std::int32_t>(numbers.begin(), numbers.end()),
                                              is("token_type"), n_vocab, [](std::size_t) { return kUnused; }));
            break;
        }
        case ValueType::f32: {
            const auto numbers = gguf::get_array<float>(value, memory);
            writer.add_f32s(value.key, fitted(std::vector<float>(numbers.begin(), numbers.end()), is("scores"), n_vocab,
                                              [](std::size_t) { return -1000.0F; }));
            break;
        }
        default: break;  // no other arrays are part of a vocabulary that the library reads
    }
}

// The tokenizer of another file. Special tokens beyond the shape's vocabulary are left out.
void copy_vocabulary(gguf::Writer& writer, const std::string& path, std::uint32_t n_vocab) {
    linnet::Memory memory;
    const auto file = gguf::File::open(path, true, memory);
    for (const gguf::Value& value : file.values()) {
        if (!value.key.starts_with("tokenizer.")) continue;
        switch (value.type) {
            case ValueType::string: writer.add_string(value.key, gguf::get<std::string_view>(value)); break;
            case ValueType::boolean: writer.add_bool(value.key, gguf::get<bool>(value)); break;
            case ValueType::u32:
                if (value.key.ends_with("_token_id") && gguf::get<std::uint32_t>(value) >= n_vocab) break;
                writer.add_u32(value.key, gguf::get<std::uint32_t>(value));
                break;
            case ValueType::array: copy_array(writer, value, n_vocab); break;
            default: break;
        }
    }
}

// ---- Tensors

// Adds tensors in the order in which converters write them.
class Tensors {
  public:
    Tensors(gguf::Writer& writer, std::uint64_t seed) : writer_(writer), random_(std::make_shared<Random>(seed)) {}

    // Rows that a type's blocks do not fit get the type that llama-quantize falls back to. n: matrices in the tensor.
    void add_matrix(const std::string& name, std::uint64_t n_in, std::uint64_t n_out, std::string_view type,
                    std::uint64_t n = 1) {
        constexpr std::pair<std::string_view, std::string_view> kFallbacks[] = {
            {"Q4_K", "Q5_0"}, {"Q5_K", "Q5_1"}, {"Q6_K", "Q8_0"}, {"TQ1_0", "Q4_0"}, {"TQ2_0", "Q4_0"}};
        if (n_in % gguf::find_type(type)->block_size != 0) {
            const auto* found = std::find_if(std::begin(kFallbacks), std::end(kFallbacks),
                                             [&](const auto& entry) { return entry.first == type; });
            type = found != std::end(kFallbacks) ? found->second : "IQ4_NL";
        }
        const gguf::TensorTypeInfo& info = *gguf::find_type(type);
        const std::uint64_t size = n_in / info.block_size * info.block_bytes * n_out * n;
        // Products of unit inputs then have a deviation of 0.7: residual sums grow slowly, and all stays finite.
        const double deviation = 0.7 / std::sqrt(static_cast<double>(n_in));
        const std::uint64_t shape[] = {n_in, n_out, n};
        writer_.add_tensor(
            name, info.type, std::span(shape, n == 1 ? 2 : 3), [=, random = random_](const gguf::Writer::Sink& sink) {
                std::vector<std::byte> part((std::size_t{1} << 20U) / info.block_bytes * info.block_bytes);
                for (std::uint64_t done = 0; done < size;) {
                    const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(part.size(), size - done));
                    const std::span<std::byte> bytes(part.data(), step);
                    fill_random(info.name, deviation, *random, bytes);
                    sink(bytes);
                    done += step;
                }
            });
    }

    void add_norm(const std::string& name, std::uint64_t n) {
        const std::uint64_t shape[] = {n};
        writer_.add_tensor(name, gguf::find_type("F32")->type, shape, [n](const gguf::Writer::Sink& sink) {
            sink(std::as_bytes(std::span<const float>(std::vector<float>(n, 1.0F))));
        });
    }

  private:
    gguf::Writer& writer_;
    std::shared_ptr<Random> random_;  // the writer's callbacks share it
};

void add_tensors(gguf::Writer& writer, const Shape& shape, const Mix& mix, std::uint64_t seed) {
    Tensors tensors(writer, seed);
    const std::uint64_t d = shape.d_model;
    const std::uint64_t q = std::uint64_t{shape.n_heads} * shape.head_dim;
    const std::uint64_t kv = std::uint64_t{shape.n_kv_heads} * shape.head_dim;
    tensors.add_matrix("token_embd.weight", d, shape.n_vocab, shape.tied ? mix.output : mix.base);
    for (std::uint32_t i = 0; i < shape.n_layers; ++i) {
        const auto name = [i](std::string_view tensor) { return fmt::format("blk.{}.{}.weight", i, tensor); };
        const std::string_view more = gets_more_bits(i, shape.n_layers) ? mix.more : mix.base;
        tensors.add_norm(name("attn_norm"), d);
        if (shape.fused) {
            tensors.add_matrix(name("attn_qkv"), d, q + 2 * kv, mix.base);
        } else {
            tensors.add_matrix(name("attn_q"), d, q, mix.base);
            tensors.add_matrix(name("attn_k"), d, kv, mix.base);
            tensors.add_matrix(name("attn_v"), d, kv, more);
        }
        if (shape.qk_norm) {
            tensors.add_norm(name("attn_q_norm"), shape.row_norm ? q : shape.head_dim);
            tensors.add_norm(name("attn_k_norm"), shape.row_norm ? kv : shape.head_dim);
        }
        tensors.add_matrix(name("attn_output"), q, d, mix.base);
        if (shape.post_norm) tensors.add_norm(name("post_attention_norm"), d);
        tensors.add_norm(name("ffn_norm"), d);
        const std::uint64_t n_experts = std::max(1U, shape.n_experts);
        const std::string suffix = shape.n_experts != 0 ? "_exps" : "";
        if (shape.n_experts != 0) tensors.add_matrix(name("ffn_gate_inp"), d, shape.n_experts, "F32");
        if (shape.fused) {
            tensors.add_matrix(name("ffn_up"), d, std::uint64_t{2} * shape.d_ff, mix.base);
        } else {
            tensors.add_matrix(name("ffn_gate" + suffix), d, shape.d_ff, mix.base, n_experts);
            tensors.add_matrix(name("ffn_up" + suffix), d, shape.d_ff, mix.base, n_experts);
        }
        tensors.add_matrix(name("ffn_down" + suffix), shape.d_ff, d, more, n_experts);
        if (shape.post_norm) tensors.add_norm(name("post_ffw_norm"), d);
    }
    tensors.add_norm("output_norm.weight", d);
    if (!shape.tied) tensors.add_matrix("output.weight", d, shape.n_vocab, mix.output);
}

void synth(const Options& options) {
    const Shape& shape = by_name(shapes(), options.shape);
    const Mix& mix = by_name(mixes(), options.format);
    gguf::Writer writer(shape.arch);
    add_hyperparameters(writer, shape, mix);
    if (options.vocabulary.empty()) {
        writer.add_string("tokenizer.ggml.model", "none");
    } else {
        copy_vocabulary(writer, options.vocabulary, shape.n_vocab);
    }
    add_tensors(writer, shape, mix, options.seed);
    writer.write_file(options.out);
}

}  // namespace

void add_synth(CommandLine& line, int&) {
    auto options = std::make_shared<Options>();
    const Command command = line.add(
        "synth", "Write a model of a real shape with random weights",
        "Writes a GGUF file with the dimensions of a published model and random weights in the given format, for "
        "measuring speed and memory where the model itself is not at hand. Its text is noise. Without --vocab it has "
        "no "
        "tokens' texts, only ids.",
        "linnet synth llama3.2-1b Q4_K_M /tmp/1b.gguf && linnet bench /tmp/1b.gguf");
    command.add_option("SHAPE", &options->shape, "Model", {.required = true, .one_of = names(shapes())});
    command.add_option("FORMAT", &options->format, "Quantisation, as llama-quantize names it",
                       {.required = true, .one_of = names(mixes()), .any_case = true});
    command.add_option("OUT", &options->out, "File to write", {.required = true});
    command.add_option("--seed", &options->seed, "Seed of the weights", {.show_default = true});
    command.add_option("--vocab", &options->vocabulary, "GGUF file whose tokenizer is copied, cut or padded to fit");
    command.on_run([options] { synth(*options); });
}

}  // namespace tools
