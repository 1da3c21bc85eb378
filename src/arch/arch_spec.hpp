// SPDX-License-Identifier: MIT
// The vocabulary in which architectures are written: what a transformer is made of, as plain data. One file per
// architecture in this folder fills a ModelSpec from a file's metadata; model/ loads and computes what it says.
// Every field is consumed at one place in model/; a field enters only together with an architecture that uses it.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <span>
#include <string_view>
#include <vector>

#include "gguf/file.hpp"

namespace linnet::arch {

enum class Activation : std::uint8_t { silu, gelu_tanh, gelu };

// rms: x / rms(x) * weight. layer: (x - mean) / deviation * weight + bias, the bias where the file has one.
enum class NormKind : std::uint8_t { rms, layer };

// What is normed at a time of queries and keys, where the file has such norms. head: each with the same weights
// [head_dim]; each_head: each with weights of its own; row: all heads as one.
enum class HeadNorm : std::uint8_t { head, each_head, row };

// How the final states of a text become one vector; numbered as files do. rank: a classifier of the first state, or of
// the last one where attention is causal.
enum class Pooling : std::uint8_t { none, mean, cls, last, rank };
inline constexpr std::uint32_t kPoolings = 5;

// none: positions do not enter. interleaved: pairs (2i, 2i+1). neox: pairs (i, i + n_rot/2).
enum class RopeKind : std::uint8_t { none, interleaved, neox };

// How inverse frequencies are derived from theta^(-2i/n_rot).
enum class RopeScaling : std::uint8_t { none, linear, yarn, longrope };

struct RopeSpec {
    RopeKind kind = RopeKind::neox;
    RopeScaling scaling = RopeScaling::none;
    std::uint32_t n_rot = 0;  // dimensions that are rotated, the first of each head
    float theta = 10000.0F;
    float factor = 1.0F;           // linear, yarn: context extension
    std::uint32_t n_ctx_orig = 0;  // yarn, longrope: context of the original training
    float beta_fast = 32.0F;       // yarn
    float beta_slow = 1.0F;        // yarn
    float magnitude = 1.0F;        // multiplies cos and sin
    bool use_factors = false;      // divide frequencies by the tensor rope_freqs.weight when the file has it
    bool operator==(const RopeSpec&) const = default;
};

struct LayerSpec {
    std::uint32_t n_heads = 0;
    std::uint32_t n_kv_heads = 0;
    std::uint32_t head_dim = 0;
    std::uint32_t d_ff = 0;
    std::uint32_t window = 0;  // position i sees i - window + 1 .. i, or i - window / 2 .. i + window / 2; 0: all
    std::uint32_t rope = 0;    // index into ModelSpec::ropes
    float attention_scale = 0.0F;
    float attention_cap = 0.0F;  // scores become cap * tanh(score / cap); 0: they stay
    HeadNorm head_norm = HeadNorm::head;
    Activation activation = Activation::silu;
    bool parallel = false;  // attention and feed-forward of the same x, which both are then added to
};

// Queries at position p are multiplied by 1 + beta ln(1 + floor(p / n_ctx_orig)).
struct TemperatureSpec {
    float beta = 0.0F;
    std::uint32_t n_ctx_orig = 1;
};

struct ModelSpec {
    explicit ModelSpec(std::pmr::memory_resource& memory) : ropes(&memory), layers(&memory) {}

    std::string_view architecture;  // as the file names it
    std::uint32_t n_vocab = 0;
    std::uint32_t n_ctx_train = 0;
    std::uint32_t d_model = 0;
    std::uint32_t n_positions = 0;    // rows of the learned position embedding, which bounds the context; 0: none
    std::uint32_t n_token_types = 0;  // rows of the embedding of token types, of which the first counts; 0: none
    bool bidirectional = false;       // positions see those after them as well: a text is computed in one pass
    Pooling pooling = Pooling::none;
    std::uint32_t d_dense = 0;    // width between the two dense layers of a pooled vector; 0: none
    std::uint32_t n_classes = 0;  // scores of the classifier; 0: none
    bool softmax_classes = false;
    NormKind norm = NormKind::rms;
    float norm_eps = 0.0F;
    float embedding_scale = 1.0F;
    float residual_scale = 1.0F;  // of what a half layer adds
    float logit_scale = 1.0F;
    float logit_cap = 0.0F;  // logits become cap * tanh(logit / cap), after the scale; 0: they stay
    TemperatureSpec temperature;
    std::pmr::vector<RopeSpec> ropes;
    std::pmr::vector<LayerSpec> layers;
};

// What a tensor is for. `token_embd` .. `rope_factors_short` exist once, the rest once per layer.
enum class Role : std::uint8_t {
    token_embd,
    token_embd_norm,
    token_embd_norm_bias,
    position_embd,
    token_types,
    output_norm,
    output_norm_bias,
    output,
    output_bias,
    dense_2,
    dense_3,
    cls,
    cls_bias,
    cls_output,
    cls_output_bias,
    rope_freqs,
    rope_factors_long,
    rope_factors_short,
    attn_norm,
    attn_norm_bias,
    attn_q,
    attn_k,
    attn_v,
    attn_qkv,
    attn_qkv_bias,
    attn_q_bias,
    attn_k_bias,
    attn_v_bias,
    attn_q_norm,
    attn_k_norm,
    attn_output,
    attn_output_bias,
    post_attention_norm,
    attn_output_norm,
    attn_output_norm_bias,
    ffn_norm,
    ffn_norm_bias,
    ffn_gate,
    ffn_up,
    ffn_down,
    ffn_gate_bias,
    ffn_up_bias,
    ffn_down_bias,
    post_ffw_norm,
    layer_output_norm,
    layer_output_norm_bias,
};
inline constexpr std::size_t kRoles = static_cast<std::size_t>(Role::layer_output_norm_bias) + 1;
inline constexpr std::size_t kModelRoles = static_cast<std::size_t>(Role::rope_factors_short) + 1;

// Extent of a tensor axis in terms of the spec.
enum class Dim : std::uint8_t {
    one,
    d_model,
    n_vocab,
    q,    // n_heads * head_dim
    kv,   // n_kv_heads * head_dim
    qkv,  // q + 2 kv
    head_dim,
    n_heads,     // as n_out: a vector for each head
    n_kv_heads,  // likewise
    n_positions,
    n_token_types,
    d_dense,
    n_classes,
    d_ff,
    two_d_ff,  // gate and up fused
    half_rot,  // n_rot / 2
};

// with_previous: present exactly where the slot before is. unless_fused: required where the file lacks the fused tensor
// of which this one is a part, else absent.
enum class Need : std::uint8_t { required, optional, with_previous, unless_fused };

struct TensorSlot {
    Role role;
    Dim n_in;   // the contiguous axis
    Dim n_out;  // Dim::one, n_heads, n_kv_heads: vectors
    Need need = Need::required;
};

// One architecture.
struct ArchSpec {
    std::string_view name;  // general.architecture
    void (*read)(const gguf::File& file, ModelSpec& spec);
    std::span<const TensorSlot> slots;
};

// All architectures, sorted by name; generated from the files of this folder.
std::span<const ArchSpec* const> all() noexcept;
// Throws Error(unsupported) naming the architecture.
const ArchSpec& find(std::string_view name);

}  // namespace linnet::arch
