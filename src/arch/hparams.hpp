// SPDX-License-Identifier: MIT
// Reading an architecture's metadata keys ("<architecture>.<name>") with ranges, and what most decoders share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "arch/arch_spec.hpp"
#include "gguf/file.hpp"

namespace linnet::arch {

class HParams {
  public:
    explicit HParams(const gguf::File& file);

    const gguf::File& file() const noexcept { return file_; }
    std::string key(std::string_view name) const;  // "llama.block_count"
    bool has(std::string_view name) const;

    // A count in 1..max; Error(bad_file) naming the key when absent or out of range.
    std::uint32_t count(std::string_view name, std::uint32_t max) const;
    // In 0..max, `otherwise` when absent.
    std::uint32_t count_or(std::string_view name, std::uint32_t otherwise, std::uint32_t max) const;
    // The same for a key which holds one number for all layers or an array with one for each (of n_layers, or of all
    // that the file has); in min..max.
    std::uint32_t layer_count(std::string_view name, std::uint32_t layer, std::uint32_t n_layers,
                              std::uint32_t otherwise, std::uint32_t max, std::uint32_t min = 1) const;
    // The elements of an array of booleans with one for each layer, likewise; empty when absent.
    std::vector<bool> layer_flags(std::string_view name, std::size_t n_layers) const;
    // Finite and > 0.
    float positive(std::string_view name) const;
    float positive_or(std::string_view name, float otherwise) const;

  private:
    void check_length(const std::string& key, std::size_t n, std::size_t n_layers) const;

    const gguf::File& file_;
    std::string_view architecture_;
};

// n_vocab (from token_embd.weight), n_ctx_train, d_model, bidirectional, pooling, norm_eps (by the key that goes with
// spec.norm), n_draft_layers, and layers with n_heads, n_kv_heads, head_dim, d_ff and attention_scale =
// 1 / sqrt(head_dim).
// min_kv_heads 0: layers may have no KV heads, which n_heads and head_dim then say nothing of.
void read_decoder(const HParams& h, ModelSpec& spec, std::uint32_t min_kv_heads = 1);

// Granite's scales of embeddings, of what half layers add, of logits (which are divided by theirs) and of attention:
// neutral where the file has none.
void read_scales(const HParams& h, ModelSpec& spec);

// Rows of a matrix; 0 when the file has no such tensor.
std::uint32_t rows_of(const gguf::File& file, std::string_view tensor);
// The classifier of a file that ranks: n_classes.
void read_classifier(const HParams& h, ModelSpec& spec);

// Whether the file is of a model with experts, where its architecture has both kinds.
bool has_experts(const HParams& h);
// What expert_gating_func and expert_weights_norm say; where the first is missing a sigmoid if the file has biases of
// experts, else a softmax.
Routing read_routing(const HParams& h);
// Experts as the keys expert_* say, as wide as the dense feed-forward and without a shared one where no key gives it:
// in all layers, but for the first leading_dense_block_count and, of the others, those between every
// interleave_moe_layer_step-th. The dense one stays beside them or goes.
void read_experts(const HParams& h, ModelSpec& spec, Routing routing, bool beside_dense = false);

// Rotation as the keys rope.freq_base, rope.dimension_count and rope.scaling.* say. Unknown scaling types are refused.
RopeSpec read_rope(const HParams& h, const ModelSpec& spec, RopeKind kind);

// The same (interleaved) unless rope.scaling.finetuned is false, which says in Granite's files that positions do not
// enter.
RopeSpec read_granite_rope(const HParams& h, const ModelSpec& spec);

// The same of Phi 3's family (neox): longrope where the file has the tensors of its factors, whatever the keys say.
RopeSpec read_longrope(const HParams& h, const ModelSpec& spec);

// Window of the layers that attention.sliding_window_pattern flags, which are to turn with rope 1, the others with 0.
// The last attention.shared_kv_layers layers attend to the keys and values of the last layer of their kind before them.
void read_windows_and_sharing(const HParams& h, ModelSpec& spec);

// d_per_layer and, from per_layer_token_embd.weight, n_vocab_per_layer.
void read_per_layer_embedding(const HParams& h, ModelSpec& spec);

// Layers that attention.recurrent_layers flags (else all but every full_attention_interval-th) become gated delta nets
// as ssm.* say, attention in the others is gated. After read_rope().
void read_delta_nets(const HParams& h, ModelSpec& spec);

// Layers without KV heads become state spaces, as ssm.* say.
void read_state_spaces(const HParams& h, ModelSpec& spec);

// LFM2: all but the feed-forward of a model whose layers without KV heads are short convolutions.
void read_short_convs(const HParams& h, ModelSpec& spec);

}  // namespace linnet::arch
